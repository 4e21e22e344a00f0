"""Distribution: every input stamps a copy of the kernel, scaled by it; what overlaps adds up, and
the frame keeps what padding does not crop."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from tconv._core.arguments import Shape
from tconv.explanation.sums import Sums
from tconv.explanation.terms import from_input
from tconv.explanation.values import times
from tconv.explanation.views.drawing import Cell, Drawing, Grid, Label, Sheet, window
from tconv.explanation.views.palette import (
    BLANK,
    CROP,
    FAINT,
    INK,
    OUTSIDE,
    PRODUCT,
    PRODUCT_FOCUS,
    W_FOCUS,
    X_FOCUS,
    Y_FOCUS,
    W,
    X,
    Y,
)
from tconv.explanation.views.section import MINUS, Input, Section, cell_text

STAMPS, STAMP, WIDE = 6, 10, 34  # stamps drawn apart; positions of each; columns of a row of them
LABELS = 6.0  # columns that the labels of rows take
CAPTION = "Framed: y. Grey: what padding crops."


def distribution(sums: Sums, index: Shape | None = None) -> Drawing:
    """x, w, and y with all that is summed in it; beside it the stamps that meet in the focus, or
    all where there are few."""
    return _draw(Section(sums, index), None)


def distribution_frames(sums: Sums, index: Shape | None = None) -> list[Drawing]:
    """One picture an input, in the order of x: what it adds to the sums so far."""
    section = Section(sums, index, focused=False)
    return [_draw(section, step) for step in range(1, len(_inputs(section)) + 1)]


def _draw(section: Section, step: int | None) -> Drawing:
    """The picture after so many inputs, or the static one."""
    return (_rows if len(section.axes) == 1 else _panels)(section, step)


def _inputs(section: Section) -> list[Input]:
    """The inputs that are drawn, channel by channel."""
    return list(product(section.channels, section.x_grid().indices()))


def _rows(section: Section, step: int | None) -> Drawing:
    """One spatial axis: a row a stamp, and their sum."""
    sheet, inputs = Sheet(), _inputs(section)
    current = inputs[step - 1] if step else None
    for row, channel in enumerate(section.channels):
        w = section.w_grid(row, LABELS)
        sheet.labels.append(_row_label(row, section.w_name(channel)))
        _kernel(sheet, section, w, channel, lit=current is not None and current[0] == channel)
    top = len(section.channels) + 0.6
    near = inputs.index(section.focus_inputs[0]) if section.focus_inputs else None
    shown = window(range(len(inputs)), step - 1 if step else near)
    for down, number in enumerate(shown):
        if step is None or number < step:
            one = inputs[number]
            grid = section.scatter_grid("stamp", row=top + down, column=LABELS)
            sheet.labels.append(_row_label(top + down, section.element(one)))
            _stamp(sheet, section, grid, one, lit=one == current)
    grid = section.scatter_grid("y", row=top + len(shown) + 0.3, column=LABELS)
    _scatter(sheet, section, grid, None if step is None else inputs[:step], current)
    sheet.labels.append(_row_label(grid.row, section.y_name()))
    _crop_frame(sheet, section, grid)
    sheet.frames = [replace(one, row=top, rows=one.row + 1 - top) for one in sheet.frames]
    return _finished(sheet, section, [w, grid])


def _panels(section: Section, step: int | None) -> Drawing:
    """Two spatial axes or more: x, w and y side by side; stamps below."""
    sheet, inputs = Sheet(), _inputs(section)
    current = inputs[step - 1] if step else None
    added = None if step is None else inputs[:step]
    grids = []
    row = 1.0
    for channel in section.channels:
        x = section.x_grid(row=row)
        w = section.w_grid(row, sheet.title(x, section.x_name(channel)))
        beside = sheet.title(w, section.w_name(channel))
        _input(sheet, section, x, channel, added, current)
        _kernel(sheet, section, w, channel, lit=current is not None and current[0] == channel)
        row += max(x.rows, w.rows) + 1.4
        grids += [x, w]
    y = section.scatter_grid("y", row=1.0, column=beside)
    sheet.title(y, section.y_name())
    _scatter(sheet, section, y, added, current)
    _crop_frame(sheet, section, y)
    if step is None:
        grids += _stamps(sheet, section, inputs)
    elif current is not None:
        value = cell_text(section.sums.x_value((section.sample, current[0], *current[1])))
        name = section.w_name(current[0])
        sheet.below([f"{section.element(current)} adds {value} times {name}"])
    return _finished(sheet, section, [*grids, y])


def _stamps(sheet: Sheet, section: Section, inputs: list[Input]) -> list[Grid]:
    """The copies of the kernel that the focus sums, or all, each on a scatter of its own."""
    chosen = section.focus_inputs if section.position else inputs
    if not chosen or (len(chosen) > STAMPS and section.position is None):
        return []
    rest = f", and {len(chosen) - STAMPS} more" if len(chosen) > STAMPS else ""
    sheet.below([f"The kernel as each of these inputs stamps it{rest}:"])
    row, column = sheet.rows + 1.0, 0.0
    for one in chosen[:STAMPS]:
        grid = section.scatter_grid("stamp", row, column, limit=STAMP)
        if column and column + grid.columns > WIDE:
            row, column = row + grid.rows + 1.4, 0.0
            grid = section.scatter_grid("stamp", row, column, limit=STAMP)
        column = sheet.title(grid, section.element(one))
        for position in grid.indices():
            sheet.cells.append(Cell("stamp", position, *grid.place(position), "", BLANK))
        _stamp(sheet, section, grid, one)
        _crop_frame(sheet, section, grid)
    return [grid]


def _input(
    sheet: Sheet,
    section: Section,
    grid: Grid,
    channel: int,
    added: list[Input] | None,
    current: Input | None,
) -> None:
    """One channel of x: all of it, or with those lit that are added."""
    for position in grid.indices():
        one = channel, position
        fill = X if added is None or one in added else BLANK
        lit = one == current or one in section.focus_inputs
        text = section.x(*one)
        place = grid.place(position)
        sheet.cells.append(Cell("x", position, *place, text, X_FOCUS if lit else fill, bold=lit))


def _kernel(sheet: Sheet, section: Section, grid: Grid, channel: int, *, lit: bool) -> None:
    """The kernel of one input channel."""
    for tap in grid.indices():
        meets = (channel, tap) in section.focus_taps
        fill = W_FOCUS if lit or meets else W
        text = section.w(channel, tap)
        sheet.cells.append(Cell("w", tap, *grid.place(tap), text, fill, bold=meets))


def _stamp(sheet: Sheet, section: Section, grid: Grid, one: Input, *, lit: bool = False) -> None:
    """The copy of the kernel that one input stamps."""
    for position, text in _products(section, one).items():
        if grid.holds(position):
            kept, meets = section.inside(position), position == section.position
            fill = (PRODUCT_FOCUS if lit or meets else PRODUCT) if kept else OUTSIDE
            ink = INK if kept else FAINT
            place = grid.place(position)
            sheet.cells.append(Cell("stamp", position, *place, text, fill, ink, bold=meets))


def _products(section: Section, one: Input) -> dict[Shape, str]:
    """What one input brings to each position where its copy of the kernel lands."""
    channel, position = one
    x = section.sums.x_value((section.sample, channel, *position))
    found = {}
    along = [from_input(axis, i) for axis, i in zip(section.axes, position, strict=True)]
    for triples in product(*along):
        _, tap, place = zip(*triples, strict=True)
        found[place] = cell_text(times(x, section.sums.w_value((channel, section.other, *tap))))
    return found


def _scatter(
    sheet: Sheet,
    section: Section,
    grid: Grid,
    added: list[Input] | None,
    current: Input | None,
) -> None:
    """y within the full scatter: the values, or the sums of the inputs ``added`` so far."""
    stamp = _products(section, current) if current else {}
    so_far = set(added or ())
    for position in grid.indices():
        kept = section.inside(position)
        if not kept and not section.products(position):
            continue
        text = section.y(position) if added is None else section.so_far(position, so_far)
        lit = position in stamp or position == section.position
        fill = (Y if text else BLANK) if kept else OUTSIDE
        if lit and kept:
            fill = PRODUCT_FOCUS if current else Y_FOCUS
        corner = _signed(stamp[position]) if position in stamp and "\n" not in text else ""
        ink = INK if kept else FAINT
        place = grid.place(position)
        sheet.cells.append(Cell("y", position, *place, text, fill, ink, corner, bold=lit))


def _signed(text: str) -> str:
    """What is added, with its sign."""
    return text if text.startswith(MINUS) else f"+{text}"


def _crops(section: Section) -> bool:
    """Whether y is anything but the full scatter."""
    return any(axis.lo or axis.hi for axis in section.axes)


def _crop_frame(sheet: Sheet, section: Section, grid: Grid) -> None:
    """Frame y, unless all that is shown lies within it."""
    parts = zip(grid.shown, section.outputs(), strict=True)
    within = all(shown[0] in y and shown[-1] in y for shown, y in parts)
    if _crops(section) and not (within and grid.shown != grid.whole):
        sheet.frame(grid, section.outputs(), CROP, dashed=True)


def _row_label(row: float, text: str) -> Label:
    return Label(row + 0.5, LABELS - 0.3, text, align="right")


def _finished(sheet: Sheet, section: Section, grids: list[Grid]) -> Drawing:
    if sheet.frames:
        sheet.below([CAPTION], ink=FAINT, gap=0.6)
    section.finish(sheet, grids)
    return sheet.done()
