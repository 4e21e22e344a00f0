"""Phases fused or apart, written side by side or one by one, give the same."""

from __future__ import annotations

from itertools import product

import pytest

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._numpy.forms.subpixel import Limits, conv_transpose

from .exact import exact, problems


@pytest.mark.parametrize("fusion", [0.5, 100.0])
@pytest.mark.parametrize("shortest_run", [2, 4])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_tiles_of_any_size_give_the_same(size: int, shortest_run: int, fusion: float) -> None:
    limits = Limits(fewest=1, most=size, written=size, shortest_run=shortest_run, fusion=fusion)
    for problem in problems(100 + size, 40):
        problem.check("y", conv_transpose(problem.plan, problem.x, problem.w, limits))


def test_runs_at_any_crop() -> None:
    limits = Limits(shortest_run=2, fusion=100.0)
    for stride, shifts, lo, size in product((2, 3, 5), (1, 2), range(-3, 9), (1, 2, 4, 9)):
        axes = (Axis(2, 3, 2, 2, 1, 1), Axis(4, size, shifts * stride, stride, 1, lo))
        problem = exact(Plan(2, 2, 3, 1, axes))
        problem.check("y", conv_transpose(problem.plan, problem.x, problem.w, limits))
