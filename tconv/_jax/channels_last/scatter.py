"""Distribution: one GEMM to a column of taps an input position, then overlap-add of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product
from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._jax.blocks import Blocks, blocks_of
from tconv._jax.channels_last import cells
from tconv._jax.pieces import joined, pad
from tconv._jax.products import grouped_dot
from tconv._plan import Plan


def conv_transpose(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """y from x and w, for a reduced plan."""
    blocks, ndim = blocks_of(plan), len(plan.axes)
    signal = cells.signal(plan, x)
    kernel = jnp.reshape(w, (plan.groups, plan.group_in_channels, *w.shape[1:]))
    kernel = jnp.moveaxis(kernel, 2, -1)
    cols = grouped_dot(signal, kernel, (2 + ndim,), (1,), precision)
    blocked = joined(
        [_summed(plan, blocks, runs, cols) for runs in product(*(b.classes for b in blocks))],
        [len(b.classes) for b in blocks],
        first_axis=2 + ndim,
    )
    return cells.interleaved(plan, blocked)


def _summed(
    plan: Plan, blocks: Sequence[Blocks], runs: Sequence[tuple[int, int, int]], cols: Any
) -> Any:
    """(groups, batch, *blocks, *phases, out) of one run of phases an axis, from
    (groups, batch, *positions, *taps, out)."""
    whole = [slice(None)] * (2 + len(blocks))
    pieces = []
    for shifts in product(*(range(run[2]) for run in runs)):
        steps = [j * b.axis.stride for j, b in zip(shifts, blocks, strict=True)]
        taps = [
            slice(step + start, step + stop)
            for step, (start, stop, _) in zip(steps, runs, strict=True)
        ]
        spans = [b.shift(j) for j, b in zip(shifts, blocks, strict=True)]
        pieces.append(pad(cols[(*whole, *taps)], 2, spans))
    if pieces:
        return reduce(lax.add, pieces)
    phases = [stop - start for start, stop, _ in runs]
    shape = (plan.groups, plan.batch, *(b.count for b in blocks), *phases, plan.group_out_channels)
    return jnp.zeros(shape, cols.dtype)
