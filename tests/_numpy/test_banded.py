"""Bands of any length give the same, and their zeros meet nothing but finite numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tconv._core.plan import conv_transpose_call
from tconv._numpy.forms.banded import Limits, conv_transpose
from tconv.testing import reference

from .exact import problems

PLAN = conv_transpose_call((2, 3, 9), (3, 1, 5), stride=3, groups=3).plan


@pytest.mark.parametrize("size", [1, 7, 40])
def test_tiles_of_any_size_give_the_same(size: int) -> None:
    limits = Limits(positions=size, elements=size, outputs=size, fewest_inputs=1)
    for problem in problems(100 + size, 40):
        problem.check("y", conv_transpose(problem.plan, problem.x, problem.w, limits))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_zeros_of_the_bands_meet_no_infinity(value: float) -> None:
    x, w = np.ones(PLAN.x_shape), np.ones(PLAN.w_shape)
    x[1, 0, 4] = value
    expected = reference.conv_transpose(x, w, stride=3, groups=3)
    np.testing.assert_array_equal(conv_transpose(PLAN, x, w), expected)


def test_integers_and_long_doubles_take_no_bands() -> None:
    for dtype in (np.int64, np.longdouble):
        x = np.arange(54, dtype=dtype).reshape(PLAN.x_shape)
        w = np.arange(15, dtype=dtype).reshape(PLAN.w_shape)
        y = conv_transpose(PLAN, x, w)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, reference.conv_transpose(x, w, stride=3, groups=3))
