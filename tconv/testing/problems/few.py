"""A few of many problems that still show what the many do, where each costs a compilation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import gcd
from typing import Any

from tconv.testing.problems.problem import Geometry, Problem

_BOUNDS = (0, 1, 2, 4, 8, 16, 32, 64, 128)  # numbers between two of these are alike


def few(problems: Sequence[Problem], count: int) -> list[Problem]:
    """``count`` of the problems, in their order: those among whose features most pairs occur.

    One by one, the problem that brings most new pairs is taken: the greedy cover, which needs
    at most 1 + ln(n) times as many sets as the best (Johnson, "Approximation algorithms for
    combinatorial problems", 1974).
    """
    left = {number: set(_pairs(problem)) for number, problem in enumerate(problems)}
    chosen: list[int] = []
    while left and len(chosen) < count:
        best = max(left, key=lambda number: len(left[number]))
        new = left.pop(best)
        chosen.append(best)
        for pairs in left.values():
            pairs -= new
    return [problems[number] for number in sorted(chosen)]


def _pairs(problem: Problem) -> Iterator[Any]:
    features = sorted(_features(problem))
    yield from features
    yield from combinations(features, 2)


def _features(p: Problem) -> Iterator[tuple[str, int]]:
    """What a mistake may depend on, as far as it is in this problem."""
    yield "ndim", p.ndim
    yield "batch", _class(p.batch or 0)
    yield "groups", _class(p.groups)
    yield "in_channels", _class(p.in_channels)
    yield "in_channels of a group", _class(p.in_channels // p.groups)
    yield "out_channels of a group", _class(p.out_channels // p.groups)
    yield f"dtype {p.dtype}", 0
    yield f"memory {p.memory}", 0
    yield "bias", p.bias
    yield "spread", p.spread > 0
    yield "condition", p.condition > 1
    for number, axis in enumerate(p.axes):
        yield from _features_of_an_axis(axis)
        place = "first" if number == 0 else "last" if number == p.ndim - 1 else "middle"
        yield f"stride on the {place} axis", axis.stride > 1


def _features_of_an_axis(a: Geometry) -> Iterator[tuple[str, int]]:
    extent = a.dilation * (a.kernel_size - 1) + 1
    for name in ("input_size", "kernel_size", "stride", "dilation"):
        yield name, _class(getattr(a, name))
    for side, padding in zip(("low", "high"), a.padding, strict=True):
        yield f"padding at the {side} side", _class(padding) if padding >= 0 else -1
        yield f"padding at the {side} side deeper than the kernel", padding >= extent
    yield "different padding at the two sides", a.padding[0] != a.padding[1]
    yield "output_padding", (a.output_padding > 0) + (a.output_padding >= a.stride)
    yield "stride > kernel", a.stride > extent
    yield "gcd(stride, dilation) > 1", gcd(a.stride, a.dilation) > 1


def _class(number: int) -> int:
    """The number of bounds that a number is above."""
    return sum(number > bound for bound in _BOUNDS)
