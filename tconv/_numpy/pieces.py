"""A problem cut into pieces, so that what a call holds beside its operands and its result stays
within a bound, whatever the batch, the image, the kernel, the channels and the dtype.

What the result has is cut into blocks; over the rest the pieces of a block are summed.  Forms cut
into tiles by themselves, as it suits them; pieces are for what does not fit even so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, product
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np

from tconv._core import dtypes
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.choose import choose_together
from tconv._numpy.cuts import (
    BATCH,
    GROUPS,
    INPUTS,
    OPERANDS,
    OUTPUTS,
    Parts,
    Task,
    cuts,
    cuts_together,
    is_summed,
    sizes_of,
    spatial,
)
from tconv._numpy.forms import COTANGENTS
from tconv._numpy.forms.tapwise import all_finite
from tconv._numpy.tiles import Index

# Elements of a result from which on it is allocated before anything is planned: what no memory
# holds then fails at once, and not after it is cut into tiles.
LARGE = 1 << 32


class Operand(Protocol):
    """An array, or what gives a part of one when it is indexed."""

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, index: Any, /) -> AnyArray: ...


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
    size = prod({"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}[result])
    if size > LARGE:
        np.empty(size, dtype)
    copied = (_is_copied(first, sums), _is_copied(second, sums), dtype != sums)
    task = Task(result, form, sums.itemsize, copied)
    if result == "w":
        w = _compute(task, plan, first, second, sums, dtype, None)
        if _is_finite(w):
            return w
        del w
    if result == "w" or not (_is_exact(task, plan) or _is_finite(second)):
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
    y where that takes less time than two do, pieces of the batch, the groups and the positions fit,
    and all is finite; otherwise None."""
    form = choose_together(plan)
    if form is None or not _is_finite(w):
        return None
    copied = _is_copied(y, sums), _is_copied(w, sums), of_x != sums
    task = Task("x", form, sums.itemsize, copied)
    parts = cuts_together(task, plan, (_is_copied(x, sums), of_w != sums))
    if parts is None:
        return None
    if max(parts) == 1:
        dx, dw = COTANGENTS[form].compute(plan, _as(x, sums), _as(w, sums), _as(y, sums))
    else:
        dx, dw = np.empty(plan.x_shape, of_x), np.zeros(plan.w_shape, sums)
        for place, _, pieces in blocks(task, plan, parts):
            dx[place] = 0
            for piece in pieces:
                operands = _as(x[piece.x], sums), _as(w[piece.w], sums), _as(y[piece.y], sums)
                dx[place], part = COTANGENTS[form].compute(piece.plan, *operands)
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


def _is_exact(task: Task, plan: Plan) -> bool:
    """Whether the whole is one piece, by a form that is exact."""
    return task.form_for(plan).exact and max(cuts(task, plan)) == 1


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
        positions, taps = spatial(plan, block)
        place: dict[str, Index] = {
            "y": (block[BATCH], y_channels, *positions),
            "x": (block[BATCH], x_channels, *positions),
            "w": (x_channels, block[OUTPUTS], *taps),
        }
        yield place[task.result], x_channels if task.result == "x" else y_channels, pieces


def _merged(
    block: tuple[slice, ...], rest: tuple[slice, ...], summed: list[bool]
) -> tuple[slice, ...]:
    """The ranges of a piece: of a block, and of what is summed."""
    return tuple(r if add else b for b, r, add in zip(block, rest, summed, strict=True))


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
    positions, taps = spatial(plan, chosen)
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
    sizes = zip(sizes_of(task, plan), parts, units, strict=True)
    return [_cut(size, count, unit) for size, count, unit in sizes]


def _cut(size: int, count: int, unit: int) -> list[slice]:
    """range(size) in so many slices of nearly equal length, of whole units where these suffice."""
    units = -(-size // unit)
    if count > units:
        unit, units = 1, size
    edges = [min(size, units * number // count * unit) for number in range(count + 1)]
    return [slice(a, b) for a, b in pairwise(edges)]
