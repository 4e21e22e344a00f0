"""The forms: the three bilinear maps from lax primitives, for a platform.

Each is a pure function of traced arrays of one dtype and gives that dtype.  Half kinds are
summed in float32 and rounded once at the end.  Sizes in the plan may be symbolic dimensions of
``jax.export``; kernel, stride, dilation, lo and groups are ints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from math import gcd, prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tconv import _dtypes as dtypes
from tconv._geometry import Axis
from tconv._jax.columns import im2col
from tconv._plan import Plan


def conv_transpose(
    plan: Plan, x: Any, w: Any, *, platform: str | None, method: str, precision: Any
) -> Any:
    """y from x and w, for a platform (None: any), by a method."""
    return _in_accumulator(_METHODS[method], plan, x, w, precision)


def conv(plan: Plan, y: Any, w: Any, *, platform: str | None, precision: Any) -> Any:
    """x from y and w."""
    return _in_accumulator(_gather, plan, y, w, precision)


def weight_cotangent(plan: Plan, x: Any, y: Any, *, platform: str | None, precision: Any) -> Any:
    """w from x and y."""
    return _in_accumulator(_correlate, plan, x, y, precision)


def _in_accumulator(
    form: Callable[..., Any], plan: Plan, first: Any, second: Any, precision: Any
) -> Any:
    """The form in the dtype that products are summed in."""
    wide = dtypes.accumulator(first.dtype)
    result = form(plan, *(lax.convert_element_type(a, wide) for a in (first, second)), precision)
    return lax.convert_element_type(result, first.dtype)


def _gather(plan: Plan, y: Any, w: Any, precision: Any) -> Any:
    if plan.groups > 1:  # XLA gathers the whole batch for a grouped convolution, if sharded
        kernel = jnp.reshape(
            w, (plan.groups, plan.group_in_channels, plan.group_out_channels * plan.taps)
        )
        dimensions = (((2,), (2,)), ((0,), (1,)))
        x = lax.dot_general(kernel, _grouped_columns(plan, y), dimensions, precision=precision)
        return jnp.reshape(jnp.moveaxis(x, 2, 0), plan.x_shape)
    return lax.conv_general_dilated(
        y,
        w,
        plan.stride,
        [(axis.lo, axis.hi) for axis in plan.axes],
        rhs_dilation=plan.dilation,
        feature_group_count=plan.groups,
        precision=precision,
    )


def _correlate(plan: Plan, x: Any, y: Any, precision: Any) -> Any:
    if plan.groups > 1 or x.dtype.kind in "iu":  # JAX has no transpose of an integer convolution
        signal = jnp.reshape(
            x, (plan.batch, plan.groups, plan.group_in_channels, prod(plan.input_size))
        )
        dimensions = (((0, 3), (0, 3)), ((1,), (1,)))
        w = lax.dot_general(signal, _grouped_columns(plan, y), dimensions, precision=precision)
        return jnp.reshape(w, plan.w_shape)
    like = jax.ShapeDtypeStruct(plan.w_shape, x.dtype)
    (w,) = jax.linear_transpose(lambda kernel: _gather(plan, y, kernel, precision), like)(x)
    return w


def _grouped_columns(plan: Plan, y: Any) -> Any:
    """(batch, groups, out_channels // groups * taps, positions)."""
    rows = plan.group_out_channels * plan.taps
    return jnp.reshape(im2col(plan, y), (plan.batch, plan.groups, rows, prod(plan.input_size)))


def _automatic(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    return (_col2im if plan.groups > 1 else _dilated)(plan, x, w, precision)


def _dilated(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """Zeros between the inputs, then a flipped stride-1 convolution."""
    return lax.conv_general_dilated(
        x,
        _flipped(plan, w),
        (1,) * len(plan.axes),
        [(axis.extent - 1 - axis.lo, axis.extent - 1 - axis.hi) for axis in plan.axes],
        lhs_dilation=plan.stride,
        rhs_dilation=plan.dilation,
        feature_group_count=plan.groups,
        precision=precision,
    )


def _flipped(plan: Plan, w: Any) -> Any:
    """(out_channels, in_channels // groups, *kernel), reversed along the kernel."""
    shape = (plan.groups, plan.group_in_channels, plan.group_out_channels, *w.shape[2:])
    kernel = jnp.reshape(w, shape).swapaxes(1, 2)
    kernel = jnp.reshape(kernel, (plan.out_channels, plan.group_in_channels, *w.shape[2:]))
    return lax.rev(kernel, tuple(range(2, kernel.ndim)))


def _col2im(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """One GEMM to a column of taps an input position, then overlap-add."""
    kernel, grouped = _grouped_kernel(plan, w), _grouped_signal(plan, x)
    cols = lax.dot_general(kernel, grouped, (((1,), (2,)), ((0,), (1,))), precision=precision)
    return _overlap_add(plan, cols)


def _subpixel(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """A small stride-1 convolution for each output phase, then interleaving.

    Tap ``t = j * step + a`` with ``step = stride / gcd(stride, dilation)`` belongs to phase
    ``a``, whose taps read inputs ``dilation / gcd`` apart: the phases become channels.
    """
    ndim, axes = len(plan.axes), []
    kernel, shape = w, list(w.shape[:2])
    for number, axis in enumerate(plan.axes):
        common = gcd(axis.stride, axis.dilation)
        step, spread = axis.stride // common, axis.dilation // common
        taps = -(-axis.kernel_size // step)
        config = [(0, 0, 0)] * kernel.ndim
        config[2 + number] = (0, taps * step - axis.kernel_size, 0)
        kernel = lax.pad(kernel, jnp.zeros((), w.dtype), config)
        shape += [taps, step]
        size = axis.input_size + (taps - 1) * spread
        axes.append(Axis(axis.input_size, size, taps, 1, spread, 0))
    order = [0, 1, *range(3, 3 + 2 * ndim, 2), *range(2, 2 + 2 * ndim, 2)]
    kernel = jnp.transpose(jnp.reshape(kernel, shape), order)
    phases = kernel.shape[2 : 2 + ndim]
    channels = plan.group_out_channels * prod(phases)
    kernel = jnp.reshape(kernel, (plan.in_channels, channels, *kernel.shape[2 + ndim :]))
    small = replace(plan, out_channels=plan.groups * channels, axes=tuple(axes))
    z = _dilated(small, x, kernel, precision)
    z = jnp.reshape(
        z, (plan.batch, plan.groups, plan.group_out_channels, *phases, *small.output_size)
    )
    return _overlap_add(plan, jnp.moveaxis(z, 0, 2 + ndim))


def _matrix(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """The product with the dense transposed Toeplitz matrix of each group."""
    matrix = _grouped_kernel(plan, w)
    for number, axis in enumerate(plan.axes):
        place = 3 + 2 * number
        inputs = lax.iota(np.int32, axis.input_size) * axis.stride
        reach = (lax.iota(np.int32, axis.output_size) + axis.lo)[None] - inputs[:, None]
        tap = reach // axis.dilation
        hit = (reach % axis.dilation == 0) & (tap >= 0) & (tap < axis.kernel_size)
        matrix = jnp.take(matrix, jnp.where(hit, tap, 0), place)
        hit = lax.broadcast_in_dim(hit, matrix.shape, (place, place + 1))
        matrix = jnp.where(hit, matrix, jnp.zeros_like(matrix))
    ndim = len(plan.axes)
    signal, kernel = (2, *range(3, 3 + ndim)), (1, *range(3, 3 + 2 * ndim, 2))
    y = lax.dot_general(
        _grouped_signal(plan, x), matrix, ((signal, kernel), ((1,), (0,))), precision=precision
    )
    return jnp.reshape(jnp.moveaxis(y, 0, 1), plan.y_shape)


def _grouped_signal(plan: Plan, x: Any) -> Any:
    """(batch, groups, in_channels // groups, *input_size)."""
    return jnp.reshape(x, (plan.batch, plan.groups, plan.group_in_channels, *plan.input_size))


def _grouped_kernel(plan: Plan, w: Any) -> Any:
    """(groups, in_channels // groups, out_channels // groups, *kernel)."""
    return jnp.reshape(w, (plan.groups, plan.group_in_channels, *w.shape[1:]))


def _overlap_add(plan: Plan, cols: Any) -> Any:
    """y from (groups, out, *taps, batch, *positions), where position q of tap t along an axis
    is output ``q * stride + t * dilation - lo``."""
    ndim = len(plan.axes)
    for axis in plan.axes:
        # the taps of this axis come third, its positions n-th from the end, and leave for the end
        position = cols.ndim - ndim - 1
        taps = [
            _placed(lax.index_in_dim(cols, tap, 2, keepdims=False), position, axis, tap)
            for tap in range(cols.shape[2])
        ]
        cols = jnp.moveaxis(reduce(lax.add, taps), position, -1)
    return jnp.reshape(jnp.moveaxis(cols, 2, 0), plan.y_shape)


def _placed(values: Any, position: int, axis: Axis, tap: int) -> Any:
    """The values of one tap, ``stride`` apart at their outputs, with zeros between."""
    lo = tap * axis.dilation - axis.lo
    span = (values.shape[position] - 1) * axis.stride + 1
    config = [(0, 0, 0)] * values.ndim
    config[position] = (lo, axis.output_size - span - lo, axis.stride - 1)
    return lax.pad(values, jnp.zeros((), values.dtype), config)


_METHODS = {
    "auto": _automatic,
    "col2im": _col2im,
    "dilated": _dilated,
    "subpixel": _subpixel,
    "matrix": _matrix,
}
