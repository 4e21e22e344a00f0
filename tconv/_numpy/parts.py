"""The correlations that GEMMs compute along one axis, and the padded row that they read."""

from __future__ import annotations

from functools import lru_cache
from math import prod

from tconv._core.axis import Axis
from tconv._core.lattice import Correlation, all_phases, phase_by_phase

FUSION_LIMIT = 1.1


@lru_cache(maxsize=1024)
def parts(axis: Axis) -> tuple[Correlation, ...]:
    """One correlation for all phases where that wastes few multiplications, else one a phase.

    Together they share the gathered windows and make the GEMM taller, but compute all phases for
    the same positions.
    """
    apart = phase_by_phase(axis)
    together = all_phases(axis) if len(apart) > 1 else None
    if together and together.products <= FUSION_LIMIT * sum(part.products for part in apart):
        return (together,)
    return apart


def gathered(axis: Axis) -> int:
    """Windows that the parts gather altogether."""
    return sum(len(part.shifts) for part in parts(axis))


def together(axis: Axis) -> int:
    """Phases that one GEMM yields at most."""
    return max((len(part.members) for part in parts(axis)), default=0)


def products(axis: Axis) -> int:
    """Multiplications a position for each pair of channels."""
    return sum(len(part.shifts) * len(part.members) for part in parts(axis))


def layout(axis: Axis) -> tuple[int, int]:
    """(lead, pitch) of a zero-padded row in which every shifted window is one slice of the
    flattened array: zeros before the data and the distance from row to row.

    The zeros that lead the next row also end this one.
    """
    found = parts(axis)
    lead = max(0, -min((shift for part in found for shift in part.shifts), default=0))
    last = max((max(part.shifts) + part.count for part in found), default=0)
    widest = max((part.count for part in found), default=0)
    return lead, max(lead + axis.input_size, last, widest, 1)


def plane(axes: tuple[Axis, ...]) -> int:
    """Positions of one flattened, zero-padded sample."""
    return prod(layout(axis)[1] for axis in axes)
