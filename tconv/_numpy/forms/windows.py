"""The maps that read y over its windows: what a tap reads is copied once for each tap that
reads it, and a GEMM takes the copies."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tconv._core.cost import Counts, copy, gemm
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.forms.gathering import Buffer, Gathered, Gathering, is_padded, region
from tconv._numpy.tiles import (
    STRIDED,
    WINDOW_LIMITS,
    AtOnce,
    WindowLimits,
    WindowTile,
    at_once,
    whole,
    window_tiles,
)

Extents = tuple[tuple[int, ...], tuple[int, ...]]  # shape and strides

# Kernels wider than this are copied in runs along their last axis, others along positions: at
# 9 taps the latter takes 0.5 ns a value against 1.0, at 16 both 0.6, at 32 it is 0.9 against 0.4.
LONG_RUN = 16


def all_windows(plan: Plan, y: AnyArray) -> AnyArray:
    """(batch, groups, channels, *kernel_size, *input_size) view: element (t, i) is what tap t
    reads at position i."""
    tile = whole(plan)
    return _view(plan, _read(plan, y, tile), tile, taps_last=False)


def gather(
    plan: Plan, y: AnyArray, limits: WindowLimits = WINDOW_LIMITS, long_run: int = LONG_RUN
) -> Gathered:
    """Each tile with its windows, (images, groups, channels * taps, positions), where a folded
    tile has one image that holds all.  The next tile overwrites them."""
    buffer = Buffer(y.dtype)
    single = prod(plan.input_size) == 1
    taps_last = plan.kernel_size[-1] > long_run or single
    for tile in window_tiles(plan, _at_once(plan, y.itemsize, limits)):
        source = _read(plan, y, tile)
        view = _view(plan, source, tile, taps_last)
        images = 1 if tile.folded else source.shape[0]
        depth = source.shape[2] * plan.taps
        windows = view if plan.taps == 1 or single else buffer.copy(view)
        if taps_last:
            gathered = windows.reshape(images, source.shape[1], -1, depth).swapaxes(2, 3)
        else:
            gathered = windows.reshape(images, source.shape[1], depth, -1)
        del source, view, windows  # before there are those of the next tile
        yield tile, gathered
        del gathered


def _at_once(plan: Plan, itemsize: int, limits: WindowLimits = WINDOW_LIMITS) -> AtOnce:
    read = prod(axis.stride / axis.kernel_size for axis in plan.axes)
    return at_once(plan, plan.taps, read, itemsize, limits)


def _read(plan: Plan, y: AnyArray, tile: WindowTile) -> AnyArray:
    """The region of y that the windows of a tile cover."""
    spans = []
    for number, axis in enumerate(plan.axes):
        first, last = 0, axis.input_size - 1
        if number == 0:
            first, last = tile.rows.start, tile.rows.stop - 1
        spans.append((first * axis.stride - axis.lo, last * axis.stride + axis.extent - axis.lo))
    return region(plan, y, tile, spans)


def _view(plan: Plan, source: AnyArray, tile: WindowTile, taps_last: bool) -> AnyArray:
    """View of a region: images, groups, then channels and taps before positions or after."""
    images, groups, channels = source.shape[:3]
    image, group, channel, *along = source.strides
    taps = tuple(size * axis.dilation for size, axis in zip(along, plan.axes, strict=True))
    moves = tuple(size * axis.stride for size, axis in zip(along, plan.axes, strict=True))
    positions = tile.sizes(plan)
    lead: Extents = ((images, groups), (image, group))
    place: Extents = (positions, moves)
    if tile.folded:
        lead = ((groups,), (group,))
        place = ((images, *positions), (image, *moves))
    window: Extents = ((channels, *plan.kernel_size), (channel, *taps))
    order = (lead, place, window) if taps_last else (lead, window, place)
    shape = tuple(size for sizes, _ in order for size in sizes)
    strides = tuple(size for _, sizes in order for size in sizes)
    return as_strided(source, shape, strides, writeable=False)


class _TotalX:
    """x = w @ windows."""

    def __init__(self, plan: Plan, y: AnyArray, w: AnyArray) -> None:
        self._plan = plan
        self._weight = w.reshape(plan.groups, plan.group_in_channels, -1)
        lead = (plan.batch, plan.groups, plan.group_in_channels)
        self._x = np.empty((*lead, prod(plan.input_size)), y.dtype)

    def add(self, tile: WindowTile, gathered: AnyArray) -> None:
        weight = self._weight[tile.groups, :, _depths(self._plan, tile)]
        target = self._x[tile.batch, tile.groups, :, _positions(self._plan, tile)]
        if tile.first_of_x and not tile.folded:
            np.matmul(weight, gathered, out=target)
            return
        product = weight @ gathered
        if tile.folded:
            images = len(target)
            product = product.reshape(*product.shape[1:3], images, -1).transpose(2, 0, 1, 3)
        if tile.first_of_x:
            target[...] = product
        else:
            target += product

    def result(self) -> AnyArray:
        return self._x.reshape(self._plan.x_shape)


class _TotalW:
    """w = x @ windows^T."""

    def __init__(self, plan: Plan, x: AnyArray, y: AnyArray) -> None:
        self._plan = plan
        self._x = x.reshape(plan.batch, plan.groups, plan.group_in_channels, -1)
        depth = plan.group_out_channels * plan.taps
        self._w = np.empty((plan.groups, plan.group_in_channels, depth), y.dtype)

    def add(self, tile: WindowTile, gathered: AnyArray) -> None:
        signal = self._x[tile.batch, tile.groups, :, _positions(self._plan, tile)]
        if tile.folded:
            signal = signal.transpose(1, 2, 0, 3).reshape(1, *signal.shape[1:3], -1)
        target = self._w[tile.groups, :, _depths(self._plan, tile)]
        begins = tile.first_of_w
        for image, windows in zip(signal, gathered.swapaxes(2, 3), strict=True):
            if begins:
                np.matmul(image, windows, out=target)
                begins = False
            else:
                target += image @ windows

    def result(self) -> AnyArray:
        return self._w.reshape(self._plan.w_shape)


def _positions(plan: Plan, tile: WindowTile) -> slice:
    row = prod(plan.input_size[1:])
    return slice(tile.rows.start * row, tile.rows.stop * row)


def _depths(plan: Plan, tile: WindowTile) -> slice:
    return slice(tile.channels.start * plan.taps, tile.channels.stop * plan.taps)


WINDOWS = Gathering(gather, _TotalX, _TotalW)


def _gathered(plan: Plan, most: AtOnce) -> int:
    """Elements of the windows of a tile, and of the region that they cover where it is padded."""
    sizes = most.sizes(plan)
    channels = most.images * most.groups * most.channels
    spans = [(n - 1) * axis.stride + axis.extent for n, axis in zip(sizes, plan.axes, strict=True)]
    last = [(axis.input_size - 1) * axis.stride + axis.extent for axis in plan.axes]
    every = ((-axis.lo, stop - axis.lo) for axis, stop in zip(plan.axes, last, strict=True))
    region = prod(spans) if is_padded(plan, every) else 0
    return channels * (region + prod(sizes) * plan.taps)


def conv_workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of the windows of a tile, and of their products where these are added or moved."""
    most = _at_once(plan, itemsize)
    positions = most.images * prod(most.sizes(plan))
    products = most.groups * plan.group_in_channels * positions
    direct = most.channels >= plan.group_out_channels and not most.folded
    return itemsize * (_gathered(plan, most) + (0 if direct else products))


def weight_workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of the windows of a tile, of x where its images are joined, and of the products where
    these are added."""
    most = _at_once(plan, itemsize)
    lead = most.groups * plan.group_in_channels
    signal = lead * most.images * prod(most.sizes(plan)) if most.folded else 0
    products = lead * most.channels * plan.taps
    return itemsize * (_gathered(plan, most) + signal + products)


def gathering_counts(plan: Plan) -> Counts:
    """The windows."""
    positions = plan.batch * prod(plan.input_size)
    windows = positions * plan.out_channels * plan.taps
    tiles = windows * 4 / WINDOW_LIMITS.workspace
    if plan.taps == 1 or prod(plan.input_size) == 1:
        return Counts(calls=1 + tiles)
    run = plan.input_size[-1] if plan.stride[-1] == 1 else STRIDED
    if plan.kernel_size[-1] > LONG_RUN:
        run = plan.kernel_size[-1] if plan.dilation[-1] == 1 else STRIDED
    return copy(windows, run) + Counts(calls=tiles)


def conv_counts(plan: Plan) -> Counts:
    """The windows, and the GEMMs with them."""
    positions = plan.batch * prod(plan.input_size)
    depth = plan.group_out_channels * plan.taps
    return gathering_counts(plan) + gemm(plan.group_in_channels, depth, positions, plan.groups)


def weight_counts(plan: Plan) -> Counts:
    """The windows, and the GEMMs with them."""
    positions = plan.batch * prod(plan.input_size)
    columns = plan.group_out_channels * plan.taps
    product = gemm(plan.group_in_channels, positions, columns, plan.groups)
    images = 1 if prod(plan.input_size) < WINDOW_LIMITS.fewest_positions else plan.batch
    return gathering_counts(plan) + product + Counts(added=images * prod(plan.w_shape))
