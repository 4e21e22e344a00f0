"""Crops in place of the negative paddings of convolutions.

XLA's convolution on CPU reads outside an undilated image with a negative low padding: of an
image (1, 1, 4, 3) with a kernel (1, 1, 4, 1) and padding (0, 0), (-1, 1) the last value is
whatever lies behind it in memory (jaxlib 0.10.2).
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._arguments import is_known

Pads = list[tuple[Any, Any]]


def cropped(image: Any, pads: Pads, first_axis: int = 2) -> tuple[Any, Pads]:
    """The image without what negative paddings crop, and the paddings that are left.

    ``pads`` are those of the axes from ``first_axis`` on.
    """
    if not any(_negative(amount) for pair in pads for amount in pair):
        return image, pads
    config = [(0, 0, 0)] * image.ndim
    for axis, (lo, hi) in enumerate(pads, first_axis):
        config[axis] = (lo if _negative(lo) else 0, hi if _negative(hi) else 0, 0)
    left = [(0 if _negative(lo) else lo, 0 if _negative(hi) else hi) for lo, hi in pads]
    return lax.pad(image, jnp.zeros((), image.dtype), config), left


def _negative(amount: Any) -> bool:
    """Whether a padding is negative; one that is symbolic is left to XLA."""
    return is_known(amount) and amount < 0
