"""What a property that does not hold reports, and where it starts to hold, by functions that are
off by a known number."""

import numpy as np
import pytest

from tconv import conv, conv_transpose, conv_transpose_vjp
from tconv.testing import Problem, tolerance
from tconv.testing.expected import widened
from tconv.testing.properties import examine
from tconv.testing.reference import conv_transpose as exact
from tconv.testing.trial import Subject

PROBLEM = Problem(
    (3, 4), (2, 3), stride=2, padding=((1, 0), (0, 0)), groups=2, in_channels=4, out_channels=2,
    batch=2, bias=True, seed=3,
)  # fmt: skip
ALL = [
    "call", "inputs unchanged", "shape", "dtype", "calls agree", "earlier results kept", "values",
    "linear in x", "linear in w", "adjoint", "NaN and inf in x",
]  # fmt: skip


def with_zeros(values):
    return bool((values == 0).any())


@pytest.mark.parametrize("operand", ["x", "w"])
def test_what_is_not_linear_is_shown_at_the_scale_of_the_result(operand):
    calls = []

    def function(x, w, b=None, **keywords):
        """Off by one at one element for what holds zeros, as a masked operand does."""
        values = {"x": x, "w": w}[operand]
        y = conv_transpose(x, w, b, **keywords)
        y[0, 1, 2, 3] += with_zeros(values)
        calls.append((values.copy(), y.copy(), b.copy()))
        return y

    finding, checked = examine(Subject(function), PROBLEM)
    assert finding is not None
    assert checked == ALL[: ALL.index(f"linear in {operand}") + 1]
    assert (finding.name, finding.result) == (f"linear in {operand}", "y")
    assert finding.message == (
        f"y is not linear in {operand}: the results for two parts of it do not add up to the "
        f"result for the whole"
    )
    (whole, y, _), (part, first, bias), (rest, second, _) = calls[0], *calls[-2:]
    np.testing.assert_array_equal(part / 4 + rest, whole)
    assert with_zeros(part)
    assert with_zeros(rest)
    assert not bias.any()
    np.testing.assert_array_equal(finding.expected, y)
    np.testing.assert_array_equal(finding.got, first / 4 + second.astype(float))
    np.testing.assert_array_equal(np.argwhere(finding.wrong), [[0, 1, 2, 3]])


@pytest.mark.parametrize("name", ["dx", "dw", "db"])
def test_cotangents_that_are_not_linear_are_named(name):
    def function(x, w, b=None, **keywords):
        y, pullback = conv_transpose_vjp(x, w, b, **keywords)

        def off(dy):
            cotangents = dict(zip(("dx", "dw", "db"), pullback(dy), strict=True))
            cotangents[name] = cotangents[name] + np.float32(with_zeros(dy))
            return tuple(cotangents.values())

        return y, off

    finding, checked = examine(Subject(function, vjp=True), PROBLEM)
    assert finding is not None
    assert (finding.name, finding.result, checked[-1]) == ("linear in dy", name, "linear in dy")
    # one in the part that is a fourth, and one in the rest
    np.testing.assert_allclose(finding.got - finding.expected, 1.25, rtol=0, atol=1e-4)
    assert finding.wrong.all()


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize(("off", "held"), [(2.39, True), (2.41, False)])
def test_two_parts_may_be_off_by_twelve_times_what_one_result_may(dtype, off, held):
    """4*part and four times the rest, both off by so much, are five times as far off."""

    def function(x, w, b=None, **keywords):
        return conv_transpose(x, w, b, **keywords) + off * with_zeros(x)

    problem = Problem((9,), (2,), dtype=dtype)
    assert (examine(Subject(function, atol=1.0, rtol=0.0), problem)[0] is None) == held


@pytest.mark.parametrize("dtype", ["int8", "uint16"])
def test_sums_of_integers_are_compared_as_they_wrap(dtype):
    problem = Problem((9,), (3,), in_channels=3, dtype=dtype, spread=1)
    assert examine(Subject(conv_transpose, adjoint=conv), problem)[0] is None

    def function(x, w, b=None, **keywords):
        return conv_transpose(x, w, b, **keywords) + x.dtype.type(with_zeros(x))

    x = problem.arrays()[0]
    assert not with_zeros(x)
    finding, _ = examine(Subject(function), problem)
    assert finding is not None
    assert finding.name == "linear in x"
    assert finding.wrong.all()
    bits = 8 * x.dtype.itemsize
    apart = {int(4 * n) % 2**bits for n in (finding.got - finding.expected).ravel()}
    assert apart == {5}


def scale_of(problem):
    """The sum of |dy| * |w| * |x| over all products, and of |dy| * |b|."""
    x, w, b = (None if v is None else abs(widened(v)) for v in problem.arrays())
    return float((abs(widened(problem.cotangent())) * exact(x, w, b, **problem.keywords)).sum())


def explained(problem, atol=None, rtol=None):
    """How far the two inner products may be apart: each result as far off as one may be."""
    dy, x = problem.cotangent(), problem.arrays()[0]
    if atol is None and rtol is None:
        each = tolerance(problem.dtype, problem.accumulation_length * problem.out_channels)
        return 2 * (each + tolerance("complex128", dy.size)) * scale_of(problem)
    spread = float(abs(widened(dy)).sum() + abs(widened(x)).sum())
    return 2 * (rtol or 0) * scale_of(problem) + (atol or 0) * spread


@pytest.mark.parametrize("share", [0.95, 1.05])
@pytest.mark.parametrize(
    ("dtype", "given"),
    [
        ("float32", {}),
        ("float64", {}),
        ("float64", {"rtol": 0.01}),
        ("float64", {"atol": 0.5}),
        ("float64", {"atol": 0.5, "rtol": 0.01}),
    ],
)
def test_adjoints_may_differ_by_what_rounding_or_the_tolerances_explain(dtype, given, share):
    problem = Problem(
        (5,), (4,), stride=2, in_channels=20, out_channels=6, bias=True, dtype=dtype
    )  # fmt: skip
    allowed = explained(problem, **given)
    x = problem.arrays()[0]

    def unlike(dy, w, b=None, **keywords):
        assert b is None
        return conv(dy.astype(float), w.astype(float), **keywords) + share * allowed / x.sum()

    finding, checked = examine(Subject(conv_transpose, adjoint=unlike, **given), problem)
    assert "adjoint" in checked
    assert (finding is None) == (share < 1)
    if finding is not None:
        assert finding.name == "adjoint"
        head, _, numbers = finding.message.partition(" differ by ")
        apart, _, most = numbers.partition(", of which rounding explains ")
        assert head == "not adjoint: <adjoint(dy), x> and <dy, y>"
        assert float(apart) == pytest.approx(share * allowed, rel=0.05)
        assert most == f"{allowed:.3g}"


def test_an_adjoint_of_integers_is_compared_as_they_wrap():
    problem = Problem((3,), (2,), out_channels=2, dtype="int8", bias=True)
    total = int(problem.arrays()[0].sum())

    def unlike(dy, w, b=None, **keywords):
        return conv(dy, w, **keywords) + np.int8(1)

    finding, _ = examine(Subject(conv_transpose, adjoint=unlike), problem)
    assert finding is not None
    assert finding.message == (
        f"not adjoint: <adjoint(dy), x> and <dy, y> differ by {float(total % 256):.3g}, of which "
        f"rounding explains 0"
    )


def test_an_adjoint_of_another_shape_is_named():
    def cropped(dy, w, b=None, **keywords):
        return conv(dy, w, **keywords)[..., 1:]

    finding, checked = examine(Subject(conv_transpose, adjoint=cropped), PROBLEM)
    assert finding is not None
    assert finding.message == "the adjoint gives shape (2, 4, 3, 3), x has (2, 4, 3, 4)"
    assert checked == ALL[:-1]
    # with an output padding of a stride or more there is no partner
    wide = Problem((3,), (2,), dilation=2, output_padding=1)
    finding, checked = examine(Subject(conv_transpose, adjoint=cropped), wide)
    assert finding is None
    assert "adjoint" not in checked


@pytest.mark.parametrize("bias", [False, True])
def test_no_cotangent_of_the_bias_is_where_there_is_none(bias):
    def function(x, w, b=None, **keywords):
        y, pullback = conv_transpose_vjp(x, w, b, **keywords)
        return y, lambda dy: (*pullback(dy)[:2], None if bias else np.zeros(1, np.float32))

    finding, _ = examine(Subject(function, vjp=True), Problem((3,), (2,), bias=bias))
    assert finding is not None
    assert (finding.name, finding.result) == ("shape", "db")
    assert finding.message == "db is None only where there is no bias"


def test_the_shape_that_was_wanted_is_shown():
    def function(x, w, b=None, **keywords):
        return conv_transpose(x, w, b, **keywords)[..., :-1]

    finding, checked = examine(Subject(function), PROBLEM)
    assert finding is not None
    assert checked == ALL[:3]
    assert finding.message == "y has shape (2, 2, 5, 8), expected (2, 2, 5, 9)"
    assert (finding.got.shape, finding.expected.shape) == ((2, 2, 5, 8), (2, 2, 5, 9))


def test_all_that_is_looked_at():
    right = Subject(conv_transpose, adjoint=conv, nonfinite=("x", "w"))
    assert examine(right, PROBLEM) == (None, [*ALL, "NaN and inf in w"])
    assert examine(right, PROBLEM, until="shape") == (None, ALL[:3])
    empty = Problem((3,), (2,), batch=0)
    assert examine(right, empty) == (None, [*ALL[:2], "empty batch", *ALL[2:7]])
    unreached = Problem((3,), (2,), stride=3, bias=True)
    assert examine(right, unreached, until="values") == (
        None, [*ALL[:7], "bias where no tap reaches"],
    )  # fmt: skip


def test_what_was_written_into_an_input_is_counted_and_put_back():
    before = PROBLEM.arrays()
    seen = []

    def function(x, w, b=None, **keywords):
        y = conv_transpose(x, w, b, **keywords)
        seen.append(w)
        w[0, 0] += 1
        return y

    finding, checked = examine(Subject(function), PROBLEM)
    assert finding is not None
    assert (finding.message, checked) == ("wrote into its input w: 6 elements", ALL[:2])
    np.testing.assert_array_equal(seen[0], before[1])


@pytest.mark.parametrize("operand", ["x", "w"])
def test_infinities_that_spread_are_counted(operand):
    def function(x, w, b=None, **keywords):
        y = conv_transpose(x, w, b, **keywords)
        y[0, 0] += 0 * {"x": x, "w": w}[operand].sum()
        return y

    problem = Problem((4,), (3,), in_channels=2, out_channels=2, groups=2)
    finding, _ = examine(Subject(function, nonfinite=(operand,)), problem)
    assert finding is not None
    assert finding.name == f"NaN and inf in {operand}"
    assert np.isnan(finding.got[0, 0]).all()
    wrong = np.isnan(finding.got) & ~np.isnan(finding.expected)
    np.testing.assert_array_equal(finding.wrong, wrong)
    assert wrong.any()
    assert finding.message == (
        f"one NaN and one inf in {operand} do not show where their taps lead, or show elsewhere: "
        f"{int(wrong.sum())} of 12 elements"
    )
