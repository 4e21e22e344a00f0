"""x flattened in zeros, so that what a tap reads is one contiguous slice of it.

Copies and sums of such slices run at memory speed for rows of any length (rows of 32: 0.15 ns
an element against 0.43 row by row); the few positions between rows that are computed for
nothing are dropped when a result is written out.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import NamedTuple

from tconv._core.axis import Axis
from tconv._core.lattice import (
    Correlation,
    all_phases,
    inputs_read,
    outputs_of,
    phase_by_phase,
    phases,
)
from tconv._core.typing import AnyArray
from tconv._numpy.scratch import Scratch
from tconv._numpy.tiles import EVERY

Taps = tuple[tuple[int, ...], ...]

# Multiplications of all phases fused, over those of each phase for its own positions alone, up to
# which they are: fused they share the gathered slices and make the GEMM taller.
FUSION_LIMIT = 1.1


@lru_cache(maxsize=1024)
def correlations(axis: Axis, fusion_limit: float = FUSION_LIMIT) -> tuple[Correlation, ...]:
    """One correlation for all phases where that wastes few multiplications, else one a phase."""
    apart = phase_by_phase(axis)
    fused = all_phases(axis) if len(apart) > 1 else None
    if fused and fused.products <= fusion_limit * sum(each.products for each in apart):
        return (fused,)
    return apart


def gathered(axis: Axis, fusion_limit: float = FUSION_LIMIT) -> int:
    """Slices of x that the correlations gather altogether."""
    return sum(len(each.shifts) for each in correlations(axis, fusion_limit))


def products(axis: Axis, fusion_limit: float = FUSION_LIMIT) -> int:
    """Multiplications a position for each pair of channels."""
    return sum(len(each.shifts) * len(each.phases) for each in correlations(axis, fusion_limit))


def phases_at_once(axis: Axis, fusion_limit: float = FUSION_LIMIT) -> int:
    """Phases that one GEMM yields at most."""
    return max((len(each.phases) for each in correlations(axis, fusion_limit)), default=0)


def plane_size(axes: tuple[Axis, ...], fusion_limit: float = FUSION_LIMIT) -> int:
    """Positions of one flattened, zero-padded sample."""
    return prod(_row(axis, correlations(axis, fusion_limit))[1] for axis in axes)


def plane_slack(axes: tuple[Axis, ...], fusion_limit: float = FUSION_LIMIT) -> int:
    """Positions behind the last sample that the slices reach."""
    last, size = 0, 1
    for axis in reversed(axes):
        along = correlations(axis, fusion_limit)
        lead, pitch = _row(axis, along)
        reach = max((max(each.shifts) + each.count - 1 for each in along), default=-lead)
        last += (lead + reach) * size
        size *= pitch
    return max(0, last + 1 - size)


def _row(axis: Axis, along: tuple[Correlation, ...]) -> tuple[int, int]:
    """(lead, pitch) of a zero-padded row: zeros before the data, and the distance from row to
    row.  The zeros that lead the next row also end this one."""
    first, stop = inputs_read(along)
    widest = max((each.count for each in along), default=0)
    lead = max(0, -first)
    return lead, max(lead + axis.input_size, stop, widest, 1)


class FlatCorrelation(NamedTuple):
    """A stride-1 correlation over the flattened x, and the phases of y that it yields.

    Position p reads x at ``p + offset`` for each of the ``offsets``, through one of the
    ``taps`` of each phase; ``span`` positions are computed.  ``sources`` says which of them
    are a phase's, ``targets`` where in y they go.  The offsets are those of a ``grid``, a count
    and a step an axis.
    """

    offsets: tuple[int, ...]
    grid: tuple[tuple[int, int], ...]
    span: int
    taps: tuple[Taps, ...]
    sources: tuple[tuple[slice, ...], ...]
    targets: tuple[tuple[slice, ...], ...]


class PaddedPlanes(NamedTuple):
    """How x lies in zeros: at ``interior`` of planes of ``pitches`` positions, one a sample,
    with ``slack`` more after the last; and what is computed from that.

    ``untouched`` are the places in y that no tap reaches.
    """

    interior: tuple[slice, ...]
    pitches: tuple[int, ...]
    slack: int
    untouched: tuple[tuple[slice, ...], ...]
    correlations: tuple[FlatCorrelation, ...]

    @property
    def size(self) -> int:
        """Positions of one sample."""
        return prod(self.pitches)


def flatten(x: AnyArray, planes: PaddedPlanes, memory: Scratch) -> AnyArray:
    """(channels, batch * size + slack): x (batch, channels, *spatial) in zeros."""
    samples, channels = x.shape[:2]
    length = samples * planes.size
    flat = memory.zeros((channels, length + planes.slack), x.dtype)
    padded = flat[:, :length].reshape(channels, samples, *planes.pitches)
    padded[(EVERY, EVERY, *planes.interior)] = x.swapaxes(0, 1)
    return flat


@lru_cache(maxsize=1024)
def padded_planes(axes: tuple[Axis, ...], fusion_limit: float = FUSION_LIMIT) -> PaddedPlanes:
    """The planes of these axes, and the correlations over them."""
    along = [correlations(axis, fusion_limit) for axis in axes]
    leads, pitches = zip(*map(_row, axes, along), strict=True)
    weights = [prod(pitches[number + 1 :]) for number in range(len(axes))]
    flat = tuple(_flat(chosen, leads, weights) for chosen in product(*along))
    interior = tuple(
        slice(lead, lead + axis.input_size) for lead, axis in zip(leads, axes, strict=True)
    )
    untouched = tuple(
        (*[EVERY] * number, outputs_of(axis, phase))
        for number, axis in enumerate(axes)
        for phase in phases(axis)
        if not phase.taps
    )
    return PaddedPlanes(interior, pitches, plane_slack(axes, fusion_limit), untouched, flat)


def _flat(
    chosen: tuple[Correlation, ...], leads: tuple[int, ...], weights: list[int]
) -> FlatCorrelation:
    """One correlation of each axis as one over flattened positions, whose index along an axis
    counts ``weights`` of them."""

    def flattened(index: tuple[int, ...]) -> int:
        return sum(i * weight for i, weight in zip(index, weights, strict=True))

    shifts = product(*(each.shifts for each in chosen))
    lead = flattened(leads)
    fused = list(product(*(each.phases for each in chosen)))
    steps = (each.shifts[1] - each.shifts[0] if each.shifts[1:] else 0 for each in chosen)
    return FlatCorrelation(
        tuple(lead + flattened(shift) for shift in shifts),
        tuple((len(e.shifts), s * n) for e, s, n in zip(chosen, steps, weights, strict=True)),
        1 + flattened(tuple(each.count - 1 for each in chosen)),
        tuple(tuple(product(*(each.taps for each in phase))) for phase in fused),
        tuple(tuple(slice(each.skip, each.skip + each.count) for each in phase) for phase in fused),
        tuple(tuple(each.target for each in phase) for phase in fused),
    )
