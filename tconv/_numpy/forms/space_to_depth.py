"""The maps that read y over its phases: y split by residue modulo the stride (space to depth),
each element once, so that every tap is a slice of a phase at a shift and no window is copied."""

from __future__ import annotations

from functools import cached_property, lru_cache
from itertools import product
from math import ceil, prod

import numpy as np

from tconv._core.cost import Counts, copy, gemm
from tconv._core.lattice import rectangle
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.forms.gathering import Buffer, Gathered, Gathering, is_padded, region
from tconv._numpy.tiles import (
    STRIDED,
    WINDOW_LIMITS,
    AtOnce,
    Index,
    WindowLimits,
    WindowTile,
    at_once,
    window_tiles,
)


def splits(plan: Plan) -> bool:
    """Whether the taps of every axis fall on a full grid of shifts and phases."""
    return all(map(rectangle, plan.axes))


class _Split:
    """The shifts and phases of a plan whose axes all split."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._rectangles = tuple(found for axis in plan.axes if (found := rectangle(axis)))
        self.shifts = tuple(each.shifts for each in self._rectangles)
        self.phases = tuple(each.phases for each in self._rectangles)
        self._lead = (plan.groups, plan.group_in_channels, plan.group_out_channels)

    def cells(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Cells that so many positions of x read, one number an axis."""
        both = zip(sizes, self._rectangles, strict=True)
        return tuple(size + each.reach for size, each in both)

    def offsets(self, cells: tuple[int, ...]) -> list[int]:
        """Where each shift begins among the flattened cells, in ascending order."""
        along = [
            [shift * each.step * prod(cells[number + 1 :]) for shift in range(each.shifts)]
            for number, each in enumerate(self._rectangles)
        ]
        return [sum(offsets) for offsets in product(*along)]

    @cached_property
    def _order(self) -> tuple[int, ...]:
        """(groups, *shifts, in, *phases, out) of (groups, in, out, shift, phase, shift, phase
        ..)."""
        end = 3 + 2 * len(self._rectangles)
        return (0, *range(3, end, 2), 1, *range(4, end, 2), 2)

    def stack(self, w: AnyArray) -> AnyArray:
        """(groups, shifts * in, phases * out) from w."""
        ordered = w.reshape(*self._lead, *_alternate(self.shifts, self.phases))
        ordered = ordered.transpose(self._order)
        return ordered.reshape(self._lead[0], prod(self.shifts) * self._lead[1], -1)

    def unstack(self, stacked: AnyArray) -> AnyArray:
        """w from (groups, shifts * in, phases * out): the inverse of ``stack``."""
        groups, inner, outer = self._lead
        ordered = stacked.reshape(groups, *self.shifts, inner, *self.phases, outer)
        return ordered.transpose(np.argsort(self._order)).reshape(self.plan.w_shape)

    def crop(self, tile: WindowTile) -> Index:
        """The cells that are positions of x, not the reach of the last windows."""
        return (..., *map(slice, tile.sizes(self.plan)))


_split = lru_cache(maxsize=1024)(_Split)


def _alternate(first: tuple[int, ...], second: tuple[int, ...]) -> list[int]:
    return [number for both in zip(first, second, strict=True) for number in both]


# Products of all shifts in a tile, for each element that is gathered.
PRODUCTS = 4


def _at_once(plan: Plan, itemsize: int, limits: WindowLimits = WINDOW_LIMITS) -> AtOnce:
    """Gathered elements stay near the limit, and so do a ``PRODUCTS``-th of the products."""
    split = _split(plan)
    read = prod(a.stride / count for a, count in zip(plan.axes, split.phases, strict=True))
    products = prod(split.shifts) * plan.group_in_channels / max(1, plan.group_out_channels)
    depth = max(prod(split.phases), ceil(products / PRODUCTS))
    return at_once(plan, depth, read, itemsize, limits, whole_channels=True)


def gather(plan: Plan, y: AnyArray, limits: WindowLimits = WINDOW_LIMITS) -> Gathered:
    """Each tile with its phases, (groups, phases * channels, images * cells).  The next tile
    overwrites them."""
    split = _split(plan)
    buffer = Buffer(y.dtype)
    axes = range(len(plan.axes))
    order = (1, *(4 + 2 * axis for axis in axes), 2, 0, *(3 + 2 * axis for axis in axes))
    used = [each for count in split.phases for each in (slice(None), slice(count))]
    for tile in window_tiles(plan, _at_once(plan, y.itemsize, limits)):
        cells = split.cells(tile.sizes(plan))
        starts = [-axis.lo for axis in plan.axes]
        starts[0] += tile.rows.start * plan.axes[0].stride
        spans = [
            (start, start + size * axis.stride)
            for start, size, axis in zip(starts, cells, plan.axes, strict=True)
        ]
        source = region(plan, y, tile, spans)
        images = source.shape[0]
        apart = source.reshape(*source.shape[:3], *_alternate(cells, plan.stride))
        phases = buffer.copy(apart[(..., *used)].transpose(order))
        del source, apart  # before there are those of the next tile
        yield tile, phases.reshape(phases.shape[0], -1, images * prod(cells))


class _TotalX:
    """The products of all shifts in one GEMM, added where they meet."""

    def __init__(self, plan: Plan, y: AnyArray, w: AnyArray) -> None:
        self._split = _split(plan)
        self._weight = self._split.stack(w)
        lead = (plan.batch, plan.groups, plan.group_in_channels)
        self._x = np.empty((*lead, *plan.input_size), y.dtype)

    def add(self, tile: WindowTile, gathered: AnyArray) -> None:
        target = self._x[tile.batch, tile.groups, :, tile.rows]
        cells = self._split.cells(tile.sizes(self._split.plan))
        offsets = self._split.offsets(cells)
        length = gathered.shape[2]
        lead = (len(gathered), len(offsets), target.shape[2])
        products = (self._weight[tile.groups] @ gathered).reshape(*lead, length)
        total = products[:, 0]
        for shift, offset in enumerate(offsets[1:], 1):
            total[..., : length - offset] += products[:, shift, :, offset:]
        images = total.reshape(*lead[::2], len(target), *cells)[self._split.crop(tile)]
        np.copyto(target, images.transpose(2, 0, 1, *range(3, images.ndim)))

    def result(self) -> AnyArray:
        return self._x.reshape(self._split.plan.x_shape)


class _TotalW:
    """A product of x and the phases for each shift."""

    def __init__(self, plan: Plan, x: AnyArray, y: AnyArray) -> None:
        self._split = split = _split(plan)
        lead = (plan.batch, plan.groups, plan.group_in_channels)
        self._x = x.reshape(*lead, *plan.input_size)
        depth = prod(split.phases) * plan.group_out_channels
        self._w = np.zeros((plan.groups, prod(split.shifts), lead[2], depth), y.dtype)

    def add(self, tile: WindowTile, gathered: AnyArray) -> None:
        signal = self._x[tile.batch, tile.groups, :, tile.rows]
        signal = signal.transpose(1, 2, 0, *range(3, signal.ndim))
        cells = self._split.cells(tile.sizes(self._split.plan))
        padded = np.zeros((*signal.shape[:3], *cells), gathered.dtype)
        padded[self._split.crop(tile)] = signal
        flat = padded.reshape(*signal.shape[:2], -1)
        length = flat.shape[2]
        for shift, offset in enumerate(self._split.offsets(cells)):
            products = flat[..., : length - offset] @ gathered[..., offset:].swapaxes(1, 2)
            self._w[tile.groups, shift] += products

    def result(self) -> AnyArray:
        return self._split.unstack(self._w)


SPACE_TO_DEPTH = Gathering(gather, _TotalX, _TotalW)


def _gathered(plan: Plan, most: AtOnce) -> tuple[int, int]:
    """Elements of the phases of a tile, and of the region that they are split from where it is
    padded; and its cells."""
    split = _split(plan)
    cells = most.images * prod(split.cells(most.sizes(plan)))
    channels = most.groups * most.channels * cells
    along = zip(plan.axes, split.cells(plan.input_size), strict=True)
    padded = is_padded(plan, ((-a.lo, count * a.stride - a.lo) for a, count in along))
    return channels * (prod(split.phases) + (prod(plan.stride) if padded else 0)), cells


def conv_workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of the phases of a tile, of the products of all shifts, and of w in their order."""
    most = _at_once(plan, itemsize)
    copied, cells = _gathered(plan, most)
    rows = most.groups * prod(_split(plan).shifts) * plan.group_in_channels
    return itemsize * (copied + rows * cells + prod(plan.w_shape))


def weight_workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of the phases of a tile, of x in zeros beside them, of the product of a shift, and of
    w in the order of the shifts."""
    most = _at_once(plan, itemsize)
    copied, cells = _gathered(plan, most)
    inputs = most.groups * plan.group_in_channels
    product = inputs * prod(_split(plan).phases) * plan.group_out_channels
    return itemsize * (copied + 2 * inputs * cells + product + prod(plan.w_shape))


def _gathering(plan: Plan) -> tuple[Counts, int, int, int]:
    """What the phases cost, their cells, and (shifts * in, phases * out) of a group."""
    split, most = _split(plan), _at_once(plan, 4)
    rows_of_tiles = -(-plan.input_size[0] // most.rows)
    cells = plan.batch * rows_of_tiles * prod(split.cells(most.sizes(plan)))
    phases = prod(split.phases)
    copied = cells * plan.out_channels * phases
    run = STRIDED if plan.stride[-1] > 1 else plan.input_size[-1]
    tiles = copied * 4 / WINDOW_LIMITS.workspace
    rows = prod(split.shifts) * plan.group_in_channels
    return copy(copied, run) + Counts(calls=tiles), cells, rows, phases * plan.group_out_channels


def gathering_counts(plan: Plan) -> Counts:
    """The phases."""
    return _gathering(plan)[0]


def conv_counts(plan: Plan) -> Counts:
    """The phases, the GEMM of all shifts, and the sum of its products."""
    gathering, cells, rows, depth = _gathering(plan)
    return (
        gathering + gemm(rows, depth, cells, plan.groups) + Counts(added=cells * rows * plan.groups)
    )


def weight_counts(plan: Plan) -> Counts:
    """The phases, and a GEMM for each shift."""
    gathering, cells, rows, columns = _gathering(plan)
    inputs = plan.group_in_channels
    shifts = rows // max(1, inputs)
    padded = Counts(moved=cells * plan.in_channels, calls=shifts)
    tiles = max(1, cells * plan.groups * columns * 4 / WINDOW_LIMITS.workspace)
    sums = Counts(added=tiles * prod(plan.w_shape), moved=tiles * prod(plan.w_shape))
    return gathering + padded + sums + gemm(inputs, cells, columns, plan.groups * shifts)
