"""Blocked arrays with channels innermost: (groups, batch, *blocks, *phases, channels)."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from tconv._core.plan import Plan
from tconv._jax.blocks import blocks_of
from tconv._jax.order import into, out_of
from tconv._jax.pieces import pad


def grouped(plan: Plan, array: Any) -> Any:
    """(groups, batch, *spatial, channels of a group) from (batch, *spatial, channels)."""
    split = (plan.groups, array.shape[-1] // plan.groups)
    return jnp.moveaxis(jnp.reshape(array, (*array.shape[:-1], *split)), -2, 0)


def signal(plan: Plan, x: Any) -> Any:
    """(groups, batch, *positions, in) from x."""
    return grouped(plan, into("x", x))


def x_from_signal(plan: Plan, values: Any) -> Any:
    """The inverse of ``signal``."""
    values = jnp.moveaxis(values, 0, -2)
    return out_of("x", jnp.reshape(values, (*values.shape[:-2], plan.in_channels)))


def in_blocks(plan: Plan, y: Any) -> Any:
    """(batch, *(reached blocks, phases of an axis), channels) from y, with zeros where y ends."""
    blocks = blocks_of(plan)
    spans = [
        (b.axis.lo, b.reached * b.axis.stride - b.axis.lo - b.axis.output_size, 0) for b in blocks
    ]
    y = pad(into("y", y), 1, spans)
    split = [size for b in blocks for size in (b.reached, b.axis.stride)]
    return jnp.reshape(y, (y.shape[0], *split, y.shape[-1]))


def deinterleaved(plan: Plan, y: Any) -> Any:
    """(groups, batch, *reached blocks, *phases, out) from y."""
    ndim, cells = len(plan.axes), grouped(plan, in_blocks(plan, y))
    positions, phases = range(2, 2 + 2 * ndim, 2), range(3, 3 + 2 * ndim, 2)
    return jnp.transpose(cells, [0, 1, *positions, *phases, 2 + 2 * ndim])


def interleaved(plan: Plan, cells: Any) -> Any:
    """y from (groups, batch, *blocks, *phases, out)."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    turns = [place for axis in range(ndim) for place in (2 + axis, 2 + ndim + axis)]
    y = jnp.transpose(cells, [1, *turns, 0, 2 + 2 * ndim])
    sizes = [b.count * b.axis.stride for b in blocks]
    y = jnp.reshape(y, (y.shape[0], *sizes, plan.out_channels))
    starts = [b.axis.lo - b.first * b.axis.stride for b in blocks]
    spans = [
        slice(start, start + b.axis.output_size) for start, b in zip(starts, blocks, strict=True)
    ]
    return out_of("y", y[(slice(None), *spans)])
