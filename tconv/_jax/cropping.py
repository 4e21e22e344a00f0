"""Crops in place of the negative paddings of convolutions.

XLA's convolution on CPU reads outside an undilated image with a negative low padding: of an
image (1, 1, 4, 3) with a kernel (1, 1, 4, 1) and padding (0, 0), (-1, 1) the last value is
whatever lies behind it in memory (jaxlib 0.10.2).
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._core.arguments import is_known

Pads = list[tuple[Any, Any]]


def cropped(image: Any, pads: Pads, first_axis: int = 2) -> tuple[Any, Pads]:
    """The image without what negative paddings crop, and the paddings that are left.

    ``pads`` are those of the axes from ``first_axis`` on.
    """
    if not any(_negative(amount) for pair in pads for amount in pair):
        return image, pads
    config = [(0, 0, 0)] * image.ndim
    left = []
    for axis, (lo, hi) in enumerate(pads, first_axis):
        low = _cut(lo, image.shape[axis])
        high = _cut(hi, image.shape[axis] - low)
        config[axis] = (-low, -high, 0)
        # What is cropped beyond the image comes off the zeros behind it.
        beyond = (-lo - low if _negative(lo) else 0, -hi - high if _negative(hi) else 0)
        left.append(
            (0 if _negative(lo) else lo - beyond[1], 0 if _negative(hi) else hi - beyond[0])
        )
    return lax.pad(image, jnp.zeros((), image.dtype), config), left


def _cut(amount: Any, size: Any) -> Any:
    """How many positions a padding crops from an image of this size."""
    if not _negative(amount):
        return 0
    return min(-amount, size) if is_known(size) else -amount


def _negative(amount: Any) -> bool:
    """Whether a padding is negative; one that is symbolic is left to XLA."""
    return is_known(amount) and amount < 0
