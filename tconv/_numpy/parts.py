"""How the outputs of one axis are split into parts that a single GEMM computes.

A part is a stride-1 correlation: its position ``q`` reads the inputs ``q + shift``.  Its
members are the output phases it yields, each with a tap for every shift.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import NamedTuple

from tconv._geometry import Axis

FUSION_LIMIT = 1.1


class Member(NamedTuple):
    """Positions ``skip <= q < skip + size`` of the part are the outputs ``target``."""

    taps: tuple[int, ...]
    skip: int
    size: int
    target: slice


class Part(NamedTuple):
    shifts: tuple[int, ...]
    size: int
    members: tuple[Member, ...]


@lru_cache(maxsize=1024)
def parts(axis: Axis) -> tuple[Part, ...]:
    """One part for all phases where that wastes few multiplications, else one a phase.

    Fusing shares the gathered windows and makes the GEMM taller, but computes all phases for
    the same positions.  Phases with fewer taps than others stay apart: a zero in their place
    would turn an infinity in x into a NaN that the definition does not have.
    """
    split = tuple(_one_phase(axis, index) for index, p in enumerate(axis.phases) if p.taps)
    even = axis.dilation == 1 and axis.kernel_size % axis.stride == 0
    if even and len(split) > 1:
        fused = _all_phases(axis)
        useful = sum(len(part.shifts) * part.size for part in split)
        if len(fused.shifts) * fused.size * len(fused.members) <= FUSION_LIMIT * useful:
            return (fused,)
    return split


def gathered(axis: Axis) -> int:
    """Windows that the parts gather altogether."""
    return sum(len(part.shifts) for part in parts(axis))


def together(axis: Axis) -> int:
    """Phases that one GEMM yields at most."""
    return max((len(part.members) for part in parts(axis)), default=0)


def products(axis: Axis) -> int:
    """Multiplications a position for each pair of channels."""
    return sum(len(part.shifts) * len(part.members) for part in parts(axis))


def _one_phase(axis: Axis, index: int) -> Part:
    phase = axis.phases[index]
    steps = range(phase.taps)
    taps = tuple(phase.tap + step * phase.tap_step for step in steps)
    shifts = tuple(phase.start - step * phase.step for step in steps)
    target = slice(phase.first, None, axis.stride)
    return Part(shifts, phase.count, (Member(taps, 0, phase.count, target),))


def _all_phases(axis: Axis) -> Part:
    """Position q holds the outputs with ``(o + lo) // stride == start + q``; the tap
    ``step*stride + residue`` reads the input ``start + q - step``."""
    stride, size = axis.stride, axis.output_size
    start, stop = axis.lo // stride, (axis.lo + size - 1) // stride + 1
    steps = range(axis.kernel_size // stride)
    members = []
    for residue in range(stride):
        first = (residue - axis.lo) % stride
        skip = (first + axis.lo) // stride - start
        if first < size:
            taps = tuple(step * stride + residue for step in steps)
            kept = -(-(size - first) // stride)
            members.append(Member(taps, skip, kept, slice(first, None, stride)))
    return Part(tuple(start - step for step in steps), stop - start, tuple(members))


def layout(axis: Axis) -> tuple[int, int]:
    """(lead, pitch) of a zero-padded row in which every shifted window is one slice of the
    flattened array: zeros before the data and the distance from row to row.

    The zeros that lead the next row also end this one.
    """
    found = parts(axis)
    lead = max(0, -min((shift for part in found for shift in part.shifts), default=0))
    last = max((max(part.shifts) + part.size for part in found), default=0)
    widest = max((part.size for part in found), default=0)
    return lead, max(lead + axis.input_size, last, widest, 1)


def plane(axes: tuple[Axis, ...]) -> int:
    """Positions of one flattened, zero-padded sample."""
    return prod(layout(axis)[1] for axis in axes)
