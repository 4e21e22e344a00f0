"""Distribution: one GEMM to a column of taps an input position, then overlap-add of blocks."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from tconv._core.plan import Plan
from tconv._jax.channels_last import cells
from tconv._jax.overlap_add import overlap_added
from tconv._jax.products import grouped_dot


def conv_transpose(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """y from x and w, for a reduced plan."""
    ndim = len(plan.axes)
    signal = cells.signal(plan, x)
    kernel = jnp.reshape(w, (plan.groups, plan.group_in_channels, *w.shape[1:]))
    kernel = jnp.moveaxis(kernel, 2, -1)
    cols = grouped_dot(signal, kernel, (2 + ndim,), (1,), precision)
    blocked = overlap_added(plan, cols, taps_at=2 + ndim, positions_at=2)
    return cells.interleaved(plan, blocked)
