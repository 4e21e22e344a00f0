"""Axes brought to smaller ones that join the same positions: without a common factor of stride and
dilation, and without what takes no part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd

from tconv._core.axis import Axis


@dataclass(frozen=True)
class Reduction:
    """An axis whose stride and dilation have no common factor, and how its outputs lie in the
    given one: with ``gap = gcd(stride, dilation)`` only the outputs ``offset + gap*o`` are
    reached, those of the axis with both divided by it."""

    axis: Axis
    gap: int
    offset: int


def reduction(axis: Axis) -> Reduction:
    """The axis without a common factor that a given axis comes down to."""
    gap = gcd(axis.stride, axis.dilation)
    offset = -axis.lo % gap
    reduced = Axis(
        axis.input_size,
        -(-(axis.output_size - offset) // gap),
        axis.kernel_size,
        axis.stride // gap,
        axis.dilation // gap,
        (axis.lo + offset) // gap,
    )
    return Reduction(reduced, gap, offset)


@dataclass(frozen=True)
class Joint:
    """What takes part in an axis: the axis that is left of it, whose x, w and y are these parts of
    the given ones."""

    axis: Axis
    x: slice
    w: slice
    y: slice


NOTHING = Joint(Axis(1, 0, 1, 1, 1, 0), slice(0, 1), slice(0, 1), slice(0, 0))


def joint(axis: Axis) -> Joint:
    """What takes part in an axis: its numbers are then of the size of the arrays."""
    scatter = (axis.input_size - 1) * axis.stride
    y = slice(max(0, -axis.lo), min(axis.output_size, scatter + axis.extent - axis.lo))
    if y.stop <= y.start:
        return NOTHING
    x, kept = axis.cut(y.start, y.stop)
    scatter = (kept.input_size - 1) * kept.stride
    last = (kept.lo + kept.output_size - 1) // kept.dilation
    w = slice(max(0, -((scatter - kept.lo) // kept.dilation)), min(kept.kernel_size, last + 1))
    if kept.input_size == 0 or w.stop <= w.start:
        return NOTHING
    lo = kept.lo - w.start * kept.dilation
    kept = replace(kept, kernel_size=w.stop - w.start, lo=lo)
    if kept.input_size == 1:
        kept = replace(kept, stride=1)
    if kept.kernel_size == 1:
        kept = replace(kept, dilation=1)
    if kept == axis:
        return _drawn_together(axis)
    return _inside(Joint(kept, x, w, y))


def _drawn_together(axis: Axis) -> Joint:
    """What takes part where stride s and dilation d are both far larger than y of size m.

    A tap then lands in y once at most, and from one pair (i, t) that lands to another i*s + t*d
    changes by less than m.  Were two such changes independent, s would be below 2*m*k and d below
    2*m*n.  So all pairs lie on one line b*i + a*t == c, and s - b*f, d - a*f and lo - c*f for any
    f take them where s, d and lo do.  The pairs beside the line stay outside of y as long as
    s/b - f is at least m*(k + 2).
    """
    size = axis.output_size
    every = Joint(axis, slice(0, axis.input_size), slice(0, axis.kernel_size), slice(0, size))
    if min(axis.stride, axis.dilation) <= 2 * size * max(axis.input_size, axis.kernel_size):
        return every
    reached = [(tap, *axis.reach(tap)) for tap in range(axis.kernel_size)]
    pairs = [(start, tap, first) for tap, start, stop, first in reached if start < stop]
    if not pairs:
        return NOTHING
    x, w, y = (slice(min(each), max(each) + 1) for each in zip(*pairs, strict=True))
    if (x, w, y) != (every.x, every.w, every.y):
        lo = axis.lo + y.start - x.start * axis.stride - w.start * axis.dilation
        n, m, k = (part.stop - part.start for part in (x, y, w))
        return _inside(Joint(Axis(n, m, k, axis.stride, axis.dilation, lo), x, w, y))
    (i, t, _), (other, next_t, _) = pairs[:2]
    common = gcd(i - other, next_t - t)
    a, b = abs(i - other) // common, (next_t - t) // common
    f = max(0, axis.stride // b - size * (axis.kernel_size + 2))
    drawn = replace(
        axis,
        stride=axis.stride - b * f,
        dilation=axis.dilation - a * f,
        lo=axis.lo - (b * i + a * t) * f,
    )
    return replace(every, axis=drawn)


def _inside(part: Joint) -> Joint:
    """What takes part in a part of an axis, as parts of the whole one."""
    inner = joint(part.axis)
    return Joint(
        inner.axis,
        _within(part.x, inner.x),
        _within(part.w, inner.w),
        _within(part.y, inner.y),
    )


def _within(outer: slice, inner: slice) -> slice:
    return slice(outer.start + inner.start, outer.start + inner.stop)
