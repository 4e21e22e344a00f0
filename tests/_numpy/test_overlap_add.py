"""Columns of any number at a time are added up to the same."""

from __future__ import annotations

import pytest

from tconv._numpy.forms.overlap_add import Limits, conv_transpose, packs
from tconv.testing import Problem
from tests.support.definition import plan_of

from .exact import problems


@pytest.mark.parametrize("long_row", [2, 100])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_tiles_of_any_size_give_the_same(size: int, long_row: int) -> None:
    limits = Limits(positions=size, columns=size, fewest_rows=1, long_row=long_row)
    for problem in problems(100 + size, 40):
        problem.check("y", conv_transpose(problem.plan, problem.x, problem.w, limits))


@pytest.mark.parametrize(
    ("kernel_size", "dilation", "meets"), [(2, 1, False), (3, 1, True), (2, 2, True), (2, 5, False)]
)
def test_samples_are_turned_for_the_sake_of_additions_alone(
    kernel_size: int, dilation: int, meets: bool
) -> None:
    sizes = {"input_size": (10,), "kernel_size": (kernel_size,)}
    plan = plan_of(Problem(**sizes, batch=8, stride=2, dilation=dilation))
    assert packs(plan) == meets
