"""Collection by phases: for each output residue modulo the stride a stride-1 correlation,
computed as one GEMM over gathered windows and written interleaved."""

from __future__ import annotations

from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._numpy import phase_runs, scratch
from tconv._numpy.blocks import Block, blocks
from tconv._numpy.flattened import EVERY, Product, Recipe, Taps, flatten, recipe
from tconv._numpy.parts import gathered, together

Kernels = dict[tuple[int, tuple[Taps, ...]], NDArray[Any]]

GATHERED = 1 << 21
FEWEST, MOST = 256, 2048
WRITTEN = 1 << 17  # elements interleaved at a time, so that all phases meet in the cache


@scratch.frame()
def conv_transpose(plan: Plan, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """Each phase gathers its own taps, flipped, from x."""
    y = np.empty(plan.y_shape, x.dtype)
    pieces = blocks(plan, positions(plan), plan.batch)
    kernels = _kernels(plan, pieces, w)
    for block in pieces:
        _compute(plan, block, x[block.batch, :, block.inputs], y, kernels)
    return y


def positions(plan: Plan) -> int:
    """Positions a block: the gathered windows and the GEMM's result each stay near ``GATHERED``
    elements, and never grow with the batch."""
    depth = plan.group_in_channels * prod(map(gathered, plan.axes))
    rows = plan.group_out_channels * prod(map(together, plan.axes))
    return min(MOST, max(FEWEST, GATHERED // max(1, depth, rows)))


def _kernels(plan: Plan, pieces: tuple[Block, ...], w: NDArray[Any]) -> Kernels:
    """The weight of each GEMM; blocks at an edge may have other taps than those inside."""
    kernels: Kernels = {}
    depth, stride = plan.group_in_channels, plan.axes[-1].stride
    for axes in dict.fromkeys(block.axes for block in pieces):
        runs = phase_runs.has_runs(axes[-1])
        arrange = partial(phase_runs.kernel, stride=stride) if runs else _kernel
        for group, job in product(range(plan.groups), recipe(axes).products):
            if (group, job.taps) not in kernels:
                inputs = slice(group * depth, (group + 1) * depth)
                kernels[group, job.taps] = arrange(w[inputs], job)
    return kernels


@scratch.frame()
def _compute(plan: Plan, block: Block, x: NDArray[Any], y: NDArray[Any], kernels: Kernels) -> None:
    how = recipe(block.axes)
    depth, rows = plan.group_in_channels, plan.group_out_channels
    flat = flatten(x, how)
    target = y[block.batch, :, block.outputs].swapaxes(0, 1)
    for place in how.untouched:
        target[(EVERY, EVERY, *place)] = 0
    for group, job in product(range(plan.groups), how.products):
        inputs, outputs = (slice(group * n, (group + 1) * n) for n in (depth, rows))
        weight = kernels[group, job.taps]
        _correlate(job, how, block.axes[-1], flat[inputs], weight, target[outputs])


@scratch.frame()
def _correlate(
    job: Product,
    how: Recipe,
    last: Axis,
    flat: NDArray[Any],
    weight: NDArray[Any],
    y: NDArray[Any],
) -> None:
    plane = prod(how.pitches)
    positions = y.shape[1] * plane
    span = positions - plane + job.span
    cols = _gather(flat, job.offsets, span)
    if phase_runs.has_runs(last):
        result = scratch.empty((positions, weight.shape[1]), flat.dtype)
        np.matmul(cols.T, weight, out=result[:span])
        phase_runs.write(job, how, last, result, y)
    else:
        result = scratch.empty((len(weight), positions), flat.dtype)
        np.matmul(weight, cols, out=result[:, :span])
        _write(job, how, result, y)


def _write(job: Product, how: Recipe, result: NDArray[Any], y: NDArray[Any]) -> None:
    """Place a result (phases * out_channels, positions) in y (out_channels, batch, *spatial)."""
    rows, samples = y.shape[:2]
    phases = result.reshape(len(job.taps), rows, samples, *how.pitches)
    some = max(1, WRITTEN // max(1, phases.size // max(1, rows)))
    for low in range(0, rows, some):
        part = y[low : low + some]
        for values, source, place in zip(phases, job.sources, job.targets, strict=True):
            part[(EVERY, EVERY, *place)] = values[(slice(low, low + some), EVERY, *source)]


def _gather(flat: NDArray[Any], offsets: tuple[int, ...], span: int) -> NDArray[Any]:
    """(shifts * channels, span): the windows, one contiguous slice each."""
    if len(offsets) == 1:
        return flat[:, offsets[0] : offsets[0] + span]
    cols = scratch.empty((len(offsets), len(flat), span), flat.dtype)
    for window, offset in zip(cols, offsets, strict=True):
        window[...] = flat[:, offset : offset + span]
    return cols.reshape(len(offsets) * len(flat), span)


def _kernel(w: NDArray[Any], job: Product) -> NDArray[Any]:
    """(members * out_channels, shifts * in_channels), transposed in memory so that the copies
    write contiguous channels.  Sixteen input channels at a time keep w's lines in the cache."""
    taps = job.taps
    shape = (len(taps[0]), w.shape[0], len(taps), w.shape[1])
    kernel = scratch.empty(shape, w.dtype)
    for low in range(0, w.shape[0], 16):
        some = slice(low, low + 16)
        for member, choices in enumerate(taps):
            for shift, tap in enumerate(choices):
                place: tuple[Any, ...] = (some, EVERY, *tap)
                kernel[shift, some, member] = w[place]
    return kernel.reshape(shape[0] * shape[1], shape[2] * shape[3]).T
