"""Equal parts of an axis against the whole, by the definition."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._jax.forms.parts import READS, parts_of
from tests.support.definition import maps

FAR = 100


def random_axis(rng: random.Random) -> Axis:
    return Axis(
        rng.randint(1, 9), rng.randint(1, 20), rng.randint(1, 5), rng.randint(1, 4),
        rng.randint(1, 3), rng.randint(-4, 6),
    )  # fmt: skip


def rows(array: Any, start: int, length: int) -> Any:
    """So many rows from there on, zeros beyond the ends."""
    return np.pad(array, [(0, 0), (0, 0), (FAR, FAR)])[..., start + FAR : start + FAR + length]


@pytest.mark.parametrize("result", ["y", "x", "w"])
@pytest.mark.parametrize("seed", range(60))
def test_each_part_has_its_rows_of_the_whole(seed: int, result: str) -> None:
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    axis = random_axis(rng)
    plan = Plan(2, 2, 3, 1, (axis,))
    x, w, y = (
        numbers.integers(-4, 5, shape).astype(float)
        for shape in (plan.x_shape, plan.w_shape, plan.y_shape)
    )
    given = {"x": x, "w": w, "y": y}
    whole = dict(zip("yxw", maps(plan, x, w, y), strict=True))[result]
    own = "y" if result == "y" else "x"
    total = given[own].shape[2]
    size = rng.randint(1, total)
    starts = range(0, total, size)
    parts = parts_of(axis, result, starts, size)
    local = Plan(2, 2, 3, 1, (parts.axis,))
    summed = np.zeros_like(w)
    for number, start in enumerate(starts):
        operands = {"x": np.zeros(local.x_shape), "w": w, "y": np.zeros(local.y_shape)}
        if own != result:
            operands[own] = rows(given[own], start, size)
        read = READS[result]
        operands[read] = rows(given[read], parts.reads[number], parts.length)
        got = dict(zip("yxw", maps(local, *operands.values()), strict=True))[result]
        if result == "w":
            summed += got
            continue
        skip = parts.skips[number]
        found = got[..., skip : skip + size]
        np.testing.assert_array_equal(
            found[..., : total - start], rows(whole, start, size)[..., : total - start]
        )
    if result == "w":
        np.testing.assert_array_equal(summed, whole)
