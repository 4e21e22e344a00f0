"""Why every number is what it is: five cases that people ask about, in text, pictures, animations.

    python examples/explain.py            # the animations are of a 3 x 3 input
    python examples/explain.py --short    # of a 2 x 2 input

``tconv.explain`` knows the products that every output is the sum of, and draws them: the kernels
that the inputs stamp (distribution), the flipped kernel that slides over the input spread with
zeros (collection), the rows of the transposed matrix, and the phases.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pictures
from matplotlib.figure import Figure

import tconv

EXAMPLE = np.array([[2, 4], [0, 1]]), np.array([[3, 1], [1, 5]])  # input and kernel
SETTINGS = ((1, 0), (1, 1), (2, 0), (2, 1))  # (stride, padding)


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="animate a 2 x 2 input")
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "output")
    chosen = options.parse_args(argv)
    chosen.out.mkdir(parents=True, exist_ok=True)

    made = {
        "why": why(chosen.out / "explain_why.png"),
        "settings": settings(chosen.out / "explain_settings.png"),
        "channels": channels(chosen.out, 2 if chosen.short else 3),
        "lecture": lecture(chosen.out / "explain_lecture.png"),
        "textbook": textbook(chosen.out / "explain_textbook.png"),
    }
    print(f"drawn in {chosen.out}")
    return made


def why(path: Path) -> dict[tuple[int, int], int]:
    """ones(4, 4), the kernel 1..16, stride 2, padding 1: why is one corner 6 and its neighbour 12?

    Padding 1 crops the first row and column of the full scatter.  What is left begins in the
    middle of the kernel, where a corner is reached by one tap and its neighbour by two.
    """
    x, w = np.ones((1, 1, 4, 4), int), np.arange(1, 17).reshape(1, 1, 4, 4)
    explanation = tconv.explain(x, w, stride=2, padding=1)
    print(explanation)
    sums = {}
    for index in ((0, 0), (0, 1), (1, 1)):
        print(f"\n{explanation.text(index)}")
        sums[index] = sum(term.product for term in explanation.terms(index))

    scatter, phases = side_by_side((14.4, 8.8), (1, 1))
    explanation.plot((0, 1), "distribution", ax=scatter)
    explanation.plot((0, 0), "phases", ax=phases)
    scatter.set_title("Why 12: two taps meet in y[0, 1]", loc="left")
    phases.set_title("Why 6: of the four taps of its phase, one is inside x", loc="left")
    pictures.save(scatter.figure, path, dpi=68)
    return sums


def settings(path: Path) -> dict[tuple[int, int], Any]:
    """(2 4 / 0 1) with (3 1 / 1 5): four copies of the kernel, spread by the stride, cropped by
    the padding."""
    figure = Figure(figsize=(14.4, 8))
    found = {}
    axes = figure.subplots(2, 2, gridspec_kw=EDGE_TO_EDGE | {"hspace": 0.12})
    for one, (stride, padding) in zip(axes.flat, SETTINGS, strict=True):
        x, w = (array[None, None] for array in EXAMPLE)
        explanation = tconv.explain(x, w, stride=stride, padding=padding)
        explanation.plot(ax=one)
        one.set_title(f"stride {stride}, padding {padding}", loc="left")
        found[stride, padding] = explanation.y[0, 0].tolist()
    pictures.save(figure, path, dpi=72)
    return found


def channels(folder: Path, size: int) -> tuple[Path, Path]:
    """Two channels: what each stamps is added up; 3 x 3 kernels, stride 2, padding 1."""
    rng = np.random.default_rng(1)
    x, w = rng.integers(0, 5, (1, 2, size, size)), rng.integers(-2, 4, (2, 1, 3, 3))
    explanation = tconv.explain(x, w, stride=2, padding=1)
    return (
        explanation.animate(folder / "explain_distribution.gif", "distribution"),
        explanation.animate(folder / "explain_collection.gif", "collection"),
    )


def lecture(path: Path) -> list[list[int]]:
    """(2, 3, 0, -1) with (1, 2, -1) at stride 1 and 2: shifted kernels, and the columns of the
    transposed matrix, which are the same kernels."""
    x, w = np.array([[[2, 3, 0, -1]]]), np.array([[[1, 2, -1]]])
    figure = Figure(figsize=(14.4, 9.2))
    grid = EDGE_TO_EDGE | {"hspace": 0.05}
    axes = figure.subplots(2, 2, height_ratios=(1, 1.1), gridspec_kw=grid)
    found = []
    for column, stride in enumerate((1, 2)):
        explanation = tconv.explain(x, w, stride=stride)
        explanation.plot(2, "distribution", ax=axes[0, column])
        explanation.plot(2, "matrix", ax=axes[1, column])
        axes[0, column].set_title(f"stride {stride}", loc="left")
        found.append(explanation.y[0, 0].tolist())
    pictures.save(figure, path, dpi=72)
    return found


def textbook(path: Path) -> list[list[int]]:
    """(0 1 / 2 3) with itself: four scaled copies, and their sum as a product with a matrix."""
    x = np.array([[[[0, 1], [2, 3]]]])
    explanation = tconv.explain(x, x)
    stamps, matrix = side_by_side((14.4, 5.2), (1, 1))
    explanation.plot(ax=stamps)
    explanation.plot((1, 1), "matrix", ax=matrix)
    pictures.save(stamps.figure, path, dpi=72)
    return explanation.y[0, 0].tolist()


EDGE_TO_EDGE = {"left": 0.01, "right": 0.99, "bottom": 0, "top": 0.95, "wspace": 0.03}


def side_by_side(size: tuple[float, float], widths: tuple[float, float]) -> Any:
    """Two axes of a new figure."""
    figure = Figure(figsize=size)
    return figure.subplots(1, 2, width_ratios=widths, gridspec_kw=EDGE_TO_EDGE)


if __name__ == "__main__":
    main()
