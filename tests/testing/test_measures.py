"""Each measure sees what it should, and each bound holds without being idle."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

import tconv
from tconv.testing import (
    adjoint_residual,
    assert_adjoint,
    error_bound,
    reference,
    relative_error,
    tolerance,
)
from tconv.testing.measures import gamma
from tconv.testing.strategies import conv_transpose_problems

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)


def test_gamma_and_tolerance_are_the_formulas():
    assert gamma(1, 0.5) == 1.0
    assert gamma(2, 0.5) == np.inf
    assert tolerance("float32", 10) == 10 * 2**-24 / (1 - 10 * 2**-24)
    assert tolerance(np.float64, 10) == 10 * 2**-53 / (1 - 10 * 2**-53)
    assert tolerance("float16", 10) == pytest.approx(2**-11, rel=0.01)
    assert tolerance("bfloat16", 10) == pytest.approx(2**-8, rel=0.01)
    assert tolerance("complex64", 1) == pytest.approx((2 + 2**0.5) * 3 * 2**-24)
    assert tolerance("int8", 1000) == 0


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "complex64"])
def test_sums_in_the_worst_order_stay_below_the_bound_and_near_it(dtype):
    """A running sum of equal terms is the classical bad case: it uses a good part of n*u."""
    from tconv.testing.problems.problem import dtype_named

    kind = dtype_named(dtype)
    accumulator = np.dtype("float32") if kind.itemsize == 2 else kind
    n = 3000
    values = np.full(n, 1 / 3).astype(kind)
    total = accumulator.type(0)
    for value in values.astype(accumulator):
        total += value * accumulator.type(1)
    exact = n * Fraction(float(values[0].real))
    error = abs(float(Fraction(float(total.astype(kind).real)) - exact))
    bound = error_bound(dtype, n, n / 3, float(exact))
    assert error <= bound
    assert error > bound / 500


def test_relative_error_counts_what_the_scale_says():
    assert relative_error([1.0, 0.0], [0.0, 0.0], [4.0, 0.0]) == 0.25
    assert relative_error([0.0, 1.0], [0.0, 0.0], [4.0, 0.0]) == np.inf
    assert relative_error([1j], [1.0], 1.0) == pytest.approx(2**0.5)
    assert relative_error(np.zeros((0, 2)), np.zeros((0, 2))) == 0
    assert np.isnan(relative_error([np.nan, 1.0], [1.0, 1.0]))


def maps(problem, w):
    keywords = {**problem.keywords}
    op = keywords.pop("output_padding")
    return (
        lambda y: tconv.conv(y, w, **keywords),
        lambda x: tconv.conv_transpose(x, w, output_padding=op, **keywords),
    )


def has_partner(problem):
    return all(op < s for op, s in zip(problem.output_padding, problem.stride, strict=True))


@QUICK
@given(
    conv_transpose_problems(
        dtypes=("float32", "float64", "complex64", "int16"), batch=(1, 2), condition=1000, spread=4
    ).filter(has_partner)
)
def test_the_library_is_its_own_adjoint_and_a_shifted_kernel_is_not(problem):
    x, w, _ = problem.arrays()
    y = problem.cotangent()
    forward, transposed = maps(problem, w)
    scale = float((abs(y) * reference.conv_transpose(abs(x), abs(w), **problem.keywords)).sum())
    length = problem.accumulation_length * max(problem.out_channels, 1)
    assert_adjoint(forward, transposed, x, y, accumulation_length=length, scale=scale)
    if problem.dtype == "int16" or scale == 0:
        return
    other = maps(problem, 2 * w)[0]
    residual = adjoint_residual(other, transposed, x, y, scale=scale)
    inner = abs((y * transposed(x)).sum()) / scale
    if inner > 1e-3:
        assert residual > 1e-4
        with pytest.raises(AssertionError, match="not adjoint"):
            assert_adjoint(other, transposed, x, y, accumulation_length=length, scale=scale)


def test_adjoint_residual_is_exact_for_integers_that_wrap():
    rng = np.random.default_rng(0)
    w = rng.integers(-128, 127, (2, 3, 3), dtype=np.int8)
    x = rng.integers(-128, 127, (1, 2, 5), dtype=np.int8)
    y = rng.integers(-128, 127, (1, 3, 7), dtype=np.int8)
    residual = adjoint_residual(
        lambda v: tconv.conv(v, w), lambda v: tconv.conv_transpose(v, w), x, y
    )
    assert residual == 0


def test_cancellation_neither_hides_nor_fakes():
    """The inner products are near 0; scaled by them, rounding alone would look like a failure."""
    a = np.array([[1.0, -1.0 + 1e-15]])
    x, y = np.ones(2), np.ones(1)
    plain = adjoint_residual(lambda v: a.T @ v, lambda v: a @ v + 1e-16, x, y)
    assert plain < 2e-16
    broken = adjoint_residual(lambda v: a.T @ v + [1e-3, 0], lambda v: a @ v, x, y)
    assert broken > 1e-4


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"conv_transpose\(x\): must have the shape"):
        adjoint_residual(lambda y: y, lambda x: x[:1], np.ones(2), np.ones(2))


def test_residuals_of_integers_are_what_is_missing_to_a_multiple_of_the_narrower_period():
    x, y = np.array([100], np.int8), np.array([100], np.int8)
    # <y, x> = 10000 and <y, 2*x> = 100 * -56, as 200 wraps to -56: 15600 apart, 61*256 - 16
    for wide in (np.int8, np.int16):
        residual = adjoint_residual(lambda v, wide=wide: v.astype(wide), lambda v: v + v, x, y)
        assert residual == 16 / 10_000
        residual = adjoint_residual(lambda v: v + v, lambda v, wide=wide: v.astype(wide), x, y)
        assert residual == 16 / 10_000
    assert adjoint_residual(lambda v: 3 * v, lambda v: v, np.array([2]), np.array([5])) == 20 / 30


def test_the_bound_is_its_formula_term_by_term():
    """With v of float64, u of the sums' dtype and h of the half kind, for n = 3 terms."""
    v, u = 2.0**-53, 2.0**-24
    reference_sum = (2 + 2**0.5) * 5 * v / (1 - 5 * v)
    one = 3 * u / (1 - 3 * u)
    both = (2 + 2**0.5) * 5 * u / (1 - 5 * u)
    for dtype, summing, half, smallest in [
        ("float32", one, 0.0, 0.0),
        ("float16", one, 2.0**-11, 2.0**-24),
        ("bfloat16", one, 2.0**-8, 2.0**-133),
        ("complex64", both, 0.0, 0.0),
    ]:
        assert tolerance(dtype, 3) == pytest.approx(
            summing + half * (1 + summing), rel=1e-15, abs=0
        )
        summed = 2 * (summing + reference_sum)
        bound = error_bound(dtype, 3, 2.0, -1.5)
        assert bound == pytest.approx(summed + half * (1.5 + summed) + smallest, rel=1e-12, abs=0)
    # where nothing is to be summed, underflow is what remains
    assert error_bound("float32", 3, 0.0, 0.0) == 3 * 2.0**-126
    assert error_bound("float64", 3, 0.0, 0.0) == 3 * 2.0**-1022
    assert error_bound("float16", 3, 0.0, 0.0) == 3 * 2.0**-126 + 2.0**-24
    assert error_bound("bfloat16", 3, 0.0, 0.0) == 3 * 2.0**-126 + 2.0**-133
    np.testing.assert_array_equal(error_bound("int8", 3, 2.0, [1, 2]), [0.0, 0.0])


@pytest.mark.parametrize(
    ("x_dtype", "y_dtype", "coarser"),
    [
        ("float32", "float64", "float32"),
        ("float64", "float32", "float32"),
        ("float64", "float64", "float64"),
        ("int32", "float32", "float32"),
    ],
)
def test_adjoints_may_be_off_by_the_rounding_of_both_sums_and_no_more(x_dtype, y_dtype, coarser):
    """<y, x> is 1 and 1 + delta."""
    x, y = np.ones(1, x_dtype), np.ones(1, y_dtype)
    allowed = 2 * tolerance(coarser, 10) + 2 * tolerance("complex128", 10 + 1 + 1)

    def check(delta):
        assert_adjoint(
            lambda v: v.astype(float) + delta, lambda v: v, x, y,
            accumulation_length=10, scale=1.0,
        )  # fmt: skip

    margin = 1e-6 if coarser == "float32" else 0.05  # 1 + delta is itself rounded
    check(allowed * (1 - margin))
    with pytest.raises(AssertionError, match="not adjoint"):
        check(allowed * (1 + margin))


def test_a_scale_of_nothing_explains_nothing():
    one = np.ones(1)
    assert adjoint_residual(lambda v: v + 1, lambda v: v, one, one, scale=0.0) == np.inf
    assert adjoint_residual(lambda v: v + 1, lambda v: v, one, one, scale=4.0) == 0.25
