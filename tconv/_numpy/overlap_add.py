"""Distribution: one GEMM to columns, each added where its kernel tap lands.

The columns are summed phase by phase, so that every addition runs along contiguous rows, and
each finished phase is written into y once.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tconv._core.axis import Axis
from tconv._core.lattice import Phase, phases
from tconv._core.plan import Plan
from tconv._numpy import scratch
from tconv._numpy.blocks import blocks

Index = tuple[Any, ...]

COLUMNS = 1 << 20
POSITIONS = 4096
FEWEST_ROWS = 128
SHORT_ROW = 24
EVERY = slice(None)


class Sum(NamedTuple):
    """One phase: the places in y, and the columns to add up for them.

    ``terms`` pairs places in the phase with columns; the first ``complete`` of them cover it.
    """

    target: Index
    shape: tuple[int, ...]
    complete: int
    terms: tuple[tuple[Index, Index], ...]


def conv_transpose(plan: Plan, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """y[.., i*s + t*d - lo] += (w^T x)[t, i] for every tap.

    Samples with short rows are computed together, the batch innermost, so that the additions
    run along longer rows.
    """
    if prod(plan.input_size) == 1:
        return _single_position(plan, x, w)
    y = np.empty(plan.y_shape, x.dtype)
    pack = packs(plan)
    for block in blocks(plan, POSITIONS, plan.batch if pack else 1):
        signal, target = x[block.batch, :, block.inputs], y[block.batch, :, block.outputs]
        inner = np.ascontiguousarray(np.moveaxis(signal, 0, -1)) if pack else signal[0][..., None]
        _distribute(plan, block.axes, inner, w, np.moveaxis(target, 0, -1))
    return y


def packs(plan: Plan) -> bool:
    """Whether samples are computed together, the batch innermost."""
    return plan.batch > 1 and plan.input_size[-1] < SHORT_ROW


def _single_position(plan: Plan, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """Without neighbours nothing overlaps: the GEMM's rows are the kernels in place."""
    groups, depth = plan.groups, plan.group_in_channels
    signal = x.reshape(plan.batch, groups, depth).swapaxes(0, 1)
    weight = w.reshape(groups, depth, plan.group_out_channels * plan.taps)
    kernels = np.empty((plan.batch, plan.out_channels, *plan.kernel_size), x.dtype)
    out = kernels.reshape(plan.batch, groups, plan.group_out_channels * plan.taps)
    np.matmul(signal, weight, out=out.swapaxes(0, 1))
    if plan.kernel_size == plan.output_size and all(a.lo == 0 < a.dilation < 2 for a in plan.axes):
        return kernels
    y = np.zeros(plan.y_shape, x.dtype)
    source, target = [], []
    for axis in plan.axes:
        low = max(0, -(-axis.lo // axis.dilation))
        high = min(axis.kernel_size, (axis.output_size - 1 + axis.lo) // axis.dilation + 1)
        high = max(low, high)
        first = low * axis.dilation - axis.lo
        source.append(slice(low, high))
        target.append(slice(first, first + (high - low) * axis.dilation, axis.dilation))
    if all(part.stop > part.start for part in source):
        y[(EVERY, EVERY, *target)] = kernels[(EVERY, EVERY, *source)]
    return y


@scratch.frame()
def _distribute(
    plan: Plan, axes: tuple[Axis, ...], x: NDArray[Any], w: NDArray[Any], y: NDArray[Any]
) -> None:
    """x is (in_channels, *positions, batch), y (out_channels, *positions, batch)."""
    depth, channels = plan.group_in_channels, plan.group_out_channels
    length = prod(x.shape[1:])
    fits = max(COLUMNS // max(1, length * plan.taps), -(-FEWEST_ROWS // plan.taps))
    pieces = -(-channels // fits)
    some = max(1, -(-channels // max(1, pieces)))
    shape = [-(-axis.output_size // axis.stride) for axis in axes]
    columns = scratch.empty((some * plan.taps, length), x.dtype)
    phase = scratch.empty((some * prod(shape) * x.shape[-1],), x.dtype)
    packed = scratch.empty((some, *y.shape[1:]), x.dtype) if x.shape[-1] > 1 else None
    sums = _sums(axes)
    for group in range(plan.groups):
        inputs = slice(group * depth, (group + 1) * depth)
        signal = x[inputs].reshape(depth, length)
        for low in range(0, channels, some):
            high = min(low + some, channels)
            rows = (high - low) * plan.taps
            weight = w[inputs, low:high].reshape(depth, rows)
            np.matmul(weight.T, signal, out=columns[:rows])
            cols = columns[:rows].reshape(high - low, *plan.kernel_size, *x.shape[1:])
            outputs = y[group * channels + low : group * channels + high]
            target = outputs if packed is None else packed[: high - low]
            for each in sums:
                _add_up(each, cols, target, phase)
            if packed is not None:
                outputs[...] = target


def _add_up(each: Sum, cols: NDArray[Any], y: NDArray[Any], scratch: NDArray[Any]) -> None:
    terms = each.terms
    if not terms:
        y[each.target] = 0
        return
    if each.complete and len(terms) == 1:
        y[each.target] = cols[terms[0][1]]
        return
    shape = (cols.shape[0], *each.shape, cols.shape[-1])
    total = scratch[: prod(shape)].reshape(shape)
    if each.complete > 1:
        np.add(cols[terms[0][1]], cols[terms[1][1]], out=total)
    elif each.complete:
        total[...] = cols[terms[0][1]]
    else:
        total.fill(0)
    for place, source in terms[min(each.complete, 2) :]:
        part = total[place]
        np.add(part, cols[source], out=part)
    y[each.target] = total


@lru_cache(maxsize=1024)
def _sums(axes: tuple[Axis, ...]) -> tuple[Sum, ...]:
    found = []
    for chosen in product(*map(phases, axes)):
        shape = tuple(phase.count for phase in chosen)
        reaches = [_reaches(axis, phase) for axis, phase in zip(axes, chosen, strict=True)]
        terms = []
        for taps in product(*reaches):
            place = (EVERY, *(slice(start, stop) for _, start, stop, _ in taps))
            columns = (
                EVERY,
                *(tap for tap, *_ in taps),
                *(slice(start + shift, stop + shift) for _, start, stop, shift in taps),
            )
            covers = tuple(stop - start for _, start, stop, _ in taps) == shape
            terms.append((not covers, place, columns))
        terms.sort(key=lambda term: term[0])
        target = tuple(
            slice(phase.first, None, axis.stride) for phase, axis in zip(chosen, axes, strict=True)
        )
        complete = sum(not partial for partial, *_ in terms)
        pairs = tuple((place, columns) for _, place, columns in terms)
        found.append(Sum((EVERY, *target), shape, complete, pairs))
    return tuple(found)


def _reaches(axis: Axis, phase: Phase) -> list[tuple[int, int, int, int]]:
    """(tap, start, stop, shift) for each tap: it carries input ``q + shift`` to the phase's
    output ``q`` for ``start <= q < stop``."""
    found = []
    for step in range(phase.taps):
        shift = phase.start - step * phase.step
        start, stop = max(0, -shift), min(phase.count, axis.input_size - shift)
        if start < stop:
            found.append((phase.tap + step * phase.tap_step, start, stop, shift))
    return found
