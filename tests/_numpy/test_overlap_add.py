"""Columns of any number at a time are added up to the same."""

from __future__ import annotations

import pytest

from tconv._numpy.forms.overlap_add import Limits, conv_transpose

from .exact import problems


@pytest.mark.parametrize("long_row", [2, 100])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_tiles_of_any_size_give_the_same(size: int, long_row: int) -> None:
    limits = Limits(positions=size, columns=size, fewest_rows=1, long_row=long_row)
    for problem in problems(100 + size, 40):
        problem.check("y", conv_transpose(problem.plan, problem.x, problem.w, limits))
