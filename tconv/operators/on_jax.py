"""What an iteration on JAX needs; it is loaded where a weight is an array of JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from tconv._core.arguments import Shape


def normal(seed: int, shape: Shape, dtype: Any) -> jax.Array:
    """Normal values that are drawn when the program runs, not kept in it."""
    return jax.random.normal(jax.random.key(seed), shape, dtype)


def held_fixed(operator: Any) -> Any:
    """The operator, of which derivatives see nothing."""
    return jax.lax.stop_gradient(operator)


def while_loop(goes_on: Callable[[Any], Any], advance: Callable[[Any], Any], state: Any) -> Any:
    """The state at which the loop ends."""
    return jax.lax.while_loop(goes_on, advance, state)


def unless(failed: Any, value: Any) -> Any:
    """The value, or NaN."""
    return jnp.where(failed, jnp.nan, value)
