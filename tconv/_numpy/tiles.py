"""A problem cut into tiles: what is computed at a time, so that scratch memory does not grow
with the batch or the image.

Output tiles are parts of y, for the forms that write it; window tiles are positions of x with
channels of y, for the forms that read y.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise, product
from math import prod
from types import EllipsisType
from typing import NamedTuple

import numpy as np

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy import threads
from tconv._numpy.scratch import WORKSPACE, Scratch, aligned, lent

Index = tuple[slice | int | EllipsisType, ...]

EVERY = slice(None)


class OutputTile(NamedTuple):
    """The outputs ``y[batch, :, outputs]`` computed from ``x[batch, :, inputs]`` alone.

    Only the first spatial axis is cut; ``axes`` describes the tile.
    """

    batch: slice
    inputs: slice
    outputs: slice
    axes: tuple[Axis, ...]

    @property
    def samples(self) -> int:
        """Samples of the batch in this tile."""
        count: int = self.batch.stop - self.batch.start
        return count


@lru_cache(maxsize=1024)
def output_tiles(plan: Plan, positions: int, samples: int) -> tuple[OutputTile, ...]:
    """Tiles of at most ``samples`` samples and about ``positions`` input positions.

    A sample is cut along its first axis only where it has more positions than that; the cuts
    fall on multiples of the stride, so that every tile has its phases in the same order.
    """
    first, *others = plan.axes
    size = prod(plan.input_size)
    at_once = max(1, min(plan.batch, samples, positions // size))
    rows = first.output_size
    if size > positions:
        share = first.output_size * positions // size
        rows = max(1, share // first.stride) * first.stride
    tiles = []
    for start in range(0, first.output_size, rows):
        stop = min(start + rows, first.output_size)
        inputs, axis = first.cut(start, stop)
        for sample in range(0, plan.batch, at_once):
            batch = slice(sample, min(sample + at_once, plan.batch))
            tiles.append(OutputTile(batch, inputs, slice(start, stop), (axis, *others)))
    return tuple(tiles)


@lru_cache(maxsize=1024)
def kinds_of_tiles(plan: Plan, positions: int, samples: int) -> tuple[OutputTile, ...]:
    """Of the ``output_tiles`` one of each geometry, with the most samples."""
    found: dict[tuple[Axis, ...], OutputTile] = {}
    for tile in output_tiles(plan, positions, samples):
        if tile.axes not in found or tile.samples > found[tile.axes].samples:
            found[tile.axes] = tile
    return tuple(found.values())


ComputeGroups = Callable[[int, tuple[Axis, ...], AnyArray, AnyArray, AnyArray, Scratch], None]


@dataclass(frozen=True)
class GroupTasks:
    """y by tiles of about ``positions`` positions and runs of groups, each a task for a thread.

    ``compute`` gets the number of groups, the axes of the tile, its x, w and y to fill, and
    memory for arrays of as many elements as ``scratch`` says of a tile and a number of groups.
    """

    compute: ComputeGroups
    positions: int
    groups_at_once: Callable[[Plan, OutputTile], int]
    scratch: Callable[[Plan, OutputTile, int], list[int]]

    def run(self, plan: Plan, x: AnyArray, w: AnyArray) -> AnyArray:
        """y, on as many threads as have their memory within the bound of a call."""
        y = np.empty(plan.y_shape, x.dtype)
        depth, channels = plan.group_in_channels, plan.group_out_channels
        needed = self.workspace(plan, x.itemsize)

        def task(
            groups: int, axes: tuple[Axis, ...], x: AnyArray, w: AnyArray, y: AnyArray
        ) -> None:
            with lent(needed) as memory:
                self.compute(groups, axes, x, w, y, memory)

        tasks = []
        for tile in output_tiles(plan, self.positions, plan.batch):
            signal, target = x[tile.batch, :, tile.inputs], y[tile.batch, :, tile.outputs]
            some = max(1, self.groups_at_once(plan, tile))
            for low in range(0, plan.groups, some):
                high = min(low + some, plan.groups)
                inputs = slice(low * depth, high * depth)
                outputs = slice(low * channels, high * channels)
                operands = signal[:, inputs], w[inputs], target[:, outputs]
                tasks.append(partial(task, high - low, tile.axes, *operands))
        threads.run(tasks, most=WORKSPACE // max(1, needed))
        return y

    def workspace(self, plan: Plan, itemsize: int) -> int:
        """Bytes that a task needs."""
        return _largest_task(self, plan, itemsize)


@lru_cache(maxsize=1024)
def _largest_task(tasks: GroupTasks, plan: Plan, itemsize: int) -> int:
    most = 0
    for tile in kinds_of_tiles(plan, tasks.positions, plan.batch):
        groups = max(1, min(plan.groups, tasks.groups_at_once(plan, tile)))
        arrays = tasks.scratch(plan, tile, groups)
        most = max(most, sum(aligned(elements * itemsize) for elements in arrays))
    return most


@dataclass(frozen=True)
class WindowLimits:
    """How large window tiles are.

    ``workspace`` bytes of gathered y are what a tile aims at: 1 to 8 MB take the same time
    within a tenth on most layers.  ``fewest_positions`` is what a GEMM needs to run near its
    rate; images that have fewer share one.
    """

    workspace: int = 4 << 20
    fewest_positions: int = 256


WINDOW_LIMITS = WindowLimits()

# Elements that are read with a stride in the time that one written with a stride takes.
STRIDED = 3


@dataclass(frozen=True)
class WindowTile:
    """Slices of the groups, of the y channels of each group, of the batch, and of the rows,
    which are the positions along the first spatial axis of x.

    ``folded`` says whether its images are joined to one long axis of the GEMM.
    """

    groups: slice
    channels: slice
    batch: slice
    rows: slice
    folded: bool

    @property
    def first_of_x(self) -> bool:
        """Whether no tile before this one holds channels of y for the same part of x."""
        return bool(self.channels.start == 0)

    @property
    def first_of_w(self) -> bool:
        """Whether no tile before this one holds positions for the same part of w."""
        return bool(self.batch.start == 0 and self.rows.start == 0)

    def sizes(self, plan: Plan) -> tuple[int, ...]:
        """Its positions of x, one number an axis."""
        return (self.rows.stop - self.rows.start, *plan.input_size[1:])


def whole(plan: Plan) -> WindowTile:
    """All of a problem."""
    sizes = plan.groups, plan.group_out_channels, plan.batch, plan.input_size[0]
    groups, channels, batch, rows = (slice(0, size) for size in sizes)
    return WindowTile(groups, channels, batch, rows, folded=False)


class AtOnce(NamedTuple):
    """How much of each a window tile holds at most."""

    groups: int
    channels: int
    images: int
    rows: int
    folded: bool

    def sizes(self, plan: Plan) -> tuple[int, ...]:
        """Positions of x, one number an axis."""
        return (self.rows, *plan.input_size[1:])


def at_once(
    plan: Plan,
    depth: int,
    read: float,
    itemsize: int,
    limits: WindowLimits = WINDOW_LIMITS,
    *,
    whole_channels: bool = False,
) -> AtOnce:
    """For tiles that gather ``depth`` values for each channel of y and position of x, from a
    region of y that holds ``read`` times as many."""
    room = limits.workspace // itemsize
    row = prod(plan.input_size[1:])
    image = row * plan.input_size[0]
    wanted = max(limits.fewest_positions, room // max(1, plan.out_channels * depth))
    images = max(1, min(plan.batch, wanted // image))
    rows = max(1, min(plan.input_size[0], wanted // row))
    taken = images * rows * row * depth * max(1.0, read)
    channels = max(1, min(plan.group_out_channels, int(room / taken)))
    groups = max(1, min(plan.groups, int(room / max(1, taken * plan.group_out_channels))))
    folded = image < limits.fewest_positions
    every = plan.group_out_channels
    return AtOnce(groups, every if whole_channels else channels, images, rows, folded)


def window_tiles(plan: Plan, most: AtOnce) -> Iterator[WindowTile]:
    """Tiles of nearly equal size that hold at most so much."""
    for slices in product(
        _cut(plan.groups, most.groups),
        _cut(plan.group_out_channels, most.channels),
        _cut(plan.batch, most.images),
        _cut(plan.input_size[0], most.rows),
    ):
        yield WindowTile(*slices, most.folded)


def _cut(size: int, most: int) -> list[slice]:
    """range(size) in slices of nearly equal length, at most ``most`` each."""
    if most >= size:
        return [slice(0, size)]
    count = -(-size // most)
    edges = [size * number // count for number in range(count + 1)]
    return [slice(a, b) for a, b in pairwise(edges)]
