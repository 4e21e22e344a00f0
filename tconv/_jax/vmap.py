"""``vmap`` as one larger problem: where a mapped axis goes in x, w and y.

The result of a mapped call always has the mapped axis, so of the three arrays of the trilinear
form two or all three have it.  Which ones decides what grows:

    x and y      the batch
    w and y      the output channels of each group
    x and w      the input channels of each group
    all three    the number of groups
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
from jax import Array

from tconv._core.plan import Plan

# For each array the axis that the mapped one is merged into, and whether it goes inside the
# groups of that axis.
_FOLDS: dict[frozenset[str], dict[str, tuple[int, bool]]] = {
    frozenset("xy"): {"x": (0, False), "y": (0, False)},
    frozenset("wy"): {"w": (1, False), "y": (1, True)},
    frozenset("xw"): {"x": (1, True), "w": (0, True)},
    frozenset("xwy"): {"x": (1, False), "w": (0, False), "y": (1, False)},
}


def enlarged(mapped: frozenset[str], plan: Plan, size: int) -> Plan:
    """The plan of the one call that computes all ``size`` problems.

    ``mapped`` names the arrays that have the mapped axis, here and below.
    """
    if "w" not in mapped:
        return replace(plan, batch=plan.batch * size)
    return replace(
        plan,
        in_channels=plan.in_channels * (size if "x" in mapped else 1),
        out_channels=plan.out_channels * (size if "y" in mapped else 1),
        groups=plan.groups * (size if len(mapped) == 3 else 1),
    )


def into(mapped: frozenset[str], name: str, array: Array, axis: int, plan: Plan) -> Array:
    """The array with its mapped axis merged into the one that this fold gives it."""
    target, inside = _FOLDS[mapped][name]
    size = array.shape[axis]
    array = jnp.moveaxis(array, axis, target)
    before, after = array.shape[:target], array.shape[target + 1 :]
    if inside:
        split = (plan.groups, after[0] // plan.groups)
        array = jnp.reshape(array, (*before, size, *split, *after[1:]))
        array = jnp.moveaxis(array, target, target + 1)
    return jnp.reshape(array, (*before, size * after[0], *after[1:]))


def out_of(
    mapped: frozenset[str], name: str, array: Array, size: int, plan: Plan
) -> tuple[Any, int]:
    """The inverse of ``into`` for the result, and where its mapped axis is."""
    target, inside = _FOLDS[mapped][name]
    before, merged, after = array.shape[:target], array.shape[target], array.shape[target + 1 :]
    if inside:
        split = (plan.groups, size, merged // size // plan.groups)
        array = jnp.moveaxis(jnp.reshape(array, (*before, *split, *after)), target + 1, target)
    return jnp.reshape(array, (*before, size, merged // size, *after)), target
