"""A picture as text: its size, labels and frames, and a line a run of cells side by side."""

from __future__ import annotations

from tconv.explanation.views import palette
from tconv.explanation.views.drawing import Cell, Drawing

_FILLS = ("BLANK", "ZERO", "OUTSIDE", "X", "X_FOCUS", "W", "W_FOCUS", "Y", "Y_FOCUS")
_OTHERS = ("PRODUCT", "PRODUCT_FOCUS", "FAINT", "INK", "CROP", "KERNEL")
_NAMES = {getattr(palette, name): name for name in (*_FILLS, *_OTHERS)}


def pictured(drawing: Drawing) -> str:
    """All that a drawing holds.  Of a cell: text, corner, fill, ink if it is another than the
    usual one, and * where it is bold."""
    lines = [f"{drawing.rows:.6g} rows, {drawing.columns:.6g} columns"]
    for label in drawing.labels:
        about = f"{label.align} {label.size} {_NAMES[label.ink]}"
        lines.append(f"label {label.row:.6g} {label.column:.6g} {about}: {label.text}")
    for frame in drawing.frames:
        place = f"{frame.row:.6g} {frame.column:.6g} {frame.rows:.6g} {frame.columns:.6g}"
        lines.append(f"frame {place} {_NAMES[frame.colour]}{' dashed' * frame.dashed}")
    before: Cell | None = None
    for cell in drawing.cells:
        beside = (
            before is not None
            and (before.grid, before.row) == (cell.grid, cell.row)
            and abs(before.column + 1 - cell.column) < 1e-9
        )
        if not beside:
            lines.append(f"{cell.grid} {cell.row:.6g} {cell.column:.6g}:")
        lines[-1] += f" {_cell(cell)};"
        before = cell
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _cell(cell: Cell) -> str:
    index = ",".join(map(str, cell.index))
    ink = "" if cell.ink == palette.INK else f" {_NAMES[cell.ink]}"
    text = cell.text.replace("\n", "/")
    fill = _NAMES.get(cell.fill, cell.fill)
    return f"{index} '{text}' {cell.corner and cell.corner + ' '}{fill}{ink}{'*' * cell.bold}"
