"""Symbolic sizes whose crop is symbolic too, brought to problems that crop nothing.

A convolution of symbolic size n with stride s reads ``floor((n + ...) / s)`` windows and leaves
a remainder of n unread: the high padding is then no int.  Here y is padded or cropped to the
full scatter, so that every form sees ints for ``lo`` and ``hi``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._core.arguments import is_known
from tconv._core.plan import Plan


def needed(plan: Plan) -> bool:
    """Whether some axis crops a symbolic number of positions."""
    return not all(is_known(axis.hi) for axis in plan.axes)


def framed(plan: Plan) -> Plan:
    """The plan whose y is the full scatter."""
    full = [(axis.input_size - 1) * axis.stride + axis.extent for axis in plan.axes]
    axes = (replace(axis, output_size=n, lo=0) for axis, n in zip(plan.axes, full, strict=True))
    return replace(plan, axes=tuple(axes))


def into_frame(plan: Plan, y: Any) -> Any:
    """y with zeros around it, or cropped, to the full scatter."""
    return _padded(y, [(axis.lo, axis.hi) for axis in plan.axes])


def out_of_frame(plan: Plan, full: Any) -> Any:
    """The transpose of ``into_frame``: y from the full scatter."""
    return _padded(full, [(-axis.lo, -axis.hi) for axis in plan.axes])


def _padded(array: Any, pairs: list[tuple[int, int]]) -> Any:
    config = [(0, 0, 0), (0, 0, 0), *((lo, hi, 0) for lo, hi in pairs)]
    return lax.pad(array, jnp.zeros((), array.dtype), config)
