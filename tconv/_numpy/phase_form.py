"""The phases of y as matrices: y split by residue modulo the stride (space to depth), each
element once, so that every tap is a slice of a phase at a shift and no window is copied."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core.lattice import rectangle
from tconv._core.plan import Plan
from tconv._numpy.gather_blocks import Block, blocks, region

Array = NDArray[Any]


class Phases:
    """The numbers of a plan whose axes all split."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.splits = tuple(found for axis in plan.axes if (found := rectangle(axis)))
        self.shifts = tuple(s.shifts for s in self.splits)
        self.phases = tuple(s.phases for s in self.splits)
        self._lead = (plan.groups, plan.group_in_channels, plan.group_out_channels)
        self.extras = tuple((s.shifts - 1) * s.step for s in self.splits)

    def grid(self, block: Block) -> tuple[int, ...]:
        """Positions of a phase that a block reads."""
        sizes = (block.rows.stop - block.rows.start, *self.plan.input_size[1:])
        return tuple(size + extra for size, extra in zip(sizes, self.extras, strict=True))

    def offsets(self, grid: tuple[int, ...]) -> list[int]:
        """Where each shift begins on the flattened grid, in ascending order."""
        pitches = [prod(grid[number + 1 :]) for number in range(len(grid))]
        steps = [s.step * pitch for s, pitch in zip(self.splits, pitches, strict=True)]
        every = product(*map(range, self.shifts))
        return [sum(b * step for b, step in zip(shift, steps, strict=True)) for shift in every]

    @cached_property
    def _pairs(self) -> tuple[int, ...]:
        """The order (groups, *shifts, in, *phases, out) of (groups, in, out, shift, phase,
        shift, phase ..)."""
        n = len(self.splits)
        return (0, *range(3, 3 + 2 * n, 2), 1, *range(4, 4 + 2 * n, 2), 2)

    def stack(self, w: Array) -> Array:
        """(groups, shifts * in, phases * out) from w."""
        pairs = [n for pair in zip(self.shifts, self.phases, strict=True) for n in pair]
        ordered = w.reshape(*self._lead, *pairs).transpose(self._pairs)
        return ordered.reshape(self._lead[0], prod(self.shifts) * self._lead[1], -1)

    def unstack(self, stacked: Array) -> Array:
        """w from (groups, shifts * in, phases * out): the inverse of ``stack``."""
        groups, inner, outer = self._lead
        pairs = stacked.reshape(groups, *self.shifts, inner, *self.phases, outer)
        return pairs.transpose(np.argsort(self._pairs)).reshape(self.plan.w_shape)

    def crop(self, block: Block) -> tuple[Any, ...]:
        """The part of a grid that is positions of x, not the reach of the last windows."""
        sizes: tuple[int, ...] = (block.rows.stop - block.rows.start, *self.plan.input_size[1:])
        return (..., *map(slice, sizes))


@lru_cache(maxsize=1024)
def phases_of(plan: Plan) -> Phases:
    """The numbers of this plan, made once: they take a small call's time."""
    return Phases(plan)


def gather(plan: Plan, y: Array) -> Iterator[tuple[Block, Array]]:
    """Each block with its phases, (groups, phases * channels, images * grid).  The next block
    overwrites them."""
    form = phases_of(plan)
    spread = prod(a.stride / p for a, p in zip(plan.axes, form.phases, strict=True))
    scratch = np.empty(0, y.dtype)
    axes = range(len(plan.axes))
    order = (1, *(4 + 2 * axis for axis in axes), 2, 0, *(3 + 2 * axis for axis in axes))
    for block in blocks(plan, prod(form.phases), spread, y.itemsize, whole_channels=True):
        grid = form.grid(block)
        starts = [-axis.lo for axis in plan.axes]
        starts[0] += block.rows.start * plan.axes[0].stride
        spans = [
            (start, start + size * axis.stride)
            for start, size, axis in zip(starts, grid, plan.axes, strict=True)
        ]
        source = region(plan, y, block, spans)
        pairs = [n for size, a in zip(grid, plan.axes, strict=True) for n in (size, a.stride)]
        paired = source.reshape(*source.shape[:3], *pairs)
        used = [part for phases in form.phases for part in (slice(None), slice(phases))]
        view = paired[(..., *used)].transpose(order)
        if scratch.size < view.size:
            scratch = np.empty(view.size, y.dtype)
        phases = scratch[: view.size].reshape(view.shape)
        np.copyto(phases, view)
        yield block, phases.reshape(view.shape[0], -1, source.shape[0] * prod(grid))


class InputSum:
    """x from the blocks: the products of all shifts in one GEMM, added where they meet."""

    def __init__(self, plan: Plan, w: Array, dtype: np.dtype[Any]) -> None:
        self._form = phases_of(plan)
        self._weight = self._form.stack(w)
        lead = (plan.batch, plan.groups, plan.group_in_channels)
        self._x = np.empty((*lead, *plan.input_size), dtype)

    def add(self, block: Block, phases: Array) -> None:
        """Store the rows of one block."""
        form, target = self._form, self._x[block.batch, block.groups, :, block.rows]
        grid = form.grid(block)
        offsets = form.offsets(grid)
        length = phases.shape[2]
        lead = (len(phases), len(offsets), target.shape[2])
        products = (self._weight[block.groups] @ phases).reshape(*lead, length)
        total = products[:, 0]
        for shift, offset in enumerate(offsets[1:], 1):
            total[..., : length - offset] += products[:, shift, :, offset:]
        images = total.reshape(*lead[::2], len(target), *grid)[form.crop(block)]
        np.copyto(target, images.transpose(2, 0, 1, *range(3, images.ndim)))

    def result(self) -> Array:
        """x, after the last block."""
        return self._x.reshape(self._form.plan.x_shape)


class WeightSum:
    """w summed over the blocks: a product of x and the phases for each shift."""

    def __init__(self, plan: Plan, x: Array, dtype: np.dtype[Any]) -> None:
        self._form = form = phases_of(plan)
        lead = (plan.batch, plan.groups, plan.group_in_channels)
        self._x = x.reshape(*lead, *plan.input_size)
        depth = prod(form.phases) * plan.group_out_channels
        self._w = np.zeros((plan.groups, prod(form.shifts), lead[2], depth), dtype)

    def add(self, block: Block, phases: Array) -> None:
        """Add the products of one block."""
        form, signal = self._form, self._x[block.batch, block.groups, :, block.rows]
        signal = signal.transpose(1, 2, 0, *range(3, signal.ndim))
        grid = form.grid(block)
        spread = np.zeros((*signal.shape[:3], *grid), phases.dtype)
        spread[form.crop(block)] = signal
        flat = spread.reshape(*signal.shape[:2], -1)
        length = flat.shape[2]
        for shift, offset in enumerate(form.offsets(grid)):
            products = flat[..., : length - offset] @ phases[..., offset:].swapaxes(1, 2)
            self._w[block.groups, shift] += products

    def result(self) -> Array:
        """w, after the last block."""
        return self._form.unstack(self._w)
