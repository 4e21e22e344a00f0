"""The maps that read y, the convolution and the weight gradient, summed tile by tile over what
is gathered from y."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.tiles import Index, WindowTile


def region(plan: Plan, y: AnyArray, tile: WindowTile, spans: list[tuple[int, int]]) -> AnyArray:
    """What a tile reads of y, (batch, groups, channels, *spans): positions start to stop on
    each axis, zero outside of y.  A view where y holds them all, otherwise a padded copy."""
    grouped = y.reshape(y.shape[0], plan.groups, plan.group_out_channels, *y.shape[2:])
    picked = grouped[tile.batch, tile.groups, tile.channels]
    inner, outer = [], []
    padded = False
    for (start, stop), axis in zip(spans, plan.axes, strict=True):
        low = min(max(start, 0), axis.output_size)
        high = max(low, min(stop, axis.output_size))
        inner.append(slice(low, high))
        outer.append(slice(low - start, high - start) if low < high else slice(0))
        padded = padded or high - low != stop - start
    held: Index = (..., *inner)
    view: AnyArray = picked[held]
    if not padded:
        return view
    copy = np.zeros((*picked.shape[:3], *(stop - start for start, stop in spans)), y.dtype)
    copy[(..., *outer)] = view
    return copy


def is_padded(plan: Plan, spans: Iterable[tuple[int, int]]) -> bool:
    """Whether regions within these spans may be padded copies."""
    sizes = zip(spans, plan.output_size, strict=True)
    return any(start < 0 or stop > size for (start, stop), size in sizes)


class Buffer:
    """Memory for one copy at a time; the next overwrites it."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._memory = np.empty(0, dtype)

    def copy(self, view: AnyArray) -> AnyArray:
        """A contiguous copy of a view."""
        if self._memory.size < view.size:
            self._memory = np.empty(0, view.dtype)  # before there is another
            self._memory = np.empty(view.size, view.dtype)
        copied = self._memory[: view.size].reshape(view.shape)
        np.copyto(copied, view)
        return copied


Gathered = Iterator[tuple[WindowTile, AnyArray]]


class Total(Protocol):
    """x or w, summed over the tiles of what was gathered from y."""

    def add(self, tile: WindowTile, gathered: AnyArray) -> None:
        """Add the products of one tile."""

    def result(self) -> AnyArray:
        """The sum, after the last tile."""


@dataclass(frozen=True)
class Gathering:
    """The maps that read y, by one way to ``gather`` it tile by tile; ``total_x`` of (plan, y,
    w) and ``total_w`` of (plan, x, y) say what x and w get from that."""

    gather: Callable[[Plan, AnyArray], Gathered]
    total_x: Callable[[Plan, AnyArray, AnyArray], Total]
    total_w: Callable[[Plan, AnyArray, AnyArray], Total]

    def conv(self, plan: Plan, y: AnyArray, w: AnyArray) -> AnyArray:
        """x[i] = sum over channels and taps t of y[i*s + t*d - lo] * w[t]."""
        if _is_empty(plan):
            return np.zeros(plan.x_shape, y.dtype)
        return self._sums(plan, y, self.total_x(plan, y, w))[0]

    def weight_cotangent(self, plan: Plan, x: AnyArray, y: AnyArray) -> AnyArray:
        """w[t] = sum over batch and inputs i of x[i] * y[i*s + t*d - lo]."""
        if _is_empty(plan):
            return np.zeros(plan.w_shape, y.dtype)
        return self._sums(plan, y, self.total_w(plan, x, y))[0]

    def cotangents(
        self, plan: Plan, x: AnyArray, w: AnyArray, y: AnyArray
    ) -> tuple[AnyArray, AnyArray]:
        """``conv`` and ``weight_cotangent`` from one gathering of y."""
        if _is_empty(plan):
            return np.zeros(plan.x_shape, y.dtype), np.zeros(plan.w_shape, y.dtype)
        dx, dw = self._sums(plan, y, self.total_x(plan, y, w), self.total_w(plan, x, y))
        return dx, dw

    def _sums(self, plan: Plan, y: AnyArray, *totals: Total) -> list[AnyArray]:
        for tile, gathered in self.gather(plan, y):
            for total in totals:
                total.add(tile, gathered)
            del gathered
        return [total.result() for total in totals]


def _is_empty(plan: Plan) -> bool:
    return 0 in (plan.batch, plan.in_channels, plan.out_channels)
