"""Columns of windows, zero insertion and the matrix, from lax primitives."""

from __future__ import annotations

from functools import partial
from math import prod

import jax
import jax.numpy as jnp
from jax import lax

from tconv._core import dtypes, relation
from tconv._core.arguments import is_known
from tconv._core.axis import Axis
from tconv._core.boundary import Modes
from tconv._core.plan import Plan
from tconv._jax.forms.axes import padded


def im2col(plan: Plan, y: jax.Array) -> jax.Array:
    """(batch, channels * taps, positions): each column is one window, flattened."""
    windows = jnp.asarray(y)
    for number, axis in enumerate(plan.axes):
        # (batch, channels, taps so far, positions so far, spatial axes to come)
        taps = [_tap(windows, axis, tap, 2 + 2 * number) for tap in range(axis.kernel_size)]
        windows = jnp.stack(taps, 2 + number)
    return windows.reshape(y.shape[0], y.shape[1] * plan.taps, prod(plan.input_size))


def _tap(array: jax.Array, axis: Axis, tap: int, place: int) -> jax.Array:
    """What a tap reads at each position: every ``stride``-th entry."""
    if is_known(axis.input_size) and is_known(axis.output_size):
        size, (carried, landed) = axis.output_size, axis.landing(tap)
        inputs, outputs = range(axis.input_size)[carried], range(size)[landed]
        stop, step = min(outputs.stop, size), min(outputs.step, size)
        read = lax.slice_in_dim(array, outputs.start, stop, step, place)
        config = [(0, 0, 0)] * array.ndim
        config[place] = (inputs.start, axis.input_size - inputs.stop, 0)
        return padded(read, config)
    # A crop and a reshape, which unlike a slice need no proof about symbolic sizes.
    start = tap * axis.dilation - axis.lo
    config = [(0, 0, 0)] * array.ndim
    config[place] = (-start, axis.input_size * axis.stride + start - axis.output_size, 0)
    framed = lax.pad(array, jnp.zeros((), array.dtype), config)
    before, after = framed.shape[:place], framed.shape[place + 1 :]
    rows = framed.reshape(*before, axis.input_size, axis.stride, *after)
    return lax.index_in_dim(rows, 0, place + 1, keepdims=False)


def col2im(plan: Plan, cols: jax.Array) -> jax.Array:
    """The adjoint of ``im2col``: columns added back where their windows overlap."""
    like = jax.ShapeDtypeStruct(
        (cols.shape[0], cols.shape[1] // plan.taps, *plan.output_size), cols.dtype
    )
    (y,) = jax.linear_transpose(partial(im2col, plan), like)(cols)
    result: jax.Array = y
    return result


def conv_matrix(plan: Plan, w: jax.Array, modes: Modes | None = None) -> jax.Array:
    """The dense matrix of the convolution: rows are positions of x, columns of y."""
    index, taps = relation.dense_index(plan, modes)
    shape = relation.matrix_shape(plan)
    values = jnp.reshape(w, (*w.shape[:2], plan.taps))[:, :, taps]
    if modes is None:
        matrix = jnp.zeros(shape, w.dtype).at[index].set(values)
    else:
        sums = jnp.zeros(shape, dtypes.accumulator(w.dtype))
        matrix = sums.at[index].add(values.astype(sums.dtype)).astype(w.dtype)
    return matrix.reshape(shape[0] * shape[1], shape[2] * shape[3])


def fractional_stride(x: jax.Array, stride: tuple[int, ...]) -> jax.Array:
    """x with stride - 1 zeros between neighbours on every spatial axis."""
    config = [(0, 0, 0), (0, 0, 0), *((0, 0, step - 1) for step in stride)]
    return lax.pad(x, jnp.zeros((), x.dtype), config)
