"""y split by residues, in tiles of any size, gives what its windows give."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tconv._core.axis import Axis
from tconv._core.lattice import rectangle
from tconv._numpy.forms.space_to_depth import SPACE_TO_DEPTH, gather, splits
from tconv._numpy.tiles import WindowLimits

from .exact import problems


@pytest.mark.parametrize("limits", [(256, 1), (256, 4), (512, 4), (4096, 16), (1 << 22, 1)])
def test_tiles_of_any_size_give_the_same(limits: tuple[int, int]) -> None:
    form = replace(SPACE_TO_DEPTH, gather=partial(gather, limits=WindowLimits(*limits)))
    found = [problem for problem in problems(30, 120) if splits(problem.plan)]
    assert len(found) > 20
    for problem in found:
        plan, x, w, y = problem
        dx, dw = form.cotangents(plan, x, w, y)
        problem.check("x", dx)
        problem.check("w", dw)
        np.testing.assert_array_equal(form.conv(plan, y, w), dx)
        np.testing.assert_array_equal(form.weight_cotangent(plan, x, y), dw)


def test_every_tap_of_a_rectangle_is_where_the_axis_says() -> None:
    seen = 0
    for kernel_size, stride, dilation in np.ndindex(8, 5, 9):
        if 0 in (kernel_size, stride, dilation):
            continue
        found = rectangle(Axis(3, 9, kernel_size, stride, dilation, 0))
        if found is not None:
            places = [
                shift * found.step * stride + phase
                for shift in range(found.shifts)
                for phase in range(found.phases)
            ]
            assert places == [tap * dilation for tap in range(kernel_size)]
            seen += 1
    assert seen > 50
