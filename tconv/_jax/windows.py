"""Collection of what windows of y hold: the convolution and the weight gradient as GEMMs."""

from __future__ import annotations

from functools import reduce
from itertools import product
from math import prod
from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._arguments import is_known
from tconv._jax.blocks import (
    blocks_of,
    deinterleaved,
    grouped_dot,
    kernel_by_phase,
    kernel_from_phases,
    pad,
    shifts_of,
)
from tconv._plan import Plan


def conv(plan: Plan, y: Any, w: Any, precision: Any) -> Any:
    """x from y and w, for a reduced plan: one GEMM with the windows of y."""
    x = grouped_dot(_flat_kernel(plan, w), _windows(plan, y), (2,), (1,), precision)
    return jnp.swapaxes(jnp.reshape(x, (plan.in_channels, *x.shape[2:])), 0, 1)


def weight_cotangent(plan: Plan, x: Any, y: Any, precision: Any) -> Any:
    """w from x and y, for a reduced plan: one GEMM with the windows of y."""
    cols = _windows(plan, y)
    # Over several summed axes XLA brings the right operand to another order first: 25 ms for the
    # windows of vae_s1 beside 7 of product.
    cols = jnp.reshape(cols, (*cols.shape[:2], prod(cols.shape[2:])))
    signal = jnp.reshape(
        jnp.swapaxes(x, 0, 1), (plan.groups, plan.group_in_channels, cols.shape[2])
    )
    if not _is_better_swapped(signal, cols):
        return _from_flat_kernel(plan, grouped_dot(signal, cols, (2,), (2,), precision))
    flat = grouped_dot(cols, signal, (2,), (2,), precision)
    return _from_flat_kernel(plan, jnp.swapaxes(flat, 1, 2))


def weight_cotangent_by_taps(plan: Plan, x: Any, y: Any, precision: Any) -> Any:
    """w from x and y, for a reduced plan: one GEMM a shift, with what it reads of y."""
    summed = tuple(range(2, 3 + len(plan.axes)))
    signal = _grouped(plan, jnp.swapaxes(x, 0, 1), plan.group_in_channels)
    pieces = [grouped_dot(signal, piece, summed, summed, precision) for piece in _shifted(plan, y)]
    return _from_flat_kernel(plan, lax.concatenate(pieces, 2))


def conv_by_channel(plan: Plan, y: Any, w: Any, precision: Any) -> Any:
    """x from y and w, for a reduced plan with one channel a group: multiply and add."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    # (channels, *shifts, *phases) to (*shifts, *phases, channels, 1, ...)
    kernel = jnp.moveaxis(kernel_by_phase(plan, w)[:, 0, 0], 0, -1)
    kernel = jnp.reshape(kernel, (*kernel.shape, *[1] * (ndim + 1)))
    cells = lax.optimization_barrier(deinterleaved(plan, y))
    terms = []
    for shift in shifts_of(blocks):
        phases = product(*(range(b.phases(j)) for j, b in zip(shift, blocks, strict=True)))
        window = (slice(None), slice(None), *_window(blocks, shift))
        terms += [cells[phase][window] * kernel[(*shift, *phase)] for phase in phases]
    return jnp.swapaxes(reduce(lax.add, terms), 0, 1)


def conv_by_sum(plan: Plan, y: Any, w: Any, precision: Any) -> Any:
    """x from y and w, for a reduced plan: one GEMM with the blocks of y, then a sum of shifted
    products."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    # (groups, in, out, *shifts, *phases) to (groups, *shifts, in, *phases, out)
    shifts, phases = range(3, 3 + ndim), range(3 + ndim, 3 + 2 * ndim)
    kernel = jnp.transpose(kernel_by_phase(plan, w), [0, *shifts, 1, *phases, 2])
    cells = _grouped_cells(plan, y)
    left, right = tuple(range(ndim + 2, 2 * ndim + 3)), tuple(range(1, ndim + 2))
    products = grouped_dot(kernel, cells, left, right, precision)
    whole = (slice(None),) * 2
    x = reduce(
        lax.add,
        [
            products[(slice(None), *shift, *whole, *_window(blocks, shift))]
            for shift in shifts_of(blocks)
        ],
    )
    return jnp.swapaxes(jnp.reshape(x, (plan.in_channels, *x.shape[2:])), 0, 1)


def weight_cotangent_by_shifts(plan: Plan, x: Any, y: Any, precision: Any) -> Any:
    """w from x and y, for a reduced plan: one GEMM of shifted x with the blocks of y."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    cells = _grouped_cells(plan, y)  # (groups, *phases, out, batch, *blocks)
    signal = _grouped(plan, jnp.swapaxes(x, 0, 1), plan.group_in_channels)
    steps = [[(j, b) for j, b in zip(shift, blocks, strict=True)] for shift in shifts_of(blocks)]
    stacked = jnp.stack(
        [
            pad(
                signal,
                [(0, 0)] * 3,
                [(j * b.axis.dilation, (b.shifts - 1 - j) * b.axis.dilation, 0) for j, b in step],
            )
            for step in steps
        ],
        1,
    )  # (groups, shifts, in, batch, *blocks)
    left, right = tuple(range(3, 4 + ndim)), tuple(range(2 + ndim, 3 + 2 * ndim))
    kernel = grouped_dot(stacked, cells, left, right, precision)
    sizes = [b.shifts for b in blocks]
    kernel = jnp.reshape(kernel, (plan.groups, *sizes, *kernel.shape[2:]))
    # (groups, *shifts, in, *phases, out) to (groups, in, out, *shifts, *phases)
    order = [0, 1 + ndim, 2 + 2 * ndim, *range(1, 1 + ndim), *range(2 + ndim, 2 + 2 * ndim)]
    return kernel_from_phases(plan, jnp.transpose(kernel, order))


def conv_to_point(plan: Plan, y: Any, w: Any, precision: Any) -> Any:
    """x from y and w where x has one position: one GEMM with the one window of y."""
    signal, kernel = _one_window(plan, y), _grouped(plan, w, plan.group_in_channels)
    kernel = jnp.reshape(kernel, (*kernel.shape[:2], signal.shape[2]))
    x = jnp.moveaxis(grouped_dot(signal, kernel, (2,), (2,), precision), 0, 1)
    return jnp.reshape(x, plan.x_shape)


def weight_cotangent_of_point(plan: Plan, x: Any, y: Any, precision: Any) -> Any:
    """w from x and y where x has one position: one GEMM with the one window of y."""
    signal = jnp.reshape(x, (x.shape[0], plan.groups, plan.group_in_channels))
    signal = jnp.moveaxis(signal, 1, 0)
    w = grouped_dot(signal, _one_window(plan, y), (1,), (1,), precision)
    return jnp.reshape(w, plan.w_shape)


def _one_window(plan: Plan, y: Any) -> Any:
    """(groups, batch, out * taps)."""
    spans = [(axis.lo, axis.extent - axis.lo - axis.output_size, 0) for axis in plan.axes]
    window = pad(y, [(0, 0)] * 2, spans)
    steps = [slice(None, None, axis.dilation) for axis in plan.axes]
    depth = plan.group_out_channels * plan.taps
    window = jnp.reshape(window[(..., *steps)], (y.shape[0], plan.groups, depth))
    return jnp.moveaxis(window, 1, 0)


def _grouped_cells(plan: Plan, y: Any) -> Any:
    """(groups, *phases, out, batch, *reached blocks)."""
    ndim = len(plan.axes)
    # A pass of its own: the phases of the blocks, read in runs by what follows.
    cells = lax.optimization_barrier(deinterleaved(plan, y))
    split = (*cells.shape[:ndim], plan.groups, plan.group_out_channels, *cells.shape[ndim + 1 :])
    return jnp.moveaxis(jnp.reshape(cells, split), ndim, 0)


def _window(blocks: Any, shift: Any) -> list[slice]:
    return [b.window(j) for j, b in zip(shift, blocks, strict=True)]


def _grouped(plan: Plan, values: Any, channels: int) -> Any:
    return jnp.reshape(values, (plan.groups, channels, *values.shape[1:]))


def _is_better_swapped(left: Any, right: Any) -> bool:
    """Of a @ b.T the larger one is the better left one, where the result is much the smallest: 64
    and 576 rows of 8192 take 10.7 ms, 576 and 64 rows 6.8; but 512 and 4096 rows of 256 take 9.6
    and, with the transposition of the result, 14.4."""
    (_, rows, depth), others = left.shape, right.shape[1]
    return is_known(depth) and rows < others and 8 * rows <= depth


def _windows(plan: Plan, y: Any) -> Any:
    """(groups, taps * out, batch, *positions)."""
    pieces = _shifted(plan, y)
    return pieces[0] if len(pieces) == 1 else lax.concatenate(pieces, 1)


def _shifted(plan: Plan, y: Any) -> list[Any]:
    """For each shift (groups, taps * out, batch, *positions) of the phases that have the tap."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    cells = _grouped_cells(plan, y)
    pieces = []
    for shift in shifts_of(blocks):
        phases = [slice(0, b.phases(j)) for j, b in zip(shift, blocks, strict=True)]
        lead = (slice(None), *phases, slice(None), slice(None))
        piece = cells[(*lead, *_window(blocks, shift))]
        depth = prod(piece.shape[1 : 2 + ndim])
        pieces.append(jnp.reshape(piece, (plan.groups, depth, *piece.shape[2 + ndim :])))
    return pieces


def _flat_kernel(plan: Plan, w: Any) -> Any:
    """(groups, in, taps * out) in the order of ``_windows``."""
    blocks = blocks_of(plan)
    w = jnp.reshape(w, (plan.groups, plan.group_in_channels, *w.shape[1:]))
    pieces = []
    for shift in shifts_of(blocks):
        taps = [
            slice(j * b.axis.stride, j * b.axis.stride + b.phases(j))
            for j, b in zip(shift, blocks, strict=True)
        ]
        piece = jnp.moveaxis(w[(slice(None), slice(None), slice(None), *taps)], 2, -1)
        pieces.append(jnp.reshape(piece, (*piece.shape[:2], prod(piece.shape[2:]))))
    return pieces[0] if len(pieces) == 1 else lax.concatenate(pieces, 2)


def _from_flat_kernel(plan: Plan, flat: Any) -> Any:
    """w from the order of ``_windows``."""
    blocks = blocks_of(plan)
    pieces, start = [], 0
    for shift in shifts_of(blocks):
        phases = [b.phases(j) for j, b in zip(shift, blocks, strict=True)]
        size = plan.group_out_channels * prod(phases)
        piece = flat[:, :, start : start + size]
        piece = jnp.reshape(piece, (*flat.shape[:2], *phases, plan.group_out_channels))
        missing = [(0, b.axis.stride - n, 0) for n, b in zip(phases, blocks, strict=True)]
        pieces.append(pad(jnp.moveaxis(piece, -1, 2), [(0, 0)] * 3, missing))
        start += size
    kernel = jnp.stack(pieces, 3)
    sizes = [b.shifts for b in blocks]
    kernel = jnp.reshape(kernel, (*kernel.shape[:3], *sizes, *kernel.shape[4:]))
    return kernel_from_phases(plan, kernel)
