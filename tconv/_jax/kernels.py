"""Kernels by phase, as blocks are computed."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from tconv._core.plan import Plan
from tconv._jax.blocks import blocks_of
from tconv._jax.pieces import pad


def kernel_by_phase(plan: Plan, w: Any) -> Any:
    """(groups, in, out, *shifts, *phases) with zeros for the taps that a phase lacks."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    w = pad(w, 2, [(0, b.axis.stride - b.ragged, 0) for b in blocks])
    split = [size for b in blocks for size in (b.shifts, b.axis.stride)]
    w = jnp.reshape(w, (plan.groups, plan.group_in_channels, plan.group_out_channels, *split))
    shifts, phases = range(3, 3 + 2 * ndim, 2), range(4, 4 + 2 * ndim, 2)
    return jnp.transpose(w, [0, 1, 2, *shifts, *phases])


def kernel_from_phases(plan: Plan, kernel: Any) -> Any:
    """The inverse of ``kernel_by_phase``."""
    ndim = len(plan.axes)
    order = [place for axis in range(ndim) for place in (3 + axis, 3 + ndim + axis)]
    w = jnp.transpose(kernel, [0, 1, 2, *order])
    sizes = [b.shifts * b.axis.stride for b in blocks_of(plan)]
    w = jnp.reshape(w, (plan.in_channels, plan.group_out_channels, *sizes))
    return w[(slice(None), slice(None), *(slice(0, size) for size in plan.kernel_size))]
