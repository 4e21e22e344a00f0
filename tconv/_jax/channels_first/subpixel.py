"""Collection by phases: for each block every phase of y is a small sum over nearby inputs."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._core.plan import Plan
from tconv._jax.blocks import blocks_of, shifts_of
from tconv._jax.channels_first.cells import interleaved
from tconv._jax.cropping import cropped
from tconv._jax.kernels import kernel_by_phase
from tconv._jax.pieces import pad
from tconv._jax.products import grouped_dot


def by_gemm(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """y from x and w, for a reduced plan: the inputs of a block stacked, then one GEMM."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    # (groups, in, out, *shifts, *phases) to (groups, shifts * in, phases * out)
    kernel = kernel_by_phase(plan, w)
    shifts, phases = range(3, 3 + ndim), range(3 + ndim, 3 + 2 * ndim)
    kernel = jnp.transpose(kernel, [0, *shifts, 1, 2, *phases])
    strides = kernel.shape[-ndim:]
    depth = prod(kernel.shape[1 : 2 + ndim])
    kernel = jnp.reshape(kernel, (plan.groups, depth, plan.group_out_channels, *strides))
    signal = jnp.reshape(x, (x.shape[0], plan.groups, plan.group_in_channels, *x.shape[2:]))
    signal = jnp.moveaxis(signal, 0, 2)
    stacked = lax.concatenate(
        [
            pad(signal, 3, [b.shift(j) for j, b in zip(shift, blocks, strict=True)])
            for shift in shifts_of(blocks)
        ],
        1,
    )
    blocked = grouped_dot(kernel, stacked, (1,), (1,), precision)
    blocked = jnp.reshape(blocked, (plan.out_channels, *strides, *stacked.shape[2:]))
    return interleaved(plan, blocked)


def by_convolution(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """y from x and w, for a reduced plan: a stride-1 convolution whose channels are phases."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    # (groups, in, out, *shifts, *phases) to (*shifts, in, groups * out * phases)
    kernel = jnp.flip(kernel_by_phase(plan, w), tuple(range(3, 3 + ndim)))
    shifts, phases = range(3, 3 + ndim), range(3 + ndim, 3 + 2 * ndim)
    strides = kernel.shape[-ndim:]
    kernel = jnp.transpose(kernel, [*shifts, 1, 0, 2, *phases])
    channels = plan.out_channels * prod(strides)
    kernel = jnp.reshape(kernel, (*kernel.shape[: ndim + 1], channels))
    positions = tuple(range(1, ndim + 1))
    channels_last = (0, ndim + 1, *positions)
    pads = [
        (b.reached - b.axis.input_size - b.first, b.first + b.count - b.axis.input_size)
        for b in blocks
    ]
    image, pads = cropped(jnp.moveaxis(x, 1, -1), pads, first_axis=1)
    y = lax.conv_general_dilated(
        image,
        kernel,
        (1,) * ndim,
        pads,
        rhs_dilation=plan.dilation,
        dimension_numbers=lax.ConvDimensionNumbers(
            channels_last, (ndim + 1, ndim, *range(ndim)), channels_last
        ),
        feature_group_count=plan.groups,
        precision=precision,
    )
    y = jnp.reshape(y, (*y.shape[:-1], plan.out_channels, *strides))
    return interleaved(plan, jnp.moveaxis(y, tuple(range(ndim + 1)), tuple(range(-ndim - 1, 0))))


def by_channel(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """y from x and w, for a reduced plan with one channel a group: multiply and add."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    # (channels, 1, 1, *shifts, *phases) to (*shifts, channels, *phases)
    kernel = jnp.moveaxis(kernel_by_phase(plan, w)[:, 0, 0], 0, ndim)
    kernel = jnp.reshape(kernel, (*kernel.shape, *[1] * (ndim + 1)))
    signal = jnp.reshape(jnp.swapaxes(x, 0, 1), (x.shape[1], *[1] * ndim, x.shape[0], *x.shape[2:]))
    blocked = reduce(
        lax.add,
        [
            pad(signal, ndim + 2, [b.shift(j) for j, b in zip(shift, blocks, strict=True)])
            * kernel[shift]
            for shift in shifts_of(blocks)
        ],
    )
    # Fused into the transposition the sums run 4x slower (see scatter).
    return interleaved(plan, lax.optimization_barrier(blocked))
