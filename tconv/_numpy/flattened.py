"""Windows of a flattened, zero-padded copy of x, in which a window shifted by any tap is one
contiguous slice.

Copies and sums of such windows run at memory speed for rows of any length (rows of 32: 0.15 ns
an element against 0.43 row by row); the few positions between rows that are computed for
nothing are dropped when a result is written out.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

from numpy.typing import NDArray

from tconv._core.axis import Axis
from tconv._core.lattice import phases
from tconv._numpy import scratch
from tconv._numpy.parts import layout, parts

Taps = tuple[tuple[int, ...], ...]

EVERY = slice(None)


class Product(NamedTuple):
    """One stride-1 correlation, with its members (the phases it yields) side by side.

    Position p of the flattened output reads the flattened input at ``p + offset`` through one
    tap a member; ``sources`` says which positions to keep, ``targets`` where in y
    they go.
    """

    offsets: tuple[int, ...]
    span: int
    taps: tuple[Taps, ...]
    sources: tuple[tuple[slice, ...], ...]
    targets: tuple[tuple[slice, ...], ...]


class Recipe(NamedTuple):
    """All correlations of one problem; ``untouched`` are the places in y without any tap."""

    interior: tuple[slice, ...]
    pitches: tuple[int, ...]
    slack: int
    untouched: tuple[tuple[slice, ...], ...]
    products: tuple[Product, ...]


def flatten(x: NDArray[Any], how: Recipe) -> NDArray[Any]:
    """(channels, batch * padded positions + slack): x (batch, channels, *spatial) in zeros,
    of the caller's frame of scratch memory."""
    samples, channels = x.shape[:2]
    size = samples * prod(how.pitches)
    flat = scratch.zeros((channels, size + how.slack), x.dtype)
    padded = flat[:, :size].reshape(channels, samples, *how.pitches)
    padded[(EVERY, EVERY, *how.interior)] = x.swapaxes(0, 1)
    return flat


@lru_cache(maxsize=1024)
def recipe(axes: tuple[Axis, ...]) -> Recipe:
    leads, pitches = zip(*map(layout, axes), strict=True)
    steps = [prod(pitches[index + 1 :]) for index in range(len(axes))]
    products = []
    for chosen in product(*map(parts, axes)):
        shifts = product(*(part.shifts for part in chosen))
        offsets = tuple(
            sum((lead + shift) * step for lead, shift, step in zip(leads, each, steps, strict=True))
            for each in shifts
        )
        span = 1 + sum((part.count - 1) * step for part, step in zip(chosen, steps, strict=True))
        members = list(product(*(part.members for part in chosen)))
        products.append(
            Product(
                offsets,
                span,
                tuple(tuple(product(*(each.taps for each in member))) for member in members),
                tuple(
                    tuple(slice(each.skip, each.skip + each.count) for each in member)
                    for member in members
                ),
                tuple(tuple(each.target for each in member) for member in members),
            )
        )
    reach = max((max(job.offsets) + job.span for job in products), default=0)
    interior = tuple(
        slice(lead, lead + axis.input_size) for lead, axis in zip(leads, axes, strict=True)
    )
    untouched = tuple(
        (*[EVERY] * index, slice(phase.first, None, axis.stride))
        for index, axis in enumerate(axes)
        for phase in phases(axis)
        if not phase.taps
    )
    return Recipe(interior, pitches, max(0, reach - prod(pitches)), untouched, tuple(products))
