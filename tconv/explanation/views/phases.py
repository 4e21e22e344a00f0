"""Phases: outputs a stride apart meet the same taps, and one colour joins them."""

from __future__ import annotations

from tconv._core.arguments import Shape
from tconv._core.lattice import phases as phases_of
from tconv.explanation.sums import Sums
from tconv.explanation.text import alike_axes, phase_formulas
from tconv.explanation.views.drawing import Cell, Drawing, Sheet
from tconv.explanation.views.palette import BLANK, X_FOCUS, X, phase_colour
from tconv.explanation.views.section import MINUS, Section


def phases(sums: Sums, index: Shape | None = None) -> Drawing:
    """w and y coloured by phase, and which input each phase reads through which tap."""
    section, sheet = Section(sums, index), Sheet()
    along = len(section.axes) == 1
    row, reached = 1.0, _phases_of_taps(section)
    for channel in section.channels:
        x = section.x_grid(row=row)
        beside = sheet.title(x, section.x_name(channel))
        for position in x.indices():
            lit = (channel, position) in section.focus_inputs
            place, fill = x.place(position), X_FOCUS if lit else X
            text = section.x(channel, position)
            sheet.cells.append(Cell("x", position, *place, text, fill, bold=lit))
        w = section.w_grid(row, beside)
        beside = sheet.title(w, section.w_name(channel))
        for tap in w.indices():
            lit = (channel, tap) in section.focus_taps
            place = w.place(tap)
            pairs = zip(reached, tap, strict=True)
            fill = _colour(section, [phase.get(t) for phase, t in pairs])
            sheet.cells.append(Cell("w", tap, *place, section.w(channel, tap), fill, bold=lit))
        row += max(x.rows, w.rows) + 1.4
    y = section.y_grid(row=row) if along else section.y_grid(row=1.0, column=beside)
    sheet.title(y, section.y_name())
    for position in y.indices():
        lit, place = position == section.position, y.place(position)
        fill = _colour(section, _phase(section, position))
        sheet.cells.append(Cell("y", position, *place, section.y(position), fill, bold=lit))
    for name, number in alike_axes(sums):
        formulas = [text.replace("-", MINUS) for text in phase_formulas(section.axes[number])]
        sheet.below([f"{name}:", *[f"    {text}" for text in formulas]])
    section.finish(sheet, [x, w, y])
    return sheet.done()


def _phases_of_taps(section: Section) -> list[dict[int, int]]:
    """On each axis the phase, as seen after cropping, that each tap reaches."""
    found = []
    for axis in section.axes:
        every = phases_of(axis)
        found.append({tap: phase.first for phase in every for tap, _ in phase.reads})
    return found


def _phase(section: Section, position: Shape) -> list[int | None]:
    """The phase of an output on each axis; None where no tap reaches it."""
    found: list[int | None] = []
    for axis, o in zip(section.axes, position, strict=True):
        number = o % axis.stride
        found.append(number if phases_of(axis)[number].taps else None)
    return found


def _colour(section: Section, phase: list[int | None]) -> str:
    """The colour of a phase; none for taps that reach no output and outputs without taps."""
    known = [number for number in phase if number is not None]
    if len(known) < len(phase):
        return BLANK
    return phase_colour(known, section.sums.plan.stride)
