"""Functions that compile for each shape: found by their first calls, checked on few programs."""

import os
import time
from collections import defaultdict

import pytest

from tconv import conv_transpose
from tconv.testing import CheckFailure, check_conv_transpose, compiling
from tconv.testing.compiling import Stopwatch
from tconv.testing.mutants import MUTANTS, score
from tconv.testing.mutants.sizes import SIZES
from tconv.testing.problems.few import _features, few
from tconv.testing.problems.problem import Problem
from tconv.testing.problems.selection import Selection

DEEP = os.environ.get("TCONV_PROFILE") == "deep"


def whole(**options):
    return [problem for problem in Selection("conv_transpose", **options) if problem is not None]


def test_every_feature_of_the_many_is_among_the_few():
    problems = whole()
    chosen = few(problems, 100)
    assert len(chosen) == 100
    assert [p for p in problems if p in chosen] == chosen
    features = {feature for problem in problems for feature in _features(problem)}
    assert {feature for problem in chosen for feature in _features(problem)} == features
    assert few(problems[:3], 100) == problems[:3]


def features_of(problem):
    found = defaultdict(list)
    for name, value in _features(problem):
        found[name].append(value)
    return dict(found)


def test_the_features_of_a_problem():
    """Numbers fall into the classes 0, 1, 2, 3 to 4, 5 to 8 and so on; the last is above 128."""
    problem = Problem(
        (1, 33, 129), (3, 2, 128), stride=(5, 7, 16), padding=((0, 3), (6, 6), (-1, 254)),
        output_padding=(4, 7, 0), dilation=(1, 6, 2), groups=2, in_channels=34, out_channels=6,
        batch=65, bias=True, memory="fortran", spread=1, condition=2,
    )  # fmt: skip
    assert features_of(problem) == {
        "ndim": [3],
        "batch": [8],
        "groups": [2],
        "in_channels": [7],
        "in_channels of a group": [6],
        "out_channels of a group": [3],
        "dtype float32": [0],
        "memory fortran": [0],
        "bias": [True],
        "spread": [True],
        "condition": [True],
        "input_size": [1, 7, 9],
        "kernel_size": [3, 2, 8],
        "stride": [4, 4, 5],
        "dilation": [1, 4, 2],
        "padding at the low side": [0, 4, -1],
        "padding at the high side": [3, 4, 9],
        "padding at the low side deeper than the kernel": [False, False, False],
        "padding at the high side deeper than the kernel": [True, False, False],
        "different padding at the two sides": [True, False, True],
        "output_padding": [1, 2, 0],
        "stride > kernel": [True, False, False],
        "gcd(stride, dilation) > 1": [False, False, True],
        "stride on the first axis": [True],
        "stride on the middle axis": [True],
        "stride on the last axis": [True],
    }
    plain = features_of(Problem((32, 64), (8, 16), stride=(1, 4), batch=None))
    assert [plain[name] for name in ("batch", "bias", "spread", "condition")] == [[0]] * 4
    assert (plain["input_size"], plain["kernel_size"]) == ([6, 7], [4, 5])
    assert [name for name in plain if " axis" in name] == [
        f"stride on the {place} axis" for place in ("first", "last")
    ]
    assert plain["stride"] == [1, 3]
    assert (plain["stride on the first axis"], plain["stride on the last axis"]) == ([0], [1])


def test_the_few_cover_pairs_of_features():
    """Four of the eight choices of three have every pair of them: a fifth brings none."""

    def problem(bias, spread, condition, seed=0):
        return Problem((2,), (2,), bias=bool(bias), spread=spread, condition=condition, seed=seed)

    covering = [problem(*choice) for choice in ((0, 0, 1), (0, 1, 2), (1, 0, 2), (1, 1, 1))]
    again, other = problem(0, 0, 1, seed=1), problem(0, 0, 2)
    problems = [covering[0], again, other, *covering[1:]]
    assert few(problems, 4) == covering
    assert few(problems, 5) == [covering[0], again, *covering[1:]]


def test_each_program_is_tried_with_several_values():
    problems = whole(profile="few", max_examples=7)
    assert len(problems) == 14 == len(Selection("conv_transpose", profile="few", max_examples=7))
    assert len({problem.program for problem in problems}) == 7
    assert len({(problem.program, problem.seed) for problem in problems}) == 14


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20 if DEEP else 1))
def test_the_few_catch_every_mutant(seed):
    found = score(MUTANTS if DEEP else SIZES, profile="few", seeds=(seed,))
    assert not found.missed


class Compiled:
    """Takes its time for each new program, as a compilation does."""

    __name__ = "compiled"

    def __init__(self, fn):
        self.fn, self.programs = fn, set()

    def __call__(self, x, w, b=None, **keywords):
        program = (x.shape, w.shape, b is None, *map(str, keywords.values()))
        if program not in self.programs:
            self.programs.add(program)
            time.sleep(0.03)
        return self.fn(x, w, b, **keywords)


@pytest.mark.long
def test_what_compiles_is_found_and_tried_on_fewer_programs():
    function = Compiled(conv_transpose)
    summary = check_conv_transpose(function, ndim=1)
    assert (summary.programs, summary.problems) == (100, 200)
    assert 100 <= len(function.programs) <= 103
    assert check_conv_transpose(conv_transpose, ndim=1).programs > 150
    named = check_conv_transpose(Compiled(conv_transpose), ndim=1, max_examples=0)
    assert named.programs > 80
    table = check_conv_transpose(Compiled(conv_transpose), ndim=1, profile="table")
    assert table.problems == 27


def test_a_mistake_of_what_compiles_is_found():
    wrong = next(mutant for mutant in MUTANTS if mutant.name == "wrong above stride 64")
    with pytest.raises(CheckFailure, match=r"choice \d+, seed 0"):
        check_conv_transpose(Compiled(wrong.fn), ndim=1)


@pytest.mark.parametrize(
    ("problems", "compiles"),
    [
        ([(0.3, 0.001, 0.001)] * 3, True),
        ([(0.3, 0.001)] * 2, False),
        ([(0.3, 0.29, 0.31)] * 9, False),
        ([(0.003, 0.0001)] * 9, False),
        ([(0.3, 0.001)] * 3 + [(0.001, 0.001)] * 4, False),
        ([(0.3,)] * 9, False),
    ],
)
def test_slow_first_calls_alone_are_compilations(monkeypatch, problems, compiles):
    clock = 0.0
    monkeypatch.setattr(compiling.time, "perf_counter", lambda: clock)

    def fn(seconds):
        nonlocal clock
        clock += seconds

    watch = Stopwatch(fn)
    for calls in problems:
        for seconds in calls:
            watch(seconds)
        watch.next_problem()
    assert watch.compiles is compiles
