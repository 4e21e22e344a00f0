"""Where the taps of one axis land: cells and phases.

Position ``o`` of the output is phase ``r`` of cell ``q``, ``o + lo == q*stride + r``.  A tap t
with ``t*dilation == shift*stride + r`` carries input i to phase r of cell ``i + shift``: within
cells a transposed convolution has stride 1, and only whole cells shift.  The taps of one phase
are an arithmetic progression of step ``stride / gcd(stride, dilation)``, whose members read
inputs ``dilation / gcd(stride, dilation)`` apart.

This is the only place that derives phases; sizes may be symbolic where nothing is enumerated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import gcd
from typing import NamedTuple

from tconv._core.axis import Axis


def lands(tap: int, stride: int, dilation: int) -> tuple[int, int]:
    """(shift, phase) of a tap: how many cells after its input, and where in the cell."""
    return divmod(tap * dilation, stride)


@dataclass(frozen=True)
class Phase:
    """The outputs ``o = first + stride*q``, ``0 <= q < count``, all reached by the same taps.

    Output ``q`` reads input ``start + q - j*step`` through tap ``tap + j*tap_step`` for ``j`` in
    ``range(taps)``; inputs outside the axis count as zero.  Without taps no input reaches it.
    """

    first: int
    count: int
    tap: int
    tap_step: int
    taps: int
    start: int
    step: int

    @property
    def reads(self) -> tuple[tuple[int, int], ...]:
        """(tap, shift) of each tap: output ``q`` reads input ``q + shift`` through it."""
        every = range(self.taps)
        return tuple((self.tap + j * self.tap_step, self.start - j * self.step) for j in every)


@lru_cache(maxsize=4096)
def phases(axis: Axis) -> tuple[Phase, ...]:
    """The output split by residue modulo the stride, in the order of its first positions."""
    common = gcd(axis.stride, axis.dilation)
    tap_step, step = axis.stride // common, axis.dilation // common
    leading = {}
    for tap in range(min(tap_step, axis.kernel_size)):
        shift, residue = lands(tap, axis.stride, axis.dilation)
        leading[residue] = tap, shift
    found = []
    for first in range(min(axis.stride, axis.output_size)):
        cell, residue = divmod(first + axis.lo, axis.stride)
        count = -(-(axis.output_size - first) // axis.stride)
        if residue in leading:
            tap, shift = leading[residue]
            taps = -(-(axis.kernel_size - tap) // tap_step)
            found.append(Phase(first, count, tap, tap_step, taps, cell - shift, step))
        else:
            found.append(Phase(first, count, 0, tap_step, 0, 0, step))
    return tuple(found)


def outputs_of(axis: Axis, phase: Phase) -> slice:
    """The positions of y that are outputs of a phase."""
    return slice(phase.first, None, axis.stride)


@dataclass(frozen=True)
class Reduction:
    """An axis whose stride or dilation is 1, and how its outputs and taps lie in the given one.

    With ``c = gcd(stride, dilation)`` only the outputs ``offset + c*o`` are reached, those of the
    axis with both divided by c: ``gap`` is c.  Where both still exceed 1 the kernel is written
    out instead, ``tap_gap`` apart, with zeros between.
    """

    axis: Axis
    gap: int
    offset: int
    tap_gap: int


def reduction(axis: Axis) -> Reduction:
    """The axis of stride or dilation 1 that a given axis comes down to."""
    gap = gcd(axis.stride, axis.dilation)
    offset = -axis.lo % gap
    stride, dilation = axis.stride // gap, axis.dilation // gap
    tap_gap = dilation if stride > 1 else 1
    reduced = Axis(
        axis.input_size,
        -(-(axis.output_size - offset) // gap),
        tap_gap * (axis.kernel_size - 1) + 1,
        stride,
        dilation // tap_gap,
        (axis.lo + offset) // gap,
    )
    return Reduction(reduced, gap, offset, tap_gap)


@dataclass(frozen=True)
class Cells:
    """An axis of stride or dilation 1 in cells.

    Tap ``j*stride + r`` is tap j of phase r and reaches ``j*dilation`` cells on.  A phase has
    ``shifts`` taps at most; the last of them reaches only the phases below ``ragged``.  y covers
    the cells ``first`` to ``first + count - 1``.
    """

    axis: Axis

    @property
    def shifts(self) -> int:
        """Taps a phase at most."""
        return -(-self.axis.kernel_size // self.axis.stride)

    @property
    def ragged(self) -> int:
        """Phases that have all ``shifts`` taps; the stride where all have."""
        return self.axis.kernel_size - (self.shifts - 1) * self.axis.stride

    @property
    def first(self) -> int:
        """The cell of output 0."""
        return self.axis.lo // self.axis.stride

    @property
    def count(self) -> int:
        """Cells that y covers."""
        last = (self.axis.output_size - 1 + self.axis.lo) // self.axis.stride
        return last + 1 - self.first

    @property
    def inside(self) -> slice:
        """The positions of y among those of its ``count`` cells."""
        start = self.axis.lo - self.first * self.axis.stride
        return slice(start, start + self.axis.output_size)

    @property
    def whole(self) -> slice:
        """Those of its ``count`` cells that lie wholly in y; may start behind its end."""
        inside = self.inside
        return slice(-(-inside.start // self.axis.stride), inside.stop // self.axis.stride)

    @property
    def reached(self) -> int:
        """Cells that the inputs reach, counted from cell 0."""
        return self.axis.input_size + (self.shifts - 1) * self.axis.dilation

    @property
    def margins(self) -> tuple[int, int]:
        """(before, behind): the positions around y that fill the reached cells; negative where
        y goes beyond them."""
        behind = self.reached * self.axis.stride - self.axis.lo - self.axis.output_size
        return self.axis.lo, behind

    @property
    def surround(self) -> tuple[int, int]:
        """(before, behind): the positions around x at which a stride-1 correlation over
        ``shifts`` inputs, ``dilation`` apart, gives the cells of y."""
        before = self.reached - self.axis.input_size - self.first
        return before, self.first + self.count - self.axis.input_size

    @property
    def runs(self) -> tuple[tuple[int, int, int], ...]:
        """(start, stop, shifts) of the runs of phases that have the same number of taps."""
        stride, ragged = self.axis.stride, self.ragged
        whole = (0, ragged, self.shifts)
        return (whole,) if ragged == stride else (whole, (ragged, stride, self.shifts - 1))

    def spread(self, j: int) -> tuple[int, int]:
        """(before, behind): the cells of y around the inputs that tap j of a phase brings to
        theirs; negative where they fall outside y."""
        before = j * self.axis.dilation - self.first
        return before, self.count - before - self.axis.input_size

    def window(self, j: int) -> slice:
        """The reached cells that tap j of a phase reads, one an input."""
        start = j * self.axis.dilation
        return slice(start, start + self.axis.input_size)

    def read(self, tap: int) -> tuple[slice, int]:
        """The reached cells and the phase that a tap reads."""
        j, phase = divmod(tap, self.axis.stride)
        return self.window(j), phase

    def phases(self, j: int) -> int:
        """How many phases have a tap j."""
        return self.ragged if j == self.shifts - 1 else self.axis.stride


def cells_of(axes: Sequence[Axis]) -> list[Cells]:
    """The axes of a reduced plan in cells."""
    return [Cells(axis) for axis in axes]


def shifts_of(cells: Sequence[Cells]) -> Iterator[tuple[int, ...]]:
    """Every combination of shifts, one an axis."""
    return product(*(range(along.shifts) for along in cells))


@dataclass(frozen=True)
class CorrelatedPhase:
    """One phase of a correlation: its positions ``skip <= q < skip + count`` are the outputs
    ``target``, and ``taps`` has one tap for each shift."""

    taps: tuple[int, ...]
    skip: int
    count: int
    target: slice


@dataclass(frozen=True)
class Correlation:
    """Phases computed together: position q, ``0 <= q < count``, reads the inputs ``q + shift``."""

    shifts: tuple[int, ...]
    count: int
    phases: tuple[CorrelatedPhase, ...]

    @property
    def products(self) -> int:
        """Multiplications an axis for each pair of channels."""
        return len(self.shifts) * self.count * len(self.phases)


def inputs_read(correlations: Sequence[Correlation]) -> tuple[int, int]:
    """First and past the last of the inputs, inside x or not, that correlations read; (0, 0)
    for none."""
    first = min((min(each.shifts) for each in correlations), default=0)
    return first, max((max(each.shifts) + each.count for each in correlations), default=0)


def phase_by_phase(axis: Axis) -> tuple[Correlation, ...]:
    """One correlation for each phase that has taps."""
    found = []
    for phase in phases(axis):
        if phase.taps:
            taps, shifts = zip(*phase.reads, strict=True)
            only = CorrelatedPhase(taps, 0, phase.count, outputs_of(axis, phase))
            found.append(Correlation(shifts, phase.count, (only,)))
    return tuple(found)


def all_phases(axis: Axis) -> Correlation | None:
    """One correlation over the cells of y that yields every phase, or None where some phases
    have fewer taps than others: a zero in their place would turn an infinity in x into a NaN
    that the definition does not have."""
    cells = Cells(axis)
    if axis.dilation > 1 or cells.ragged != axis.stride:
        return None
    found = []
    for residue in range(axis.stride):
        first = (residue - axis.lo) % axis.stride
        if first < axis.output_size:
            taps = tuple(j * axis.stride + residue for j in range(cells.shifts))
            skip = (first + axis.lo) // axis.stride - cells.first
            count = -(-(axis.output_size - first) // axis.stride)
            found.append(CorrelatedPhase(taps, skip, count, slice(first, None, axis.stride)))
    shifts = tuple(cells.first - j for j in range(cells.shifts))
    return Correlation(shifts, cells.count, tuple(found))


class Rectangle(NamedTuple):
    """Taps that fall on a full grid: tap ``b*phases + r`` reads phase r, ``b*step`` cells on."""

    shifts: int
    phases: int
    step: int

    @property
    def reach(self) -> int:
        """Cells from the one that the first tap reads to that of the last."""
        return (self.shifts - 1) * self.step


def rectangle(axis: Axis) -> Rectangle | None:
    """The grid of an axis whose phases that are reached all have the same number of taps and
    lie first in the cell; None for other axes."""
    if axis.kernel_size == 1:
        return Rectangle(1, 1, 0)
    if axis.dilation % axis.stride == 0:
        return Rectangle(axis.kernel_size, 1, axis.dilation // axis.stride)
    reached = min(axis.stride, axis.kernel_size)
    if axis.dilation == 1 and axis.kernel_size % reached == 0:
        return Rectangle(axis.kernel_size // reached, reached, 1)
    return None
