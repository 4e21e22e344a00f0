"""Arrays whose axes have names, so that a form is written once for every order of axes.

The axes of x are "batch", "group", "in" and "position0", "position1" ..; those of w "group", "in",
"out" and "tap0" ..; those of y "batch", "group", "out" and "cell0", "phase0" .. (``cells``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from tconv._core.arguments import is_known

# Sizes may be symbolic dimensions, which type checkers do not know.
Span = tuple[Any, Any] | tuple[Any, Any, int]
Names = tuple[str, ...]
Precision = lax.PrecisionLike
Order = Callable[[str, Array], Array]

# What each of the three maps is computed from.
OPERANDS = {"y": ("x", "w"), "x": ("y", "w"), "w": ("x", "y")}


@dataclass(frozen=True)
class Named:
    """An array and the names of its axes."""

    values: Array
    axes: Names

    def place(self, axis: str) -> int:
        """Where this axis is."""
        return self.axes.index(axis)

    def size(self, axis: str) -> Any:
        """The length of this axis."""
        return self.values.shape[self.place(axis)]

    def ordered(self, axes: Sequence[str]) -> Named:
        """The same axes in this order."""
        if tuple(axes) == self.axes:
            return self
        return Named(jnp.transpose(self.values, [self.place(axis) for axis in axes]), tuple(axes))

    def moved(self, axis: str, place: int) -> Named:
        """With one axis moved there."""
        rest = [other for other in self.axes if other != axis]
        return self.ordered((*rest[:place], axis, *rest[place:]))

    def renamed(self, names: Mapping[str, str]) -> Named:
        """With other names for some axes."""
        return Named(self.values, tuple(names.get(axis, axis) for axis in self.axes))

    def split(self, axis: str, sizes: Mapping[str, Any]) -> Named:
        """With one axis as several, row-major."""
        place, shape = self.place(axis), self.values.shape
        values = jnp.reshape(self.values, (*shape[:place], *sizes.values(), *shape[place + 1 :]))
        return Named(values, (*self.axes[:place], *sizes, *self.axes[place + 1 :]))

    def merged(self, axes: Sequence[str], name: str) -> Named:
        """With neighbouring axes, in their order, as one."""
        start = self.place(axes[0]) if axes else len(self.axes)
        stop, shape = start + len(axes), self.values.shape
        values = jnp.reshape(self.values, (*shape[:start], prod(shape[start:stop]), *shape[stop:]))
        return Named(values, (*self.axes[:start], name, *self.axes[stop:]))

    def padded(self, spans: Mapping[str, Span]) -> Named:
        """With zeros (before, after, between) on some axes; negative amounts crop."""
        config = [(0, 0, 0)] * len(self.axes)
        for axis, (before, after, *between) in spans.items():
            config[self.place(axis)] = (before, after, between[0] if between else 0)
        return Named(padded(self.values, config), self.axes)

    def taken(self, parts: Mapping[str, int | slice]) -> Named:
        """A part of some axes; those of which a single place is taken are gone."""
        index = tuple(parts.get(axis, slice(None)) for axis in self.axes)
        kept = tuple(axis for axis in self.axes if not isinstance(parts.get(axis), int))
        return Named(self.values[index], kept)

    def aligned(self, axes: Names) -> Named:
        """All of these axes in this order, of length 1 where the array has none."""
        here = self.ordered([axis for axis in axes if axis in self.axes])
        shape = [here.size(axis) if axis in here.axes else 1 for axis in axes]
        return Named(jnp.reshape(here.values, shape), axes)

    def settled(self) -> Named:
        """A pass of its own: XLA fuses what is before it with nothing behind it."""
        return Named(lax.optimization_barrier(self.values), self.axes)


def padded(values: Array, config: Sequence[tuple[Any, Any, int]]) -> Array:
    """Zeros (before, after, between) each axis; negative amounts crop."""
    return lax.pad(values, jnp.zeros((), values.dtype), config)


def along(kind: str, spatial_axes: int) -> Names:
    """The names of one kind of axis, one for each spatial axis."""
    return tuple(f"{kind}{axis}" for axis in range(spatial_axes))


def added(arrays: Sequence[Named]) -> Named:
    """The sum of arrays with the same axes."""
    return Named(reduce(lax.add, [array.values for array in arrays]), arrays[0].axes)


def joined(pieces: Sequence[Named], counts: Sequence[int], axes: Sequence[str]) -> Named:
    """Pieces in row-major order over a grid, concatenated along these axes."""
    names, values = pieces[0].axes, [piece.values for piece in pieces]
    for count, axis in reversed(list(zip(counts, axes, strict=True))):
        place = names.index(axis)
        runs = [values[start : start + count] for start in range(0, len(values), count)]
        values = [run[0] if count == 1 else lax.concatenate(run, place) for run in runs]
    return Named(values[0], names)


def product(left: Named, right: Named, summed: Sequence[str], precision: Precision) -> Named:
    """Products of each group summed over the named axes: "group", what is left of left, of right.

    "group" is the first axis of both.
    """
    rest = [
        [axis for axis in array.axes if axis != "group" and axis not in summed]
        for array in (left, right)
    ]
    if left.axes[-1] not in summed and _is_larger(left, right):
        turned = _product(right, left, summed, precision)
        return Named(turned, ("group", *rest[1], *rest[0])).ordered(("group", *rest[0], *rest[1]))
    return Named(_product(left, right, summed, precision), ("group", *rest[0], *rest[1]))


def _is_larger(left: Named, right: Named) -> bool:
    """Whether the first of two operands has more elements.  XLA on a CPU is slow where it is also
    summed over its rows: 17 ms beside 6 for (1024, 4608) transposed, times (1024, 64)."""
    sizes = [prod(array.values.shape) for array in (left, right)]
    single = left.values.shape[0] == 1
    return single and all(map(is_known, sizes)) and sizes[0] > 2 * sizes[1]


def _product(left: Named, right: Named, summed: Sequence[str], precision: Precision) -> Array:
    of_left, of_right = ([array.place(axis) for axis in summed] for array in (left, right))
    if left.values.shape[0] != 1:
        batched: Any = ((of_left, of_right), ((0,), (0,)))
        return lax.dot_general(left.values, right.values, batched, precision=precision)
    plain: Any = (([n - 1 for n in of_left], [n - 1 for n in of_right]), ((), ()))
    first, second = left.values[0], right.values[0]
    return lax.dot_general(first, second, plain, precision=precision)[None]


def into_last(name: str, array: Array) -> Array:
    """(batch, *spatial, channels) of x or y, (*kernel_size, in_channels, out_channels) of w, from
    PyTorch's order."""
    if name == "w":
        return jnp.moveaxis(array, (0, 1), (-2, -1))
    return jnp.moveaxis(array, 1, -1)


def out_of_last(name: str, array: Array) -> Array:
    """The inverse of ``into_last``."""
    if name == "w":
        return jnp.moveaxis(array, (-2, -1), (0, 1))
    return jnp.moveaxis(array, -1, 1)


def lying(*, channels_last: bool) -> tuple[Order, Order]:
    """From PyTorch's order of x, w and y to the one that they lie in, and back."""
    return (into_last, out_of_last) if channels_last else (_same, _same)


def _same(_: str, array: Array) -> Array:
    return array


def on_spatial(
    function: Callable[[Array, int], Array], name: str, array: Array, *, channels_last: bool
) -> Array:
    """``function`` of the array and its first spatial axis, in the order that the array lies in."""
    if not channels_last:
        return function(array, 2)
    return out_of_last(name, function(into_last(name, array), 0 if name == "w" else 1))
