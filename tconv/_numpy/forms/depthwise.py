"""Few channels a group: multiply-add of whole shifted planes, one tap after the other.

A GEMM of so few rows is bound by its overhead; here every operation runs over contiguous
memory for many channels at once, and the tiles run on all threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from math import prod

import numpy as np

from tconv._core.axis import Axis
from tconv._core.cost import Counts, copy
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.forms.padded import (
    FUSION_LIMIT,
    flatten,
    padded_planes,
    plane_size,
    plane_slack,
)
from tconv._numpy.forms.padded import products as products_of
from tconv._numpy.scratch import Scratch
from tconv._numpy.tiles import EVERY, GroupTasks, Index, OutputTile


@dataclass(frozen=True)
class Limits:
    """Input positions of a tile, and elements of the planes that a task works on."""

    positions: int = 1 << 14
    elements: int = 1 << 17
    fusion: float = FUSION_LIMIT


LIMITS = Limits()


def conv_transpose(plan: Plan, x: AnyArray, w: AnyArray, limits: Limits = LIMITS) -> AnyArray:
    """y[phase] is the sum over channels and taps of w[tap] * (x shifted by the tap)."""

    return _tasks(limits).run(plan, x, w)


def conv_transpose_workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of the planes of a task."""
    return _tasks(LIMITS).workspace(plan, itemsize)


def conv_workspace(plan: Plan, itemsize: int) -> int:
    """That of the transposed convolution with the kernel flipped, and the kernel."""
    kernel = 2 * prod(plan.w_shape) * itemsize
    return kernel + conv_transpose_workspace(flipped_plan(plan), itemsize)


@lru_cache(maxsize=16)
def _tasks(limits: Limits) -> GroupTasks:
    shared = partial(_groups_at_once, limits), partial(_scratch, limits)
    return GroupTasks(partial(_compute, limits), limits.positions, *shared)


def _groups_at_once(limits: Limits, _: Plan, tile: OutputTile) -> int:
    return limits.elements // (tile.samples * plane_size(tile.axes, limits.fusion))


def _scratch(limits: Limits, plan: Plan, tile: OutputTile, groups: int) -> list[int]:
    positions = tile.samples * plane_size(tile.axes, limits.fusion)
    slack = plane_slack(tile.axes, limits.fusion)
    flat = groups * plan.group_in_channels * (positions + slack)
    return [flat, groups * positions, groups * positions]


def conv(plan: Plan, y: AnyArray, w: AnyArray) -> AnyArray:
    """x, at stride 1: the transposed convolution with the kernel flipped."""
    return conv_transpose(*flipped(plan, y, w))


def flipped(plan: Plan, y: AnyArray, w: AnyArray) -> tuple[Plan, AnyArray, AnyArray]:
    """The convolution of a plan of stride 1 as a transposed one: its plan, x and w."""
    groups, depth, channels = plan.groups, plan.group_in_channels, plan.group_out_channels
    turned = np.flip(w, tuple(range(2, w.ndim))).reshape(groups, depth, channels, *w.shape[2:])
    kernel = turned.swapaxes(1, 2).reshape(plan.out_channels, depth, *w.shape[2:])
    return flipped_plan(plan), y, kernel


def flipped_plan(plan: Plan) -> Plan:
    """The transposed convolution that a convolution of stride 1 is."""
    axes = tuple(axis.flipped() for axis in plan.axes)
    return Plan(plan.batch, plan.out_channels, plan.in_channels, plan.groups, axes)


def _compute(
    limits: Limits,
    groups: int,
    axes: tuple[Axis, ...],
    x: AnyArray,
    w: AnyArray,
    y: AnyArray,
    memory: Scratch,
) -> None:
    planes = padded_planes(axes, limits.fusion)
    samples, plane = len(x), planes.size
    flat = flatten(x, planes, memory).reshape(groups, -1, samples * plane + planes.slack)
    weight = w.reshape(groups, flat.shape[1], *w.shape[1:])
    target = y.reshape(samples, groups, -1, *y.shape[2:]).swapaxes(0, 1)
    total = memory.empty((groups, samples * plane), x.dtype)
    term = memory.empty(total.shape, x.dtype)
    for untouched in planes.untouched:
        target[(EVERY, EVERY, EVERY, *untouched)] = 0
    for each in planes.correlations:
        span = (samples - 1) * plane + each.span
        for channel in range(weight.shape[2]):
            kernel = weight[:, :, channel]
            for taps, source, place in zip(each.taps, each.sources, each.targets, strict=True):
                terms = list(zip(each.offsets, taps, strict=True))
                _correlate(terms, flat, kernel, total[:, :span], term[:, :span])
                values = total.reshape(groups, samples, *planes.pitches)
                written: Index = (EVERY, EVERY, channel, *place)
                target[written] = values[(EVERY, EVERY, *source)]


def _correlate(
    terms: list[tuple[int, tuple[int, ...]]],
    flat: AnyArray,
    w: AnyArray,
    total: AnyArray,
    term: AnyArray,
) -> None:
    """total[group] = sum over inputs and the (offset, tap) of w[group, input, tap] * flat from
    offset on."""
    span, out = total.shape[1], total
    for channel in range(flat.shape[1]):
        for offset, tap in terms:
            place: Index = (EVERY, channel, *tap)
            factor = w[place][:, None]
            np.multiply(flat[:, channel, offset : offset + span], factor, out=out)
            if out is term:
                np.add(total, term, out=total)
            out = term
    if out is total:
        total.fill(0)


def conv_transpose_counts(plan: Plan) -> Counts:
    """The multiply-adds of whole planes, and the phases written side by side."""
    positions = plan.batch * plane_size(plan.axes)
    products = positions * prod(map(products_of, plan.axes))
    every = plan.groups * plan.group_in_channels * plan.group_out_channels * products
    passes = prod(map(products_of, plan.axes)) * plan.group_in_channels * plan.group_out_channels
    planes = plan.groups * positions
    at_once = max(1, LIMITS.elements // max(1, min(planes, LIMITS.positions)))
    calls = passes * max(1, planes / max(1, LIMITS.positions * at_once)) * 2
    run = plan.input_size[-1] if plan.stride[-1] == 1 else 1
    return Counts(added=2 * every, calls=calls) + copy(prod(plan.y_shape), run)


def conv_counts(plan: Plan) -> Counts:
    """Those of the transposed convolution with the kernel flipped."""
    return conv_transpose_counts(flipped_plan(plan))
