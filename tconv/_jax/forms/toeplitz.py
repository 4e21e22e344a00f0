"""The transposed Toeplitz matrix: one dense product, for small problems and for study."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from tconv._core.plan import Plan
from tconv._jax.forms.axes import Precision


def conv_transpose(plan: Plan, x: Array, w: Array, precision: Precision) -> Array:
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
