"""The data of the examples and its judge: scikit-learn's handwritten digits, and a classifier.

The digits are 1797 images of 8 x 8 pixels in 17 levels of grey; they ship inside scikit-learn,
so nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC


@dataclass(frozen=True)
class Digits:
    """Images (batch, 1, 8, 8) in [0, 1] as float32, and labels 0 to 9."""

    images: Any
    labels: Any


def load(seed: int = 0) -> tuple[Digits, Digits]:
    """1437 digits to train on and 360 held out, each with all classes in proportion."""
    data = load_digits()
    images = (data.images[:, None] / 16.0).astype(np.float32)
    train, held_out, train_labels, held_out_labels = train_test_split(
        images, data.target, test_size=0.2, stratify=data.target, random_state=seed
    )
    return Digits(train, train_labels), Digits(held_out, held_out_labels)


class Judge:
    """A classifier of digits that has never seen a generated image."""

    def __init__(self, digits: Digits) -> None:
        """Learn to read from these digits."""
        self.model = SVC(kernel="rbf", gamma="scale", C=10.0)
        self.model.fit(_flat(digits.images), digits.labels)

    def classes(self, images: Any) -> Any:
        """The class that the judge sees in each image, (batch,)."""
        return self.model.predict(_flat(images))

    def accuracy(self, digits: Digits) -> float:
        """The share of images in which the judge sees the label."""
        return float(np.mean(self.classes(digits.images) == digits.labels))


def entropy_bits(classes: Any) -> float:
    """Entropy of the classes seen: log2(10) = 3.32 if all ten are equally frequent, 0 if one."""
    shares = np.bincount(classes, minlength=10) / len(classes)
    return float(-sum(p * np.log2(p) for p in shares if p > 0))


def spread(digits: Digits) -> float:
    """Mean distance between two images of one class, averaged over the classes."""
    means = []
    for label in np.unique(digits.labels):
        flat = _flat(digits.images[digits.labels == label])
        means.append(cdist(flat, flat).sum() / (len(flat) * (len(flat) - 1)))
    return float(np.mean(means))


def novelty(images: Any, known: Any) -> float:
    """Mean distance from an image to the nearest of the known ones: 0 if copied."""
    return float(cdist(_flat(images), _flat(known)).min(axis=1).mean())


def _flat(images: Any) -> Any:
    return np.asarray(images).reshape(len(images), -1)
