"""One channel a group: multiply and add, over all channels at once."""

from __future__ import annotations

from functools import reduce
from itertools import product
from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._core.plan import Plan
from tconv._jax.blocks import blocks_of, shifts_of
from tconv._jax.channels_last import cells
from tconv._jax.kernels import kernel_by_phase
from tconv._jax.order import into, out_of
from tconv._jax.pieces import pad


def conv_transpose(plan: Plan, x: Any, w: Any, _precision: Any) -> Any:
    """y from x and w, for a reduced plan."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    # (channels, 1, 1, *shifts, *phases) to (*shifts, *phases, channels)
    kernel = jnp.moveaxis(kernel_by_phase(plan, w)[:, 0, 0], 0, -1)
    kernel = jnp.expand_dims(kernel, tuple(range(ndim, 2 * ndim + 1)))
    signal = into("x", x)
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
    blocks, ndim = blocks_of(plan), len(plan.axes)
    kernel = jnp.expand_dims(into("w", w)[..., 0], tuple(range(ndim, 2 * ndim + 1)))
    values, terms = cells.in_blocks(plan, y), []
    for tap in product(*map(range, plan.kernel_size)):
        reads = [place for t, b in zip(tap, blocks, strict=True) for place in b.read(t)]
        terms.append(values[(slice(None), *reads)] * kernel[tap])
    return out_of("x", reduce(lax.add, terms))


def weight_cotangent(plan: Plan, x: Any, y: Any, _precision: Any) -> Any:
    """w from x and y, for a reduced plan: a loop over the taps, each a sum of products.

    Outside a loop XLA keeps the products of all taps at once: 35 ms beside 11 (dw_k4s2).
    """
    signal, values = into("x", x), cells.in_blocks(plan, y)
    axes = [axis for n in plan.input_size for axis in (n, 1)]
    size = (values.shape[0], *axes, values.shape[-1])

    def of_tap(start: Any) -> Any:
        read = lax.dynamic_slice(values, start, size)
        return jnp.sum(signal * jnp.reshape(read, signal.shape), range(signal.ndim - 1))

    return jnp.reshape(jnp.transpose(lax.map(of_tap, _starts(plan))), plan.w_shape)


def _starts(plan: Plan) -> Any:
    """(taps, axes of a y in blocks): where what a tap reads starts."""
    blocks = blocks_of(plan)
    starts = []
    for tap in product(*map(range, plan.kernel_size)):
        reads = [b.read(t) for t, b in zip(tap, blocks, strict=True)]
        starts.append([0, *(n for window, phase in reads for n in (window.start, phase)), 0])
    return jnp.asarray(starts, jnp.int32)
