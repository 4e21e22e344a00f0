"""Few channels a group: rows of y as GEMMs of blocks of x with the banded Toeplitz matrix of
the last axis, written in place.

A block of inputs and the few before it yield ``stride`` times as many neighbouring
outputs, so the interleaving of the phases lies inside the matrix and no result is copied.
Most of the matrix is zero, yet beside multiply-adds of whole planes (``depthwise``), which
write each phase with a stride, it takes a quarter to a half of the time from stride 4 on.
"""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tconv._core.axis import Axis
from tconv._core.lattice import Phase, phases
from tconv._core.plan import Plan
from tconv._numpy import depthwise, scratch
from tconv._numpy.blocks import Block
from tconv._numpy.group_tasks import by_group

Array = NDArray[Any]
Index = tuple[Any, ...]

POSITIONS = 1 << 14
ELEMENTS = 1 << 17
EVERY = slice(None)

# Outputs of a block, and the fewest inputs: 16x16 kernels of stride 8 take 5.2, 6.9 and 8.6 ms
# with 8, 16 and 4 inputs.
OUTPUTS, FEWEST = 32, 8


class Band(NamedTuple):
    """The last axis in blocks: block n reads ``reads`` inputs from ``n*inputs + first``
    and yields the ``outputs`` from ``n * outputs``."""

    inputs: int
    first: int
    reads: int
    outputs: int
    blocks: int


def conv_transpose(plan: Plan, x: Array, w: Array) -> Array:
    """y[row] = x[rows] @ band.  Values that the zeros of the band would spread, and dtypes
    without a BLAS, take the multiply-adds."""
    if x.dtype.char not in "fdFD" or not np.isfinite(x).all():
        return depthwise.conv_transpose(plan, x, w)
    return by_group(plan, x, w, _compute, POSITIONS, partial(_groups_together, plan))


def _groups_together(plan: Plan, block: Block) -> int:
    """x and the matrix each stay near ``ELEMENTS``."""
    how, planes = band(block.axes[-1]), plan.group_in_channels
    samples: int = block.batch.stop - block.batch.start
    inputs = samples * planes * prod(axis.input_size for axis in block.axes)
    taps = prod(axis.kernel_size for axis in block.axes[:-1])
    matrix = planes * plan.group_out_channels * taps * how.reads * how.outputs
    return ELEMENTS // max(1, inputs, matrix)


@lru_cache(maxsize=1024)
def band(axis: Axis) -> Band:
    """The blocks of one axis."""
    inputs = max(1, min(axis.input_size, max(FEWEST, OUTPUTS // axis.stride)))
    outputs = inputs * axis.stride
    first, stop = axis.inputs_of(0, outputs)
    return Band(inputs, first, stop - first, outputs, -(-axis.output_size // outputs))


@scratch.frame()
def _compute(groups: int, axes: tuple[Axis, ...], x: Array, w: Array, y: Array) -> None:
    *outer, last = axes
    how = band(last)
    padded, leads = _padded(groups, outer, how, x)
    matrix = _matrix(groups, last, how, w)
    target = _by_group(y, groups)
    for chosen in product(*(phases(axis) for axis in outer)):
        place: Index = tuple(
            slice(p.first, None, axis.stride) for p, axis in zip(chosen, outer, strict=True)
        )
        rows = target[(EVERY, EVERY, EVERY, *place)]
        if all(p.taps for p in chosen):
            taps = tuple(slice(p.tap, None, p.tap_step) for p in chosen)
            picked = matrix[(EVERY, EVERY, EVERY, *taps)]
            weight = picked.reshape(*picked.shape[:2], prod(picked.shape[2:-1]), how.outputs)
            _multiply(_windows(padded, leads, chosen, how), weight, how, rows)
        else:
            rows[...] = 0


def _by_group(signal: Array, groups: int) -> Array:
    """(groups, channels, batch, *spatial) view of (batch, groups * channels, *spatial)."""
    batch, channels, *spatial = signal.shape
    split = signal.reshape(batch, groups, channels // groups, *spatial)
    return split.transpose(1, 2, 0, *range(3, split.ndim))


def _padded(groups: int, outer: list[Axis], how: Band, x: Array) -> tuple[Array, list[int]]:
    """x (groups, depth, batch, *spatial) in the zeros that its windows reach, and how many of
    them lead each axis but the last."""
    leads, sizes, interior = [], [], []
    for axis in outer:
        reached = [p for p in phases(axis) if p.taps]
        lead = max(0, *((p.taps - 1) * p.step - p.start for p in reached), 0)
        end = max((p.start + p.count for p in reached), default=0)
        leads.append(lead)
        sizes.append(lead + max(axis.input_size, end))
        interior.append(slice(lead, lead + axis.input_size))
    width = (how.blocks - 1) * how.inputs + how.reads
    low, high = max(0, how.first), min(x.shape[-1], how.first + width)
    high = max(low, high)
    grouped = _by_group(x, groups)
    padded = scratch.zeros((*grouped.shape[:3], *sizes, width), x.dtype)
    kept = slice(low - how.first, high - how.first)
    padded[(EVERY, EVERY, EVERY, *interior, kept)] = grouped[..., low:high]
    return padded, leads


def _matrix(groups: int, last: Axis, how: Band, w: Array) -> Array:
    """(groups, channels, depth, *outer taps, reads, outputs): the kernel's last axis along the
    diagonals.  One input further is one stride further in the outputs."""
    taps = w.reshape(groups, len(w) // groups, *w.shape[1:]).swapaxes(1, 2)
    matrix = scratch.zeros((*taps.shape[:-1], how.reads * how.outputs), w.dtype)
    step = how.outputs + last.stride
    for tap in range(last.kernel_size):
        lands = how.first * last.stride + tap * last.dilation - last.lo
        start = max(0, -(lands // last.stride))
        stop = min(how.reads, -((lands - how.outputs) // last.stride))
        if start < stop:
            at = start * step + lands
            matrix[..., at : at + (stop - start - 1) * step + 1 : step] = taps[..., tap, None]
    return matrix.reshape(*taps.shape[:-1], how.reads, how.outputs)


def _windows(padded: Array, leads: list[int], phases: tuple[Phase, ...], how: Band) -> Array:
    """(groups, blocks, batch, *rows, depth * taps * reads): what the rows of a phase read."""
    group, channel, sample, *steps, element = padded.strides
    start: Index = tuple(slice(lead + p.start, None) for lead, p in zip(leads, phases, strict=True))
    view = as_strided(
        padded[(EVERY, EVERY, EVERY, *start)],
        (
            *(padded.shape[0], how.blocks, padded.shape[2], *(p.count for p in phases)),
            *(padded.shape[1], *(p.taps for p in phases), how.reads),
        ),
        (
            *(group, how.inputs * element, sample, *steps),
            *(channel, *(-p.step * step for p, step in zip(phases, steps, strict=True)), element),
        ),
        writeable=False,
    )
    copy = scratch.empty(view.shape, view.dtype)
    copy[...] = view
    kept = 3 + len(phases)
    return copy.reshape(*view.shape[:kept], prod(view.shape[kept:]))


def _multiply(windows: Array, weight: Array, how: Band, y: Array) -> None:
    """y (groups, channels, batch, *rows, outputs) from windows (groups, blocks, batch, *rows,
    k) and weight (groups, channels, k, outputs).

    The GEMMs' rows are those of the last of ``rows``, or the blocks where these are more."""
    rows = range(2, windows.ndim - 1)
    left = windows.transpose(0, *rows, 1, windows.ndim - 1)[:, None]
    right = weight.reshape(*weight.shape[:2], *[1] * (y.ndim - 3), *weight.shape[2:])
    whole = y.shape[-1] // how.outputs
    edge = whole * how.outputs
    along_rows = y.ndim > 4 and y.shape[-2] > whole
    for blocks_, target in (
        (slice(whole), y[..., :edge].reshape(*y.shape[:-1], whole, how.outputs)),
        (slice(whole, None), y[..., None, edge:]),
    ):
        factors = left[..., blocks_, :], target
        if target.size:
            signal, out = (a.swapaxes(-2, -3) for a in factors) if along_rows else factors
            np.matmul(signal, right[..., : out.shape[-1]], out=out)
