"""A picture as a value: cells, frames and labels on a sheet, with no word of how it is rendered.

One unit is the side of a cell; rows run down and columns to the right.  An array with more than
two axes lies as blocks side by side, one for each position along its leading axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from tconv._core.arguments import Shape
from tconv.explanation.views.palette import INK

LIMIT = 16  # positions along an axis that a picture shows: 12, and what the kernel adds to them
GAP = 1.4  # cells between what stands side by side


@dataclass(frozen=True)
class Cell:
    """One element of an array, drawn at a place; ``corner`` is what lies over it."""

    grid: str
    index: Shape
    row: float
    column: float
    text: str
    fill: str
    ink: str = INK
    corner: str = ""
    bold: bool = False


@dataclass(frozen=True)
class Frame:
    """A rectangle around cells; ``colour`` says what it is the frame of."""

    row: float
    column: float
    rows: float
    columns: float
    colour: str
    dashed: bool = False


@dataclass(frozen=True)
class Label:
    """A line of text whose middle is at ``row``; ``size`` in parts of a cell."""

    row: float
    column: float
    text: str
    align: str = "left"
    size: float = 0.42
    ink: str = INK


@dataclass(frozen=True)
class Drawing:
    """What one picture shows."""

    cells: tuple[Cell, ...]
    frames: tuple[Frame, ...]
    labels: tuple[Label, ...]
    rows: float
    columns: float

    def grid(self, name: str) -> dict[Shape, Cell]:
        """The cells of one array by their index."""
        return {cell.index: cell for cell in self.cells if cell.grid == name}


@dataclass(frozen=True)
class Grid:
    """Where the elements of an array lie: the first of those ``shown`` at ``row`` and ``column``;
    ``whole`` are all of them."""

    name: str
    whole: tuple[range, ...]
    shown: tuple[range, ...]
    row: float = 0
    column: float = 0

    @property
    def rows(self) -> int:
        """Cells from top to bottom."""
        return len(self.shown[-2]) if len(self.shown) > 1 else 1

    @property
    def columns(self) -> int:
        """Cells from left to right, those between blocks included."""
        return self._blocks * (len(self.shown[-1]) + 1) - 1

    def indices(self) -> Iterator[Shape]:
        """Every index that is shown."""
        return product(*self.shown)

    def holds(self, index: Sequence[int]) -> bool:
        """Whether an index is shown."""
        return all(i in shown for i, shown in zip(index, self.shown, strict=True))

    def place(self, index: Sequence[int]) -> tuple[float, float]:
        """Row and column of an element."""
        steps = [i - shown.start for i, shown in zip(index, self.shown, strict=True)]
        block = 0
        for step, shown in zip(steps[:-2], self.shown, strict=False):
            block = block * len(shown) + step
        down = steps[-2] if len(steps) > 1 else 0
        across = block * (len(self.shown[-1]) + 1) + steps[-1]
        return self.row + down, self.column + across

    def around(self, ranges: Sequence[range]) -> Iterator[tuple[float, float, int, int]]:
        """(row, column, rows, columns) around the shown part of ranges of positions, one an axis;
        one rectangle a block."""
        pairs = zip(ranges, self.shown, strict=True)
        clipped = [range(max(a.start, s.start), min(a.stop, s.stop)) for a, s in pairs]
        if not all(clipped):
            return
        rows = len(clipped[-2]) if len(clipped) > 1 else 1
        corner = [one.start for one in clipped[-2:]]
        for block in product(*clipped[:-2]):
            yield *self.place([*block, *corner]), rows, len(clipped[-1])

    @property
    def _blocks(self) -> int:
        return prod(len(shown) for shown in self.shown[:-2])


@dataclass
class Sheet:
    """A drawing in the making."""

    cells: list[Cell] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def title(self, grid: Grid, text: str) -> float:
        """A name above a grid; returns the column from which on there is room beside both."""
        self.labels.append(Label(grid.row - 0.45, grid.column, text))
        return grid.column + max(grid.columns, width(self.labels[-1])) + GAP

    def frame(
        self, grid: Grid, ranges: Sequence[range], colour: str, *, dashed: bool = False
    ) -> None:
        """Frame ranges of positions of a grid."""
        for place in grid.around(ranges):
            self.frames.append(Frame(*place, colour, dashed))

    def below(self, lines: Sequence[str], *, ink: str = INK, gap: float = 0.75) -> None:
        """Lines of text under everything."""
        for line in lines:
            self.labels.append(Label(self.rows + gap, 0, line, ink=ink))
            gap = 0.15

    @property
    def rows(self) -> float:
        """How far down it reaches."""
        ends = [cell.row + 1 for cell in self.cells] + [label.row + 0.5 for label in self.labels]
        return max(ends, default=0)

    @property
    def columns(self) -> float:
        """How far to the right it reaches."""
        ends = [cell.column + 1 for cell in self.cells]
        ends += [label.column + width(label) for label in self.labels if label.align == "left"]
        return max(ends, default=0)

    def done(self) -> Drawing:
        """The drawing."""
        every = tuple(self.cells), tuple(self.frames), tuple(self.labels)
        return Drawing(*every, self.rows, self.columns)


def grid(
    name: str,
    whole: Sequence[range],
    focus: Sequence[int | None] | None = None,
    *,
    limit: int = LIMIT,
    row: float = 0,
    column: float = 0,
) -> Grid:
    """A grid that shows as much as is legible, with ``focus`` in it."""
    near = focus or [None] * len(whole)
    shown = [window(one, place, limit) for one, place in zip(whole, near, strict=True)]
    return Grid(name, tuple(whole), tuple(shown), row, column)


def window(whole: range, focus: int | None = None, limit: int = LIMIT) -> range:
    """At most ``limit`` of the positions, with ``focus`` near the middle."""
    if len(whole) <= limit:
        return whole
    first = whole.start if focus is None else focus - limit // 2
    first = min(max(whole.start, first), whole.stop - limit)
    return range(first, first + limit)


def width(label: Label) -> float:
    """Cells that a line covers: a character of the usual face is 0.6 as wide as the face is high,
    at most."""
    return 0.6 * label.size * len(label.text)
