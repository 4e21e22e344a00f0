"""Columns of taps added where they meet: the sums of each phase of y, in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product
from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._core.plan import Plan
from tconv._jax.blocks import Blocks, blocks_of
from tconv._jax.pieces import joined, pad


def overlap_added(plan: Plan, cols: Any, *, taps_at: int, positions_at: int) -> Any:
    """Phases in place of the taps and blocks in place of the positions, for a reduced plan.

    The axes of the taps start at ``taps_at``, those of the positions at ``positions_at``.
    """
    blocks = blocks_of(plan)
    sums = [
        _of_phases(blocks, runs, cols, taps_at, positions_at)
        for runs in product(*(b.classes for b in blocks))
    ]
    return joined(sums, [len(b.classes) for b in blocks], taps_at)


def _of_phases(
    blocks: Sequence[Blocks],
    runs: Sequence[tuple[int, int, int]],
    cols: Any,
    taps_at: int,
    positions_at: int,
) -> Any:
    """The sums of one run of phases an axis, all of which have the same number of taps."""
    pieces = []
    for shifts in product(*(range(run[2]) for run in runs)):
        steps = [j * b.axis.stride for j, b in zip(shifts, blocks, strict=True)]
        taps = [
            slice(step + start, step + stop)
            for step, (start, stop, _) in zip(steps, runs, strict=True)
        ]
        spans = [b.shift(j) for j, b in zip(shifts, blocks, strict=True)]
        pieces.append(pad(cols[(*[slice(None)] * taps_at, *taps)], positions_at, spans))
    if pieces:
        return reduce(lax.add, pieces)
    shape = list(cols.shape)
    for number, (b, (start, stop, _)) in enumerate(zip(blocks, runs, strict=True)):
        shape[taps_at + number], shape[positions_at + number] = stop - start, b.count
    return jnp.zeros(shape, cols.dtype)
