"""The forms that need nothing of the plan: ``lax`` convolutions, and the dense matrix."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from tconv._core.arguments import is_known
from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._jax.cropping import cropped


def dilated(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """y from x and w: zeros between the inputs, then a flipped stride-1 convolution.

    With one group the kernel is nothing but reversed, its channels swapped by name: XLA's GPU
    backend then runs cuDNN's backward-data kernel, which inserts no zeros.
    """
    ndim = len(plan.axes)
    if plan.groups == 1:
        kernel, leading = lax.rev(w, tuple(range(2, w.ndim))), (1, 0)
    else:
        kernel, leading = _flipped(plan, w), (0, 1)
    image = tuple(range(ndim + 2))
    pads = [(axis.extent - 1 - axis.lo, axis.extent - 1 - axis.hi) for axis in plan.axes]
    if set(plan.stride) == {1}:
        x, pads = cropped(x, pads)
    surplus = [_taken_for_groups(axis, pair) for axis, pair in zip(plan.axes, pads, strict=True)]
    y = lax.conv_general_dilated(
        x,
        kernel,
        (1,) * ndim,
        [(lo, hi + more) for (lo, hi), more in zip(pads, surplus, strict=True)],
        lhs_dilation=plan.stride,
        rhs_dilation=plan.dilation,
        dimension_numbers=lax.ConvDimensionNumbers(image, (*leading, *image[2:]), image),
        feature_group_count=plan.groups,
        precision=precision,
    )
    return y[(..., *(slice(None, -1) if more else slice(None) for more in surplus))]


def conv(plan: Plan, y: Any, w: Any, precision: Any) -> Any:
    """x from y and w: the strided convolution."""
    y, pads = cropped(y, [(axis.lo, axis.hi) for axis in plan.axes])
    return lax.conv_general_dilated(
        y,
        w,
        plan.stride,
        pads,
        rhs_dilation=plan.dilation,
        feature_group_count=plan.groups,
        precision=precision,
    )


def weight_cotangent(plan: Plan, x: Any, y: Any, precision: Any) -> Any:
    """w from x and y: y convolved with x, whose positions lie a stride apart.

    Batch and channels swap places by name alone, with y as the input and x as the kernel:
    cuDNN's backward-filter kernel in XLA's GPU backend.
    """
    ndim = len(plan.axes)
    spatial = tuple(range(2, ndim + 2))
    swapped = (1, 0, *spatial)
    pads = [
        (axis.lo, (axis.kernel_size - 1) * axis.dilation + reach - axis.lo - axis.output_size)
        for axis in plan.axes
        for reach in [(axis.input_size - 1) * axis.stride + 1]
    ]
    y, pads = cropped(y, pads)
    return lax.conv_general_dilated(
        y,
        x,
        plan.dilation,
        pads,
        rhs_dilation=plan.stride,
        dimension_numbers=lax.ConvDimensionNumbers(swapped, swapped, swapped),
        batch_group_count=plan.groups,
        precision=precision,
    )


def matrix(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """y from x and w: the product with the dense transposed Toeplitz matrix of each group."""
    toeplitz = jnp.reshape(w, (plan.groups, plan.group_in_channels, *w.shape[1:]))
    for number, axis in enumerate(plan.axes):
        place = 3 + 2 * number
        inputs = lax.iota(np.int32, axis.input_size) * axis.stride
        reach = (lax.iota(np.int32, axis.output_size) + axis.lo)[None] - inputs[:, None]
        tap = reach // axis.dilation
        hit = (reach % axis.dilation == 0) & (tap >= 0) & (tap < axis.kernel_size)
        toeplitz = jnp.take(toeplitz, jnp.where(hit, tap, 0), place)
        hit = lax.broadcast_in_dim(hit, toeplitz.shape, (place, place + 1))
        toeplitz = jnp.where(hit, toeplitz, jnp.zeros_like(toeplitz))
    ndim = len(plan.axes)
    grouped = (plan.batch, plan.groups, plan.group_in_channels, *plan.input_size)
    signal, kernel = (2, *range(3, 3 + ndim)), (1, *range(3, 3 + 2 * ndim, 2))
    y = lax.dot_general(
        jnp.reshape(x, grouped), toeplitz, ((signal, kernel), ((1,), (0,))), precision=precision
    )
    return jnp.reshape(jnp.moveaxis(y, 0, 1), plan.y_shape)


def _taken_for_groups(axis: Axis, pads: tuple[Any, Any]) -> bool:
    """Whether XLA's algebraic simplifier, where it swaps image and kernel, takes the axis for one
    of groups and aborts the process: an image (1, 1, 3, 5) with a kernel (1, 1, 2, 9), spread by
    2 and 1, and padding (0, 0), (8, 8) (jaxlib 0.10.2).  One more output keeps it from that."""
    looks_so = axis.stride == axis.kernel_size == 2 and axis.dilation == 1
    return looks_so and all(is_known(pad) and pad == 0 for pad in pads)


def _flipped(plan: Plan, w: Any) -> Any:
    """(out_channels, in_channels // groups, *kernel), reversed along the kernel."""
    shape = (plan.groups, plan.group_in_channels, plan.group_out_channels, *w.shape[2:])
    kernel = jnp.reshape(w, shape).swapaxes(1, 2)
    kernel = jnp.reshape(kernel, (plan.out_channels, plan.group_in_channels, *w.shape[2:]))
    return lax.rev(kernel, tuple(range(2, kernel.ndim)))
