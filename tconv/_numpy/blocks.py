"""One problem cut into independent pieces, so that no scratch array grows with the batch."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import NamedTuple

from tconv._core.axis import Axis
from tconv._core.plan import Plan


class Block(NamedTuple):
    """The outputs ``y[batch, :, outputs]`` computed from ``x[batch, :, inputs]`` alone.

    Only the first spatial axis is cut; ``axes`` describes the piece.
    """

    batch: slice
    inputs: slice
    outputs: slice
    axes: tuple[Axis, ...]


@lru_cache(maxsize=1024)
def blocks(plan: Plan, positions: int, samples: int) -> tuple[Block, ...]:
    """Pieces of at most ``samples`` samples and about ``positions`` input positions.

    A sample is cut along its first axis only where it has more positions than that; the cuts
    fall on multiples of the stride, so that every piece has its phases in the same order.
    """
    first, *others = plan.axes
    size = prod(plan.input_size)
    together = max(1, min(plan.batch, samples, positions // size))
    rows = first.output_size
    if size > positions:
        share = first.output_size * positions // size
        rows = max(1, share // first.stride) * first.stride
    pieces = []
    for start in range(0, first.output_size, rows):
        stop = min(start + rows, first.output_size)
        inputs, axis = first.cut(start, stop)
        for sample in range(0, plan.batch, together):
            batch = slice(sample, min(sample + together, plan.batch))
            pieces.append(Block(batch, inputs, slice(start, stop), (axis, *others)))
    return tuple(pieces)
