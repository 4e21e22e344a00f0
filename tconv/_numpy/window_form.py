"""The windows of y as matrices: what a tap reads is copied once for each tap that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tconv._core.plan import Plan
from tconv._numpy.gather_blocks import Block, blocks, is_folded, region

Array = NDArray[Any]
Part = tuple[tuple[int, ...], tuple[int, ...]]  # shape and strides
# Kernels wider than this are copied in runs along their last axis, others along positions: at
# 9 taps the latter takes 0.5 ns a value against 1.0, at 16 both 0.6, at 32 it is 0.9 against 0.4.
LONG_RUN = 16


def gather(plan: Plan, y: Array) -> Iterator[tuple[Block, Array]]:
    """Each block with its windows, (images, groups, channels * taps, positions), where a folded
    plan has one image that holds all.  The next block overwrites them."""
    scratch = np.empty(0, y.dtype)
    spread = prod(axis.stride / axis.kernel_size for axis in plan.axes)
    for block in blocks(plan, plan.taps, spread, y.itemsize):
        source = region(plan, y, block, _spans(plan, block))
        taps_last = plan.kernel_size[-1] > LONG_RUN or prod(plan.input_size) == 1
        view = _windows(plan, source, block, taps_last)
        images = 1 if is_folded(plan) else source.shape[0]
        depth = source.shape[2] * plan.taps
        if depth == source.shape[2] or prod(plan.input_size) == 1:
            cols = view
        else:
            if scratch.size < view.size:
                scratch = np.empty(view.size, y.dtype)
            cols = scratch[: view.size].reshape(view.shape)
            np.copyto(cols, view)
        if taps_last:
            yield block, cols.reshape(images, source.shape[1], -1, depth).swapaxes(2, 3)
        else:
            yield block, cols.reshape(images, source.shape[1], depth, -1)


def _spans(plan: Plan, block: Block) -> list[tuple[int, int]]:
    """The positions of y, first and past the last, that the windows of a block cover."""
    spans = []
    for number, axis in enumerate(plan.axes):
        first, last = 0, axis.input_size - 1
        if number == 0:
            first, last = block.rows.start, block.rows.stop - 1
        spans.append((first * axis.stride - axis.lo, last * axis.stride + axis.extent - axis.lo))
    return spans


def _windows(plan: Plan, source: Array, block: Block, taps_last: bool) -> Array:
    """View of a region: images, groups, then channels and taps before positions or after."""
    images, groups, channels = source.shape[:3]
    image, group, channel, *steps = source.strides
    taps = tuple(s * axis.dilation for s, axis in zip(steps, plan.axes, strict=True))
    moves = tuple(s * axis.stride for s, axis in zip(steps, plan.axes, strict=True))
    positions = (block.rows.stop - block.rows.start, *plan.input_size[1:])
    lead: Part = ((images, groups), (image, group))
    place: Part = (positions, moves)
    if is_folded(plan):
        lead = ((groups,), (group,))
        place = ((images, *positions), (image, *moves))
    window: Part = ((channels, *plan.kernel_size), (channel, *taps))
    parts = (lead, place, window) if taps_last else (lead, window, place)
    shape = tuple(size for part in parts for size in part[0])
    strides = tuple(step for part in parts for step in part[1])
    return as_strided(source, shape, strides, writeable=False)


class InputSum:
    """x summed over the blocks: x = w @ windows."""

    def __init__(self, plan: Plan, w: Array, dtype: np.dtype[Any]) -> None:
        self._plan = plan
        self._weight = w.reshape(plan.groups, plan.group_in_channels, -1)
        self._x = np.empty((plan.batch, plan.groups, plan.group_in_channels, _image(plan)), dtype)

    def add(self, block: Block, matrix: Array) -> None:
        """Add the products of one block's windows."""
        plan = self._plan
        weight = self._weight[block.groups, :, _depths(plan, block)]
        target = self._x[block.batch, block.groups, :, _positions(plan, block)]
        begins = block.channels.start == 0
        if begins and not is_folded(plan):
            np.matmul(weight, matrix, out=target)
            return
        product = weight @ matrix
        if is_folded(plan):
            images = len(target)
            product = product.reshape(*product.shape[1:3], images, -1).transpose(2, 0, 1, 3)
        if begins:
            target[...] = product
        else:
            target += product

    def result(self) -> Array:
        """x, after the last block."""
        return self._x.reshape(self._plan.x_shape)


class WeightSum:
    """w summed over the blocks: w = x @ windows^T."""

    def __init__(self, plan: Plan, x: Array, dtype: np.dtype[Any]) -> None:
        self._plan = plan
        self._x = x.reshape(plan.batch, plan.groups, plan.group_in_channels, -1)
        depth = plan.group_out_channels * plan.taps
        self._w = np.empty((plan.groups, plan.group_in_channels, depth), dtype)

    def add(self, block: Block, matrix: Array) -> None:
        """Add the products of one block's windows."""
        plan = self._plan
        signal = self._x[block.batch, block.groups, :, _positions(plan, block)]
        if is_folded(plan):
            signal = signal.transpose(1, 2, 0, 3).reshape(1, *signal.shape[1:3], -1)
        target = self._w[block.groups, :, _depths(plan, block)]
        begins = block.batch.start == 0 and block.rows.start == 0
        for image, cols in zip(signal, matrix.swapaxes(2, 3), strict=True):
            if begins:
                np.matmul(image, cols, out=target)
                begins = False
            else:
                target += image @ cols

    def result(self) -> Array:
        """w, after the last block."""
        return self._w.reshape(self._plan.w_shape)


def _image(plan: Plan) -> int:
    return prod(plan.input_size)


def _positions(plan: Plan, block: Block) -> slice:
    row = prod(plan.input_size[1:])
    return slice(block.rows.start * row, block.rows.stop * row)


def _depths(plan: Plan, block: Block) -> slice:
    return slice(block.channels.start * plan.taps, block.channels.stop * plan.taps)
