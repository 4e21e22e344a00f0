"""Larger problems: one number at a time, every pair of numbers, and where a failure begins."""

from __future__ import annotations

from itertools import combinations

import pytest

from tconv.testing import CheckFailure, Problem, check_conv_transpose
from tconv.testing.failure.thresholds import thresholds
from tconv.testing.mutants.sizes import SIZES as AT_SIZES
from tconv.testing.mutants.sizes import rest_of_16_left_out
from tconv.testing.problems.large import SIZES, large_problems
from tconv.testing.problems.pairs import LEVELS, covering, pair_problems, pairs_of
from tconv.testing.strategies.generated import generated
from tests.testing.test_wrong_and_right import DEEP

ABOVE = [mutant for mutant in AT_SIZES if mutant.name.startswith("wrong above")]
KINDS = ["conv_transpose", "conv"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ndim", [(1,), (3,), (1, 2, 3)])
def test_each_number_is_large_once_at_least(kind, ndim):
    problems = list(large_problems(kind, ndim, ("float32",), 0))
    assert all(p.valid and p.kind == kind for p in problems)
    assert sum(p.work for p in problems) < 3_000_000
    largest = SIZES[-1]
    for name in ("batch", "groups", "in_channels", "out_channels"):
        assert max(getattr(p, name) for p in problems) >= largest
    for name in ("kernel_size", "stride", "dilation", "input_size"):
        assert max(max(getattr(p, name)) for p in problems) >= largest
    assert max(max(max(p.padding)) for p in problems) >= largest


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 7])
def test_every_pair_that_is_possible_occurs(kind, seed):
    dtypes = ("float32", "int32")
    rows = covering(kind, (1, 2, 3), dtypes, seed)
    covered = {pair for row in rows for pair in pairs_of(row)}
    levels = {"ndim": (1, 2, 3), **LEVELS, "dtype": dtypes}
    if kind == "conv":
        del levels["output_padding"]
    every = {
        (one, a, other, b)
        for (one, first), (other, second) in combinations(levels.items(), 2)
        for a in first
        for b in second
    }
    # A kernel of one tap leaves little room for a crop as deep as it, and an input of one position.
    left = {frozenset((one, other)) for one, _, other, _ in every - covered}
    assert len(every - covered) <= 0.02 * len(every)
    assert left <= {
        frozenset(("input_size", "padding")),
        frozenset(("padding", "output_padding")),
        frozenset(("stride", "padding")),
    }
    assert len(rows) < 70


@pytest.mark.parametrize("kind", KINDS)
def test_the_problems_of_the_array_are_valid_and_the_same_each_time(kind):
    first, again = (list(pair_problems(kind, (1, 2), ("float32",), 3)) for _ in range(2))
    assert first == again
    assert all(p.valid and p.terms <= 4_000 for p in first)


def test_the_levels_of_the_array_of_one_axis():
    problems = list(pair_problems("conv_transpose", (1,), ("float32",), 0))
    assert {problem.batch for problem in problems} == {1, 2, 5}
    assert {problem.groups for problem in problems} == {1, 2, 5}
    for name in ("in_channels", "out_channels"):
        assert {getattr(p, name) // p.groups for p in problems} == {1, 2, 5, 17}
    axes = [problem.axes[0] for problem in problems]
    assert {axis.input_size for axis in axes} == {1, 2, 5, 17, 34}
    assert {axis.kernel_size for axis in axes} == {1, 2, 3, 5, 9}
    assert {axis.stride for axis in axes} == {1, 2, 3, 9}
    assert {axis.dilation for axis in axes} == {1, 2, 3, 7}
    paddings, output_paddings = set(), set()
    for axis in axes:
        extent = axis.dilation * (axis.kernel_size - 1) + 1
        half = extent // 2
        pairs = [(0, 0), (half, half), (extent, extent), (half + 1, 0), (-1, -2)]
        paddings.add(pairs.index(axis.padding))
        steps = [0, axis.stride - 1, max(axis.stride, axis.dilation) - 1]
        output_paddings.add(steps.index(axis.output_padding))
    assert paddings == {0, 1, 2, 3, 4}
    assert output_paddings == {0, 1, 2}
    assert {problem.bias for problem in problems} == {False, True}
    assert {problem.memory for problem in problems} == {
        "contiguous",
        "fortran",
        "reversed",
        "strided",
    }


def test_a_third_of_the_generated_problems_is_larger():
    problems = list(generated("conv_transpose", 60, 0, ndim=(1, 2, 3)))
    assert sum(max(p.input_size) > 8 or max(p.kernel_size) > 5 for p in problems) >= 12
    assert max(p.terms for p in problems) <= 4_000


@pytest.mark.parametrize("ndim", [1, 2, 3] if DEEP else [2])
@pytest.mark.parametrize("above", ABOVE, ids=lambda mutant: mutant.name)
def test_what_breaks_past_a_size_is_caught_whatever_the_number_of_axes(above, ndim):
    with pytest.raises(CheckFailure, match=r"It fails (from|at) \w+"):
        check_conv_transpose(above.fn, ndim=ndim)


def test_the_report_says_from_which_value_on():
    with pytest.raises(CheckFailure) as caught:
        check_conv_transpose(rest_of_16_left_out, ndim=1)
    assert caught.value.problem.output_size == (17,)
    assert "on: with" in caught.value.diagnosis


def test_thresholds_tell_a_range_from_a_single_value():
    problem = Problem((8,), (5,), groups=4, in_channels=4, out_channels=4)
    from_on = list(thresholds(problem, lambda p: p.groups >= 4))
    assert from_on == ["It fails from groups 4 on: with 3 it holds"]
    single = list(thresholds(problem, lambda p: p.input_size == (8,)))
    assert single == ["It fails at input_size 8, and with 7 it holds"]
    assert list(thresholds(problem, lambda p: True)) == []
