"""Collection of what windows of y hold: the convolution and the weight gradient as GEMMs."""

from __future__ import annotations

from functools import reduce
from itertools import product
from math import prod
from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._core.arguments import is_known
from tconv._core.plan import Plan
from tconv._jax.axis_windows import in_blocks, windows_along
from tconv._jax.blocks import blocks_of, shifts_of
from tconv._jax.channels_first.cells import deinterleaved
from tconv._jax.kernels import kernel_by_phase, kernel_from_phases
from tconv._jax.pieces import pad
from tconv._jax.products import grouped_dot


def conv(plan: Plan, y: Any, w: Any, precision: Any) -> Any:
    """x from y and w, for a reduced plan: one GEMM with the windows of y."""
    ndim = len(plan.axes)
    kernel = jnp.reshape(w, (plan.groups, plan.group_in_channels, *w.shape[1:]))
    left, right = tuple(range(2, 3 + ndim)), tuple(range(1, 2 + ndim))
    x = grouped_dot(kernel, _windows(plan, y), left, right, precision)
    return jnp.swapaxes(jnp.reshape(x, (plan.in_channels, *x.shape[2:])), 0, 1)


def weight_cotangent(plan: Plan, x: Any, y: Any, precision: Any) -> Any:
    """w from x and y, for a reduced plan: one GEMM with the windows of y."""
    windows = _flat(_windows(plan, y), 1 + len(plan.axes))
    return jnp.reshape(_products(_signal_rows(plan, x), windows, precision), plan.w_shape)


def weight_cotangent_by_rows(plan: Plan, x: Any, y: Any, precision: Any) -> Any:
    """w from x and y, for a reduced plan: one GEMM for each tap of all axes but the last, with the
    windows of the last; these alone are kept."""
    *leading, last = blocks_of(plan)
    ndim, signal = len(plan.axes), _signal_rows(plan, x)
    values = windows_along(_grouped(plan, jnp.swapaxes(y, 0, 1)), last, 2 + ndim, taps_at=2)
    for number, block in enumerate(leading):
        values = in_blocks(values, block, 4 + 2 * number)
    pieces = []
    for tap in product(*(range(b.axis.kernel_size) for b in leading)):
        reads = [place for t, b in zip(tap, leading, strict=True) for place in b.read(t)]
        rows = _flat(values[(*[slice(None)] * 4, *reads)], 2)
        pieces.append(_products(signal, rows, precision))
    kernel = jnp.stack(pieces, 2)
    sizes = plan.kernel_size
    kernel = jnp.reshape(
        kernel, (plan.in_channels, prod(sizes[:-1]), plan.group_out_channels, sizes[-1])
    )
    return jnp.reshape(jnp.swapaxes(kernel, 1, 2), plan.w_shape)


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
    signal = _grouped(plan, jnp.swapaxes(x, 0, 1))
    steps = [[(j, b) for j, b in zip(shift, blocks, strict=True)] for shift in shifts_of(blocks)]
    stacked = jnp.stack(
        [
            pad(
                signal,
                3,
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
    signal, kernel = _one_window(plan, y), _grouped(plan, w)
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
    window = pad(y, 2, spans)
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


def _windows(plan: Plan, y: Any) -> Any:
    """(groups, out, *taps, batch, *positions)."""
    ndim = len(plan.axes)
    values = _grouped(plan, jnp.swapaxes(y, 0, 1))
    for number, block in reversed(list(enumerate(blocks_of(plan)))):
        values = windows_along(values, block, values.ndim - ndim + number, taps_at=2)
    return values


def _grouped(plan: Plan, values: Any) -> Any:
    return jnp.reshape(values, (plan.groups, values.shape[0] // plan.groups, *values.shape[1:]))


def _signal_rows(plan: Plan, x: Any) -> Any:
    """(groups, in, batch * positions)."""
    return _flat(_grouped(plan, jnp.swapaxes(x, 0, 1)), 1)


def _flat(values: Any, features: int) -> Any:
    """(groups, features, rest).

    Over several summed axes XLA brings the right operand to another order first: 25 ms for the
    windows of vae_s1 beside 7 of product.
    """
    groups, *rest = values.shape
    return jnp.reshape(values, (groups, prod(rest[:features]), prod(rest[features:])))


def _products(left: Any, right: Any, precision: Any) -> Any:
    """left @ right.T of each group.

    The larger one is the better left one, where the result is much the smallest: 64 and 576 rows
    of 8192 take 10.7 ms, 576 and 64 rows 6.8; but 512 and 4096 rows of 256 take 9.6 and, with the
    transposition of the result, 14.4.
    """
    (_, rows, depth), others = left.shape, right.shape[1]
    if is_known(depth) and rows < others and 8 * rows <= depth:
        return jnp.swapaxes(grouped_dot(right, left, (2,), (2,), precision), 1, 2)
    return grouped_dot(left, right, (2,), (2,), precision)
