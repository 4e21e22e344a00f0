"""The products of a transposed convolution: which are summed where, and which are cropped.

Every input position i and tap t of an axis make one product, which lands on the position
``i*stride + t*dilation - lo``: inside y, or cropped.  Over several axes the pairs combine freely,
so that all is said axis by axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

from tconv._core.arguments import Shape
from tconv._core.axis import Axis
from tconv._core.plan import Plan


class Term(NamedTuple):
    """One product of an input and a tap, and the element of y that it is added to.

    Indices are those of the arrays as they were given: ``x[term.input_index] == term.x``.  Numbers
    are Python's, so that products of integers are exact; without arrays they are letters.  The
    ``output_index`` of a cropped product lies outside of y.

    >>> import numpy as np, tconv
    >>> x, w = np.array([[[2, 3]]]), np.array([[[1, 10, 100]]])
    >>> tconv.explain(x, w, stride=2).terms(2)[1]
    Term(input_index=(0, 0, 1), tap=(0, 0, 0), output_index=(0, 0, 2), x=3, w=1, product=3)
    """

    input_index: Shape
    tap: Shape
    output_index: Shape
    x: Any
    w: Any
    product: Any


class Join(NamedTuple):
    """One product by canonical indices: x (batch, channel, *i), w (lead, other, *t), y (batch,
    channel, *o)."""

    x: Shape
    w: Shape
    y: Shape


Triple = tuple[int, int, int]


def uncropped(axis: Axis) -> Axis:
    """The axis whose output is the full scatter: y is its part from ``lo`` on."""
    size = (axis.input_size - 1) * axis.stride + axis.extent
    return replace(axis, lo=0, output_size=size)


def inside(axis: Axis, position: int) -> bool:
    """Whether a position is one of y."""
    return 0 <= position < axis.output_size


def onto(axis: Axis, position: int) -> list[Triple]:
    """Every (i, t, o) that lands on a position o, of y or cropped, by rising i."""
    full, found = uncropped(axis), []
    for tap in reversed(range(axis.kernel_size)):
        start, stop, first = full.reach(tap)
        steps, between = divmod(position + axis.lo - first, axis.stride)
        if not between and start <= start + steps < stop:
            found.append((start + steps, tap, position))
    return found


def from_input(axis: Axis, i: int) -> list[Triple]:
    """Every (i, t, o) of one input, cropped ones included."""
    found = []
    for tap in range(axis.kernel_size):
        start, _, first = uncropped(axis).reach(tap)
        found.append((i, tap, first + (i - start) * axis.stride - axis.lo))
    return found


def from_tap(axis: Axis, tap: int) -> list[Triple]:
    """Every (i, t, o) of one tap, cropped ones included."""
    start, stop, first = uncropped(axis).reach(tap)
    return [(i, tap, first + (i - start) * axis.stride - axis.lo) for i in range(start, stop)]


def every(axis: Axis) -> list[Triple]:
    """Every (i, t, o), cropped ones included, by rising i."""
    return [triple for i in range(axis.input_size) for triple in from_input(axis, i)]


def kept(axis: Axis, triples: Sequence[Triple]) -> list[Triple]:
    """Those that land inside y."""
    return [triple for triple in triples if inside(axis, triple[2])]


def joins_of_output(plan: Plan, index: Shape) -> Iterator[Join]:
    """The products of one position (batch, channel, *o), of y or cropped."""
    batch, channel, *position = index
    along = [onto(axis, o) for axis, o in zip(plan.axes, position, strict=True)]
    group, other = divmod(channel, plan.group_out_channels)
    for lead in group_inputs(plan, group):
        yield from _joins(along, batch, lead, other, channel)


def joins_of_input(plan: Plan, index: Shape) -> Iterator[Join]:
    """The products of one input (batch, channel, *i) that are kept."""
    batch, lead, *position = index
    along = [kept(axis, from_input(axis, i)) for axis, i in zip(plan.axes, position, strict=True)]
    first = lead // plan.group_in_channels * plan.group_out_channels
    for other in range(plan.group_out_channels):
        yield from _joins(along, batch, lead, other, first + other)


def joins_of_weight(plan: Plan, index: Shape) -> Iterator[Join]:
    """The products of one weight (lead, other, *t) that are kept."""
    lead, other, *taps = index
    along = [kept(axis, from_tap(axis, t)) for axis, t in zip(plan.axes, taps, strict=True)]
    channel = lead // plan.group_in_channels * plan.group_out_channels + other
    for batch in range(plan.batch):
        yield from _joins(along, batch, lead, other, channel)


def cropped_joins(plan: Plan) -> Iterator[Join]:
    """The products that land outside of y on some axis."""
    along = [every(axis) for axis in plan.axes]
    for batch, channel in product(range(plan.batch), range(plan.out_channels)):
        group, other = divmod(channel, plan.group_out_channels)
        for lead in group_inputs(plan, group):
            for join in _joins(along, batch, lead, other, channel):
                if not all(map(inside, plan.axes, join.y[2:])):
                    yield join


def group_inputs(plan: Plan, group: int) -> range:
    """The input channels of a group."""
    return range(group * plan.group_in_channels, (group + 1) * plan.group_in_channels)


def counts(plan: Plan) -> tuple[int, int]:
    """How many products are kept, and how many there are."""
    channels = plan.batch * plan.in_channels * plan.group_out_channels
    both = [channels, channels]
    for axis in plan.axes:
        reached = [axis.reach(tap) for tap in range(axis.kernel_size)]
        both[0] *= sum(stop - start for start, stop, _ in reached)
        both[1] *= axis.input_size * axis.kernel_size
    return both[0], both[1]


def _joins(
    along: Sequence[Sequence[Triple]], batch: int, lead: int, other: int, channel: int
) -> Iterator[Join]:
    """Every combination of one triple an axis, between one pair of channels."""
    for triples in product(*along):
        i, t, o = zip(*triples, strict=True)
        yield Join((batch, lead, *i), (lead, other, *t), (batch, channel, *o))
