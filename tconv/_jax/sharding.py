"""Explicit mesh axes: how the result of a bilinear map is sharded."""

from __future__ import annotations

from typing import Any

from jax.sharding import NamedSharding, PartitionSpec

from tconv._plan import Plan

# What the axes before the spatial ones are; equal letters are the same index.
_LETTERS = {"x": "NI", "w": "IO", "y": "NO"}
_MEANING = {"N": "batch", "I": "x channel", "O": "y channel"}


def result_sharding(
    names: tuple[str, str, str], first: NamedSharding, second: NamedSharding, plan: Plan
) -> NamedSharding:
    """The sharding of array ``names[2]`` from those of its operands ``names[:2]``.

    A sharded batch or channel axis stays sharded where the result has it and is summed over
    where it has not.  Spatial axes, and the channels of a grouped problem, must be replicated.
    """
    mesh = second.mesh if first.mesh.empty else first.mesh
    known: dict[str, Any] = {}
    for name, sharding in zip(names, (first, second), strict=False):
        for letter, entry in zip(_LETTERS[name], sharding.spec, strict=False):
            grouped = letter != "N" and plan.groups > 1
            if known.setdefault(letter, entry) != entry or (grouped and entry is not None):
                _fail(f"{_MEANING[letter]} axes", names, first, second)
        if any(entry is not None for entry in sharding.spec[2:]):
            _fail("spatial axes", names, first, second)
    entries = [known[letter] for letter in _LETTERS[names[2]]]
    return NamedSharding(mesh, PartitionSpec(*entries, *[None] * len(plan.axes)))


def _fail(axes: str, names: tuple[str, str, str], first: Any, second: Any) -> None:
    raise ValueError(
        f"{names[0]}, {names[1]}: on a mesh with explicit axes the {axes} must be sharded alike "
        f"in both operands, and not at all if spatial or in groups; got {names[0]} with "
        f"{first.spec} and {names[1]} with {second.spec}. Reshard with jax.sharding.reshard, or "
        f"wrap the call in jax.sharding.auto_axes."
    )
