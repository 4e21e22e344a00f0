"""Collection: the input spread with stride - 1 zeros and padded, and the flipped kernel sliding
over it, one position an output.

The spread input makes a stride of 1: its position j is input j/stride where that is whole.
"""

from __future__ import annotations

from dataclasses import replace

from tconv._core.arguments import Shape
from tconv._core.axis import Axis
from tconv.explanation.sums import Sums
from tconv.explanation.views.drawing import Cell, Drawing, Grid, Sheet, grid
from tconv.explanation.views.palette import (
    BLANK,
    CROP,
    FAINT,
    INK,
    KERNEL,
    OUTSIDE,
    W_FOCUS,
    X_FOCUS,
    Y_FOCUS,
    ZERO,
    W,
    X,
    Y,
)
from tconv.explanation.views.section import Section

TIMES = "\N{MULTIPLICATION SIGN}"
CAPTION = "Dashed: what y reads. Grey: inputs that padding crops."


def collection(sums: Sums, index: Shape | None = None) -> Drawing:
    """The spread input, the flipped kernel, and y; with the kernel at the output in focus."""
    return _draw(Section(sums, index), None)


def collection_frames(sums: Sums, index: Shape | None = None) -> list[Drawing]:
    """One picture an output, in the order of y: what the kernel reads there."""
    section = Section(sums, index, focused=False)
    every = list(section.y_grid().indices())
    leading = section.sample, section.channel
    return [_draw(Section(sums, (*leading, *o)), set(every[:n])) for n, o in enumerate(every, 1)]


def _draw(section: Section, done: set[Shape] | None) -> Drawing:
    """The picture with all of y, or with what is ``done`` of it."""
    sheet, row, along = Sheet(), 1.0, len(section.axes) == 1
    for channel in section.channels:
        spread = _spread_grid(section, row)
        beside = sheet.title(spread, f"{section.x_name(channel)}, spread and padded")
        kernel = _kernel_grid(section, row, beside)
        beside = sheet.title(kernel, f"{section.w_name(channel)}, flipped")
        _spread(sheet, section, spread, channel)
        _kernel(sheet, section, kernel, channel)
        row += max(spread.rows, kernel.rows) + 1.4
    y = section.y_grid(row=row) if along else section.y_grid(row=1.0, column=beside)
    sheet.title(y, section.y_name())
    for position in y.indices():
        text = section.y(position) if done is None or position in done else ""
        lit = position == section.position
        fill = Y_FOCUS if lit else Y if text else BLANK
        sheet.cells.append(Cell("y", position, *y.place(position), text, fill, bold=lit))
    if _crops(section):
        sheet.below([CAPTION], ink=FAINT, gap=0.6)
    section.finish(sheet, [spread, kernel, y])
    return sheet.done()


def _spread_axes(section: Section) -> list[Axis]:
    """The axes from the spread input to y."""
    return [
        replace(axis, input_size=(axis.input_size - 1) * axis.stride + 1, stride=1)
        for axis in section.axes
    ]


def _read(section: Section) -> list[range]:
    """The positions of the spread input that y reads."""
    return [range(*axis.inputs_of(0, axis.output_size)) for axis in _spread_axes(section)]


def _crops(section: Section) -> bool:
    """Whether some inputs lie outside of what y reads."""
    pairs = zip(_read(section), _spread_axes(section), strict=True)
    return any(read.start > 0 or read.stop < axis.input_size for read, axis in pairs)


def _at_focus(section: Section) -> list[range]:
    """The positions under the kernel at the output in focus."""
    axes = zip(_spread_axes(section), section.position or (), strict=False)
    return [range(*axis.inputs_of(o, o + 1)) for axis, o in axes]


def _spread_grid(section: Section, row: float, column: float = 0) -> Grid:
    """The spread input from the first to the last of what is read or holds an input."""
    whole = [
        range(min(read.start, 0), max(read.stop, axis.input_size))
        for read, axis in zip(_read(section), _spread_axes(section), strict=True)
    ]
    near = [under.start + len(under) // 2 for under in _at_focus(section)]
    return grid("spread x", whole, near, row=row, column=column)


def _kernel_grid(section: Section, row: float, column: float) -> Grid:
    """The dilated kernel."""
    return grid("flipped w", [range(axis.extent) for axis in section.axes], row=row, column=column)


def _tap(section: Section, position: Shape) -> Shape | None:
    """The tap at a position of the flipped kernel; None for a gap, and outside of it."""
    axes = zip(section.axes, position, strict=True)
    return _whole([(a.extent - 1 - p, a.dilation, a.kernel_size) for a, p in axes])


def _input(section: Section, position: Shape) -> Shape | None:
    """The input at a position of the spread input; None for a zero."""
    axes = zip(section.axes, position, strict=True)
    return _whole([(j, axis.stride, axis.input_size) for axis, j in axes])


def _whole(steps: list[tuple[int, int, int]]) -> Shape | None:
    """distance/step of each (distance, step, size) if all are whole and below their size."""
    if all(d % step == 0 and 0 <= d // step < size for d, step, size in steps):
        return tuple(d // step for d, step, _ in steps)
    return None


def _spread(sheet: Sheet, section: Section, on: Grid, channel: int) -> None:
    """Inputs, zeros between and around them, and the weights over what is read."""
    read, under, axes = _read(section), _at_focus(section), _spread_axes(section)
    for position in on.indices():
        over = tuple(j - one.start for j, one in zip(position, under, strict=False))
        tap = _tap(section, over) if under else None
        i = _input(section, position)
        within = all(0 <= j < a.input_size for a, j in zip(axes, position, strict=True))
        text, fill, ink = "0", ZERO if within else BLANK, FAINT
        if i is not None:
            text, fill, ink = section.x(channel, i), X_FOCUS if tap else X, INK
        if not all(j in one for j, one in zip(position, read, strict=True)):
            fill, ink = OUTSIDE, FAINT
        corner = f"{TIMES}{section.w(channel, tap)}" if tap else ""
        lit = tap is not None and i is not None
        place = on.place(position)
        sheet.cells.append(Cell("spread x", position, *place, text, fill, ink, corner, bold=lit))
    if _crops(section):
        sheet.frame(on, read, CROP, dashed=True)
    if under:
        sheet.frame(on, under, KERNEL)


def _kernel(sheet: Sheet, section: Section, on: Grid, channel: int) -> None:
    """The kernel from its last tap to its first, a dilation apart."""
    for position in on.indices():
        tap = _tap(section, position)
        text, fill, meets = "", BLANK, False
        if tap is not None:
            meets = (channel, tap) in section.focus_taps
            text, fill = section.w(channel, tap), W_FOCUS if meets else W
        sheet.cells.append(Cell("flipped w", position, *on.place(position), text, fill, bold=meets))
