"""Every form gives the definition; the choice needs nothing but the numbers of the plan."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tconv._core.axis import Axis
from tconv._core.plan import Plan, conv_transpose_call
from tconv._numpy.choose import RATES, candidates, choose, choose_together
from tconv._numpy.forms import COTANGENTS, FORMS

from .exact import exact, problems


def plan_of(
    x_shape: tuple[int, ...], w_shape: tuple[int, ...], stride: int = 1, groups: int = 1
) -> Plan:
    return conv_transpose_call(x_shape, w_shape, stride=stride, groups=groups).plan


@pytest.mark.parametrize("seed", range(4))
def test_every_form_that_applies_equals_the_definition(seed: int) -> None:
    for problem in problems(seed, 60):
        for result, forms in FORMS.items():
            for name in candidates(result, problem.plan):
                value = forms[name].compute(problem.plan, *problem.operands(result))
                problem.check(result, value, name)


def test_cotangents_of_one_gathering_equal_the_definition() -> None:
    for problem in problems(10, 60):
        operands = problem.x, problem.w, problem.y
        both = set(candidates("x", problem.plan)) & set(candidates("w", problem.plan))
        for name in both:
            dx, dw = COTANGENTS[name].compute(problem.plan, *operands)
            problem.check("x", dx)
            problem.check("w", dw)


def test_both_together_where_that_takes_less_time_than_two_forms() -> None:
    together = []
    depthwise = plan_of((1, 96, 27, 27), (96, 1, 3, 3), groups=96)
    for plan in (depthwise, *(problem.plan for problem in problems(12, 200))):
        of = {result: candidates(result, plan) for result in "xw"}
        times = {
            result: {name: RATES.nanoseconds(counts) for name, counts in found.items()}
            for result, found in of.items()
        }
        apart = sum(min(found.values()) for found in times.values())
        both = {
            name: times["x"][name]
            + times["w"][name]
            - RATES.nanoseconds(COTANGENTS[name].shared(plan))
            for name in COTANGENTS
            if name in of["x"] and name in of["w"]
        }
        name = choose_together(plan)
        together.append(name)
        if name is None:
            assert apart <= min(both.values())
        else:
            assert both[name] == min(both.values())
            assert both[name] < apart
    assert {*together} == {None, *COTANGENTS}


def test_what_is_gathered_once_is_no_more_than_either_form_counts() -> None:
    for problem in problems(13, 60):
        for name, form in COTANGENTS.items():
            for result in "xw":
                counts = candidates(result, problem.plan).get(name)
                if counts is not None:
                    shared = RATES.nanoseconds(form.shared(problem.plan))
                    assert 0 < shared <= RATES.nanoseconds(counts)


def test_whole_numbers_stay_exact() -> None:
    for problem in problems(11, 20):
        for result, forms in FORMS.items():
            operands = [operand.astype(np.int64) for operand in problem.operands(result)]
            for name in candidates(result, problem.plan):
                value = forms[name].compute(problem.plan, *operands)
                assert value.dtype == np.int64
                problem.check(result, value, name)


@pytest.mark.parametrize(
    ("x_channels", "w_channels", "groups", "stride", "possible"),
    [
        (4, 4, 1, 1, "planes banded x-planes"),  # 16 pairs of channels
        (4, 4, 1, 2, "planes banded"),
        (17, 1, 1, 1, ""),
        (34, 1, 2, 1, "planes"),  # several groups, of 17 pairs
        (32, 16, 2, 1, "planes"),  # of 256
        (514, 1, 2, 1, ""),
        (256, 1, 1, 1, ""),
    ],
)
def test_planes_and_bands_are_for_few_channels(
    x_channels: int, w_channels: int, groups: int, stride: int, possible: str
) -> None:
    plan = plan_of((1, x_channels, 5), (x_channels, w_channels, 3), stride, groups)
    names = {"y": {"planes": "planes", "banded": "banded"}, "x": {"planes": "x-planes"}}
    found = [
        name
        for result, forms in names.items()
        for form, name in forms.items()
        if form in candidates(result, plan)
    ]
    assert " ".join(found) == possible


def test_an_index_is_kept_of_few_columns_alone() -> None:
    """Of 2**16: 2 images of 128 positions, 16 channels and 16 taps."""
    for positions, kept in ((128, True), (129, False)):
        assert ("small" in candidates("y", plan_of((2, 1, positions), (1, 16, 16)))) is kept


@pytest.mark.parametrize("kernel_size", [3, 4, 31, 32])
@pytest.mark.parametrize("name", FORMS["y"])
def test_an_infinity_stays_where_its_taps_land(name: str, kernel_size: int) -> None:
    """Fusing phases must not multiply it by a zero that stands for a missing tap."""
    x, w = np.ones((1, 2, 400)), np.ones((2, 8, kernel_size))
    x[0, 1, 200] = np.inf
    plan = conv_transpose_call(x.shape, w.shape, stride=2, padding=kernel_size).plan
    y = FORMS["y"][name].compute(plan, x, w)
    reached = np.isinf(y).any(axis=(0, 1))
    first = 200 * 2 - kernel_size
    assert not np.isnan(y).any()
    assert reached.sum() == kernel_size
    assert reached[first : first + kernel_size].all()


@pytest.mark.parametrize("groups", [1, 6])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_what_is_not_finite_in_y_reaches_only_what_reads_it(
    groups: int, stride: int, bad: float
) -> None:
    problem = exact(plan_of((2, 6, 5, 5), (6, 6 // groups, 4, 4), stride, groups))
    x, w, y = (np.ones_like(operand) for operand in problem[1:])
    y[0, 0, 0, 0] = bad
    reached = {"x": np.zeros(x.shape, bool), "w": np.zeros(w.shape, bool)}
    reached["x"][0, : 6 // groups, 0, 0] = True
    reached["w"][: 6 // groups, 0, 0, 0] = True
    for result, operands in {"x": (y, w), "w": (x, y)}.items():
        for name in candidates(result, problem.plan):
            value = FORMS[result][name].compute(problem.plan, *operands)
            np.testing.assert_array_equal(~np.isfinite(value), reached[result], name)


def test_outputs_fewer_than_the_stride() -> None:
    for kernel_size, stride, lo, size in product(range(1, 8), range(1, 6), range(8), (1, 2, 3)):
        problem = exact(Plan(2, 1, 2, 1, (Axis(3, size, kernel_size, stride, 1, lo),)))
        expected = problem.expected("y")
        for name, form in FORMS["y"].items():
            y = form.compute(problem.plan, problem.x, problem.w)
            np.testing.assert_array_equal(y, expected, f"{name} {problem.plan}")


def test_the_choice_is_the_least_time() -> None:
    for problem in problems(12, 40):
        for result in FORMS:
            found = candidates(result, problem.plan)
            times = {name: RATES.nanoseconds(counts) for name, counts in found.items()}
            assert all(time >= 0 for time in times.values())
            assert times[choose(result, problem.plan)] == min(times.values())


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "stride", "groups", "slow"),
    [
        ((1, 21, 16, 16), (21, 21, 64, 64), 32, 1, {"columns"}),
        ((8, 64, 32, 32), (64, 1, 4, 4), 2, 64, {"columns", "subpixel"}),
        ((1, 1, 512, 512), (1, 1, 3, 3), 2, 1, {"columns", "subpixel"}),
        ((4, 8, 48, 48), (8, 8, 16, 16), 1, 1, {"columns", "banded"}),
        ((16, 512, 4, 4), (512, 256, 4, 4), 2, 1, {"subpixel"}),
    ],
)
def test_forms_of_several_times_the_time_are_not_taken(
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    stride: int,
    groups: int,
    slow: set[str],
) -> None:
    """``slow`` are forms that take more than twice the time of another one."""
    assert choose("y", plan_of(x_shape, w_shape, stride, groups)) not in slow


def test_large_kernels_of_the_gradients_are_not_copied_for_few_channels() -> None:
    plan = plan_of((1, 21, 64, 64), (21, 1, 16, 16), 8, 21)
    assert choose("x", plan) == choose("w", plan) == "space to depth"
    dense = plan_of((8, 256, 16, 16), (256, 128, 4, 4), 2)
    assert choose("x", dense) == "windows"


def test_forms_are_ruled_out_by_what_they_need() -> None:
    plan = plan_of((1, 8, 32, 32), (8, 8, 5, 5), 3)
    assert "small" not in candidates("y", plan)
    assert "banded" not in candidates("y", plan)
    assert set(candidates("x", plan)) == set(candidates("w", plan)) == {"windows"}
    # 4 positions of 2 samples, 64 channels and 128 taps are 2**16 columns
    assert "small" in candidates("y", plan_of((2, 1, 4), (1, 64, 128)))
    assert "small" not in candidates("y", plan_of((2, 1, 4), (1, 64, 129)))
    axes = tuple(replace(axis, stride=1) for axis in plan.axes)
    few = replace(plan, axes=axes, in_channels=2, out_channels=2)
    assert set(candidates("x", few)) == set(FORMS["x"]) - {"tapwise"}
