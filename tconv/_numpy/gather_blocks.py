"""The maps that read y, cut into blocks whose scratch is bounded for any batch and image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core.plan import Plan

# Bytes of gathered y that one block aims at: 1 to 8 MB take the same time within a tenth on most
# layers.  With the padded region, the products before they are summed and the reach of the last
# windows, a call's scratch stays below 8 times this.
WORKSPACE = 4 << 20
# A GEMM over fewer positions than this runs far below its rate, so several images share one.
FEWEST_POSITIONS = 256


@dataclass(frozen=True)
class Block:
    """Slices of the groups, of the y channels of each group, of the batch, and of the rows,
    which are the positions along the first spatial axis of x."""

    groups: slice
    channels: slice
    batch: slice
    rows: slice


def is_folded(plan: Plan) -> bool:
    """Whether the images of a block are joined to one long axis of the GEMM."""
    return prod(plan.input_size) < FEWEST_POSITIONS


def blocks(
    plan: Plan, depth: int, spread: float, itemsize: int, whole_channels: bool = False
) -> Iterator[Block]:
    """Blocks that gather ``depth`` values for each channel of y and position of x, from a
    region of y that holds ``spread`` times as many."""
    room = WORKSPACE // itemsize
    row = prod(plan.input_size[1:])
    image = row * plan.input_size[0]
    wanted = max(FEWEST_POSITIONS, room // (plan.out_channels * depth))
    images = max(1, min(plan.batch, wanted // image))
    rows = max(1, min(plan.input_size[0], wanted // row))
    taken = images * rows * row * depth * max(1.0, spread)
    channels = plan.group_out_channels if whole_channels else max(1, int(room / taken))
    groups = max(1, int(room / (taken * plan.group_out_channels)))
    for pieces in product(
        _cut(plan.groups, groups),
        _cut(plan.group_out_channels, channels),
        _cut(plan.batch, images),
        _cut(plan.input_size[0], rows),
    ):
        yield Block(*pieces)


def _cut(size: int, step: int) -> list[slice]:
    """range(size) in slices of nearly equal length, at most ``step`` each."""
    if step >= size:
        return [slice(0, size)]
    pieces = -(-size // step)
    edges = [size * piece // pieces for piece in range(pieces + 1)]
    return [slice(a, b) for a, b in pairwise(edges)]


def region(plan: Plan, y: NDArray[Any], block: Block, spans: list[tuple[int, int]]) -> NDArray[Any]:
    """What a block reads of y, (batch, groups, channels, *spans): positions start to stop on
    each axis, zero outside of y.  A view where y holds them all, otherwise a padded copy."""
    grouped = y.reshape(y.shape[0], plan.groups, plan.group_out_channels, *y.shape[2:])
    picked = grouped[block.batch, block.groups, block.channels]
    inner: list[Any] = [...]
    outer: list[Any] = [...]
    padded = False
    for (start, stop), axis in zip(spans, plan.axes, strict=True):
        low = min(max(start, 0), axis.output_size)
        high = max(low, min(stop, axis.output_size))
        inner.append(slice(low, high))
        outer.append(slice(low - start, high - start) if low < high else slice(0))
        padded = padded or high - low != stop - start
    view: NDArray[Any] = picked[tuple(inner)]
    if not padded:
        return view
    copy = np.zeros((*picked.shape[:3], *(stop - start for start, stop in spans)), y.dtype)
    copy[tuple(outer)] = view
    return copy
