"""Why transposed convolutions draw checkerboards, and two remedies, counted and drawn.

    python examples/checkerboard.py            # 200 generators of each kind
    python examples/checkerboard.py --short    # 20

A kernel whose size the stride does not divide reaches some output pixels more often than
others: ``tconv.coverage`` counts how often, ``tconv.checkerboard`` says how uneven that is.  A
generator of such layers draws the pattern before it has learned anything.  The remedies are a
kernel that the stride divides, and interpolation followed by a convolution (``resize_conv``).

Source: Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill (2016).
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import digits
import numpy as np
import pictures
from matplotlib.figure import Figure
from tqdm import tqdm

import tconv

KERNELS = ((4, 3), (3, 2), (5, 2), (2, 3), (6, 3), (4, 2))  # (kernel size, stride)
CHANNELS = (1, 16, 16, 1)

# Three ways to double an image: what to call it, the kernel size, and the layer.
DOUBLINGS: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "kernel 3, stride 2": (
        3,
        partial(tconv.conv_transpose, stride=2, padding=1, output_padding=1),
    ),
    "kernel 4, stride 2": (4, partial(tconv.conv_transpose, stride=2, padding=1)),
    "resize, then kernel 3": (
        3,
        lambda x, w: tconv.resize_conv(x, w.swapaxes(0, 1), scale_factor=2),
    ),
}


def generate(doubling: str, image: Any, rng: np.random.Generator) -> Any:
    """The image (1, 1, n, n) doubled three times by layers with random weights, ReLU between.

    The weights scatter around a positive mean: the layers carry brightness on, as trained
    ones do, and what they add to it is their own pattern.
    """
    kernel, double = DOUBLINGS[doubling]
    for inputs, outputs in itertools.pairwise(CHANNELS):
        weight = rng.normal(1, 1, (inputs, outputs, kernel, kernel)) / (inputs * kernel**2)
        image = np.maximum(double(image, weight), 0)
    return image


def unevenness(image: Any) -> float:
    """(max - min) / mean of the pixel values inside the border, 0 for an even surface."""
    inside = image[..., 16:-16, 16:-16]
    return float((inside.max() - inside.min()) / inside.mean())


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="20 generators instead of 200")
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "output")
    chosen = options.parse_args(argv)
    count = 20 if chosen.short else 200

    print("kernel  stride   checkerboard   nearest even kernel")
    for kernel, stride in KERNELS:
        uneven = tconv.checkerboard((kernel, kernel), stride=stride)
        (even,) = tconv.nearest_uniform_kernel(kernel, stride=stride)
        print(f"{kernel:6} {stride:7} {uneven:14.2f} {even:21}")

    # A generator that is given an even surface should draw an even surface.
    flat = np.ones((1, 1, 8, 8))
    single, average, drawn = {}, {}, {}
    _, held_out = digits.load()
    digit = held_out.images[held_out.labels == 3][:1].astype(np.float64)
    for doubling in tqdm(DOUBLINGS, desc="generators", unit="kind"):
        surfaces = [generate(doubling, flat, np.random.default_rng(seed)) for seed in range(count)]
        single[doubling] = float(np.median([unevenness(surface) for surface in surfaces]))
        average[doubling] = np.mean(surfaces, axis=0)
        drawn[doubling] = generate(doubling, digit, np.random.default_rng(0))

    picture = chosen.out / "checkerboard.png"
    draw(drawn, average, picture)
    print(f"\nunevenness of a flat surface, doubled three times by {count} random generators")
    print("                         one (median)   their average")
    for doubling in DOUBLINGS:
        print(f"{doubling:24} {single[doubling]:12.2f} {unevenness(average[doubling]):15.2f}")
    print(f"drawn in {picture}")
    return {"single": single, "average": {k: unevenness(v) for k, v in average.items()}}


def draw(drawn: dict[str, Any], average: dict[str, Any], path: Path) -> None:
    """Coverage maps, and a digit and a flat surface through each generator."""
    figure = Figure(figsize=(11, 9.8), layout="constrained")
    maps, images = figure.subfigures(2, 1, height_ratios=(1, 2.7))
    maps.suptitle("Coverage: how many taps reach each output pixel of a 6 x 6 input")
    for axes, (kernel, stride) in zip(maps.subplots(1, len(KERNELS)), KERNELS, strict=True):
        counts = tconv.coverage((6, 6), kernel, stride=stride)
        axes.imshow(counts, cmap="viridis", vmin=0, interpolation="nearest")
        uneven = tconv.checkerboard((kernel, kernel), stride=stride)
        axes.set_title(f"kernel {kernel}, stride {stride}\ncheckerboard {uneven:.2f}", fontsize=10)
        axes.axis("off")
    images.suptitle(
        "Doubled three times with random weights: a digit (one draw), a flat surface (average)"
    )
    for column, name in enumerate(drawn):
        digit, surface = images.add_subplot(2, 3, column + 1), images.add_subplot(2, 3, column + 4)
        inside = average[name][0, 0, 16:-16, 16:-16]
        digit.imshow(drawn[name][0, 0], cmap="gray", interpolation="nearest")
        surface.imshow(inside / inside.mean(), cmap="gray", vmin=0.3, vmax=1.7)
        digit.set_title(name)
        surface.set_title(f"flat: unevenness {unevenness(average[name]):.2f}")
        digit.axis("off")
        surface.axis("off")
    pictures.save(figure, path)


if __name__ == "__main__":
    main()
