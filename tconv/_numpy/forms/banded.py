"""Few channels a group: rows of y as GEMMs of segments of x with the banded Toeplitz matrix of
the last axis, written in place.

A segment of inputs and the few before it yield ``stride`` times as many neighbouring
outputs, so the interleaving of the phases lies inside the matrix and no result is copied.
Most of the matrix is zero, yet beside multiply-adds of whole planes (``planes``), which
write each phase with a stride, it takes a quarter to a half of the time from stride 4 on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tconv._core.axis import Axis
from tconv._core.cost import Counts
from tconv._core.lattice import Phase, inputs_read, outputs_of, phase_by_phase, phases
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.forms import planes
from tconv._numpy.forms.tapwise import all_finite
from tconv._numpy.scratch import Scratch
from tconv._numpy.tiles import EVERY, GroupTasks, OutputTile, output_tiles


@dataclass(frozen=True)
class Limits:
    """Input positions of a tile; elements of x and of the matrix that a task works on; outputs
    of a segment, and the fewest inputs: 16x16 kernels of stride 8 take 5.2, 6.9 and 8.6 ms with
    8, 16 and 4 inputs."""

    positions: int = 1 << 14
    elements: int = 1 << 17
    outputs: int = 32
    fewest_inputs: int = 8


LIMITS = Limits()


class Band(NamedTuple):
    """The last axis in segments: segment n yields the outputs from ``n * axis.output_size`` of
    the inputs from ``first + n * inputs``, as ``axis`` says."""

    inputs: int
    first: int
    axis: Axis
    segments: int


def conv_transpose(plan: Plan, x: AnyArray, w: AnyArray, limits: Limits = LIMITS) -> AnyArray:
    """y[row] = x[rows] @ band.  Values that the zeros of the band would multiply to NaN, and
    dtypes without a BLAS, take the multiply-adds."""
    if x.dtype.char not in "fdFD" or not all_finite(x):
        return planes.conv_transpose(plan, x, w)
    return _tasks(limits).run(plan, x, w)


def conv_transpose_workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of the segments, the matrix and the windows of a task, or of the multiply-adds."""
    bands = _tasks(LIMITS).workspace(plan, itemsize)
    return max(bands, planes.conv_transpose_workspace(plan, itemsize))


@lru_cache(maxsize=16)
def _tasks(limits: Limits) -> GroupTasks:
    shared = partial(_groups_at_once, limits), partial(_scratch, limits)
    return GroupTasks(partial(_compute, limits), limits.positions, *shared)


def _scratch(limits: Limits, plan: Plan, tile: OutputTile, groups: int) -> list[int]:
    *outer, last = tile.axes
    band, depth, channels = _band(last, limits), plan.group_in_channels, plan.group_out_channels
    _, sizes, width = _place(outer, band)
    padded = groups * depth * tile.samples * prod(sizes) * width
    segment = band.axis.input_size * band.axis.output_size
    matrix = groups * channels * depth * prod(axis.kernel_size for axis in outer) * segment
    windows = max(
        prod(phase.count * phase.taps for phase in chosen)
        for chosen in product(*map(phases, outer))
    )
    reads = groups * band.segments * tile.samples * depth * windows * band.axis.input_size
    return [padded, matrix, matrix, reads]


def _groups_at_once(limits: Limits, plan: Plan, tile: OutputTile) -> int:
    """x and the matrix each stay near ``limits.elements``."""
    band, depth = _band(tile.axes[-1], limits), plan.group_in_channels
    inputs = tile.samples * depth * prod(axis.input_size for axis in tile.axes)
    taps = prod(axis.kernel_size for axis in tile.axes[:-1])
    segment = band.axis.input_size * band.axis.output_size
    matrix = depth * plan.group_out_channels * taps * segment
    return limits.elements // max(1, inputs, matrix)


@lru_cache(maxsize=1024)
def _band(axis: Axis, limits: Limits) -> Band:
    """The segments of one axis."""
    wanted = max(limits.fewest_inputs, limits.outputs // axis.stride)
    inputs = max(1, min(axis.input_size, wanted))
    outputs = inputs * axis.stride
    first, stop = axis.inputs_of(0, outputs)
    lo = axis.lo - first * axis.stride
    segment = replace(axis, input_size=stop - first, output_size=outputs, lo=lo)
    return Band(inputs, first, segment, -(-axis.output_size // outputs))


def _compute(
    limits: Limits,
    groups: int,
    axes: tuple[Axis, ...],
    x: AnyArray,
    w: AnyArray,
    y: AnyArray,
    memory: Scratch,
) -> None:
    *outer, last = axes
    band = _band(last, limits)
    outputs = band.axis.output_size
    padded, leads = _padded(groups, outer, band, x, memory)
    matrix = _matrix(groups, band, w, memory)
    target = _by_group(y, groups)
    for chosen in product(*map(phases, outer)):
        place = tuple(outputs_of(axis, each) for axis, each in zip(outer, chosen, strict=True))
        rows = target[(EVERY, EVERY, EVERY, *place)]
        if all(each.taps for each in chosen):
            taps = tuple(slice(each.tap, None, each.tap_step) for each in chosen)
            picked = matrix[(EVERY, EVERY, EVERY, *taps)]
            weight = picked.reshape(*picked.shape[:2], prod(picked.shape[2:-1]), outputs)
            _multiply(_reads(padded, leads, chosen, band, memory.rest()), weight, rows)
        else:
            rows[...] = 0


def _by_group(signal: AnyArray, groups: int) -> AnyArray:
    """(groups, channels, batch, *spatial) view of (batch, groups * channels, *spatial)."""
    batch, channels, *spatial = signal.shape
    split = signal.reshape(batch, groups, channels // groups, *spatial)
    return split.transpose(1, 2, 0, *range(3, split.ndim))


def _place(outer: list[Axis], band: Band) -> tuple[list[int], list[int], int]:
    """How x lies in zeros: how many lead each axis but the last, the sizes of these with the
    zeros, and that of the last."""
    leads, sizes = [], []
    for axis in outer:
        first, stop = inputs_read(phase_by_phase(axis))
        leads.append(max(0, -first))
        sizes.append(leads[-1] + max(axis.input_size, stop))
    return leads, sizes, (band.segments - 1) * band.inputs + band.axis.input_size


def _padded(
    groups: int, outer: list[Axis], band: Band, x: AnyArray, memory: Scratch
) -> tuple[AnyArray, list[int]]:
    """x (groups, depth, batch, *spatial) in the zeros that its rows read, and how many of
    them lead each axis but the last."""
    leads, sizes, width = _place(outer, band)
    interior = [slice(lead, lead + a.input_size) for lead, a in zip(leads, outer, strict=True)]
    low, high = max(0, band.first), min(x.shape[-1], band.first + width)
    high = max(low, high)
    grouped = _by_group(x, groups)
    padded = memory.zeros((*grouped.shape[:3], *sizes, width), x.dtype)
    kept = slice(low - band.first, high - band.first)
    padded[(EVERY, EVERY, EVERY, *interior, kept)] = grouped[..., low:high]
    return padded, leads


def _matrix(groups: int, band: Band, w: AnyArray, memory: Scratch) -> AnyArray:
    """(groups, channels, depth, *outer taps, inputs, outputs) of a segment: the kernel's last
    axis along the diagonals.  One input further is one stride further in the outputs."""
    taps = w.reshape(groups, len(w) // groups, *w.shape[1:]).swapaxes(1, 2)
    inputs, outputs = band.axis.input_size, band.axis.output_size
    matrix = memory.zeros((*taps.shape[:-1], inputs * outputs), w.dtype)
    diagonal = outputs + band.axis.stride
    for tap in range(band.axis.kernel_size):
        start, stop, output = band.axis.reach(tap)
        if start < stop:
            at = start * outputs + output
            last = at + (stop - start - 1) * diagonal
            matrix[..., at : last + 1 : diagonal] = taps[..., tap, None]
    return matrix.reshape(*taps.shape[:-1], inputs, outputs)


def _reads(
    padded: AnyArray, leads: list[int], chosen: tuple[Phase, ...], band: Band, memory: Scratch
) -> AnyArray:
    """(groups, segments, batch, *rows, depth * taps * inputs): what the rows of the chosen
    phases read."""
    group, channel, sample, *along, element = padded.strides
    start = tuple(slice(lead + p.start, None) for lead, p in zip(leads, chosen, strict=True))
    back = tuple(-p.step * stride for p, stride in zip(chosen, along, strict=True))
    view = as_strided(
        padded[(EVERY, EVERY, EVERY, *start)],
        (
            *(padded.shape[0], band.segments, padded.shape[2], *(p.count for p in chosen)),
            *(padded.shape[1], *(p.taps for p in chosen), band.axis.input_size),
        ),
        (
            *(group, band.inputs * element, sample, *along),
            *(channel, *back, element),
        ),
        writeable=False,
    )
    copy = memory.empty(view.shape, view.dtype)
    copy[...] = view
    kept = 3 + len(chosen)
    return copy.reshape(*view.shape[:kept], prod(view.shape[kept:]))


def _multiply(reads: AnyArray, weight: AnyArray, y: AnyArray) -> None:
    """y (groups, channels, batch, *rows, outputs) from reads (groups, segments, batch, *rows,
    k) and weight (groups, channels, k, outputs of a segment).

    The GEMMs' rows are those of the last of ``rows``, or the segments where these are more."""
    rows = range(2, reads.ndim - 1)
    left = reads.transpose(0, *rows, 1, reads.ndim - 1)[:, None]
    right = weight.reshape(*weight.shape[:2], *[1] * (y.ndim - 3), *weight.shape[2:])
    outputs = weight.shape[3]
    whole = y.shape[-1] // outputs
    edge = whole * outputs
    along_rows = y.ndim > 4 and y.shape[-2] > whole
    for segments, target in (
        (slice(whole), y[..., :edge].reshape(*y.shape[:-1], whole, outputs)),
        (slice(whole, None), y[..., None, edge:]),
    ):
        factors = left[..., segments, :], target
        if target.size:
            signal, out = (a.swapaxes(-2, -3) for a in factors) if along_rows else factors
            np.matmul(signal, right[..., : out.shape[-1]], out=out)


def conv_transpose_counts(plan: Plan) -> Counts:
    """The windows of the segments, and their GEMMs with the band, written in place."""
    *outer, last = plan.axes
    band = _band(last, LIMITS)
    reads, outputs = band.axis.input_size, band.axis.output_size
    depth, channels = plan.group_in_channels, plan.group_out_channels
    rows = taps = 0
    for chosen in product(*map(phases, outer)):
        rows_of_phase = plan.batch * band.segments * prod(each.count for each in chosen)
        rows += rows_of_phase
        taps += rows_of_phase * prod(each.taps for each in chosen)
    gathered = plan.groups * taps * depth * reads
    products = gathered * channels * outputs
    # A GEMM has the rows of the last axis but one, or the segments where these are more.
    products_of_matrices = (
        plan.groups * channels * rows / max(band.segments, *plan.input_size[-2:-1], 1)
    )
    runs = gathered / reads + products_of_matrices
    tiles = len(output_tiles(plan, LIMITS.positions, plan.batch))
    calls = tiles * (5 + prod(axis.stride for axis in outer))
    total = Counts(products=products, moved=gathered, runs=runs, calls=calls)
    return total + Counts(moved=plan.groups * channels * rows * outputs)
