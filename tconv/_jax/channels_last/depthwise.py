"""One channel a group: multiply and add, over all channels at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import product
from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._jax.blocks import blocks_of, shifts_of
from tconv._jax.channels_last import cells, order
from tconv._jax.kernels import kernel_by_phase
from tconv._jax.pieces import pad
from tconv._plan import Plan


def conv_transpose(plan: Plan, x: Any, w: Any, _precision: Any) -> Any:
    """y from x and w, for a reduced plan."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    # (channels, 1, 1, *shifts, *phases) to (*shifts, *phases, channels)
    kernel = jnp.moveaxis(kernel_by_phase(plan, w)[:, 0, 0], 0, -1)
    kernel = jnp.expand_dims(kernel, tuple(range(ndim, 2 * ndim + 1)))
    signal = order.into("x", x)
    signal = jnp.reshape(signal, (*signal.shape[:-1], *[1] * ndim, plan.in_channels))
    blocked = reduce(
        lax.add,
        [
            pad(signal, 1, [b.shift(j) for j, b in zip(shift, blocks, strict=True)]) * kernel[shift]
            for shift in shifts_of(blocks)
        ],
    )
    return cells.interleaved(plan, blocked[None])


def conv(plan: Plan, y: Any, w: Any, _precision: Any) -> Any:
    """x from y and w, for a reduced plan."""
    ndim = len(plan.axes)
    kernel = jnp.expand_dims(order.into("w", w)[..., 0], tuple(range(ndim, 2 * ndim + 1)))
    terms = [values * kernel[tap] for tap, values in _read(plan, y)]
    return order.out_of("x", reduce(lax.add, terms))


def weight_cotangent(plan: Plan, x: Any, y: Any, _precision: Any) -> Any:
    """w from x and y, for a reduced plan."""
    signal = order.into("x", x)
    summed = tuple(range(signal.ndim - 1))
    taps = jnp.stack([jnp.sum(signal * values, summed) for _, values in _read(plan, y)], -1)
    return jnp.reshape(taps, plan.w_shape)


def _read(plan: Plan, y: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Each tap with what it reads of y, (batch, *positions, channels)."""
    blocks, y = blocks_of(plan), cells.in_blocks(plan, y)
    for tap in product(*map(range, plan.kernel_size)):
        reads = [place for t, b in zip(tap, blocks, strict=True) for place in b.read(t)]
        yield tap, y[(slice(None), *reads)]
