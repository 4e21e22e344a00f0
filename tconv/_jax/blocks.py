"""A strided axis seen as blocks: position ``o + lo == q * stride + r`` is phase r of block q.

Tap ``t == j * stride + r`` carries input i to phase r of block ``i + j * dilation``: within
blocks a transposed convolution has stride 1, and only whole blocks shift.  This needs stride
or dilation 1 on each axis; ``reduce`` brings any plan there.  Sizes may be symbolic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import gcd
from typing import Any

from tconv._geometry import Axis
from tconv._jax import order
from tconv._jax.pieces import pad
from tconv._plan import Plan


@dataclass(frozen=True)
class Reduced:
    """A plan with stride or dilation 1 on each axis, and how its y and w lie in the given ones.

    With c = gcd(stride, dilation) only the outputs ``offset + c * o`` are reached, those of the
    problem with stride and dilation divided by c.  Where both still exceed 1 the kernel is
    spread by the dilation instead.
    """

    plan: Plan
    gaps: tuple[int, ...]
    offsets: tuple[int, ...]
    spreads: tuple[int, ...]
    output_size: tuple[int, ...]

    def spread_kernel(self, w: Any) -> Any:
        """w with spread - 1 zeros between its taps."""
        if all(spread == 1 for spread in self.spreads):
            return w
        between = [(0, 0, spread - 1) for spread in self.spreads]
        return self._on_spatial(lambda w, first_axis: pad(w, first_axis, between), "w", w)

    def gathered_kernel(self, w: Any) -> Any:
        """The transpose of ``spread_kernel``."""
        if all(spread == 1 for spread in self.spreads):
            return w
        lattice = [slice(None, None, spread) for spread in self.spreads]
        return self._on_spatial(partial(_read, lattice), "w", w)

    def place(self, y: Any) -> Any:
        """y of the given plan from y of the reduced one."""
        if all(gap == 1 for gap in self.gaps):
            return y
        config = [
            (offset, size - offset - ((axis.output_size - 1) * gap + 1), gap - 1)
            for axis, offset, gap, size in zip(
                self.plan.axes, self.offsets, self.gaps, self.output_size, strict=True
            )
        ]
        return self._on_spatial(lambda y, first_axis: pad(y, first_axis, config), "y", y)

    def take(self, y: Any) -> Any:
        """y of the reduced plan from y of the given one."""
        if all(gap == 1 for gap in self.gaps):
            return y
        lattice = [slice(o, None, gap) for o, gap in zip(self.offsets, self.gaps, strict=True)]
        return self._on_spatial(partial(_read, lattice), "y", y)

    def _on_spatial(self, function: Callable[[Any, int], Any], name: str, array: Any) -> Any:
        return order.on_spatial(function, name, array, channels_last=self.plan.channels_last)


def _read(lattice: list[slice], array: Any, first_axis: int) -> Any:
    return array[(*[slice(None)] * first_axis, *lattice)]


def reduce(plan: Plan) -> Reduced:
    """The reduced problem of a plan."""
    axes, gaps, offsets, spreads = [], [], [], []
    for axis in plan.axes:
        gap = gcd(axis.stride, axis.dilation)
        offset = -axis.lo % gap
        stride, dilation = axis.stride // gap, axis.dilation // gap
        spread = dilation if stride > 1 else 1
        axes.append(
            Axis(
                axis.input_size,
                -(-(axis.output_size - offset) // gap),
                spread * (axis.kernel_size - 1) + 1,
                stride,
                dilation // spread,
                (axis.lo + offset) // gap,
            )
        )
        gaps.append(gap)
        offsets.append(offset)
        spreads.append(spread)
    reduced = replace(plan, axes=tuple(axes))
    return Reduced(reduced, tuple(gaps), tuple(offsets), tuple(spreads), plan.output_size)


@dataclass(frozen=True)
class Blocks:
    """One axis in blocks: ``shifts`` taps a phase at most, of which the last reaches only the
    phases below ``ragged``; y covers blocks ``first`` to ``first + count - 1``."""

    axis: Axis

    @property
    def shifts(self) -> int:
        return -(-self.axis.kernel_size // self.axis.stride)

    @property
    def ragged(self) -> int:
        return self.axis.kernel_size - (self.shifts - 1) * self.axis.stride

    @property
    def first(self) -> int:
        return self.axis.lo // self.axis.stride

    @property
    def count(self) -> int:
        last = (self.axis.output_size - 1 + self.axis.lo) // self.axis.stride
        return last + 1 - self.first

    @property
    def reached(self) -> int:
        """Blocks that the inputs reach, counted from block 0."""
        return self.axis.input_size + (self.shifts - 1) * self.axis.dilation

    @property
    def classes(self) -> list[tuple[int, int, int]]:
        """(start, stop, shifts) of the runs of phases that have the same number of taps."""
        stride, ragged = self.axis.stride, self.ragged
        found = [(0, ragged, self.shifts)]
        return found if ragged == stride else [*found, (ragged, stride, self.shifts - 1)]

    def shift(self, j: int) -> tuple[int, int, int]:
        """Padding that takes inputs to the blocks of y that tap j of a phase brings them to."""
        lo = j * self.axis.dilation - self.first
        return lo, self.count - lo - self.axis.input_size, 0

    def window(self, j: int) -> slice:
        """The reached blocks that tap j of a phase reads, one an input."""
        start = j * self.axis.dilation
        return slice(start, start + self.axis.input_size)

    def read(self, tap: int) -> tuple[slice, int]:
        """The reached blocks and the phase that a tap reads."""
        return self.window(tap // self.axis.stride), tap % self.axis.stride

    def phases(self, j: int) -> int:
        """How many phases have a tap j."""
        return self.ragged if j == self.shifts - 1 else self.axis.stride


def blocks_of(plan: Plan) -> list[Blocks]:
    """The axes of a reduced plan in blocks."""
    return [Blocks(axis) for axis in plan.axes]


def shifts_of(blocks: Sequence[Blocks]) -> Iterator[tuple[int, ...]]:
    """Every combination of shifts, one an axis."""
    return product(*(range(block.shifts) for block in blocks))
