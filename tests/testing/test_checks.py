"""The arguments of the checks: seeds, predicates, tolerances, profiles."""

from collections import Counter
from types import SimpleNamespace

import pytest

from tconv import conv_transpose, conv_transpose_vjp
from tconv.testing import CheckFailure, Problem, check_conv_transpose, check_vjp, checks
from tconv.testing.mutants.arithmetic import half_precision
from tconv.testing.problems.corners import corner_problems
from tconv.testing.problems.simplify import minimal, nearest_supported, simpler
from tconv.testing.strategies.generated import generated


def test_the_same_seed_draws_the_same_problems_and_another_seed_others():
    first, again, other = (list(generated("conv_transpose", 30, s)) for s in (0, 0, 1))
    assert first == again != other
    assert len(first) == 30


@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
def test_the_table_is_valid_and_small(kind):
    dtypes = ("float32", "int8")
    problems = list(corner_problems(kind, (1, 2, 3), dtypes, 0))
    assert all(problem.valid for problem in problems)
    assert len(problems) == 2 * 81
    assert max(problem.work for problem in problems) < 20_000
    assert {p.memory for p in problems} == {"contiguous", "fortran", "reversed", "strided"}
    assert any(p.batch == 0 for p in problems)


def test_supports_keeps_the_problems_inside_what_is_offered():
    seen = []

    def only_the_plain(problem):
        return problem.symmetric and problem.groups == 1 and problem.memory == "contiguous"

    def picky(x, w, b=None, *, stride, padding, output_padding, dilation, groups):
        assert groups == 1
        assert all(isinstance(p, int) for p in padding)
        assert x.flags.c_contiguous
        seen.append(stride)
        return conv_transpose(x, w, b, stride=stride, padding=padding,
                              output_padding=output_padding, dilation=dilation)  # fmt: skip

    summary = check_conv_transpose(picky, ndim=2, supports=only_the_plain, profile="quick")
    assert summary.problems > 45  # of 52: those near a refused problem take its place
    assert len(set(seen)) > 8


def test_supports_that_refuses_everything_is_an_error():
    with pytest.raises(ValueError, match="supports: refused all 27 problems"):
        check_conv_transpose(conv_transpose, ndim=1, supports=lambda p: False, profile="table")


def test_the_nearest_supported_problem_differs_little():
    problem = Problem((3,), (2,), padding=((1, 0),), groups=2, in_channels=2, out_channels=2)
    near = nearest_supported(problem, lambda p: p.symmetric)
    assert near == Problem((3,), (2,), groups=2, in_channels=2, out_channels=2)


def test_tolerances_given_replace_the_bound():
    options = {"ndim": 1, "profile": "table", "supports": lambda p: p.spread == 0}
    check_conv_transpose(half_precision, rtol=1e-2, **options)
    check_conv_transpose(half_precision, atol=1.0, **options)
    for rtol in (0.0, 1e-6):
        with pytest.raises(CheckFailure):
            check_conv_transpose(half_precision, rtol=rtol, **options)


def test_the_seconds_of_a_check_are_told(monkeypatch):
    times = iter([100.0, 107.5])
    monkeypatch.setattr(checks, "time", SimpleNamespace(monotonic=lambda: next(times)))
    assert check_conv_transpose(conv_transpose, ndim=1, profile="table").seconds == 7.5


def test_nan_in_the_weight_is_checked_where_asked():
    def stuffed(x, w, b=None, **keywords):
        return conv_transpose(x, w, b, method="dilated", **keywords)

    with pytest.raises(CheckFailure, match="NaN and inf in w"):
        check_conv_transpose(stuffed, ndim=1, profile="table", nonfinite=("w",))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "complex128", "uint8", "int64"])
def test_every_dtype(dtype):
    assert check_conv_transpose(conv_transpose, ndim=1, dtypes=(dtype,), profile="table").problems
    assert check_vjp(conv_transpose_vjp, ndim=1, dtypes=(dtype,), profile="table").problems


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="profile: must be one of"):
        check_conv_transpose(conv_transpose, profile="days")
    with pytest.raises(ValueError, match=r"dtypes: must be a tuple of names; got 'float32'"):
        check_conv_transpose(conv_transpose, dtypes="float32")
    with pytest.raises(ValueError, match="kind: must be"):
        check_vjp(conv_transpose_vjp, kind="deconv")


def test_simpler_problems_are_valid_and_lead_to_the_simplest():
    problem = Problem(
        (4, 5), (3, 2), stride=(2, 3), padding=((1, 0), (2, 2)), output_padding=(1, 2),
        dilation=(1, 2), groups=2, in_channels=4, out_channels=6, batch=3, bias=True,
        memory="strided", spread=3, condition=10, seed=5,
    )  # fmt: skip
    assert all(p.valid and p != problem for p in simpler(problem))
    assert minimal(problem, lambda p: True, lambda p: True) == Problem((1,), (1,))
    kept = minimal(problem, lambda p: p.groups == 2 and p.stride[-1] == 3, lambda p: True)
    assert kept == Problem((1,), (1,), stride=3, groups=2, in_channels=2, out_channels=2)


def test_a_summary_of_nothing():
    assert checks.Summary() == checks.Summary(0, 0, 0, Counter(), 0.0)
