"""Distribution: one GEMM to columns, each added where its kernel tap lands.

The columns are summed phase by phase, so that every addition runs along contiguous rows, and
each finished phase is written into y once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tconv._core import relation
from tconv._core.axis import Axis
from tconv._core.cost import Counts, copy, gemm
from tconv._core.lattice import Phase, outputs_of, phases
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.scratch import Scratch, aligned, lent
from tconv._numpy.tiles import EVERY, Index, kinds_of_tiles, output_tiles


@dataclass(frozen=True)
class Limits:
    """Input positions of a tile; elements of its columns, and the fewest of their rows in one
    GEMM; the length from which rows of y are added up sample by sample."""

    positions: int = 4096
    columns: int = 1 << 20
    fewest_rows: int = 128
    long_row: int = 24


LIMITS = Limits()


class Sum(NamedTuple):
    """One phase: the places in y, and the columns to add up for them.

    ``terms`` are places in the phase, each with its columns; the first ``complete`` of them
    cover the phase.
    """

    target: Index
    shape: tuple[int, ...]
    complete: int
    terms: tuple[tuple[Index, Index], ...]


def conv_transpose(plan: Plan, x: AnyArray, w: AnyArray, limits: Limits = LIMITS) -> AnyArray:
    """y[.., i*s + t*d - lo] += (w^T x)[t, i] for every tap.

    Samples with short rows are computed together, the batch innermost, so that the additions
    run along longer rows; where there are none, side by side.
    """
    if prod(plan.input_size) == 1:
        return _single_position(plan, x, w)
    y = np.empty(plan.y_shape, x.dtype)
    with lent(_scratch(plan, x.itemsize, limits)) as memory:
        for tile in output_tiles(plan, limits.positions, _samples(plan, limits)):
            signal, target = x[tile.batch, :, tile.inputs], y[tile.batch, :, tile.outputs]
            _distribute(plan, tile.axes, signal, w, target, limits, memory.rest())
    return y


def conv_transpose_workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of the columns and sums of a tile, or of the kernels of a single position."""
    if prod(plan.input_size) == 1:
        return plan.batch * plan.out_channels * plan.taps * itemsize
    return _scratch(plan, itemsize, LIMITS)


@lru_cache(maxsize=1024)
def _scratch(plan: Plan, itemsize: int, limits: Limits) -> int:
    pack = packs(plan, limits)
    most = 0
    for tile in kinds_of_tiles(plan, limits.positions, _samples(plan, limits)):
        length = tile.samples * prod(axis.input_size for axis in tile.axes)
        outputs = tile.samples * prod(axis.output_size for axis in tile.axes)
        cells = tile.samples * prod(-(-axis.output_size // axis.stride) for axis in tile.axes)
        some = _channels_at_once(plan, length, limits)
        weight = plan.group_in_channels * some * plan.taps if some < plan.group_out_channels else 0
        arrays = [some * plan.taps * length, some * cells, weight]
        if pack:
            arrays += [plan.in_channels * length, some * outputs]
        most = max(most, sum(aligned(elements * itemsize) for elements in arrays))
    return most


def _samples(plan: Plan, limits: Limits) -> int:
    return plan.batch if packs(plan, limits) or not _overlaps(plan) else 1


def _channels_at_once(plan: Plan, length: int, limits: Limits) -> int:
    """Channels of y in one GEMM with ``length`` columns, about the same number in each."""
    channels = plan.group_out_channels
    fits = max(limits.columns // max(1, length * plan.taps), -(-limits.fewest_rows // plan.taps))
    gemms = -(-channels // fits)
    return max(1, -(-channels // max(1, gemms)))


def packs(plan: Plan, limits: Limits = LIMITS) -> bool:
    """Whether samples are computed together, the batch innermost."""
    return plan.batch > 1 and plan.input_size[-1] < limits.long_row and _overlaps(plan)


def _overlaps(plan: Plan) -> bool:
    """Whether kernels of neighbouring inputs meet in an output."""
    return any(phase.taps > 1 for axis in plan.axes for phase in phases(axis))


def _single_position(plan: Plan, x: AnyArray, w: AnyArray) -> AnyArray:
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
    landings = [axis.exchanged().landing(0) for axis in plan.axes]  # those of the one input
    source, target = zip(*landings, strict=True)
    y[(EVERY, EVERY, *target)] = kernels[(EVERY, EVERY, *source)]
    return y


def _distribute(
    plan: Plan,
    axes: tuple[Axis, ...],
    x: AnyArray,
    w: AnyArray,
    y: AnyArray,
    limits: Limits,
    memory: Scratch,
) -> None:
    """x is (batch, in_channels, *positions), y (batch, out_channels, *positions)."""
    depth, channels = plan.group_in_channels, plan.group_out_channels
    samples, _, *sizes = x.shape
    pack = samples > 1 and packs(plan, limits)
    some = _channels_at_once(plan, samples * prod(sizes), limits)
    shape = [-(-axis.output_size // axis.stride) for axis in axes]
    lead, inner = (1, [*sizes, samples]) if pack else (samples, sizes)
    products = memory.empty((lead, some * plan.taps, prod(inner)), x.dtype)
    room = memory.empty((some * prod(shape) * samples,), x.dtype)
    targets = y = np.moveaxis(y, 0, -1)
    if pack:
        packed = memory.empty((1, plan.in_channels, *inner), x.dtype)
        packed[0] = np.moveaxis(x, 0, -1)
        x, targets = packed, memory.empty((some, *y.shape[1:]), x.dtype)
    sums = _sums(axes)
    for group in range(plan.groups):
        inputs = slice(group * depth, (group + 1) * depth)
        signal = x[:, inputs].reshape(lead, depth, prod(inner))
        for low in range(0, channels, some):
            high = min(low + some, channels)
            rows = (high - low) * plan.taps
            weight = w[inputs, low:high].reshape(depth, rows)
            np.matmul(weight.T, signal, out=products[:, :rows])
            columns = products[:, :rows].reshape(lead, high - low, *plan.kernel_size, *inner)
            columns = columns[0] if pack else np.moveaxis(columns, 0, -1)
            outputs = y[group * channels + low : group * channels + high]
            target = targets[: high - low] if pack else outputs
            for each in sums:
                _add_up(each, columns, target, room)
            if pack:
                outputs[...] = target


def _add_up(each: Sum, columns: AnyArray, y: AnyArray, room: AnyArray) -> None:
    """Write one phase of y; its sum is made in ``room``."""
    terms = each.terms
    if not terms:
        y[each.target] = 0
        return
    if each.complete and len(terms) == 1:
        y[each.target] = columns[terms[0][1]]
        return
    shape = (columns.shape[0], *each.shape, columns.shape[-1])
    total = room[: prod(shape)].reshape(shape)
    if each.complete > 1:
        np.add(columns[terms[0][1]], columns[terms[1][1]], out=total)
    elif each.complete:
        total[...] = columns[terms[0][1]]
    else:
        total.fill(0)
    for place, source in terms[min(each.complete, 2) :]:
        covered = total[place]
        np.add(covered, columns[source], out=covered)
    y[each.target] = total


@lru_cache(maxsize=1024)
def _sums(axes: tuple[Axis, ...]) -> tuple[Sum, ...]:
    return tuple(_sum(axes, chosen) for chosen in product(*map(phases, axes)))


def _sum(axes: tuple[Axis, ...], chosen: tuple[Phase, ...]) -> Sum:
    shape = tuple(phase.count for phase in chosen)
    terms = []
    for carried in product(*map(_carried, axes, chosen)):
        taps, places, inputs = zip(*carried, strict=True)
        covers = tuple(place.stop - place.start for place in places) == shape
        terms.append((not covers, (EVERY, *places), (EVERY, *taps, *inputs)))
    terms.sort(key=lambda term: term[0])
    target = map(outputs_of, axes, chosen)
    complete = sum(not partial for partial, *_ in terms)
    return Sum((EVERY, *target), shape, complete, tuple((at, columns) for _, at, columns in terms))


def _carried(axis: Axis, phase: Phase) -> list[tuple[int, slice, slice]]:
    """(tap, outputs of the phase, inputs that it carries there) for each tap."""
    found = []
    for tap, shift in phase.reads:
        start, stop = max(0, -shift), min(phase.count, axis.input_size - shift)
        if start < stop:
            found.append((tap, slice(start, stop), slice(start + shift, stop + shift)))
    return found


def small(plan: Plan, x: AnyArray, w: AnyArray) -> AnyArray:
    """The same for small problems: columns added up by an index that is made once a plan."""
    groups, depth, positions = plan.groups, plan.group_in_channels, prod(plan.input_size)
    weight = w.reshape(groups, depth, plan.group_out_channels * plan.taps)
    columns = weight.swapaxes(1, 2) @ x.reshape(plan.batch, groups, depth, positions)
    source, target = _index(plan)
    y = np.zeros(prod(plan.y_shape), x.dtype)
    np.add.at(y, target, columns.ravel()[source])
    return y.reshape(plan.y_shape)


def small_workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of the columns, in two orders, and of their index."""
    columns = plan.batch * prod(plan.input_size) * plan.out_channels * plan.taps
    return columns * 2 * (itemsize + np.dtype(np.intp).itemsize)


@lru_cache(maxsize=256)
def _index(plan: Plan) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each column that lands inside y is, and where it lands."""
    found = relation.entries(plan)
    channels = np.arange(plan.batch * plan.out_channels)[:, None]
    source = (channels * plan.taps + found.taps) * prod(plan.input_size) + found.rows
    target = channels * prod(plan.output_size) + found.columns
    return source.ravel(), target.ravel()


def conv_transpose_counts(plan: Plan) -> Counts:
    """The GEMMs, the sums of their columns, and the phases written side by side."""
    positions = plan.batch * prod(plan.input_size)
    columns, outputs = positions * plan.out_channels * plan.taps, prod(plan.y_shape)
    rows = plan.group_out_channels * plan.taps
    product = gemm(rows, plan.group_in_channels, positions, plan.groups)
    if prod(plan.input_size) == 1:
        return product
    pack = packs(plan)
    tiles = len(output_tiles(plan, LIMITS.positions, _samples(plan, LIMITS)))
    row = plan.input_size[-1] * (plan.batch if pack else 1)
    # A phase of one tap is written as it is; each further tap reads a column and the sum so far.
    sums = max(0, columns - outputs)
    calls = tiles * plan.groups * (1 + plan.taps + (prod(plan.stride) if sums else 0))
    adding = Counts(added=sums, moved=2 * sums, runs=sums / row, calls=calls)
    written = copy(outputs, 1 if plan.stride[-1] > 1 and not pack else row)
    return product + adding + written + (copy(outputs, 1) if pack else Counts())


def small_counts(plan: Plan) -> Counts:
    """The GEMM, and the columns added up one by one."""
    positions = plan.batch * prod(plan.input_size)
    columns = positions * plan.out_channels * plan.taps
    product = gemm(
        plan.group_out_channels * plan.taps, plan.group_in_channels, positions, plan.groups
    )
    return product + Counts(runs=5 * columns, calls=5)
