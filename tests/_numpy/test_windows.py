"""Windows in tiles of any size, copied along either axis, give the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from tconv._core.plan import conv_call
from tconv._numpy.forms.windows import (
    LONG_RUN,
    WINDOWS,
    all_windows,
    conv_workspace,
    gather,
    weight_workspace,
)
from tconv._numpy.tiles import WindowLimits

from .exact import problems
from .test_workspace import peak_of


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


IN_ONE_TILE = [  # all memory of it in use at once
    ((4, 2, 32, 32), (3, 2, 5, 5), {}),
    ((4, 2, 32, 32), (3, 2, 5, 5), {"padding": 2}),
    ((1, 4, 60, 70), (6, 2, 5, 5), {"groups": 2, "padding": (0, 1), "dilation": 2}),
    ((2, 3, 90, 80), (4, 3, 5, 4), {"padding": ((0, 2), (0, 0)), "stride": (2, 3)}),
    ((99, 4, 8, 8), (6, 4, 3, 3), {}),
]
OTHERS = [  # cut unevenly, or the region gone before there are products
    ((99, 4, 8, 8), (6, 2, 3, 3), {"groups": 2, "padding": 1}),
    ((1, 2, 300, 300), (3, 2, 5, 5), {"padding": 2}),
    ((600, 4, 8, 8), (6, 2, 3, 3), {"groups": 2, "padding": 1}),
    ((1, 64, 64, 64), (3, 64, 9, 9), {"padding": 4}),
    ((1, 2, 30_000), (3, 2, 41), {"padding": 4}),
]


@pytest.mark.parametrize(("x_shape", "w_shape", "options"), IN_ONE_TILE + OTHERS)
def test_the_workspace_is_what_a_tile_takes(
    x_shape: tuple[int, ...], w_shape: tuple[int, ...], options: dict[str, Any]
) -> None:
    plan = conv_call(x_shape, w_shape, **options).plan
    x, w, y = (np.ones(shape, np.float32) for shape in (plan.x_shape, plan.w_shape, plan.y_shape))
    for workspace, form in (
        (conv_workspace(plan, 4), lambda: WINDOWS.conv(plan, y, w)),
        (weight_workspace(plan, 4), lambda: WINDOWS.weight_cotangent(plan, x, y)),
    ):
        form()  # what is kept from call to call is there
        peak = peak_of(form)[1]
        headers = 8 << 10  # of arrays, and Python's own
        least = workspace / 2 if (x_shape, w_shape, options) in OTHERS else workspace
        assert least <= peak <= workspace + headers


def test_a_view_of_all_windows_cannot_be_written_to() -> None:
    for problem in problems(21, 20):
        if problem.plan.batch:
            assert not all_windows(problem.plan, problem.y).flags.writeable
