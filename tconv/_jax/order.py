"""From PyTorch's order of axes to channels-last, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp


def into(name: str, array: Any) -> Any:
    """(batch, *spatial, channels) of x or y, (*kernel_size, in_channels, out_channels) of w."""
    if name == "w":
        return jnp.moveaxis(array, (0, 1), (-2, -1))
    return jnp.moveaxis(array, 1, -1)


def out_of(name: str, array: Any) -> Any:
    """The inverse of ``into``."""
    if name == "w":
        return jnp.moveaxis(array, (-2, -1), (0, 1))
    return jnp.moveaxis(array, -1, 1)


def on_spatial(
    function: Callable[[Any, int], Any], name: str, array: Any, *, channels_last: bool
) -> Any:
    """``function`` of the array and its first spatial axis, in the order that the array lies in."""
    if not channels_last:
        return function(array, 2)
    return out_of(name, function(into(name, array), 0 if name == "w" else 1))
