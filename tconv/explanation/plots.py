"""Drawings on the axes of matplotlib, which is imported when something is drawn."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tconv.explanation.views.drawing import Cell, Drawing, Label
from tconv.explanation.views.palette import EDGE, FAINT, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL, MOST = 0.42, 15.0  # inches: of a cell, and of the longer side of a figure
WHOLE = 0.44  # the size of a short text, in parts of a cell
POINTS = 72.0  # an inch


def matplotlib(module: str) -> Any:
    """A module of matplotlib, or an error that says how to get it."""
    try:
        return import_module(f"matplotlib.{module}")
    except ImportError as error:
        raise ImportError(
            "Pictures of tconv.explain need matplotlib. Install it with: "
            "pip install 'tconv[explain]'"
        ) from error


def new_axes(rows: float, columns: float) -> Axes:
    """Axes that fill a new figure of the right size for a drawing."""
    scale = min(CELL, MOST / max(rows + 1, columns + 1))
    size = (columns + 1) * scale, (rows + 1) * scale
    figure = matplotlib("figure").Figure(figsize=size)
    axes: Axes = figure.add_axes((0, 0, 1, 1))
    return axes


def render(drawing: Drawing, axes: Axes, *, bounds: tuple[float, float] | None = None) -> None:
    """Draw onto axes, which are cleared; ``bounds`` are the rows and columns to leave room for."""
    patches = matplotlib("patches")
    rows, columns = bounds or (drawing.rows, drawing.columns)
    axes.clear()
    axes.set_axis_off()
    axes.set_aspect("equal", anchor="NW")
    axes.set_xlim(-0.5, columns + 0.5)
    axes.set_ylim(rows + 0.5, -0.5)
    scale = _points(axes, rows + 1, columns + 1)
    width = min(0.8, scale / 30)
    squares = [_square(cell) for cell in drawing.cells]
    fills = [cell.fill for cell in drawing.cells]
    collection = matplotlib("collections").PolyCollection
    axes.add_collection(
        collection(squares, facecolors=fills, edgecolors=EDGE, linewidths=width, zorder=1)
    )
    lit = [square for square, cell in zip(squares, drawing.cells, strict=True) if cell.bold]
    axes.add_collection(
        collection(lit, facecolors="none", edgecolors=INK, linewidths=2 * width, zorder=2)
    )
    for frame in drawing.frames:
        box = patches.Rectangle(
            (frame.column, frame.row), frame.columns, frame.rows, fill=False, zorder=3,
            edgecolor=frame.colour, linewidth=3 * width, linestyle="--" if frame.dashed else "-",
        )  # fmt: skip
        axes.add_patch(box)
    sizes = _sizes(drawing)
    for cell in drawing.cells:
        _write(axes, cell, sizes.get(cell.grid, WHOLE), scale)
    for label in drawing.labels:
        _label(axes, label, scale)


def _square(cell: Cell) -> list[tuple[float, float]]:
    """The corners of a cell."""
    return [(cell.column + x, cell.row + y) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]


def _points(axes: Axes, rows: float, columns: float) -> float:
    """The side of a cell in points."""
    figure = axes.get_figure(root=False)
    assert figure is not None
    box = axes.get_window_extent()
    inches = box.width / figure.dpi, box.height / figure.dpi
    return POINTS * min(inches[0] / columns, inches[1] / rows)


def _sizes(drawing: Drawing) -> dict[str, float]:
    """The size of the numbers of each grid, in parts of a cell: that at which its longest fits."""
    sizes: dict[str, float] = {}
    for cell in drawing.cells:
        if "\n" not in cell.text:
            sizes[cell.grid] = min(sizes.get(cell.grid, WHOLE), _fitting(cell.text))
    return sizes


def _fitting(text: str) -> float:
    """The size at which a text fits into a cell."""
    lines = text.split("\n")
    return min(WHOLE, 1.4 / max(1, *map(len, lines)), 0.8 / len(lines))


def _write(axes: Axes, cell: Cell, size: float, scale: float) -> None:
    """The text of a cell, and what lies over it in the corner below."""
    if cell.text:
        axes.text(
            cell.column + 0.5, cell.row + (0.37 if cell.corner else 0.5), cell.text,
            ha="center", va="center", color=cell.ink, zorder=4, linespacing=1.0,
            fontsize=min(size, _fitting(cell.text)) * scale,
            fontweight="bold" if cell.bold else "normal",
        )  # fmt: skip
    if cell.corner:
        axes.text(
            cell.column + 0.94, cell.row + 0.97, cell.corner, ha="right", va="bottom",
            color=INK if cell.bold else FAINT, zorder=4,
            fontsize=min(0.31, 1.35 / len(cell.corner)) * scale,
        )  # fmt: skip


def _label(axes: Axes, label: Label, scale: float) -> None:
    axes.text(
        label.column, label.row, label.text, ha=label.align, va="center", color=label.ink,
        fontsize=label.size * scale, zorder=4, parse_math=False,
    )  # fmt: skip
