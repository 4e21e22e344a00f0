"""Collection of what windows of y hold: the convolution and the weight gradient as GEMMs."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._core.plan import Plan
from tconv._jax.axis_windows import windows_along
from tconv._jax.blocks import blocks_of, shifts_of
from tconv._jax.channels_last import cells
from tconv._jax.kernels import kernel_by_phase, kernel_from_phases
from tconv._jax.order import into
from tconv._jax.pieces import pad
from tconv._jax.products import grouped_dot


def conv(plan: Plan, y: Any, w: Any, precision: Any) -> Any:
    """x from y and w, for a reduced plan: one GEMM with the windows of y."""
    ndim = len(plan.axes)
    kernel = jnp.reshape(w, (plan.groups, plan.group_in_channels, *w.shape[1:]))
    kernel = jnp.moveaxis(kernel, 2, -1)
    left, right = tuple(range(2 + ndim, 3 + 2 * ndim)), tuple(range(2, 3 + ndim))
    return cells.x_from_signal(plan, grouped_dot(_windows(plan, y), kernel, left, right, precision))


def conv_by_sum(plan: Plan, y: Any, w: Any, precision: Any) -> Any:
    """x from y and w, for a reduced plan: one GEMM with the blocks of y, then a sum of shifted
    products."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    # (groups, in, out, *shifts, *phases) to (groups, *shifts, in, *phases, out)
    shifts, phases = range(3, 3 + ndim), range(3 + ndim, 3 + 2 * ndim)
    kernel = jnp.transpose(kernel_by_phase(plan, w), [0, *shifts, 1, *phases, 2])
    features = tuple(range(2 + ndim, 3 + 2 * ndim))
    blocked = cells.deinterleaved(plan, y)
    products = grouped_dot(blocked, kernel, features, features, precision)
    whole = (slice(None),) * 2
    x = reduce(
        lax.add,
        [
            products[(*whole, *(b.window(j) for j, b in zip(shift, blocks, strict=True)), *shift)]
            for shift in shifts_of(blocks)
        ],
    )
    return cells.x_from_signal(plan, x)


def weight_cotangent(plan: Plan, x: Any, y: Any, precision: Any) -> Any:
    """w from x and y, for a reduced plan: one GEMM with the windows of y."""
    signal, windows = _rows(cells.signal(plan, x), 1), _rows(_windows(plan, y), 1 + len(plan.axes))
    kernel = grouped_dot(signal, windows, (1,), (1,), precision)
    sizes = (plan.groups, plan.group_in_channels, *plan.kernel_size, plan.group_out_channels)
    return jnp.reshape(jnp.moveaxis(jnp.reshape(kernel, sizes), -1, 2), plan.w_shape)


def weight_cotangent_by_shifts(plan: Plan, x: Any, y: Any, precision: Any) -> Any:
    """w from x and y, for a reduced plan: one GEMM of shifted x with the blocks of y."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    signal = cells.signal(plan, x)
    steps = [[(j, b) for j, b in zip(shift, blocks, strict=True)] for shift in shifts_of(blocks)]
    stacked = lax.concatenate(
        [
            pad(
                signal,
                2,
                [(j * b.axis.dilation, (b.shifts - 1 - j) * b.axis.dilation, 0) for j, b in step],
            )
            for step in steps
        ],
        2 + ndim,
    )
    blocked = _rows(cells.deinterleaved(plan, y), 1 + ndim)
    kernel = grouped_dot(_rows(stacked, 1), blocked, (1,), (1,), precision)
    sizes = [b.shifts for b in blocks]
    split = (plan.groups, *sizes, plan.group_in_channels, *plan.stride, plan.group_out_channels)
    kernel = jnp.reshape(kernel, split)
    # (groups, *shifts, in, *phases, out) to (groups, in, out, *shifts, *phases)
    axes = [0, 1 + ndim, 2 + 2 * ndim, *range(1, 1 + ndim), *range(2 + ndim, 2 + 2 * ndim)]
    return kernel_from_phases(plan, jnp.transpose(kernel, axes))


def _windows(plan: Plan, y: Any) -> Any:
    """(groups, batch, *positions, *taps, out)."""
    values = cells.grouped(plan, into("y", y))
    for number, block in reversed(list(enumerate(blocks_of(plan)))):
        values = windows_along(values, block, 2 + number, taps_at=2 + len(plan.axes))
    return values


def _rows(values: Any, features: int) -> Any:
    """(groups, rows, depth): the last ``features`` axes are the depth."""
    rows, depth = values.shape[1:-features], values.shape[-features:]
    return jnp.reshape(values, (values.shape[0], prod(rows), prod(depth)))
