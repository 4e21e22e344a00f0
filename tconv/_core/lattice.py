"""Where the taps of one axis land: cells and phases.

Position ``o`` of the output is phase ``r`` of cell ``q``, ``o + lo == q*stride + r``.  A tap t
with ``t*dilation == shift*stride + r`` carries input i to phase r of cell ``i + shift``: within
cells a transposed convolution has stride 1, and only whole cells shift.  The taps of one phase
are an arithmetic progression of step ``stride / gcd(stride, dilation)``, whose members read
inputs ``dilation / gcd(stride, dilation)`` apart.

This is the only place that derives phases; sizes may be symbolic where nothing is enumerated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
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


def written_out(axis: Axis) -> Axis:
    """The axis whose kernel has the zeros between its taps as taps of their own where both stride
    and dilation exceed 1, so that one of them is 1."""
    if 1 in (axis.stride, axis.dilation):
        return axis
    return replace(axis, kernel_size=axis.extent, dilation=1)


class Residue(NamedTuple):
    """The inputs of one residue modulo the dilation, the outputs that they reach, and the axis
    between the two: the same stride, and no dilation."""

    inputs: slice
    outputs: slice
    axis: Axis


def residues(axis: Axis) -> tuple[Residue, ...]:
    """The axes without dilation that an axis consists of, those of no input left out.

    Input c + d*j and tap t meet at c*s + d*(j*s + t) - lo, so each c has outputs of its own, d
    apart, where stride s and dilation d have no common factor.
    """
    found = []
    for c in range(min(axis.dilation, axis.input_size)):
        first = (c * axis.stride - axis.lo) % axis.dilation
        inner = Axis(
            -(-(axis.input_size - c) // axis.dilation),
            max(0, -(-(axis.output_size - first) // axis.dilation)),
            axis.kernel_size,
            axis.stride,
            1,
            (axis.lo + first - c * axis.stride) // axis.dilation,
        )
        inputs, outputs = (slice(start, None, axis.dilation) for start in (c, first))
        found.append(Residue(inputs, outputs, inner))
    return tuple(found)


@dataclass(frozen=True)
class Run:
    """The phases ``start <= r < stop`` of a cell, which have the same number of taps.

    For each (tap, shift) of ``taps`` phase r has the tap ``tap + r - start``, which carries an
    input to the cell ``shift`` after its own.
    """

    start: int
    stop: int
    taps: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Piece:
    """``count`` taps from ``tap`` on that all reach the cell ``shift`` after an input's own, there
    the phases from ``phase`` on."""

    tap: int
    count: int
    phase: int
    shift: int


@dataclass(frozen=True)
class Cells:
    """An axis in cells, whose stride and dilation have no common factor.

    y covers the cells ``first`` to ``first + count - 1``.
    """

    axis: Axis

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
        return self.axis.input_size + self._lands(self.axis.kernel_size - 1)[0]

    @property
    def y_padding(self) -> tuple[int, int]:
        """Positions before and behind y with which it fills the reached cells; negative where it
        goes beyond them."""
        behind = self.reached * self.axis.stride - self.axis.lo - self.axis.output_size
        return self.axis.lo, behind

    @property
    def x_padding(self) -> tuple[int, int]:
        """Positions before and behind x with which a stride-1 correlation over the inputs that
        reach a cell gives the cells of y."""
        before = self.reached - self.axis.input_size - self.first
        return before, self.first + self.count - self.axis.input_size

    def shared(self) -> slice:
        """The positions of y in the cells that every shift brings an input to."""
        start, stop = self.shifts[-1] * self.axis.stride, self.axis.input_size * self.axis.stride
        start = min(max(0, start - self.axis.lo), self.axis.output_size)
        return slice(start, min(max(start, stop - self.axis.lo), self.axis.output_size))

    def shift_padding(self, shift: int) -> tuple[int, int]:
        """Cells of y before and behind those that a shift brings the inputs to; negative where
        they fall outside y."""
        before = shift - self.first
        return before, self.count - before - self.axis.input_size

    def window(self, shift: int) -> slice:
        """The reached cells that the inputs are brought to by a shift."""
        return slice(shift, shift + self.axis.input_size)

    def read(self, tap: int) -> tuple[slice, int]:
        """The reached cells and the phase that a tap reads, one cell an input."""
        shift, phase = self._lands(tap)
        return self.window(shift), phase

    @property
    def shifts(self) -> tuple[int, ...]:
        """The shifts of the taps of phase 0, which has the most taps."""
        return tuple(shift for _, shift in self.runs[0].taps)

    @property
    def even(self) -> bool:
        """Whether all phases have the same number of taps."""
        return len(self.runs) == 1

    @property
    def runs(self) -> tuple[Run, ...]:
        """The phases of a cell in order."""
        stride = self.axis.stride
        if 1 not in (stride, self.axis.dilation):
            reached: dict[int, list[tuple[int, int]]] = {}
            for tap in range(self.axis.kernel_size):
                shift, phase = self._lands(tap)
                reached.setdefault(phase, []).append((tap, shift))
            runs = []
            for phase, following in pairwise([*sorted(reached), stride]):
                runs.append(Run(phase, phase + 1, tuple(reached[phase])))
                if following > phase + 1:
                    runs.append(Run(phase + 1, following, ()))
            return tuple(runs)
        leading = range(0, self.axis.kernel_size, stride)
        ragged = self.axis.kernel_size - leading[-1]
        taps = tuple((tap, self._lands(tap)[0]) for tap in leading)
        found = [Run(0, ragged, taps)]
        if ragged < stride:
            found.append(Run(ragged, stride, tuple((t + ragged, n) for t, n in taps[:-1])))
        return tuple(found)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The taps in order, those together that land side by side in one cell."""
        if 1 not in (self.axis.stride, self.axis.dilation):
            every = range(self.axis.kernel_size)
            return tuple(Piece(t, 1, phase, n) for t in every for n, phase in [self._lands(t)])
        leading = range(0, self.axis.kernel_size, self.axis.stride)
        return tuple(
            Piece(t, min(self.axis.stride, self.axis.kernel_size - t), 0, self._lands(t)[0])
            for t in leading
        )

    def _lands(self, tap: int) -> tuple[int, int]:
        return lands(tap, self.axis.stride, self.axis.dilation)


def cells_of(axes: Sequence[Axis]) -> list[Cells]:
    """The axes of a reduced plan in cells."""
    return [Cells(axis) for axis in axes]


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
    if axis.dilation > 1 or not cells.even:
        return None
    found = []
    for residue in range(axis.stride):
        first = (residue - axis.lo) % axis.stride
        if first < axis.output_size:
            taps = tuple(tap + residue for tap, _ in cells.runs[0].taps)
            skip = (first + axis.lo) // axis.stride - cells.first
            count = -(-(axis.output_size - first) // axis.stride)
            found.append(CorrelatedPhase(taps, skip, count, slice(first, None, axis.stride)))
    shifts = tuple(cells.first - shift for shift in cells.shifts)
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
