"""Reduced axes and what takes part in them, against the relation that they rest on."""

from __future__ import annotations

from math import gcd
from random import Random

import pytest

from tconv._core.axis import Axis
from tconv._core.reduction import Joint, joint, reduction
from tests.support.definition import related

from .test_lattice import STRIDES, assert_related, small_axes


@STRIDES
def test_a_reduced_axis_is_the_given_one(stride: int) -> None:
    for axis in small_axes(stride):
        found = reduction(axis)
        assert gcd(found.axis.stride, found.axis.dilation) == 1, axis
        inner = related(found.axis) if found.axis.output_size > 0 else ()
        assert_related(axis, [(i, t, found.offset + found.gap * o) for i, t, o in inner])


def assert_all_that_is_joined(axis: Axis, found: Joint) -> None:
    parts = (found.x, found.w, found.y)
    inner = {
        tuple(part.start + place for part, place in zip(parts, each, strict=True))
        for each in related(found.axis)
    }
    assert inner == related(axis), axis
    sizes = (axis.input_size, axis.kernel_size, axis.output_size)
    assert all(0 <= p.start <= p.stop <= n for p, n in zip(parts, sizes, strict=True))
    left = (found.axis.input_size, found.axis.kernel_size, found.axis.output_size)
    assert left == tuple(part.stop - part.start for part in parts)


def test_what_takes_part_is_all_that_is_joined() -> None:
    rng = Random(0)
    for _ in range(2000):
        axis = Axis(
            rng.randint(1, 6), rng.randint(1, 20), rng.randint(1, 5), rng.randint(1, 9),
            rng.randint(1, 9), rng.randint(-30, 60),
        )  # fmt: skip
        assert_all_that_is_joined(axis, joint(axis))


def test_what_takes_part_is_of_the_size_of_the_arrays() -> None:
    """Huge numbers, some of which nearly cancel: many taps that land in a short y."""
    rng, together = Random(1), 0
    for _ in range(3000):
        far = rng.choice([500, 10**4, 10**6 + 3, 2**31 + 7, 2**62, 2**70])
        sizes = n, m, k = rng.randint(1, 6), rng.randint(1, 12), rng.randint(1, 6)
        i, t, j, u = rng.randrange(n), rng.randrange(k), rng.randint(1, 4), rng.randint(1, 4)
        dilation = far * u
        stride = rng.choice([rng.randint(1, 5), far * j + rng.randint(-2, 2), far * j])
        lo = i * stride + t * dilation - rng.randrange(m) + rng.choice([0, 0, 0, far, -far])
        axis = Axis(*sizes, stride, dilation, lo)
        axis = rng.choice([axis, axis.exchanged()])
        found = joint(axis)
        assert_all_that_is_joined(axis, found)
        left, largest = found.axis, max(*sizes, 4)
        numbers = max(left.stride, left.extent, abs(left.lo), abs(left.hi))
        assert numbers <= 8 * largest**4, axis
        together += left.input_size > 1 < left.kernel_size
        assert joint(left).axis == left
    assert together > 300


@pytest.mark.parametrize("far", [2**31 + 7, 2**32, 2**62, 2**70])
def test_what_takes_part_of_few_and_many(far: int) -> None:
    for axis in (Axis(3, 9, 4, 2, 1, -far), Axis(3, 9, 4, far, 1, far), Axis(3, 9, 4, 2, far, far)):
        left = joint(axis).axis
        assert max(left.stride, left.extent, abs(left.lo), abs(left.hi)) < 20
