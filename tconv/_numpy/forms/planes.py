"""Few channels a group: shifted planes of many groups at once, tiles of them on all threads.

One row of sums is added up tap by tap, in passes over contiguous memory; more rows, of several
phases or channels, are a product a group of the kernel with copies of what each tap reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tconv._core.axis import Axis
from tconv._core.cost import Counts, copy
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.forms.padded import (
    FUSION_LIMIT,
    FlatCorrelation,
    Taps,
    correlations,
    flatten,
    padded_planes,
    plane_size,
)
from tconv._numpy.scratch import Scratch
from tconv._numpy.tiles import EVERY, GroupTasks, Index, OutputTile


@dataclass(frozen=True)
class Limits:
    """Input positions of a tile, and elements that a task works on."""

    positions: int = 1 << 14
    elements: int = 1 << 19
    fusion: float = FUSION_LIMIT


LIMITS = Limits()


def conv_transpose(plan: Plan, x: AnyArray, w: AnyArray, limits: Limits = LIMITS) -> AnyArray:
    """y[phase] is the sum over channels and taps of w[tap] * (x shifted by the tap)."""
    return _tasks(limits).run(plan, x, w)


def conv_transpose_workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of the planes of a task."""
    return _tasks(LIMITS).workspace(plan, itemsize)


def conv_workspace(plan: Plan, itemsize: int) -> int:
    """That of the transposed convolution with the kernel flipped, and the kernel."""
    kernel = 2 * prod(plan.w_shape) * itemsize
    return kernel + conv_transpose_workspace(flipped_plan(plan), itemsize)


@lru_cache(maxsize=16)
def _tasks(limits: Limits) -> GroupTasks:
    shared = partial(_groups_at_once, limits), partial(_scratch, limits)
    return GroupTasks(partial(_compute, limits), limits.positions, *shared)


def _groups_at_once(limits: Limits, plan: Plan, tile: OutputTile) -> int:
    return limits.elements // max(1, sum(_scratch(limits, plan, tile, 1)))


def _scratch(limits: Limits, plan: Plan, tile: OutputTile, groups: int) -> list[int]:
    planes = padded_planes(tile.axes, limits.fusion)
    depth, channels = plan.group_in_channels, plan.group_out_channels
    positions = tile.samples * planes.size
    flat = depth * (positions + planes.slack)
    slices = products = 0
    for each in planes.correlations:
        rows, taps = len(each.taps) * channels, len(each.offsets) * depth
        products = max(products, rows * positions)
        if taps > 1:
            slices = max(slices, positions if rows == 1 else taps * positions)
    return [groups * size for size in (flat, slices, products)]


def conv(plan: Plan, y: AnyArray, w: AnyArray) -> AnyArray:
    """x, at stride 1: the transposed convolution with the kernel flipped."""
    return conv_transpose(*flipped(plan, y, w))


def flipped(plan: Plan, y: AnyArray, w: AnyArray) -> tuple[Plan, AnyArray, AnyArray]:
    """The convolution of a plan of stride 1 as a transposed one: its plan, x and w."""
    groups, depth, channels = plan.groups, plan.group_in_channels, plan.group_out_channels
    turned = np.flip(w, tuple(range(2, w.ndim))).reshape(groups, depth, channels, *w.shape[2:])
    kernel = turned.swapaxes(1, 2).reshape(plan.out_channels, depth, *w.shape[2:])
    return flipped_plan(plan), y, kernel


def flipped_plan(plan: Plan) -> Plan:
    """The transposed convolution that a convolution of stride 1 is."""
    axes = tuple(axis.flipped() for axis in plan.axes)
    return Plan(plan.batch, plan.out_channels, plan.in_channels, plan.groups, axes)


def _compute(
    limits: Limits,
    groups: int,
    axes: tuple[Axis, ...],
    x: AnyArray,
    w: AnyArray,
    y: AnyArray,
    memory: Scratch,
) -> None:
    planes = padded_planes(axes, limits.fusion)
    samples, plane = len(x), planes.size
    depth, channels = len(w) // groups, w.shape[1]
    flat = flatten(x, planes, memory).reshape(groups, depth, samples * plane + planes.slack)
    weight = w.reshape(groups, depth, *w.shape[1:])
    target = y.reshape(samples, groups, channels, *y.shape[2:])
    target = target.transpose(1, 2, 0, *range(3, target.ndim))
    for untouched in planes.untouched:
        target[(EVERY, EVERY, EVERY, *untouched)] = 0
    for each in planes.correlations:
        left = memory.rest()
        kernel = _kernel(weight, each.taps)
        span = (samples - 1) * plane + each.span
        rows = kernel.shape[1] * kernel.shape[2]
        result = left.empty((groups, rows, samples * plane), x.dtype)
        _correlate(flat, kernel, each, result[..., :span], left)
        phases = result.reshape(*kernel.shape[:3], samples, *planes.pitches)
        for number, (source, place) in enumerate(zip(each.sources, each.targets, strict=True)):
            read: Index = (EVERY, number, EVERY, EVERY, *source)
            written: Index = (EVERY, EVERY, EVERY, *place)
            target[written] = phases[read]


def _kernel(w: AnyArray, taps: tuple[Taps, ...]) -> AnyArray:
    """(groups, phases, channels, shifts, depth) of w (groups, depth, channels, *kernel_size)."""
    place: tuple[Any, ...] = (EVERY, EVERY, EVERY, *_indices(taps))
    picked: AnyArray = w[place]
    return picked.transpose(0, 3, 2, 4, 1)


@lru_cache(maxsize=1024)
def _indices(taps: tuple[Taps, ...]) -> tuple[NDArray[np.intp], ...]:
    """The taps as an index an axis of the kernel, (phases, shifts)."""
    return tuple(np.moveaxis(np.array(taps), -1, 0))


def _correlate(
    flat: AnyArray,
    kernel: AnyArray,
    correlation: FlatCorrelation,
    result: AnyArray,
    memory: Scratch,
) -> None:
    """Fill the result (groups, phases * channels, span)."""
    groups, _, _, shifts, depth = kernel.shape
    rows, span = result.shape[1:]
    if shifts * depth == 1:
        start = correlation.offsets[0]
        np.multiply(flat[..., start : start + span], kernel.reshape(groups, rows, 1), out=result)
    elif rows == 1:
        taps = kernel.reshape(groups, shifts, depth)
        _add_up(flat, taps, correlation, result[:, 0], memory)
    else:
        slices = _slices(flat, correlation.offsets, span, memory)
        np.matmul(kernel.reshape(groups, rows, shifts * depth), slices, out=result)


def _slices(flat: AnyArray, offsets: tuple[int, ...], span: int, memory: Scratch) -> AnyArray:
    """(groups, shifts * depth, span): what each tap reads, one contiguous slice each."""
    groups, depth, _ = flat.shape
    if len(offsets) == 1:
        return flat[..., offsets[0] : offsets[0] + span]
    slices = memory.empty((groups, len(offsets), depth, span), flat.dtype)
    for number, offset in enumerate(offsets):
        slices[:, number] = flat[..., offset : offset + span]
    return slices.reshape(groups, len(offsets) * depth, span)


def _add_up(
    flat: AnyArray,
    taps: AnyArray,
    correlation: FlatCorrelation,
    total: AnyArray,
    memory: Scratch,
) -> None:
    """total (groups, span) of taps (groups, shifts, depth), a pass over memory for each.

    ``einsum`` runs along the axis of the smallest step, which is to be that of the positions: so
    taps that read neighbours are taken by halves, the even ones and the odd ones.
    """
    sizes, steps = zip(*correlation.grid, strict=True)
    along = taps.reshape(len(taps), *sizes, taps.shape[-1])
    neighbours = [number for number, step in enumerate(steps) if abs(step) == 1]
    group, channel, element = flat.strides
    labels = range(along.ndim)
    term = total
    for first in range(2 if neighbours else 1):
        start, strides = correlation.offsets[0], [step * element for step in steps]
        kernel = along
        for number in neighbours:
            half = [EVERY] * along.ndim
            half[1 + number] = slice(first, None, 2)
            kernel, start = along[tuple(half)], start + first * steps[number]
            strides[number] *= 2
        reads = as_strided(
            flat[..., start:],
            (*kernel.shape, total.shape[1]),
            (group, *strides, channel, element),
            writeable=False,
        )
        np.einsum(kernel, [*labels], reads, [*labels, len(labels)], [0, len(labels)], out=term)
        if first:
            np.add(total, term, out=total)
        elif neighbours:
            term = memory.empty(total.shape, total.dtype)


# A pass over planes that stay in the cache, in parts of a copy or of an addition elsewhere; and
# products of a few rows, in those of a large one.  Timed on an AMD EPYC.
PASS, FEW_ROWS = 0.2, 1.5


def conv_transpose_counts(plan: Plan) -> Counts:
    """The padded planes, what is computed over them, and the phases written side by side."""
    positions = plan.batch * plane_size(plan.axes)
    depth, channels = plan.group_in_channels, plan.group_out_channels
    tasks = max(1, plan.groups * positions / LIMITS.elements)
    outputs = prod(plan.y_shape)
    total = copy(plan.in_channels * positions, plan.input_size[-1])
    # Rows far apart share no line of the cache.
    total += Counts(moved=outputs * min(plan.stride[-1], 8) / 4)
    for chosen in product(*map(correlations, plan.axes)):
        phases = prod(len(each.phases) for each in chosen)
        shifts = prod(len(each.shifts) for each in chosen)
        rows, taps = phases * channels, shifts * depth
        planes = plan.groups * positions
        if min(rows, taps) == 1:
            total += Counts(added=PASS * planes * rows * taps)
        else:
            products = FEW_ROWS * planes * rows * taps
            total += Counts(products=products, moved=PASS * planes * (rows + taps))
        total += Counts(calls=tasks * (shifts + phases + 10))
    return total


def conv_counts(plan: Plan) -> Counts:
    """Those of the transposed convolution with the kernel flipped."""
    return conv_transpose_counts(flipped_plan(plan))
