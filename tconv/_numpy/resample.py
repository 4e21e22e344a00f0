"""Interpolation of NumPy arrays in blocks, so that what is in between stays in the cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from tconv._core.plan import Plan
from tconv._core.sampling import Taps
from tconv._core.typing import AnyArray
from tconv._numpy import entry
from tconv._numpy.tiles import Index

Along = Sequence[Taps | None]  # the taps of each spatial axis, None for one that stays as it is

# Elements of the largest array between two axes of a block: 1 MB in float32.
BLOCK = 1 << 18


class Resampled:
    """x interpolated along its spatial axes, the last first; computed where it is indexed, in
    ``sums`` between the axes."""

    def __init__(self, x: AnyArray, along: Along, sums: np.dtype[Any]) -> None:
        self.dtype: np.dtype[Any] = x.dtype
        self._x, self._along, self._sums = x, along, sums
        sizes = zip(x.shape[2:], along, strict=True)
        self.shape = (*x.shape[:2], *(n if taps is None else taps.outputs for n, taps in sizes))

    def __getitem__(self, index: Any, /) -> AnyArray:
        parts = (slice(None),) * len(self.shape) if index is Ellipsis else index
        ranges = [range(*part.indices(n)) for part, n in zip(parts, self.shape, strict=True)]
        result = np.empty([len(each) for each in ranges], self.dtype)
        for block in self._blocks([len(each) for each in ranges]):
            whole = (
                slice(each.start + part.start, each.start + part.stop)
                for each, part in zip(ranges, block, strict=True)
            )
            result[block] = self._block(*whole)
        return result

    def _blocks(self, sizes: list[int]) -> Iterator[tuple[slice, ...]]:
        """Parts of so many outputs an axis; one after the other an axis is cut until they fit."""
        most = [max(1, size) for size in sizes]
        for axis in range(len(sizes)):
            while most[axis] > 1 and self._elements(most) > BLOCK:
                most[axis] = -(-most[axis] // 2)
        starts = (range(0, size, some) for size, some in zip(sizes, most, strict=True))
        for start in product(*starts):
            yield tuple(
                slice(low, min(low + some, size))
                for low, some, size in zip(start, most, sizes, strict=True)
            )

    def _elements(self, outputs: list[int]) -> int:
        """The largest array between two axes."""
        reads = [
            count if taps is None else min(n, -(-count * n // taps.outputs) + taps.count)
            for n, taps, count in zip(self._x.shape[2:], self._along, outputs[2:], strict=True)
        ]
        lead, spatial = prod(outputs[:2]), outputs[2:]
        return lead * max(prod(reads[:n]) * prod(spatial[n:]) for n in range(len(spatial)))

    def _block(self, batch: slice, channels: slice, *outputs: slice) -> AnyArray:
        taps_of, reads = [], []
        for taps, part in zip(self._along, outputs, strict=True):
            first, stop, cut = (part.start, part.stop, None) if taps is None else taps.cut(part)
            taps_of.append(cut)
            reads.append(slice(first, stop))
        source: Index = (batch, channels, *reads)
        y = self._x[source]
        for axis in reversed(range(len(taps_of))):
            taps = taps_of[axis]
            if taps is not None:
                y = taps.rounded(_along(y, taps, axis + 2, self._sums))
        return y


def resample(x: AnyArray, along: Along, sums: Any) -> AnyArray:
    """x interpolated along its spatial axes."""
    return Resampled(x, along, np.dtype(sums))[...]


def conv_of_resampled(
    plan: Plan, x: AnyArray, along: Along, sums: Any, w: AnyArray, b: AnyArray | None
) -> AnyArray:
    """The convolution of ``resample``, of which no more is there at a time than a piece reads."""
    resampled = Resampled(x, along, np.dtype(sums))
    return entry.conv(plan, resampled, w, b, precision=None, preferred=None)


def _along(x: AnyArray, taps: Taps, axis: int, sums: np.dtype[Any]) -> AnyArray:
    """The taps' combination of slices of x along one axis."""
    if taps.single:
        return x.take(taps.indices[:, 0], axis)
    column = (-1,) + (1,) * (x.ndim - axis - 1)
    weights = taps.weights.astype(sums)
    lead: tuple[Any, ...] = (slice(None),) * axis
    total: AnyArray | None = None
    for tap in range(taps.count):
        term = x.take(taps.indices[:, tap], axis).astype(sums, copy=False)
        if taps.unread is not None and taps.unread[:, tap].any():
            term[(*lead, taps.unread[:, tap])] = 0
        term *= weights[:, tap].reshape(column)
        if total is None:
            total = term
        else:
            total += term
    assert total is not None
    return total
