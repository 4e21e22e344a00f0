"""Few channels a group: multiply-add of whole shifted planes, one tap after the other.

A GEMM of so few rows is bound by its overhead; here every operation runs over contiguous
memory for many channels at once, and the pieces run on all threads.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._numpy import scratch
from tconv._numpy.blocks import Block
from tconv._numpy.flattened import EVERY, Product, flatten, recipe
from tconv._numpy.group_tasks import by_group

Index = tuple[Any, ...]

POSITIONS = 1 << 14
ELEMENTS = 1 << 17


def conv_transpose(plan: Plan, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """y[phase] is the sum over channels and taps of w[tap] * (x shifted by the tap)."""

    def groups_together(block: Block) -> int:
        samples: int = block.batch.stop - block.batch.start
        return ELEMENTS // (samples * prod(recipe(block.axes).pitches))

    return by_group(plan, x, w, _compute, POSITIONS, groups_together)


@scratch.frame()
def _compute(
    groups: int, axes: tuple[Axis, ...], x: NDArray[Any], w: NDArray[Any], y: NDArray[Any]
) -> None:
    how = recipe(axes)
    samples, plane = len(x), prod(how.pitches)
    flat = flatten(x, how).reshape(groups, -1, samples * plane + how.slack)
    weight = w.reshape(groups, flat.shape[1], *w.shape[1:])
    target = y.reshape(samples, groups, -1, *y.shape[2:]).swapaxes(0, 1)
    total = scratch.empty((groups, samples * plane), x.dtype)
    term = scratch.empty(total.shape, x.dtype)
    for untouched in how.untouched:
        target[(EVERY, EVERY, EVERY, *untouched)] = 0
    for job in how.products:
        span = (samples - 1) * plane + job.span
        for channel in range(weight.shape[2]):
            for member in range(len(job.taps)):
                _correlate(
                    job, member, flat, weight[:, :, channel], total[:, :span], term[:, :span]
                )
                values = total.reshape(groups, samples, *how.pitches)
                kept = values[(EVERY, EVERY, *job.sources[member])]
                place: Index = (EVERY, EVERY, channel, *job.targets[member])
                target[place] = kept


def _correlate(
    job: Product,
    member: int,
    flat: NDArray[Any],
    w: NDArray[Any],
    total: NDArray[Any],
    term: NDArray[Any],
) -> None:
    """total[group] = sum over inputs and taps of w[group, input, tap] * flat shifted."""
    span, out = total.shape[1], total
    for channel in range(flat.shape[1]):
        for offset, tap in zip(job.offsets, job.taps[member], strict=True):
            place: Index = (EVERY, channel, *tap)
            factor = w[place][:, None]
            np.multiply(flat[:, channel, offset : offset + span], factor, out=out)
            if out is term:
                np.add(total, term, out=total)
            out = term
    if out is total:
        total.fill(0)
