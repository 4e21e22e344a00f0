"""A problem divided over a mesh: which of its indices, and what that makes of x, w and y.

The axes of the three arrays are indexed by batch, channels and positions; an index that two arrays
share is divided alike in both.  The result is sharded along the indices that it has and summed over
the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import jax
from jax import Array
from jax.sharding import NamedSharding, PartitionSpec

from tconv._core.arguments import is_known
from tconv._core.plan import Plan
from tconv._jax.halos import Part, part_of

# What the axes before the spatial ones index; equal letters are the same index, "-" is never
# divided.  The channels of a grouped problem are divided by whole groups alone.
_LETTERS = {"x": "NI", "w": "IO", "y": "NO"}
_GROUPED_LETTERS = {"x": "NG", "w": "G-", "y": "NG"}
_MEANING = {"N": "batch", "I": "x channel", "O": "y channel", "G": "group", "-": "kernel's"}


@dataclass(frozen=True)
class Division:
    """The mesh axes that each index of a problem is divided along, where it is.

    Indices are the letters above and the numbers of spatial axes as digits.
    """

    plan: Plan
    result: str
    mesh: Any
    along: Mapping[str, Any]

    def spec(self, name: str) -> PartitionSpec:
        """How x, w or y is sharded."""
        return PartitionSpec(*(self.along.get(index) for index in indices_of(self.plan, name)))

    def sharding(self, name: str) -> NamedSharding:
        """The same on the mesh."""
        return NamedSharding(self.mesh, self.spec(name))

    @cached_property
    def parts(self) -> dict[int, Part]:
        """The parts of the spatial axes that are divided."""
        found = {}
        for number, axis in enumerate(self.plan.axes):
            part = part_of(axis, self.result, _count(self.mesh, self.along.get(str(number))))
            if str(number) in self.along and part is not None:
                found[number] = part
        return found

    @property
    def local(self) -> Plan:
        """What each device computes."""
        counts = {index: _count(self.mesh, entry) for index, entry in self.along.items()}
        groups, batch = counts.get("G", 1), counts.get("N", 1)
        return replace(
            self.plan,
            batch=self.plan.batch // batch,
            in_channels=self.plan.in_channels // counts.get("I", groups),
            out_channels=self.plan.out_channels // counts.get("O", groups),
            groups=self.plan.groups // groups,
            axes=tuple(
                self.parts[number].axis if number in self.parts else axis
                for number, axis in enumerate(self.plan.axes)
            ),
        )

    @property
    def summed(self) -> tuple[str, ...]:
        """The mesh axes that the result is summed over."""
        kept = indices_of(self.plan, self.result)
        rest = (entry for index, entry in self.along.items() if index not in kept)
        return tuple(name for entry in rest for name in _names(entry))


def agreed(plan: Plan, result: str, operands: Mapping[str, NamedSharding]) -> Division:
    """The division of operands on a mesh with explicit axes, which must be sharded alike.

    A spatial axis that cannot be divided, see ``part_of``, is left whole.
    """
    mesh = max((each.mesh for each in operands.values()), key=lambda mesh: not mesh.empty)
    along: dict[str, Any] = {}
    for name, sharding in operands.items():
        for index, entry in zip(indices_of(plan, name), sharding.spec, strict=False):
            if index.isdigit() and (
                entry is None or not _divides(plan, result, index, mesh, entry)
            ):
                continue
            split = index == "-" or (index == "G" and plan.groups % _count(mesh, entry))
            if along.setdefault(index, entry) != entry or (split and entry is not None):
                _fail(_MEANING.get(index, "spatial"), operands)
    return Division(plan, result, mesh, {k: v for k, v in along.items() if v is not None})


def settled(plan: Plan, result: str, mesh: Any, shardings: Mapping[str, Any]) -> Division:
    """The division that automatic shardings of all three arrays, the operands' first, come to.

    What cannot be divided, or not alike, is left whole.
    """
    along: dict[str, Any] = {}
    used: set[str] = set()
    for name, sharding in shardings.items():
        for index, entry in zip(
            indices_of(plan, name), getattr(sharding, "spec", ()), strict=False
        ):
            names = set(_names(entry))
            if not names or index in along or used & names:
                continue
            if _divides(plan, result, index, mesh, entry):
                along[index] = entry
                used |= names
    return Division(plan, result, mesh, along)


def aligned(plan: Plan, result: str, operands: Mapping[str, Array]) -> dict[str, Array]:
    """Operands on explicit mesh axes with their spatial axes divided alike, or not at all."""
    shardings = {name: jax.typeof(array).sharding for name, array in operands.items()}
    if not any(entry is not None for each in shardings.values() for entry in each.spec[2:]):
        return dict(operands)
    division = agreed(plan, result, shardings)
    return {name: placed(array, division.sharding(name)) for name, array in operands.items()}


def placed(array: Array, sharding: NamedSharding) -> Array:
    """The array on explicit mesh axes sharded so, where it is not already."""
    given = jax.typeof(array).sharding
    if sharding.mesh.empty or tuple(given.spec) == tuple(sharding.spec):
        return array
    moved: Array = jax.sharding.reshard(array, sharding)
    return moved


def indices_of(plan: Plan, name: str) -> Sequence[str]:
    """What the axes of x, w or y index."""
    letters = _LETTERS if plan.groups == 1 else _GROUPED_LETTERS
    return [*letters[name], *("-" if name == "w" else str(n) for n in range(len(plan.axes)))]


def _divides(plan: Plan, result: str, index: str, mesh: Any, entry: Any) -> bool:
    devices = _count(mesh, entry)
    if index.isdigit():
        return part_of(plan.axes[int(index)], result, devices) is not None
    sizes = {"N": plan.batch, "I": plan.in_channels, "O": plan.out_channels, "G": plan.groups}
    size = sizes.get(index, 1)
    return bool(is_known(size) and size % devices == 0)


def _count(mesh: Any, entry: Any) -> int:
    """Into how many parts a partition entry divides its axis."""
    return prod(mesh.shape[name] for name in _names(entry))


def _names(entry: Any) -> Iterator[str]:
    """The mesh axes of a partition entry."""
    yield from entry if isinstance(entry, tuple) else () if entry is None else (entry,)


def _fail(axes: str, operands: Mapping[str, NamedSharding]) -> None:
    (first, one), (second, other) = operands.items()
    raise ValueError(
        f"{first}, {second}: on a mesh with explicit axes the {axes} axes must be sharded alike in "
        f"both operands, the kernel not at all and grouped channels by whole groups; got "
        f"{first} with {one.spec} and {second} with {other.spec}. Reshard one of them with "
        f"jax.sharding.reshard."
    )
