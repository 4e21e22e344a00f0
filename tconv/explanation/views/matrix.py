"""Matrix: y as the product of a matrix with x, the transpose of a convolution's; the row of an
output holds the taps that reach it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from tconv._core.arguments import Shape
from tconv.explanation.sums import Sums
from tconv.explanation.terms import joins_of_output
from tconv.explanation.views.drawing import Cell, Drawing, Grid, Label, Sheet, grid
from tconv.explanation.views.palette import (
    BLANK,
    FAINT,
    INK,
    W_FOCUS,
    X_FOCUS,
    Y_FOCUS,
    W,
    X,
    Y,
)
from tconv.explanation.views.section import Input, Section

SMALL = 0.36  # the size of the names of rows and columns, in parts of a cell


def matrix(sums: Sums, index: Shape | None = None) -> Drawing:
    """The transposed matrix, x and y as columns; with the row of the output in focus."""
    section, sheet = Section(sums, index), Sheet()
    plan = sums.plan
    outputs, inputs = prod(plan.output_size), prod(plan.input_size) * len(section.channels)
    whole = [range(outputs), range(inputs)]
    near = [_flat(section.position, plan.output_size), None] if section.position else None
    if near and section.focus_inputs:
        near[1] = _column(section, section.focus_inputs[0])
    on = grid("matrix", whole, near, row=1.0)
    names = {row: _name(section, _unflat(row, plan.output_size)) for row in on.shown[0]}
    room = 0.6 * SMALL * max(map(len, names.values())) + 0.3
    on = replace(on, column=room)
    beside = sheet.title(on, f"matrix, {outputs} x {inputs}")
    x = Grid("x", on.whole[1:], on.shown[1:], 1.0, beside)
    y = Grid("y", on.whole[:1], on.shown[:1], 1.0, x.column + 1.5 + room)
    sheet.title(x, "x")
    sheet.title(y, "y")
    for row in on.shown[0]:
        position = _unflat(row, plan.output_size)
        _row(sheet, section, on, row, position)
        _entry(sheet, y, row, section.y(position), Y, Y_FOCUS, lit=position == section.position)
        sheet.labels.append(Label(_middle(y, row), room - 0.3, names[row], "right", SMALL, FAINT))
    for column in on.shown[1]:
        one = _input(section, column)
        _entry(sheet, x, column, section.x(*one), X, X_FOCUS, lit=one in section.focus_inputs)
        name = sums.orders.x.written((section.sample, *one[:1], *one[1]))
        sheet.labels.append(Label(_middle(x, column), x.column + 1.3, name, size=SMALL, ink=FAINT))
    section.finish(sheet, [on])
    return sheet.done()


def _name(section: Section, position: Shape) -> str:
    """An output as formulas write it."""
    return section.sums.orders.y.written((section.sample, section.channel, *position))


def _row(sheet: Sheet, section: Section, on: Grid, row: int, position: Shape) -> None:
    """One row: the taps that reach an output, and zeros."""
    index = (section.sample, section.channel, *position)
    taps = {}
    for join in joins_of_output(section.sums.plan, index):
        if join.x[1] in section.channels:
            taps[_column(section, (join.x[1], join.x[2:]))] = join.w[0], join.w[2:]
    lit = position == section.position
    for column in on.shown[1]:
        tap = taps.get(column)
        text, fill, ink = "0", BLANK, FAINT
        if tap is not None:
            text, fill, ink = section.w(*tap), W_FOCUS if lit else W, INK
        place = on.place((row, column))
        bold = lit and tap is not None
        sheet.cells.append(Cell("matrix", (row, column), *place, text, fill, ink, bold=bold))
    if lit:
        sheet.frame(on, [range(row, row + 1), on.whole[1]], INK)


def _entry(
    sheet: Sheet, on: Grid, number: int, text: str, fill: str, focus: str, *, lit: bool
) -> None:
    """One entry of a column vector."""
    place = _middle(on, number) - 0.5, on.column
    sheet.cells.append(Cell(on.name, (number,), *place, text, focus if lit else fill, bold=lit))


def _middle(on: Grid, number: int) -> float:
    """The middle of an entry of a column vector."""
    return on.row + number - on.shown[0].start + 0.5


def _column(section: Section, one: Input) -> int:
    """The column of an input: channel by channel, in the order of x."""
    size = section.sums.plan.input_size
    return (one[0] - section.channels[0]) * prod(size) + _flat(one[1], size)


def _input(section: Section, column: int) -> Input:
    """The input of a column."""
    size = section.sums.plan.input_size
    channel, rest = divmod(column, prod(size))
    return section.channels[channel], _unflat(rest, size)


def _flat(position: Sequence[int], size: Sequence[int]) -> int:
    flat = 0
    for one, length in zip(position, size, strict=True):
        flat = flat * length + one
    return flat


def _unflat(flat: int, size: Sequence[int]) -> Shape:
    found: list[int] = []
    for length in reversed(size):
        flat, one = divmod(flat, length)
        found.insert(0, one)
    return tuple(found)
