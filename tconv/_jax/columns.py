"""Columns of windows, zero insertion and the matrix, from lax primitives."""

from __future__ import annotations

from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from tconv import _toeplitz as toeplitz
from tconv._plan import Plan


def im2col(plan: Plan, y: Any) -> jax.Array:
    """(batch, channels * taps, positions): each column is one window, flattened."""
    windows = lax.conv_general_dilated_patches(
        y,
        plan.kernel_size,
        plan.stride,
        [(axis.lo, axis.hi) for axis in plan.axes],
        rhs_dilation=plan.dilation,
    )
    return windows.reshape(y.shape[0], y.shape[1] * plan.taps, prod(plan.input_size))


def col2im(plan: Plan, cols: Any) -> jax.Array:
    """The adjoint of ``im2col``: columns added back where their windows overlap."""
    shape = (cols.shape[0], cols.shape[1] // plan.taps, *plan.output_size)
    like = jax.ShapeDtypeStruct(shape, cols.dtype)
    (y,) = jax.linear_transpose(lambda image: im2col(plan, image), like)(cols)
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
