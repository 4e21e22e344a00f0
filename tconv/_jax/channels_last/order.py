"""From PyTorch's order of axes to channels-last, and back."""

from __future__ import annotations

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
