"""A problem cut into pieces, so that what a call holds beside its operands and its result stays
within a bound, whatever the batch, the image, the kernel, the channels and the dtype.

A piece is a problem of its own: a part of the batch, of the groups, of the channels, of the taps,
and of the positions of the axes, which are those of y where y is computed and else those of x.
What the result has is cut into blocks; over the rest the pieces of a block are summed.  Forms cut
into tiles by themselves, as it suits them; pieces are for what does not fit even so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import pairwise, product
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np

from tconv._core import dtypes
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.choose import COTANGENTS, EXACT, FORMS, RATES, Form, choose, nanoseconds
from tconv._numpy.scratch import WORKSPACE
from tconv._numpy.tapwise import all_finite
from tconv._numpy.tiles import Index

OPERANDS = {"y": "xw", "x": "yw", "w": "xy"}

# Nanoseconds that a piece costs beside its form: its plan, its views and its call.
PIECE = 50e3


class Operand(Protocol):
    """An array, or what gives a part of one when it is indexed."""

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, index: Any, /) -> AnyArray: ...


@dataclass(frozen=True)
class Task:
    """What is computed, and in what way: ``form`` names one of ``FORMS``, "exact" or "auto".

    The operands are computed with in ``itemsize`` bytes an element; ``copied`` says which of them
    are not so in memory, in the order of ``OPERANDS``, and whether the result is not.
    """

    result: str
    form: str
    itemsize: int
    copied: tuple[bool, bool, bool]

    def form_for(self, plan: Plan) -> Form:
        """The form that computes a plan."""
        if self.form == "exact":
            return EXACT[self.result]
        name = choose(self.result, plan) if self.form == "auto" else self.form
        return FORMS[self.result][name]


# Into how many parts each is cut: batch, groups, channels of x and of y in a group; then the
# positions of each axis, then its taps.
Parts = tuple[int, ...]
BATCH, GROUPS, INPUTS, OUTPUTS, POSITIONS = range(5)


class Piece(NamedTuple):
    """A plan, and where its x, w and y are in those of the whole."""

    plan: Plan
    x: Index
    w: Index
    y: Index


def compute(
    result: str,
    form: str,
    plan: Plan,
    first: Operand,
    second: Operand,
    *,
    sums: np.dtype[Any],
    dtype: np.dtype[Any],
    bias: AnyArray | None = None,
) -> AnyArray:
    """A result in ``dtype`` from its two operands, multiplied and added in ``sums``.

    What is not finite reaches only the elements that the definition says: a form multiplies zeros
    outside of y or x with the weight, or in the weight's gradient with x, so where those are not
    finite another computes.
    """
    copied = (_is_copied(first, sums), _is_copied(second, sums), dtype != sums)
    task = Task(result, form, sums.itemsize, copied)
    if result == "w":
        w = _compute(task, plan, first, second, sums, dtype, None)
        if _is_finite(w):
            return w
        del w
    if result == "w" or not _is_finite(second):
        task = replace(task, form="exact")
    return _compute(task, plan, first, second, sums, dtype, bias)


def cotangents(
    plan: Plan,
    x: AnyArray,
    w: AnyArray,
    y: AnyArray,
    *,
    sums: np.dtype[Any],
    of_x: np.dtype[Any],
    of_w: np.dtype[Any],
) -> tuple[AnyArray, AnyArray] | None:
    """x from (y, w) in a dtype ``of_x`` and w from (x, y) in a dtype ``of_w``, of one gathering of
    y where both have the same form, pieces of the batch, the groups and the positions fit, and all
    is finite; otherwise None."""
    form = choose("x", plan)
    if form != choose("w", plan) or form not in COTANGENTS or not _is_finite(w):
        return None
    copied = _is_copied(y, sums), _is_copied(w, sums), of_x != sums
    task = Task("x", form, sums.itemsize, copied)
    parts = cuts_together(task, plan, (_is_copied(x, sums), of_w != sums))
    if parts is None:
        return None
    if max(parts) == 1:
        dx, dw = COTANGENTS[form](plan, _as(x, sums), _as(w, sums), _as(y, sums))
    else:
        dx, dw = np.empty(plan.x_shape, of_x), np.zeros(plan.w_shape, sums)
        for place, _, pieces in blocks(task, plan, parts):
            dx[place] = 0
            for piece in pieces:
                operands = _as(x[piece.x], sums), _as(w[piece.w], sums), _as(y[piece.y], sums)
                dx[place], part = COTANGENTS[form](piece.plan, *operands)
                dw[piece.w] += part
    return (_as(dx, of_x), _as(dw, of_w)) if _is_finite(dw) else None


def biased(values: AnyArray, bias: AnyArray | None) -> AnyArray:
    """The values with the bias added to them in place."""
    if bias is not None:
        added = bias.astype(values.dtype, copy=False)
        values += added.reshape(-1, *[1] * (values.ndim - 2))
    return values


def _as(array: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    return array.astype(dtype, copy=False)


def _is_finite(operand: Any) -> bool:
    return dtypes.kind(operand.dtype) not in "fc" or all_finite(operand)


def _is_copied(operand: Operand, sums: np.dtype[Any]) -> bool:
    if not isinstance(operand, np.ndarray) or operand.dtype != sums:
        return True
    return not operand.flags.c_contiguous


def _compute(
    task: Task,
    plan: Plan,
    first: Operand,
    second: Operand,
    sums: np.dtype[Any],
    dtype: np.dtype[Any],
    bias: AnyArray | None,
) -> AnyArray:
    parts = cuts(task, plan)
    if max(parts) == 1:
        operands = _as(first[...], sums), _as(second[...], sums)
        return _as(biased(task.form_for(plan).compute(plan, *operands), bias), dtype)
    return by_pieces(task, plan, parts, first, second, sums, dtype, bias)


def by_pieces(
    task: Task,
    plan: Plan,
    parts: Parts,
    first: Operand,
    second: Operand,
    sums: np.dtype[Any],
    dtype: np.dtype[Any],
    bias: AnyArray | None = None,
) -> AnyArray:
    """A result, block after block of these parts."""
    names = OPERANDS[task.result]
    shapes = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
    computed = np.empty(shapes[task.result], dtype)
    for place, channels, pieces in blocks(task, plan, parts):
        target = computed[place]
        total = None
        for piece in pieces:
            indices = (getattr(piece, name) for name in names)
            parts_of = zip((first, second), indices, strict=True)
            operands = [_as(operand[index], sums) for operand, index in parts_of]
            values = task.form_for(piece.plan).compute(piece.plan, *operands)
            del operands
            if total is None:
                total = values
            else:
                total += values
            del values
        if total is None:
            total = np.zeros(target.shape, sums)
        target[...] = biased(total, None if bias is None else bias[channels])
    return computed


def blocks(task: Task, plan: Plan, parts: Parts) -> Iterator[tuple[Index, slice, Iterator[Piece]]]:
    """Each part of the result: where it is, its channels, and the pieces whose sum it is."""
    ranges = _ranges(task, plan, parts)
    summed = is_summed(task, plan)
    nothing = [slice(0)]
    kept = [nothing if add else along for along, add in zip(ranges, summed, strict=True)]
    added = [along if add else nothing for along, add in zip(ranges, summed, strict=True)]
    for block in product(*kept):
        chosen = (_merged(block, rest, summed) for rest in product(*added))
        pieces = (piece for each in chosen if (piece := _piece(task, plan, each)) is not None)
        x_channels, y_channels = _channels(plan, block)
        positions, taps = _spatial(plan, block)
        place: dict[str, Index] = {
            "y": (block[BATCH], y_channels, *positions),
            "x": (block[BATCH], x_channels, *positions),
            "w": (x_channels, block[OUTPUTS], *taps),
        }
        yield place[task.result], x_channels if task.result == "x" else y_channels, pieces


def is_summed(task: Task, plan: Plan) -> list[bool]:
    """Of each of the ``Parts`` whether the result is summed over it."""
    of_result = {"y": (INPUTS,), "x": (OUTPUTS,), "w": (BATCH,)}[task.result]
    along = [task.result == "w"] * len(plan.axes) + [task.result != "w"] * len(plan.axes)
    return [*(number in of_result for number in range(POSITIONS)), *along]


def _merged(
    block: tuple[slice, ...], rest: tuple[slice, ...], summed: list[bool]
) -> tuple[slice, ...]:
    """The ranges of a piece: of a block, and of what is summed."""
    return tuple(r if add else b for b, r, add in zip(block, rest, summed, strict=True))


def _spatial(plan: Plan, chosen: Any) -> tuple[Any, Any]:
    """The positions and the taps."""
    middle = POSITIONS + len(plan.axes)
    return chosen[POSITIONS:middle], chosen[middle:]


def _channels(plan: Plan, chosen: tuple[slice, ...]) -> tuple[slice, slice]:
    """The channels of x and of y.  A part of a group's channels is one of a single group."""
    groups = chosen[GROUPS]
    inputs = _within(groups, chosen[INPUTS], plan.group_in_channels)
    return inputs, _within(groups, chosen[OUTPUTS], plan.group_out_channels)


def _within(groups: slice, some: slice, every: int) -> slice:
    if some == slice(0, every):
        return slice(groups.start * every, groups.stop * every)
    start = (groups.start or 0) * every
    return slice(start + (some.start or 0), start + some.stop)


def _piece(task: Task, plan: Plan, chosen: tuple[slice, ...]) -> Piece | None:
    """The piece of these ranges; None where no tap joins a position of x to one of y."""
    positions, taps = _spatial(plan, chosen)
    others, axes = [], []
    for axis, along, some in zip(plan.axes, positions, taps, strict=True):
        tapped = axis.cut_taps(some.start, some.stop)
        cut = tapped.cut if task.result == "y" else tapped.cut_inputs
        other, piece = cut(along.start, along.stop)
        if other.start == other.stop:
            return None
        others.append(other)
        axes.append(piece)
    inputs, outputs = (others, positions) if task.result == "y" else (positions, others)
    batch, groups = chosen[BATCH], chosen[GROUPS].stop - chosen[GROUPS].start
    x_channels, y_channels = _channels(plan, chosen)
    samples, ins, outs = (each.stop - each.start for each in (batch, x_channels, y_channels))
    return Piece(
        Plan(samples, ins, outs, groups, tuple(axes)),
        (batch, x_channels, *inputs),
        (x_channels, chosen[OUTPUTS], *taps),
        (batch, y_channels, *outputs),
    )


def _ranges(task: Task, plan: Plan, parts: Parts) -> list[list[slice]]:
    """The parts of each: those of the taps, and of the positions of y, in whole strides."""
    strides = plan.stride if task.result == "y" else (1,) * len(plan.axes)
    units = (1, 1, 1, 1, *strides, *plan.stride)
    sizes = zip(_sizes(task, plan), parts, units, strict=True)
    return [_cut(size, count, unit) for size, count, unit in sizes]


def _sizes(task: Task, plan: Plan) -> tuple[int, ...]:
    positions = plan.output_size if task.result == "y" else plan.input_size
    channels = plan.group_in_channels, plan.group_out_channels
    return (plan.batch, plan.groups, *channels, *positions, *plan.kernel_size)


def _cut(size: int, count: int, unit: int) -> list[slice]:
    """range(size) in so many slices of nearly equal length, of whole units where these suffice."""
    units = -(-size // unit)
    if count > units:
        unit, units = 1, size
    edges = [min(size, units * number // count * unit) for number in range(count + 1)]
    return [slice(a, b) for a, b in pairwise(edges)]


@lru_cache(maxsize=1024)
def cuts(task: Task, plan: Plan) -> Parts:
    """The parts whose pieces fit."""
    return _search(task, plan, partial(weight, task, plan), range(POSITIONS + 2 * len(plan.axes)))


@lru_cache(maxsize=1024)
def cuts_together(task: Task, plan: Plan, copied: tuple[bool, bool]) -> Parts | None:
    """The parts whose pieces fit where w is summed beside x: none of w itself.  ``copied`` says
    of x and w, as in a task, whether they are held in another form."""
    numbers = (BATCH, GROUPS, *range(POSITIONS, POSITIONS + len(plan.axes)))
    weigh = partial(_weight_together, task, plan, copied)
    parts = _search(task, plan, weigh, numbers)
    return parts if weigh(parts)[0] <= WORKSPACE else None


Weigh = Callable[[Parts], tuple[int, float]]


def _search(task: Task, plan: Plan, weigh: Weigh, numbers: Sequence[int]) -> Parts:
    """One after the other of these is halved, which brings the bytes of a piece down for the least
    time: twice the time must save three quarters of the bytes."""
    parts: Parts = (1,) * (POSITIONS + 2 * len(plan.axes))
    needed, _ = weigh(parts)
    while needed > WORKSPACE:
        found = []
        for more in _halvings(task, plan, parts, numbers):
            needed, time = weigh(more)
            found.append((needed * time**2, needed, more))
        if not found:
            return parts
        _, needed, parts = min(found)
    return parts


def _weight_together(
    task: Task, plan: Plan, copied: tuple[bool, bool], parts: Parts
) -> tuple[int, float]:
    """Bytes of a piece of both, and nanoseconds for all of them."""
    needed, time = weight(task, plan, parts)
    piece = _largest(task, plan, parts)
    form = FORMS["w"][task.form]
    cut = max(parts) > 1
    elements = prod(piece.x_shape) if copied[0] or cut else 0
    elements += prod(plan.w_shape) if copied[1] else 0
    elements += prod(piece.w_shape) if cut else 0
    needed += form.workspace(piece, task.itemsize) + elements * task.itemsize
    return needed, time + prod(parts) * nanoseconds(form, piece)


def _halvings(task: Task, plan: Plan, parts: Parts, numbers: Sequence[int]) -> Iterator[Parts]:
    """The parts with one of these doubled, where that is possible."""
    whole_groups, sizes = parts[GROUPS] < plan.groups, _sizes(task, plan)
    for number in numbers:
        size, count = sizes[number], parts[number]
        if count < size and not (whole_groups and number in (INPUTS, OUTPUTS)):
            yield (*parts[:number], min(size, 2 * count), *parts[number + 1 :])


def weight(task: Task, plan: Plan, parts: Parts) -> tuple[int, float]:
    """Bytes that a piece needs at most, and nanoseconds for all of them."""
    piece = _largest(task, plan, parts)
    form = task.form_for(piece)
    whole = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
    shapes = {"x": piece.x_shape, "w": piece.w_shape, "y": piece.y_shape}
    elements = 0
    for name, copied in zip(OPERANDS[task.result], task.copied[:2], strict=True):
        if copied or shapes[name] != whole[name]:
            elements += prod(shapes[name])
    count, result = prod(parts), prod(shapes[task.result])
    summed = prod(n for n, add in zip(parts, is_summed(task, plan), strict=True) if add)
    if count > 1:
        elements += 2 * result if summed > 1 else result
    elif task.copied[2]:
        elements += result
    needed = form.workspace(piece, task.itemsize) + elements * task.itemsize
    moved = RATES.moved * (elements if count > 1 else 0)
    return needed, count * (nanoseconds(form, piece) + moved + PIECE)


def _largest(task: Task, plan: Plan, parts: Parts) -> Plan:
    """A piece inside the whole, where no border makes it smaller."""
    sizes = [-(-size // count) for size, count in zip(_sizes(task, plan), parts, strict=True)]
    positions, taps = _spatial(plan, sizes)
    axes = []
    for axis, along, some in zip(plan.axes, positions, taps, strict=True):
        tapped = axis.cut_taps(0, some)
        every = axis.output_size if task.result == "y" else axis.input_size
        if (along, some) == (every, axis.kernel_size):
            axes.append(axis)
        elif task.result == "y":
            lo = tapped.extent - 1
            read = min(axis.input_size, (along - 1 + lo) // axis.stride + 1)
            axes.append(replace(tapped, input_size=read, output_size=along, lo=lo))
        else:
            read = min(axis.output_size, (along - 1) * axis.stride + tapped.extent)
            axes.append(replace(tapped, input_size=along, output_size=read, lo=0))
    batch, groups, inputs, outputs = sizes[:POSITIONS]
    return Plan(batch, groups * inputs, groups * outputs, groups, tuple(axes))
