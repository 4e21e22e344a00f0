"""Whole planes in tiles of any size give the same."""

from __future__ import annotations

import pytest

from tconv._numpy.forms.planes import Limits, conv_transpose

from .exact import problems


@pytest.mark.parametrize("fusion", [0.5, 100.0])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_tiles_of_any_size_give_the_same(size: int, fusion: float) -> None:
    limits = Limits(positions=size, elements=size, fusion=fusion)
    for problem in problems(100 + size, 40):
        problem.check("y", conv_transpose(problem.plan, problem.x, problem.w, limits))
