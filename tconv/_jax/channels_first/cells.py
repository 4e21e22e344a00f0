"""Blocked arrays with channels outermost: (*phases, channels, batch, *blocks)."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from tconv._core.plan import Plan
from tconv._jax.blocks import blocks_of
from tconv._jax.pieces import pad


def interleaved(plan: Plan, blocked: Any) -> Any:
    """y from (out_channels, *phases, batch, *blocks)."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    order = [ndim + 1, 0]
    for axis in range(ndim):
        order += [ndim + 2 + axis, 1 + axis]
    y = jnp.transpose(blocked, order)
    y = jnp.reshape(y, (*y.shape[:2], *(b.count * b.axis.stride for b in blocks)))
    starts = [b.axis.lo - b.first * b.axis.stride for b in blocks]
    crop = [
        slice(start, start + b.axis.output_size) for start, b in zip(starts, blocks, strict=True)
    ]
    return y[(slice(None), slice(None), *crop)]


def deinterleaved(plan: Plan, y: Any) -> Any:
    """(*phases, out_channels, batch, *reached blocks) from y, with zeros where y ends."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    config = [
        (b.axis.lo, b.reached * b.axis.stride - b.axis.lo - b.axis.output_size, 0) for b in blocks
    ]
    y = pad(y, 2, config)
    split = [size for b in blocks for size in (b.reached, b.axis.stride)]
    y = jnp.reshape(y, (*y.shape[:2], *split))
    phases, positions = range(3, 3 + 2 * ndim, 2), range(2, 2 + 2 * ndim, 2)
    return jnp.transpose(y, [*phases, 1, 0, *positions])
