"""The report names the mistake, shows the worst element, and its snippet runs."""

from types import SimpleNamespace

import numpy as np
import pytest

from tconv import conv, conv_transpose, conv_transpose_vjp, conv_vjp
from tconv.testing import CheckFailure, Problem, check_conv, check_conv_transpose, check_vjp
from tconv.testing.failure import diagnosis
from tconv.testing.failure.suspects import kernel_suspects
from tconv.testing.mutants import arithmetic, channels, kernel, memory, padding, sizes
from tconv.testing.trial import Finding, Subject

# Without generated problems: the table alone finds all of these.
NAMED = {
    kernel.kernel_flipped: "kernel is flipped on every spatial axis",
    kernel.first_axis_flipped: "kernel is flipped on the first spatial axis alone",
    kernel.last_axis_flipped: "kernel is flipped on the last spatial axis alone",
    channels.output_channels_interleaved: "output channels of the groups are interleaved",
    channels.input_channels_interleaved: "input channels of the groups are interleaved",
    padding.padding_of_the_input: "padding is read as padding of the input",
    padding.padding_of_the_stuffed_input: "as jax.lax.conv_transpose does",
    padding.output_padding_at_the_low_side: "output padding is on the wrong side",
    padding.output_padding_appends_zeros: "output padding appends empty positions",
    channels.weight_channels_exchanged: "transposed layout: the weight's",
    kernel.dilation_ignored: "dilation is ignored in the values",
    arithmetic.half_precision: "ower precision: errors of up to",
    arithmetic.tf32: "float16 or TF32",
    padding.shifted_low: "shifted by one position towards the low end on the last spatial axis",
    padding.shifted_high: "shifted by one position towards the high end on the first spatial axis",
    channels.bias_missing: "he bias is missing",
    channels.bias_missing_where_no_tap_reaches: "bias is missing where no tap reaches",
    memory.strides_of_the_input_ignored: "memory of x is read as if it were contiguous",
    channels.second_sample_alone: "wrong only at sample 1",
    channels.last_group_reversed: "have groups > 1",
    sizes.doubled: "every element is 2 times what it should be",
    **{
        mutant.fn: sentence
        for mutant in sizes.SIZES
        for name, sentence in (
            ("padding deeper", "padding deeper than"),
            ("a stride above", "have stride > dilation*(k"),
            ("output padding of", "have output_padding >= stride"),
            ("negative padding", "exactly those problems that have negative padding"),
        )
        if f"wrong at {name}" in mutant.name
    },
    arithmetic.zero_times_infinity: "zeros are multiplied where nothing should be",
    memory.writes_into_its_input: "in place",
}


def failure(check, function, **options):
    with pytest.raises(CheckFailure) as caught:
        check(function, profile="table", **options)
    return caught.value


@pytest.mark.parametrize("function", NAMED, ids=lambda fn: fn.__name__)
def test_the_mistake_is_named(function):
    found = failure(check_conv_transpose, function)
    assert NAMED[function].lower() in found.diagnosis.lower()
    assert repr(found.problem) in str(found)
    assert found.diagnosis in str(found)


@pytest.mark.parametrize(
    "function", [kernel.kernel_flipped, channels.bias_missing, channels.last_group_reversed]
)
def test_the_snippet_can_be_pasted_and_shows_the_difference(function, capsys):
    found = failure(check_conv_transpose, function)
    assert f"from {function.__module__} import {function.__name__} as fn" in found.snippet
    names = {}
    exec(found.snippet, names)
    assert names["got"].shape == names["expected"].shape
    assert np.abs(names["got"] - names["expected"]).max() > 1e-3
    assert capsys.readouterr().out


def test_the_minimal_problem_is_minimal():
    found = failure(check_conv_transpose, kernel.kernel_flipped)
    assert repr(found.problem) == "Problem(input_size=(1,), kernel_size=(2,))"
    found = failure(check_conv_transpose, channels.last_group_reversed)
    assert (found.problem.groups, found.problem.in_channels, found.problem.ndim) == (2, 2, 1)


def test_the_worst_element_is_marked():
    text = str(failure(check_conv_transpose, channels.second_sample_alone, ndim=1))
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("Around the worst"))
    got, expected, mark = lines[start + 1 : start + 4]
    column = mark.index("^")
    assert mark.strip() == "^" * 11
    assert float(got[column : column + 11]) != float(expected[column : column + 11])


def test_a_convolution_is_checked_and_diagnosed():
    assert check_conv(conv, conv_transpose=conv_transpose, profile="table").problems == 81

    def flipped(x, w, b=None, **keywords):
        return conv(x, np.flip(w, tuple(range(2, w.ndim))), b, **keywords)

    assert "the kernel is flipped on every" in failure(check_conv, flipped).diagnosis.lower()


def mistaken(function, mistake):
    def vjp(x, w, b=None, **keywords):
        y, pullback = function(x, w, b, **keywords)
        return y, lambda dy: mistake(*pullback(dy), w, dy)

    return vjp


GRADIENTS = {
    "dw, values: it is flipped on every": lambda dx, dw, db, w, dy: (
        dx, np.flip(dw, tuple(range(2, dw.ndim))), db),
    "dw, values: every element is 2 times": lambda dx, dw, db, w, dy: (dx, 2 * dw, db),
    "db, values: it is averaged over the batch": lambda dx, dw, db, w, dy: (
        dx, dw, None if db is None else db / max(len(dy), 1)),
    "db, shape": lambda dx, dw, db, w, dy: (dx, dw, np.zeros(99, w.dtype)),
    "dx, values: it is zero": lambda dx, dw, db, w, dy: (0 * dx, dw, db),
    "dx, dtype": lambda dx, dw, db, w, dy: (dx.astype(np.float64), dw, db),
}  # fmt: skip


@pytest.mark.parametrize("expected", GRADIENTS)
@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
def test_gradients_are_checked_and_diagnosed(kind, expected):
    function = conv_transpose_vjp if kind == "conv_transpose" else conv_vjp
    found = failure(check_vjp, mistaken(function, GRADIENTS[expected]), kind=kind)
    where, _, diagnosis = expected.partition(": ")
    assert (found.finding.result, found.property_name) == tuple(where.split(", "))
    assert diagnosis in found.diagnosis.lower()


def test_the_gradient_of_x_is_diagnosed_as_the_convolution_that_it_is():
    def vjp(x, w, b=None, **keywords):
        y, pullback = conv_transpose_vjp(x, w, b, **keywords)
        other = conv_transpose_vjp(x, np.flip(w, tuple(range(2, w.ndim))), b, **keywords)[1]
        return y, lambda dy: (other(dy)[0], *pullback(dy)[1:])

    found = failure(check_vjp, vjp)
    assert found.finding.result == "dx"
    assert "the kernel is flipped on every spatial axis" in found.diagnosis.lower()


def test_a_wrong_adjoint_is_found():
    def unlike(y, w, b=None, **keywords):
        return conv(y, np.flip(w, -1), b, **keywords)

    assert failure(check_conv_transpose, conv_transpose, conv=unlike).property_name == "adjoint"


@pytest.mark.parametrize(("seconds", "tried"), [(5.0, 4), (5.1, 3), (20.0, 1)])
def test_no_more_is_tried_after_15_seconds(monkeypatch, seconds, tried):
    clock = 100.0
    monkeypatch.setattr(diagnosis, "time", SimpleNamespace(monotonic=lambda: clock))

    def slow(x, w, b=None, **keywords):
        nonlocal clock
        clock += seconds
        return conv_transpose(x, w, b, **keywords)

    problems = [Problem((3,), (2,), seed=seed) for seed in range(9)]
    finding = Finding(problems[0], "values", "it is off")
    observed = diagnosis._observe(Subject(slow), finding, problems[1:])
    assert [trial.problem for trial, _, _ in observed] == problems[:tried]


def middle_axis_flipped(x, w, b=None, **keywords):
    axes = tuple(range(3, w.ndim - 1))
    return conv_transpose(x, np.flip(w, axes), b, **keywords)


def test_the_middle_of_three_axes_is_a_suspect():
    found = failure(check_conv_transpose, middle_axis_flipped, ndim=3)
    assert "the kernel is flipped on the middle spatial axis alone" in found.diagnosis.lower()


@pytest.mark.parametrize(("ndim", "axes"), [(2, "0 and 1"), (3, "1 and 2")])
def test_transposed_axes_of_a_kernel_are_named(ndim, axes):
    found = failure(check_conv_transpose, kernel.kernel_axes_exchanged, ndim=ndim)
    assert f"spatial axes {axes} of the kernel are transposed" in found.diagnosis.lower()


@pytest.mark.parametrize("kernel_size", [(2, 2), (2, 3, 2)])
def test_axes_of_one_size_are_suspected_to_be_transposed(kernel_size):
    problem = Problem((3,) * len(kernel_size), kernel_size, in_channels=2, out_channels=3)
    x, w, _ = problem.arrays()
    last = len(kernel_size) - 1
    found = dict(kernel_suspects(problem, x, w, None))
    compute = found[f"spatial axes 0 and {last} of the kernel are transposed"]
    wanted = conv_transpose(x, w.swapaxes(2, 2 + last).astype(float))
    np.testing.assert_allclose(compute(), wanted, rtol=0, atol=1e-12)
    assert sum("transposed" in sentence for sentence in found) == 1
