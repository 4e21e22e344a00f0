"""Collection by phases: for each output residue modulo the stride a stride-1 correlation,
computed as one GEMM over gathered windows and written interleaved."""

from __future__ import annotations

from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._numpy import phase_runs
from tconv._numpy.blocks import Block, blocks
from tconv._numpy.flattened import EVERY, Product, Recipe, Taps, flatten, recipe
from tconv._numpy.parts import gathered, together
from tconv._plan import Plan

Kernels = dict[tuple[int, tuple[Taps, ...]], NDArray[Any]]

GATHERED = 1 << 21
FEWEST, MOST = 256, 2048
WRITTEN = 1 << 17  # elements interleaved at a time, so that all phases meet in the cache


def conv_transpose(plan: Plan, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """Each phase gathers its own taps, flipped, from x."""
    y = np.empty(plan.y_shape, x.dtype)
    kernels: Kernels = {}
    for block in blocks(plan, positions(plan), plan.batch):
        _compute(plan, block, x[block.batch, :, block.inputs], w, y, kernels)
    return y


def positions(plan: Plan) -> int:
    """Positions a block: the gathered windows and the GEMM's result each stay near ``GATHERED``
    elements, and never grow with the batch."""
    depth = plan.group_in_channels * prod(map(gathered, plan.axes))
    rows = plan.group_out_channels * prod(map(together, plan.axes))
    return min(MOST, max(FEWEST, GATHERED // max(1, depth, rows)))


def _compute(
    plan: Plan,
    block: Block,
    x: NDArray[Any],
    w: NDArray[Any],
    y: NDArray[Any],
    kernels: Kernels,
) -> None:
    how = recipe(block.axes)
    depth, rows, samples = plan.group_in_channels, plan.group_out_channels, len(x)
    plane = prod(how.pitches)
    flat = flatten(x, how)
    target = y[block.batch, :, block.outputs].swapaxes(0, 1)
    last = block.axes[-1]
    runs = phase_runs.has_runs(last)
    for place in how.untouched:
        target[(EVERY, EVERY, *place)] = 0
    for group, job in product(range(plan.groups), how.products):
        span = (samples - 1) * plane + job.span
        inputs, outputs = (slice(group * n, (group + 1) * n) for n in (depth, rows))
        weight = kernels.get((group, job.taps))
        if weight is None:
            arrange = partial(phase_runs.kernel, stride=last.stride) if runs else _kernel
            weight = kernels[group, job.taps] = arrange(w[inputs], job)
        cols = _gather(flat[inputs], job.offsets, span)
        if runs:
            result = np.empty((samples * plane, weight.shape[1]), x.dtype)
            np.matmul(cols.T, weight, out=result[:span])
            phase_runs.write(job, how, last, result, target[outputs])
        else:
            result = np.empty((len(weight), samples * plane), x.dtype)
            np.matmul(weight, cols, out=result[:, :span])
            _write(job, how, result, target[outputs])


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
    cols = np.empty((len(offsets), len(flat), span), flat.dtype)
    for window, offset in zip(cols, offsets, strict=True):
        window[...] = flat[:, offset : offset + span]
    return cols.reshape(len(offsets) * len(flat), span)


def _kernel(w: NDArray[Any], job: Product) -> NDArray[Any]:
    """(members * out_channels, shifts * in_channels), transposed in memory so that the copies
    write contiguous channels.  Sixteen input channels at a time keep w's lines in the cache."""
    taps = job.taps
    shape = (len(taps[0]), w.shape[0], len(taps), w.shape[1])
    kernel = np.empty(shape, w.dtype)
    for low in range(0, w.shape[0], 16):
        some = slice(low, low + 16)
        for member, choices in enumerate(taps):
            for shift, tap in enumerate(choices):
                place: tuple[Any, ...] = (some, EVERY, *tap)
                kernel[shift, some, member] = w[place]
    return kernel.reshape(shape[0] * shape[1], shape[2] * shape[3]).T
