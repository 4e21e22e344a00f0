"""Columns of windows, zero insertion and the matrix, from lax primitives."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from tconv import _toeplitz as toeplitz
from tconv._plan import Plan


def im2col(plan: Plan, y: Any) -> jax.Array:
    """(batch, channels * taps, positions): each column is one window, flattened."""
    windows = jnp.asarray(y)
    for number, axis in enumerate(plan.axes):
        # (batch, channels, taps so far, positions so far, spatial axes to come)
        place = 2 + 2 * number
        config = [(0, 0, 0)] * windows.ndim
        config[place] = (axis.lo, axis.hi, 0)
        padded = lax.pad(windows, jnp.zeros((), windows.dtype), config)
        span = (axis.input_size - 1) * axis.stride + 1
        starts = [tap * axis.dilation for tap in range(axis.kernel_size)]
        slices = [lax.slice_in_dim(padded, at, at + span, axis.stride, place) for at in starts]
        windows = jnp.stack(slices, 2 + number)
    return windows.reshape(y.shape[0], y.shape[1] * plan.taps, prod(plan.input_size))


def col2im(plan: Plan, cols: Any) -> jax.Array:
    """The adjoint of ``im2col``: columns added back where their windows overlap."""
    like = jax.ShapeDtypeStruct(
        (cols.shape[0], cols.shape[1] // plan.taps, *plan.output_size), cols.dtype
    )
    (y,) = jax.linear_transpose(partial(im2col, plan), like)(cols)
    result: jax.Array = y
    return result


def conv_matrix(plan: Plan, w: Any) -> jax.Array:
    """The dense matrix of the convolution: rows are positions of x, columns of y."""
    index, taps = toeplitz.dense_index(plan)
    shape = toeplitz.matrix_shape(plan)
    values = jnp.reshape(w, (*w.shape[:2], plan.taps))[:, :, taps]
    matrix = jnp.zeros(shape, w.dtype).at[index].set(values)
    return matrix.reshape(shape[0] * shape[1], shape[2] * shape[3])


def fractional_stride(x: Any, stride: tuple[int, ...]) -> jax.Array:
    """x with stride - 1 zeros between neighbours on every spatial axis."""
    config = [(0, 0, 0), (0, 0, 0), *((0, 0, step - 1) for step in stride)]
    return lax.pad(x, jnp.zeros((), x.dtype), config)
