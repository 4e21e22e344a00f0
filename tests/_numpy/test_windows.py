"""Windows in tiles of any size, copied along either axis, give the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tconv._numpy.forms.windows import LONG_RUN, WINDOWS, all_windows, gather
from tconv._numpy.tiles import WindowLimits

from .exact import problems


@pytest.mark.parametrize("long_run", [0, 2, LONG_RUN])
@pytest.mark.parametrize("limits", [(256, 1), (256, 4), (512, 4), (4096, 16), (1 << 22, 1)])
def test_tiles_of_any_size_give_the_same(limits: tuple[int, int], long_run: int) -> None:
    form = replace(WINDOWS, gather=partial(gather, limits=WindowLimits(*limits), long_run=long_run))
    for problem in problems(20, 40):
        plan, x, w, y = problem
        dx, dw = form.cotangents(plan, x, w, y)
        problem.check("x", dx)
        problem.check("w", dw)
        np.testing.assert_array_equal(form.conv(plan, y, w), dx)
        np.testing.assert_array_equal(form.weight_cotangent(plan, x, y), dw)


def test_a_view_of_all_windows_cannot_be_written_to() -> None:
    for problem in problems(21, 20):
        if problem.plan.batch:
            assert not all_windows(problem.plan, problem.y).flags.writeable
