"""Explicit mesh axes: how the result of a bilinear map is sharded."""

from __future__ import annotations

from math import prod
from typing import Any

from jax.sharding import NamedSharding, PartitionSpec

from tconv._core.plan import Plan

# What the axes before the spatial ones index; equal letters are the same index.  The channels of
# a grouped problem can be split between devices by whole groups alone.
_LETTERS = {"x": "NI", "w": "IO", "y": "NO"}
_GROUPED_LETTERS = {"x": "NG", "w": "G-", "y": "NG"}
_MEANING = {"N": "batch", "I": "x channel", "O": "y channel", "G": "group", "-": "y channel"}


def result_sharding(
    names: tuple[str, str, str], first: NamedSharding, second: NamedSharding, plan: Plan
) -> NamedSharding:
    """The sharding of array ``names[2]`` from those of its operands ``names[:2]``.

    A sharded batch, channel or group axis stays sharded where the result has it and is summed
    over where it has not.  Spatial axes must be replicated.
    """
    mesh = second.mesh if first.mesh.empty else first.mesh
    letters = _LETTERS if plan.groups == 1 else _GROUPED_LETTERS
    known: dict[str, Any] = {}
    for name, sharding in zip(names, (first, second), strict=False):
        for letter, entry in zip(letters[name], sharding.spec, strict=False):
            split = letter == "-" or (letter == "G" and plan.groups % _parts(mesh, entry))
            if known.setdefault(letter, entry) != entry or (split and entry is not None):
                _fail(f"{_MEANING[letter]} axes", names, first, second)
        if any(entry is not None for entry in sharding.spec[2:]):
            _fail("spatial axes", names, first, second)
    entries = [known.get(letter) for letter in letters[names[2]]]
    return NamedSharding(mesh, PartitionSpec(*entries, *[None] * len(plan.axes)))


def _parts(mesh: Any, entry: Any) -> int:
    """Into how many parts a partition entry splits its axis."""
    axes = entry if isinstance(entry, tuple) else () if entry is None else (entry,)
    return prod(mesh.shape[axis] for axis in axes)


def _fail(axes: str, names: tuple[str, str, str], first: Any, second: Any) -> None:
    raise ValueError(
        f"{names[0]}, {names[1]}: on a mesh with explicit axes the {axes} must be sharded alike "
        f"in both operands, spatial axes not at all and grouped channels by whole groups; got "
        f"{names[0]} with {first.spec} and {names[1]} with {second.spec}. Reshard with "
        f"jax.sharding.reshard, or wrap the call in jax.sharding.auto_axes."
    )
