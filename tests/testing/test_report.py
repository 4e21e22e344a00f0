"""The text of a failure: what is shown around the worst element, and how values are written."""

from functools import partial

import numpy as np
import pytest

from tconv import conv_transpose, conv_transpose_vjp
from tconv.testing import CheckFailure, Problem
from tconv.testing.failure.report import name_of
from tconv.testing.trial import Finding, Subject, Trial


def any_function(x, w, b=None, **keywords):
    return x


def text(got, expected, **values):
    finding = Finding(Problem((4,), (2,)), "values", "it is off", "y", got, expected, **values)
    return str(CheckFailure(Subject(any_function), finding, "none", "row 1, seed 0"))


def around(got, expected, **values):
    """The lines on the worst element: its place, got, expected, the mark."""
    lines = text(got, expected, **values).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("Around the worst"))
    return lines[start : start + 4]


@pytest.mark.parametrize(
    ("at", "shown"),
    [(0, "0:4"), (2, "0:6"), (3, "0:7"), (4, "1:8"), (8, "5:12"), (9, "6:12"), (11, "8:12")],
)
def test_three_neighbours_on_each_side_where_they_are(at, shown):
    expected = np.arange(24.0).reshape(1, 2, 12)
    got = expected.copy()
    got[0, 1, at] += 100
    place, row, wanted, mark = around(got, expected)
    start, stop = map(int, shown.split(":"))
    assert place == f"Around the worst element, y[0, 1, {at}]:"
    assert row.startswith(f"    got      [0, 1, {shown}]  ")
    assert [float(value) for value in row.partition("]")[2].split()] == list(got[0, 1, start:stop])
    assert wanted.partition("]")[2].split() == [f"{12 + n}" for n in range(start, stop)]
    column = mark.index("^")
    assert float(row[column : column + 11]) == 112 + at
    assert mark.count("^") == 11


def test_the_worst_is_the_one_that_is_wrong_and_furthest_off():
    expected = np.zeros((1, 1, 5))
    got = np.array([[[0.0, 3.0, -4.0, 5.0, 0.0]]])
    assert "y[0, 0, 3]" in around(got, expected)[0]
    wrong = np.array([[[False, True, True, False, False]]])
    allowed = np.full((1, 1, 1), 0.25)
    place = around(got, expected, wrong=wrong, allowed=allowed)[0]
    assert place.endswith("y[0, 0, 2], off by 4 where rounding explains 0.25:")
    got[0, 0, 4] = np.nan
    assert "y[0, 0, 4]" in around(got, expected)[0]
    assert "y[0, 0, 1]" in around(np.array([[[11.0, 4.0]]]), np.array([[[10.0, 1.0]]]))[0]


def test_the_distance_of_complex_numbers_is_that_of_the_plane():
    """3 + 4j is 5 away, and 4 + 4j is 5.66; of infinities that are equal nothing is wrong."""
    expected = np.array([[[1 + 1j, 0, np.inf]]])
    got = np.array([[[4 + 5j, 4 + 4j, np.inf]]])
    place = around(got, expected, allowed=np.full((1, 1, 1), 0.5))[0]
    assert place == "Around the worst element, y[0, 0, 1], off by 5.66 where rounding explains 0.5:"
    got = np.array([[[1.0, np.inf, -9.0]]])
    assert "y[0, 0, 2]" in around(got, np.array([[[1.0, np.inf, 9.0]]]))[0]
    assert "y[0, 0, 1]" in around(got, np.array([[[1.0, -np.inf, 9.0]]]))[0]
    exact = np.array([[[2**70, 1, 5]]], object)
    assert "y[0, 0, 2]" in around(np.array([[[2**70, 1, 3]]], object), exact)[0]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.5 - 2j, "1.5-2j"),
        (np.int8(-7), "-7"),
        (np.int64(123456789), "123456789"),
        (np.float32(1.25), "1.25"),
        (1e-7, "1e-07"),
    ],
)
def test_values_are_written_by_their_kind(value, shown):
    expected = np.array([[[value]]])
    row = around(expected * 0, expected)[2]
    assert row.partition("]")[2].strip() == shown


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (None, np.zeros((1, 1, 2))),
        (np.zeros((1, 1, 2)), None),
        (np.zeros((1, 1, 3)), np.zeros((1, 1, 2))),
        (np.zeros((0, 1, 2)), np.zeros((0, 1, 2))),
    ],
)
def test_without_values_to_compare_nothing_is_shown_around(got, expected):
    assert "Around the worst" not in text(got, expected)


@pytest.mark.parametrize(
    ("subject", "what"),
    [
        (Subject(any_function), "transposed convolution: values"),
        (Subject(any_function, "conv"), "convolution: values"),
        (Subject(any_function, "conv", vjp=True), "convolution with pullback: values"),
    ],
)
def test_the_head_says_what_is_wrong_with_which_map(subject, what):
    finding = Finding(Problem((4,), (2,)), "values", "it is off")
    found = CheckFailure(subject, finding, "the cause", "row 1, seed 0")
    head, _, message = str(found).splitlines()[:3]
    assert head == f"any_function is not a correct {what}"
    assert message == "it is off (row 1, seed 0)."
    assert (found.problem, found.property_name) == (finding.problem, "values")


def test_a_function_is_put_to_its_problem_and_one_with_a_pullback_to_a_cotangent_too():
    problem = Problem((4,), (2,), bias=True)
    results = Trial(Subject(conv_transpose), problem).run()
    assert list(results) == ["y"]
    np.testing.assert_array_equal(results["y"], conv_transpose(*problem.arrays()))
    both = Trial(Subject(conv_transpose_vjp, vjp=True), problem)
    assert list(both.run()) == ["y", "dx", "dw", "db"]
    doubled = both.run(dy=2 * both.operands["dy"])
    np.testing.assert_array_equal(doubled["db"], 2 * both.operands["dy"].sum((0, 2)))
    without = Trial(Subject(conv_transpose_vjp, vjp=True), Problem((4,), (2,)))
    assert without.run()["db"] is None


def test_names_of_callables():
    assert name_of(any_function) == "any_function"
    assert name_of(partial(partial(any_function, 1), 2)) == "any_function"
    assert name_of(Problem((4,), (2,)).axes[0].__class__.__call__) == "type.__call__"

    class Callable:
        def __call__(self):
            return 0

    assert name_of(Callable()) == "Callable"


def test_a_function_that_cannot_be_imported_is_named_in_the_snippet():
    def local(x, w, b=None, **keywords):
        return x

    finding = Finding(Problem((4,), (2,)), "values", "it is off")
    for function, line in (
        (local, f"# fn is your function, {local.__qualname__}"),
        (any_function, f"from {__name__} import any_function as fn"),
    ):
        snippet = CheckFailure(Subject(function), finding, "", "").snippet
        assert line in snippet.splitlines()
