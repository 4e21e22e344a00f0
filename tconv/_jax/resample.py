"""Interpolation of JAX arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from tconv._core.plan import Plan
from tconv._core.sampling import Taps
from tconv._jax.entry import conv


def resample(x: jax.Array, along: Sequence[Taps | None], sums: Any) -> jax.Array:
    """x interpolated along its spatial axes, the last first, in ``sums`` between them."""
    x = jnp.asarray(x)
    y = x.astype(sums)
    for axis in reversed(range(len(along))):
        taps = along[axis]
        if taps is not None:
            y = taps.rounded(_along(y, taps, axis + 2))
    return y.astype(x.dtype)


def conv_of_resampled(
    plan: Plan,
    x: jax.Array,
    along: Sequence[Taps | None],
    sums: Any,
    w: jax.Array,
    b: jax.Array | None,
) -> jax.Array:
    """The convolution of ``resample``."""
    return conv(plan, resample(x, along, sums), w, b, precision=None, preferred=None)


def _along(x: jax.Array, taps: Taps, axis: int) -> jax.Array:
    """The taps' combination of slices of x along this axis, in the dtype of x.

    The value gathers, so that a NaN reaches only the outputs that read it.  The derivative is
    a matrix product: the scatter that a gather transposes to takes 10 times as long on a CPU
    (116 ms against 12 ms for 16 x 64 x 32 x 32, doubled).
    """
    weights = taps.weights.astype(x.dtype)
    column = [-1 if position == axis else 1 for position in range(x.ndim)]

    @jax.custom_jvp
    def gathered(x: jax.Array) -> Any:
        terms = [
            jnp.take(x, taps.indices[:, tap], axis=axis, mode="clip")
            for tap in range(weights.shape[1])
        ]
        if taps.single:
            return terms[0]
        parts = [term * weights[:, tap].reshape(column) for tap, term in enumerate(terms)]
        if taps.unread is not None:
            parts = [
                jnp.where(taps.unread[:, tap].reshape(column), 0, part)
                for tap, part in enumerate(parts)
            ]
        return reduce(add, parts)

    @gathered.defjvp
    def derivative(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
        matrix = taps.matrix(x.shape[axis]).astype(x.dtype)
        product = jnp.tensordot(
            tangents[0], matrix, axes=(axis, 1), precision=lax.Precision.HIGHEST
        )
        return gathered(primals[0]), jnp.moveaxis(product, -1, axis)

    result: jax.Array = gathered(x)
    return result
