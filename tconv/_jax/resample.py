"""Interpolation along one axis of a JAX array."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from tconv._core.sampling import Taps


def resample(x: jax.Array, taps: Taps, axis: int) -> jax.Array:
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
