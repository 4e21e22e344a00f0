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
from typing import Any

from tconv._core.lattice import Cells, reduction
from tconv._core.plan import Plan
from tconv._jax import order
from tconv._jax.pieces import pad


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
    found = [reduction(axis) for axis in plan.axes]
    return Reduced(
        replace(plan, axes=tuple(each.axis for each in found)),
        tuple(each.gap for each in found),
        tuple(each.offset for each in found),
        tuple(each.tap_gap for each in found),
        plan.output_size,
    )


class Blocks(Cells):
    """Cells."""

    @property
    def classes(self) -> Any:
        return list(self.runs)

    def shift(self, j: int) -> tuple[int, int, int]:
        return (*self.spread(j), 0)


def blocks_of(plan: Plan) -> list[Blocks]:
    """The axes of a reduced plan in blocks."""
    return [Blocks(axis) for axis in plan.axes]


def shifts_of(blocks: Sequence[Blocks]) -> Iterator[tuple[int, ...]]:
    """Every combination of shifts, one an axis."""
    return product(*(range(block.shifts) for block in blocks))
