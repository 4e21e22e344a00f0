"""The parts of a divided axis against the whole: what each device reads, and what it computes."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._jax.halos import Part, Rows, part_of
from tests.support.definition import Maps, maps


def random_axes(count: int, devices: int) -> list[Axis]:
    """Axes of sizes that divide."""
    rng, found = random.Random(devices), []
    while len(found) < count:
        size = devices * rng.randint(1, 6)
        axis = Axis(
            size, devices * rng.randint(1, 12), rng.randint(1, 6), rng.randint(1, 4),
            rng.randint(1, 3), rng.randint(-3, 6),
        )  # fmt: skip
        if part_of(axis, "y", devices) and part_of(axis, "x", devices):
            found.append(axis)
    return found


def rows_of(array: Any, rows: Rows, device: int) -> Any:
    """What a device reads, zeros beyond the ends."""
    far = 1000
    start = rows.starts[device] + far
    return np.pad(array, [(0, 0), (0, 0), (far, far)])[..., start : start + rows.length]


def own(array: Any, device: int, devices: int) -> Any:
    return np.split(array, devices, axis=2)[device]


@pytest.mark.parametrize("devices", [2, 3, 4])
def test_the_parts_make_the_whole(devices: int) -> None:
    rng = np.random.default_rng(0)
    for axis in random_axes(25, devices):
        plan = Plan(1, 2, 3, 1, (axis,))
        x, w, y = (rng.integers(-4, 5, s).astype(float) for s in (
            plan.x_shape, plan.w_shape, plan.y_shape))  # fmt: skip
        whole, pieces = maps(plan, x, w, y), Maps([], [], [])
        for device in range(devices):
            for result, found in zip("yxw", pieces, strict=True):
                part = part_of(axis, result, devices)
                assert part is not None
                local = Plan(1, 2, 3, 1, (part.axis,))
                operands = {"x": own(x, device, devices), "y": own(y, device, devices)}
                read = "x" if result == "y" else "y"
                operands[read] = rows_of({"x": x, "y": y}[read], part.rows, device)
                for name, shape in (("x", local.x_shape), ("y", local.y_shape)):
                    if name == result:
                        operands[name] = np.zeros(shape)
                values = getattr(maps(local, operands["x"], w, operands["y"]), result)
                found.append(trimmed(values, part, device) if result != "w" else values)
        np.testing.assert_array_equal(np.concatenate(pieces.y, axis=2), whole.y, err_msg=str(axis))
        np.testing.assert_array_equal(np.concatenate(pieces.x, axis=2), whole.x, err_msg=str(axis))
        np.testing.assert_array_equal(sum(pieces.w), whole.w, err_msg=str(axis))


def trimmed(values: Any, part: Part, device: int) -> Any:
    start = part.skips[device]
    return values[..., start : start + part.size]


def test_none_reads_beyond_its_neighbours() -> None:
    for devices in (2, 3, 4):
        for axis in random_axes(25, devices):
            for result in "yxw":
                part = part_of(axis, result, devices)
                assert part is not None
                assert max(part.rows.before, part.rows.behind) <= part.rows.own
                assert min(part.rows.offsets) >= 0
                around = part.rows.own + part.rows.before + part.rows.behind
                assert max(part.rows.offsets) + part.rows.length <= around


@pytest.mark.parametrize(
    "axis",
    [
        Axis(8, 15, 3, 2, 1, 1),  # 15 in 4
        Axis(7, 16, 4, 2, 1, 0),  # 7 in 4
        Axis(8, 8, 9, 1, 1, 4),  # two rows a device, four of which are read on each side
    ],
)
def test_what_cannot_be_divided_is_none(axis: Axis) -> None:
    assert all(part_of(axis, result, 4) is None for result in "yxw")
