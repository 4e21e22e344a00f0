"""Indices of the caller's arrays, checked, and where they stand in the canonical order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tconv._core.arguments import Shape, entries_of, fail, integer
from tconv._core.layout import Layout


@dataclass(frozen=True)
class Order:
    """How one of the caller's arrays lies: the axis ``axes[k]`` of it is axis k of the canonical
    order, where two axes that are no spatial ones lead; without a batch the first is missing.

    ``spatial_alone``: whether the leading axes have nothing to choose from, so that an index may
    leave them out, and formulas do.
    """

    name: str
    shape: Shape
    axes: Shape
    batched: bool
    spatial_alone: bool

    def canonical(self, index: Any) -> Shape:
        """An index as the caller wrote it, checked, in canonical order."""
        given = entries_of(index)
        entries = (index,) if given is None else given
        leading = len(self.axes) - self._spatial
        if len(entries) == self._spatial and self.spatial_alone:
            places = self.axes[leading:]
            checked = [self._checked(*pair) for pair in zip(entries, places, strict=True)]
            return (0, 0, *checked)
        if len(entries) != len(self.axes):
            alone = f", or for each of its {self._spatial} spatial axes" * self.spatial_alone
            fail(
                "index",
                None,
                f"must have one int for each of the {len(self.axes)} axes of {self.name}{alone}",
                f"{index!r} for {self.name} of shape {self.shape}",
                "Count from 0.",
            )
        in_order = [self._checked(entries[axis], axis) for axis in self.axes]
        return tuple(in_order) if self.batched else (0, *in_order)

    def given(self, canonical: Shape) -> Shape:
        """An index in canonical order as one of the caller's array."""
        entries = canonical if self.batched else canonical[1:]
        found = [0] * len(entries)
        for entry, axis in zip(entries, self.axes, strict=True):
            found[axis] = entry
        return tuple(found)

    def written(self, canonical: Shape) -> str:
        """An element as formulas write it: ``x[0, 1]``."""
        index = canonical[2:] if self.spatial_alone else self.given(canonical)
        return f"{self.name}[{', '.join(map(str, index))}]"

    @property
    def _spatial(self) -> int:
        return len(self.axes) - (2 if self.batched else 1)

    def _checked(self, entry: Any, axis: int) -> int:
        position, size = integer("index", entry), self.shape[axis]
        if not -size <= position < size:
            rule = f"must be from {-size} to {size - 1}" if size else "there is nothing to index"
            fail(
                f"index, axis {axis} of {self.name}",
                None,
                rule,
                position,
                f"{self.name} has shape {self.shape}.",
            )
        return position % size


@dataclass(frozen=True)
class Orders:
    """The orders of the three arrays."""

    x: Order
    w: Order
    y: Order


def orders(layout: Layout, x: Shape, w: Shape, y: Shape, spatial_alone: bool) -> Orders:
    """How the caller's arrays of these shapes lie."""
    permutations = layout.permutations
    plain = tuple(range(len(x))), tuple(range(len(w))), tuple(range(len(y)))
    if permutations is None:
        places = plain
    else:
        places = permutations.input, permutations.kernel, permutations.output_back
    return Orders(
        Order("x", x, places[0], layout.batched, spatial_alone),
        Order("w", w, places[1], True, spatial_alone),
        Order("y", y, places[2], layout.batched, spatial_alone),
    )
