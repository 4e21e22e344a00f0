"""The part of a call that one picture shows: one sample, one output channel, and the input
channels that it sums over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import wrap
from typing import Any

from tconv._core.arguments import Shape
from tconv._core.axis import Axis
from tconv.explanation.sums import Sums
from tconv.explanation.terms import Join, group_inputs, inside, joins_of_output
from tconv.explanation.values import total, written
from tconv.explanation.views.drawing import LIMIT, Grid, Sheet, grid
from tconv.explanation.views.palette import FAINT

CHANNELS, LINES, CHARACTERS = 3, 4, 5  # input channels drawn; of a sum of letters; of a float
WIDTH = 90  # characters of a line below a narrow picture
MINUS, DOT = "\N{MINUS SIGN}", "\N{MIDDLE DOT}"

Input = tuple[int, Shape]  # input channel and position


@dataclass(frozen=True)
class Section:
    """A picture's part of ``sums``: the sample and the output channel of ``index``, in canonical
    order, and its element in focus unless ``focused`` is False."""

    sums: Sums
    index: Shape | None = None
    focused: bool = True

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The spatial axes."""
        return self.sums.plan.axes

    @property
    def sample(self) -> int:
        """The sample that is drawn."""
        return self.index[0] if self.index else 0

    @property
    def channel(self) -> int:
        """The output channel that is drawn."""
        return self.index[1] if self.index else 0

    @property
    def position(self) -> Shape | None:
        """The spatial position in focus."""
        return self.index[2:] if self.index and self.focused else None

    @cached_property
    def channels(self) -> range:
        """The input channels that are drawn."""
        every = group_inputs(self.sums.plan, self.channel // self.sums.plan.group_out_channels)
        return every[:CHANNELS]

    @property
    def other(self) -> int:
        """The output channel within its group, as w counts it."""
        return self.channel % self.sums.plan.group_out_channels

    def x_grid(self, row: float = 0, column: float = 0) -> Grid:
        """Where x is drawn: around the inputs that meet in the focus."""
        near = None
        if self.position is not None:
            pairs = zip(self.axes, self.position, strict=True)
            near = [(o + axis.lo) // axis.stride for axis, o in pairs]
        return grid(
            "x", [range(axis.input_size) for axis in self.axes], near, row=row, column=column
        )

    def y_grid(self, row: float = 0, column: float = 0) -> Grid:
        """Where y is drawn."""
        return grid("y", self.outputs(), self.position, row=row, column=column)

    def w_grid(self, row: float, column: float) -> Grid:
        """Where w is drawn."""
        return grid("w", [range(axis.kernel_size) for axis in self.axes], row=row, column=column)

    def scatter_grid(self, name: str, row: float, column: float, *, limit: int = LIMIT) -> Grid:
        """Where the full scatter is drawn, in positions of y, with what extends it."""
        whole = []
        for axis in self.axes:
            stop = axis.output_size + max(axis.hi, 0)
            whole.append(range(min(0, -axis.lo), stop))
        return grid(name, whole, self.position, limit=limit, row=row, column=column)

    @cached_property
    def focus_inputs(self) -> tuple[Input, ...]:
        """The drawn inputs that meet in the focus."""
        return tuple((j.x[1], j.x[2:]) for j in self._focus() if j.x[1] in self.channels)

    @cached_property
    def focus_taps(self) -> tuple[Input, ...]:
        """The taps that meet in the focus, with their input channel."""
        return tuple((j.w[0], j.w[2:]) for j in self._focus())

    def outputs(self) -> tuple[range, ...]:
        """The positions of y."""
        return tuple(range(axis.output_size) for axis in self.axes)

    def inside(self, position: Sequence[int]) -> bool:
        """Whether a position is one of y."""
        return all(map(inside, self.axes, position))

    def x(self, channel: int, position: Shape) -> str:
        """An input, as it is written into a cell."""
        return cell_text(self.sums.x_value((self.sample, channel, *position)))

    def w(self, channel: int, tap: Shape) -> str:
        """A weight, as it is written into a cell."""
        return cell_text(self.sums.w_value((channel, self.other, *tap)))

    def y(self, position: Shape) -> str:
        """An output, as it is written into a cell; of a cropped position what would be there."""
        index = (self.sample, self.channel, *position)
        if self.inside(position):
            return cell_text(self.sums.y_value(index))
        return cell_text(self.sums.sum_of(index))

    def products(self, position: Shape) -> list[tuple[Input, Any]]:
        """The drawn inputs that land on a position, each with its product."""
        joins = joins_of_output(self.sums.plan, (self.sample, self.channel, *position))
        return [((j.x[1], j.x[2:]), self.sums.product(j)) for j in joins if j.x[1] in self.channels]

    def so_far(self, position: Shape, added: set[Input]) -> str:
        """The sum of what some inputs have brought to a position, with its bias; "" before any."""
        values = [value for one, value in self.products(position) if one in added]
        if self.sums.b is not None and self.inside(position):
            values.append(self.sums.bias_of(self.channel))
        return cell_text(total(values)) if values else ""

    def x_name(self, channel: int) -> str:
        """A title such as ``x[0, 1]``."""
        return _slice_name(self.sums.orders.x, (self.sample, channel), self.axes)

    def w_name(self, channel: int) -> str:
        """A title such as ``w[1, 0]``."""
        return _slice_name(self.sums.orders.w, (channel, self.other), self.axes)

    def y_name(self) -> str:
        """A title such as ``y[0, 0]``."""
        return _slice_name(self.sums.orders.y, (self.sample, self.channel), self.axes)

    def element(self, one: Input) -> str:
        """An input with its value: ``x[0, 1] = 2``."""
        index = (self.sample, one[0], *one[1])
        value = written(self.sums.x_value(index))
        return f"{self.sums.orders.x.written(index)} = {value}".replace("-", MINUS)

    def finish(self, sheet: Sheet, grids: Sequence[Grid]) -> None:
        """Under the picture: the sum in focus, and what the picture leaves out."""
        width = max(WIDTH, int(sheet.columns * 3.6))
        if self.index and self.focused:
            sheet.below(_wrapped(self.sums.formula(self.index).replace("-", MINUS), width))
        notes = list(dict.fromkeys(self._notes(grids)))
        if notes:
            sheet.below(wrap(f"Cut: {'; '.join(notes)}.", width), ink=FAINT)

    def _focus(self) -> Iterator[Join]:
        """The products that meet in the focus."""
        if self.index and self.focused:
            yield from joins_of_output(self.sums.plan, self.index)

    def _notes(self, grids: Sequence[Grid]) -> Iterator[str]:
        summed = self.sums.plan.group_in_channels
        if summed > len(self.channels):
            first, last = self.channels[0], self.channels[-1]
            yield f"input channels {first} to {last} of the {summed} that are summed are drawn"
        for one in grids:
            for axis, (shown, whole) in enumerate(zip(one.shown, one.whole, strict=True)):
                if shown != whole:
                    which = f", axis {axis}" if len(one.whole) > 1 else ""
                    part = f"{shown[0]} to {shown[-1]} of {whole[0]} to {whole[-1]}"
                    yield f"{one.name}{which}: {part}".replace("-", MINUS)


def cell_text(value: Any) -> str:
    """A value in a cell: a sum of letters one product a line, a complex number on two, a float
    with as many digits as there is room for."""
    if isinstance(value, str):
        lines = value.replace("*", DOT).split(" + ")
        return "\n+".join(lines) if len(lines) <= LINES else f"{len(lines)}\nterms"
    if isinstance(value, complex):
        sign = "" if value.imag < 0 else "+"
        return f"{cell_text(value.real)}\n{sign}{cell_text(value.imag)}j"
    text = written(value)
    if isinstance(value, float):
        kinds = ".3g", ".3f", ".2g", ".2f", ".0f", ".1g", ".1f"
        forms = [format(value + 0.0, kind) for kind in kinds]
        fitting = [form for form in forms if len(form) <= CHARACTERS and float(form) != 0]
        text = fitting[0] if fitting and value else f"{value + 0.0:.0e}" if value else "0"
        text = text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    return text.replace("-", MINUS)


def _wrapped(formula: str, width: int) -> list[str]:
    """A formula in lines that begin with a sign."""
    for keep in (", ", "+ ", "= "):
        formula = formula.replace(keep, keep.replace(" ", "\N{NO-BREAK SPACE}"))
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in wrap(formula, width)]


def _slice_name(order: Any, leading: tuple[int, int], axes: Sequence[Axis]) -> str:
    """The name of a spatial slice, where there is more than one."""
    if order.spatial_alone:
        return str(order.name)
    entries = list(map(str, order.given((*leading, *[":" for _ in axes]))))
    while entries[-1] == ":":
        del entries[-1]
    return f"{order.name}[{', '.join(entries)}]"
