"""Collection by phases: for each output residue modulo the stride a stride-1 correlation,
computed as one GEMM over gathered slices of x and written interleaved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np

from tconv._core.axis import Axis
from tconv._core.cost import Counts, copy, gemm
from tconv._core.lattice import Cells
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.forms.padded import (
    FUSION_LIMIT,
    FlatCorrelation,
    PaddedPlanes,
    Taps,
    correlations,
    flatten,
    gathered,
    padded_planes,
    phases_at_once,
    plane_size,
)
from tconv._numpy.scratch import Scratch, aligned, lent
from tconv._numpy.tiles import EVERY, Index, OutputTile, kinds_of_tiles, output_tiles

Kernels = dict[tuple[int, tuple[Taps, ...]], AnyArray]


@dataclass(frozen=True)
class Limits:
    """What a tile holds.

    ``gathered`` elements are in its slices and in a GEMM's result, within ``fewest`` and
    ``most`` positions; ``written`` elements are interleaved at a time, so that all phases meet
    in the cache.  From a stride of ``shortest_run`` on the last axis is written in runs.
    """

    gathered: int = 1 << 21
    fewest: int = 256
    most: int = 2048
    written: int = 1 << 17
    shortest_run: int = 16
    fusion: float = FUSION_LIMIT


LIMITS = Limits()


def conv_transpose(plan: Plan, x: AnyArray, w: AnyArray, limits: Limits = LIMITS) -> AnyArray:
    """Each phase gathers its own taps, flipped, from x."""
    y = np.empty(plan.y_shape, x.dtype)
    tiles = output_tiles(plan, _positions(plan, limits), plan.batch)
    with lent(_scratch(plan, x.itemsize, limits)) as memory:
        kernels = _kernels(plan, w, limits, memory)
        for tile in tiles:
            signal = x[tile.batch, :, tile.inputs]
            _compute(plan, tile, signal, y, kernels, limits, memory.rest())
    return y


def conv_transpose_workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of the kernels, and of the planes, slices and products of a tile."""
    return _scratch(plan, itemsize, LIMITS)


@lru_cache(maxsize=1024)
def _scratch(plan: Plan, itemsize: int, limits: Limits) -> int:
    depth, rows = plan.group_in_channels, plan.group_out_channels
    kernels: dict[tuple[Taps, ...], int] = {}
    largest = 0
    for tile in kinds_of_tiles(plan, _positions(plan, limits), plan.batch):
        planes = padded_planes(tile.axes, limits.fusion)
        positions = tile.samples * planes.size
        most = 0
        for each in planes.correlations:
            slices, phases = len(each.offsets), len(each.taps)
            kernels[each.taps] = aligned(slices * depth * phases * rows * itemsize)
            read = slices * depth if slices > 1 else 0
            products = aligned(phases * rows * positions * itemsize)
            most = max(most, aligned(read * positions * itemsize) + products)
        flat = aligned(plan.in_channels * (positions + planes.slack) * itemsize)
        largest = max(largest, flat + most)
    return plan.groups * sum(kernels.values()) + largest


def _positions(plan: Plan, limits: Limits) -> int:
    """Positions a tile, which do not grow with the batch."""
    depth = plan.group_in_channels * prod(gathered(axis, limits.fusion) for axis in plan.axes)
    at_once = prod(phases_at_once(axis, limits.fusion) for axis in plan.axes)
    rows = plan.group_out_channels * at_once
    return min(limits.most, max(limits.fewest, limits.gathered // max(1, depth, rows)))


def _kernels(plan: Plan, w: AnyArray, limits: Limits, memory: Scratch) -> Kernels:
    """The weight of each GEMM; tiles at an edge may have other taps than those inside."""
    kernels: Kernels = {}
    depth = plan.group_in_channels
    for tile in kinds_of_tiles(plan, _positions(plan, limits), plan.batch):
        runs = _writes_runs(tile.axes[-1], limits)
        planes = padded_planes(tile.axes, limits.fusion)
        for group, each in product(range(plan.groups), planes.correlations):
            if (group, each.taps) not in kernels:
                weight = w[group * depth : (group + 1) * depth]
                kernels[group, each.taps] = (
                    _kernel_of_runs(weight, each, tile.axes[-1].stride, memory)
                    if runs
                    else _kernel(weight, each, memory)
                )
    return kernels


def _compute(
    plan: Plan,
    tile: OutputTile,
    x: AnyArray,
    y: AnyArray,
    kernels: Kernels,
    limits: Limits,
    memory: Scratch,
) -> None:
    planes = padded_planes(tile.axes, limits.fusion)
    depth, rows = plan.group_in_channels, plan.group_out_channels
    flat = flatten(x, planes, memory)
    target = y[tile.batch, :, tile.outputs].swapaxes(0, 1)
    for place in planes.untouched:
        target[(EVERY, EVERY, *place)] = 0
    for group, each in product(range(plan.groups), planes.correlations):
        inputs, outputs = (slice(group * n, (group + 1) * n) for n in (depth, rows))
        operands = flat[inputs], kernels[group, each.taps], target[outputs]
        _correlate(each, planes, tile.axes[-1], *operands, limits, memory.rest())


def _correlate(
    correlation: FlatCorrelation,
    planes: PaddedPlanes,
    last: Axis,
    flat: AnyArray,
    weight: AnyArray,
    y: AnyArray,
    limits: Limits,
    memory: Scratch,
) -> None:
    positions = y.shape[1] * planes.size
    span = positions - planes.size + correlation.span
    slices = _gather(flat, correlation.offsets, span, memory)
    if _writes_runs(last, limits):
        result = memory.empty((positions, weight.shape[1]), flat.dtype)
        np.matmul(slices.T, weight, out=result[:span])
        _write_runs(correlation, planes, last, result, y)
    else:
        result = memory.empty((len(weight), positions), flat.dtype)
        np.matmul(weight, slices, out=result[:, :span])
        _write(correlation, planes, result, y, limits.written)


def _gather(flat: AnyArray, offsets: tuple[int, ...], span: int, memory: Scratch) -> AnyArray:
    """(shifts * channels, span): what each tap reads, one contiguous slice each."""
    if len(offsets) == 1:
        return flat[:, offsets[0] : offsets[0] + span]
    slices = memory.empty((len(offsets), len(flat), span), flat.dtype)
    for each, offset in zip(slices, offsets, strict=True):
        each[...] = flat[:, offset : offset + span]
    return slices.reshape(len(offsets) * len(flat), span)


def _kernel(w: AnyArray, correlation: FlatCorrelation, memory: Scratch) -> AnyArray:
    """(phases * out_channels, shifts * in_channels), transposed in memory so that the copies
    write contiguous channels.  Sixteen input channels at a time keep w's lines in the cache."""
    taps = correlation.taps
    shape = (len(taps[0]), w.shape[0], len(taps), w.shape[1])
    kernel = memory.empty(shape, w.dtype)
    for low in range(0, w.shape[0], 16):
        some = slice(low, low + 16)
        for phase, choices in enumerate(taps):
            for shift, tap in enumerate(choices):
                place: Index = (some, EVERY, *tap)
                kernel[shift, some, phase] = w[place]
    return kernel.reshape(shape[0] * shape[1], shape[2] * shape[3]).T


def _write(
    correlation: FlatCorrelation, planes: PaddedPlanes, result: AnyArray, y: AnyArray, written: int
) -> None:
    """Place a result (phases * out_channels, positions) in y (out_channels, batch, *spatial)."""
    rows, samples = y.shape[:2]
    phases = result.reshape(len(correlation.taps), rows, samples, *planes.pitches)
    some = max(1, written // max(1, phases.size // max(1, rows)))
    for low in range(0, rows, some):
        target = y[low : low + some]
        for values, source, place in zip(
            phases, correlation.sources, correlation.targets, strict=True
        ):
            target[(EVERY, EVERY, *place)] = values[(slice(low, low + some), EVERY, *source)]


# Runs: with the phases of the last axis innermost in the GEMM's result, every input position
# yields a run of ``stride`` neighbouring outputs, and y is written run by run: 0.5 ns a value at
# stride 16, 0.4 at 32, where writing phase after phase takes 1.8 and 2.6.


def _writes_runs(last: Axis, limits: Limits) -> bool:
    """Whether one GEMM yields all phases of the last axis, and enough of them."""
    along = correlations(last, limits.fusion)
    return (
        last.stride >= limits.shortest_run
        and len(along) == 1
        and len(along[0].phases) == last.stride
    )


def _kernel_of_runs(
    w: AnyArray, correlation: FlatCorrelation, stride: int, memory: Scratch
) -> AnyArray:
    """(shifts * in_channels, out_channels * outer phases * stride)."""
    outer_phases = correlation.taps[::stride]
    shape = (len(correlation.offsets), *w.shape[:2], len(outer_phases), stride)
    kernel = memory.empty(shape, w.dtype)
    for phase, choices in enumerate(outer_phases):
        for shift, (*outer, first) in enumerate(choices):
            place: Index = (EVERY, EVERY, *outer, slice(first, first + stride))
            kernel[shift, :, :, phase] = w[place]
    return kernel.reshape(len(correlation.offsets) * len(w), w.shape[1] * len(correlation.taps))


def _write_runs(
    correlation: FlatCorrelation, planes: PaddedPlanes, last: Axis, result: AnyArray, y: AnyArray
) -> None:
    """Place a result (positions, out_channels * outer phases * stride) in y (out_channels,
    batch, *spatial)."""
    channels, samples = y.shape[:2]
    stride, size = last.stride, last.output_size
    values = result.reshape(
        samples, *planes.pitches, channels, len(correlation.taps) // stride, stride
    )
    # (outer phases, channels, batch, *cells, stride)
    axes = 1 + len(planes.pitches)
    values = values.transpose(axes + 1, axes, *range(axes), axes + 2)
    cells = Cells(last)
    lead, whole = cells.inside.start, cells.whole
    count = whole.stop - whole.start
    begin, end = whole.start * stride - lead, whole.stop * stride - lead
    outer_phases = zip(correlation.sources[::stride], correlation.targets[::stride], strict=True)
    for run, (source, target) in zip(values, outer_phases, strict=True):
        rows = run[(EVERY, EVERY, *source[:-1])]
        place = y[(EVERY, EVERY, *target[:-1])]
        if count > 0:
            inner = place[..., begin:end]
            inner.reshape(*inner.shape[:-1], count, stride)[...] = rows[..., whole, :]
        if lead:
            head = min(size, stride - lead)
            place[..., :head] = rows[..., 0, lead : lead + head]
        if count >= 0 and end < size:
            place[..., end:] = rows[..., whole.stop, : size - end]


def conv_transpose_counts(plan: Plan) -> Counts:
    """The kernels, the gathered slices, the GEMMs, and the phases written side by side.

    The GEMMs also compute the positions between the rows.
    """
    along = [correlations(axis) for axis in plan.axes]
    tiles = len(output_tiles(plan, _positions(plan, LIMITS), plan.batch))
    positions = plan.batch * plane_size(plan.axes)
    outputs = prod(plan.y_shape)
    run = plan.stride[-1] if _writes_runs(plan.axes[-1], LIMITS) else 1
    total = copy(prod(plan.w_shape), 1) + copy(plan.in_channels * positions, plan.input_size[-1])
    total += copy(outputs, plan.input_size[-1] if plan.stride[-1] == 1 else run)
    for chosen in product(*along):
        slices = prod(len(each.shifts) for each in chosen)
        at_once = prod(len(each.phases) for each in chosen)
        depth, rows = slices * plan.group_in_channels, at_once * plan.group_out_channels
        total += gemm(rows, depth, positions, plan.groups)
        gathered_slices = slices * plan.in_channels * positions if slices > 1 else 0
        calls = tiles * plan.groups * (1 + slices + at_once)
        total += Counts(moved=gathered_slices, calls=calls)
    return total
