"""Distribution: one GEMM to a column of taps an input position, then overlap-add of blocks."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._core.plan import Plan
from tconv._jax.channels_first.cells import interleaved
from tconv._jax.overlap_add import overlap_added
from tconv._jax.pieces import pad
from tconv._jax.products import grouped_dot


def conv_transpose(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """y from x and w, for a reduced plan."""
    cols = columns(plan, x, w, precision)
    blocked = overlap_added(plan, cols, taps_at=1, positions_at=2 + len(plan.axes))
    # Fused into the transposition the sums run 3x slower (2.7 ms beside 0.6 + 0.4 ms).
    return interleaved(plan, lax.optimization_barrier(blocked))


def columns(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """(out_channels, *kernel, batch, *positions): what each input sends through each tap."""
    kernel = jnp.reshape(w, (plan.groups, plan.group_in_channels, *w.shape[1:]))
    signal = jnp.reshape(x, (x.shape[0], plan.groups, plan.group_in_channels, *x.shape[2:]))
    cols = grouped_dot(kernel, jnp.moveaxis(signal, 1, 0), (1,), (2,), precision)
    return jnp.reshape(cols, (plan.out_channels, *w.shape[2:], x.shape[0], *x.shape[2:]))


def point(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """y from x and w where x has one position: a GEMM whose columns are already y."""
    depth = plan.group_out_channels * plan.taps
    kernel = jnp.reshape(w, (plan.groups, plan.group_in_channels, depth))
    signal = jnp.reshape(x, (x.shape[0], plan.groups, plan.group_in_channels))
    y = lax.dot_general(signal, kernel, (((2,), (1,)), ((1,), (0,))), precision=precision)
    y = jnp.reshape(jnp.moveaxis(y, 0, 1), (x.shape[0], plan.out_channels, *w.shape[2:]))
    config = [
        (-axis.lo, axis.output_size + axis.lo - axis.extent, axis.dilation - 1)
        for axis in plan.axes
    ]
    return pad(y, 2, config)
