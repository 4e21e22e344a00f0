"""Random plans with operands of small whole numbers, and what they must give, exactly."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv.testing import reference

OPERANDS = {"y": "xw", "x": "yw", "w": "xy"}


class Exact(NamedTuple):
    """A plan with x, w and y to compute from."""

    plan: Plan
    x: np.ndarray
    w: np.ndarray
    y: np.ndarray

    def operands(self, result: str) -> list[np.ndarray]:
        """What a result is computed from."""
        return [getattr(self, name) for name in OPERANDS[result]]

    def expected(self, result: str) -> Any:
        """A result by the definition."""
        axes = self.plan.axes
        geometry: dict[str, Any] = {
            "stride": self.plan.stride,
            "padding": [(axis.lo, axis.hi) for axis in axes],
            "dilation": self.plan.dilation,
            "groups": self.plan.groups,
        }
        if result == "y":
            return reference.conv_transpose(self.x, self.w, **geometry)
        if result == "x":
            return reference.conv(self.y, self.w, **geometry)
        return reference.weight_gradient(self.x, self.y, self.plan.kernel_size, **geometry)

    def check(self, result: str, value: np.ndarray, name: str = "") -> None:
        """``value`` must be the result by the definition."""
        np.testing.assert_array_equal(value, self.expected(result), f"{name} {result} {self.plan}")


def exact(plan: Plan, seed: int = 0) -> Exact:
    """A plan with operands drawn for it."""
    values = np.random.default_rng(seed)
    shapes = plan.x_shape, plan.w_shape, plan.y_shape
    return Exact(plan, *(values.integers(-5, 6, shape).astype(float) for shape in shapes))


def problems(seed: int, count: int) -> Iterator[Exact]:
    """Small, of every shape: empty, cropped, extended, dilated, grouped."""
    draw = random.Random(seed)
    for number in range(count):
        size, groups = draw.choice([1, 1, 2, 2, 3]), draw.choice([1, 1, 2, 3])
        axes = tuple(_axis(draw, largest=(9, 5, 3)[size - 1]) for _ in range(size))
        inputs, outputs = (groups * draw.randint(0, 3) for _ in range(2))
        yield exact(Plan(draw.randint(0, 3), inputs, outputs, groups, axes), 1000 * seed + number)


def _axis(draw: random.Random, largest: int) -> Axis:
    kernel_size, stride, dilation = draw.randint(1, largest), draw.randint(1, 4), draw.randint(1, 3)
    input_size = draw.randint(1, largest)
    scattered = (input_size - 1) * stride + (kernel_size - 1) * dilation + 1
    lo = draw.randint(-3, 4) if draw.random() < 0.9 else draw.randint(-9, 9)
    output_size = max(1, scattered - lo - draw.randint(-3, 4))
    return Axis(input_size, output_size, kernel_size, stride, dilation, lo)
