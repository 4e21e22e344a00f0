"""The pullback of a function that does not return one itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def with_pullback(fn: Callable[..., Any], *operands: Any, **keywords: Any) -> Any:
    """What a function returns, and in place of a JAX array the pair (y, pullback) by ``jax.vjp``.

    >>> import tconv, jax.numpy as jnp
    >>> x, w = jnp.ones((1, 1, 2)), jnp.ones((1, 1, 2))
    >>> y, pullback = with_pullback(tconv.conv_transpose, x, w, None)
    >>> pullback(y)[0].tolist()
    [[[3.0, 3.0]]]
    """
    result = fn(*operands, **keywords)
    jax = sys.modules.get("jax")
    if jax is None or not isinstance(result, jax.Array):
        return result
    arrays = [jax.numpy.asarray(values) for values in operands if values is not None]
    missing = (None,) * (len(operands) - len(arrays))
    y, pull = jax.vjp(lambda *given: fn(*given, *missing, **keywords), *arrays)
    return y, lambda dy: (*pull(jax.numpy.asarray(dy)), *missing)
