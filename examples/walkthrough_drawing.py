"""The drawing of the walkthrough: stamped kernels, zero insertion and phases, as coloured cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import tconv

COLOURS = ("#f4b183", "#9dc3e6", "#a9d18e", "#d9b3e6")
BLANK = "#ffffff"
PLAIN = "#ededed"
MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"


def draw(path: Path) -> None:
    figure = Figure(figsize=(11, 7.8), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(0.95, 1))
    stamps, product = top.subplots(1, 2)
    zeros, kernel, output = bottom.subplots(1, 3)
    _stamps(stamps)
    _product(product)
    _zeros(zeros)
    _phases(kernel, output)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def _stamps(axes: Axes) -> None:
    """Each input value stamps a scaled kernel; the columns are added."""
    x, w = np.array([2, 3, 0, -1]), np.array([1, 2, -1])
    grid = np.full((5, 9), None, dtype=object)
    colours = np.full((5, 9), BLANK, dtype=object)
    for i, value in enumerate(x):
        grid[i, 2 * i : 2 * i + 3] = value * w
        colours[i, 2 * i : 2 * i + 3] = COLOURS[i]
    grid[4] = tconv.conv_transpose(x[None, None], w[None, None], stride=2)[0, 0]
    colours[4] = PLAIN
    _cells(axes, grid, colours)
    _label_rows(axes, (*x, None))
    axes.set_title(
        "Shifted kernels: the input (2, 3, 0, $-$1)\nstamps the kernel (1, 2, $-$1) at stride 2"
    )


def _product(axes: Axes) -> None:
    """The same copies as the rows of the convolution's matrix."""
    w = np.array([[[1, 2, -1]]])
    matrix = tconv.conv_matrix(w, 9, stride=2)
    colours = np.full(matrix.shape, BLANK, dtype=object)
    for i in range(4):
        colours[i, 2 * i : 2 * i + 3] = COLOURS[i]
    _cells(axes, matrix, colours)
    _label_rows(axes, (2, 3, 0, -1))
    axes.set_title(
        "The convolution's matrix M has the kernels as rows;\nthe sum is the product $M^T x$"
    )


def _zeros(axes: Axes) -> None:
    """The input spread with zeros and padded, ready for a plain convolution."""
    x = np.array([[[[2, 4], [0, 1]]]])
    spread = np.pad(tconv.fractional_stride(x, 2)[0, 0], 1)
    colours = np.full(spread.shape, BLANK, dtype=object)
    colours[1:4, 1:4] = PLAIN
    colours[1:4:2, 1:4:2] = np.array(COLOURS, dtype=object).reshape(2, 2)
    _cells(axes, spread, colours)
    axes.set_title("Zero insertion: (2 4 / 0 1), stride 2,\npadded for a 2x2 kernel")


def _phases(kernel_axes: Axes, output_axes: Axes) -> None:
    """Which quarter of the kernel reaches which output pixel."""
    kernel = np.arange(1, 17).reshape(4, 4)
    _cells(kernel_axes, kernel, _checked(4, 0))
    kernel_axes.set_title("Phases: a 4x4 kernel at stride 2\nis four 2x2 kernels ...")
    ones = np.ones((1, 1, 4, 4), dtype=int)
    y = tconv.conv_transpose(ones, kernel[None, None], stride=2, padding=1)[0, 0]
    _cells(output_axes, y, _checked(8, 1))
    output_axes.set_title("... one for each phase of the output\n(input: ones, padding 1)")


def _checked(size: int, padding: int) -> Any:
    """Colours by phase: taps (t mod 2) and outputs ((o + padding) mod 2)."""
    phase = (np.arange(size) + padding) % 2
    return np.array(COLOURS, dtype=object)[2 * phase[:, None] + phase]


def _label_rows(axes: Axes, values: Any) -> None:
    for row, value in enumerate(values):
        label = "sum" if value is None else f"{value} {TIMES}".replace("-", MINUS)
        axes.text(-0.7, row, label, ha="right", va="center", fontsize=11)


def _cells(axes: Axes, values: Any, colours: Any) -> None:
    """A grid of numbers in coloured cells; None leaves a cell out."""
    rows, columns = values.shape
    for row in range(rows):
        for column in range(columns):
            if values[row, column] is None:
                continue
            corner = (column - 0.5, row - 0.5)
            colour = colours[row, column]
            square = Rectangle(corner, 1, 1, facecolor=colour, edgecolor="#808080", linewidth=0.8)
            axes.add_patch(square)
            text = str(values[row, column]).replace("-", MINUS)
            axes.text(column, row, text, ha="center", va="center", fontsize=10)
    axes.set_xlim(-1.6, columns)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_aspect("equal")
    axes.axis("off")
