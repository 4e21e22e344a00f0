"""Random problems over the cross product of all parameters, compared with PyTorch."""

from __future__ import annotations

from functools import partial

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tconv
from tconv.testing import Problem
from tconv.testing.strategies import CORNERS, conv_problems, conv_transpose_problems
from tests.support import torch_oracle as oracle
from tests.support.computing import METHODS, bundles, cheap, compiled, compute_problems
from tests.support.torch_expected import check as check_expected
from tests.support.torch_expected import torch_function, torch_keywords, value

FLOATS = ("float32", "float64", "float16", "bfloat16", "complex64", "complex128")
DTYPES = (*FLOATS, "int64")
BATCHES = (1, 2, None, 0, 3)


def check(problems: list[Problem], backend: str, function: str, **options: str) -> None:
    """Each result is PyTorch's within the rounding bound, in the problem's dtype."""
    results = compute_problems(backend, partial(getattr(tconv, function), **options), problems)
    for problem, y in zip(problems, results, strict=True):
        assert y.dtype.name == problem.dtype
        check_expected(value(problem), y, f"{function} {options}")


@cheap
@given(conv_transpose_problems(dtypes=DTYPES, batch=BATCHES, condition=1000))
def test_numpy_conv_transpose(problem):
    for method in METHODS:
        check([problem], "numpy", "conv_transpose", method=method)


@pytest.mark.parametrize("corner", CORNERS)
@given(data=st.data())
def test_numpy_conv_transpose_corner(corner, data):
    problem = data.draw(conv_transpose_problems(corner=corner, batch=BATCHES))
    for method in METHODS:
        check([problem], "numpy", "conv_transpose", method=method)


@pytest.mark.parametrize("method", METHODS)
@compiled
@given(data=st.data())
def test_jax_conv_transpose(method, data):
    problem = conv_transpose_problems(dtypes=DTYPES, batch=BATCHES, condition=1000)
    check(data.draw(bundles(problem)), "jax", "conv_transpose", method=method)


@cheap
@given(conv_problems(dtypes=DTYPES, batch=BATCHES, condition=1000))
def test_numpy_conv(problem):
    check([problem], "numpy", "conv")


@compiled
@given(bundles(conv_problems(dtypes=DTYPES, batch=BATCHES, condition=1000)))
def test_jax_conv(problems):
    check(problems, "jax", "conv")


def integer_valued(problem: Problem) -> list[np.ndarray | None]:
    """Arrays of such small integers that every partial sum is exact in the dtype."""
    largest = 1 if problem.dtype in ("bfloat16", "int8", "uint8") else 3
    lowest = 0 if problem.dtype == "uint8" else -largest
    rng = np.random.default_rng(problem.seed)
    dtype = ml_dtypes.bfloat16 if problem.dtype == "bfloat16" else problem.dtype
    return [
        None if array is None else rng.integers(lowest, largest + 1, array.shape).astype(dtype)
        for array in problem.arrays()
    ]


def check_exactly(problems: list[Problem], backend: str, function: str) -> None:
    """Each result equals what PyTorch computes in the very dtype of the problem."""
    operands = [integer_valued(problem) for problem in problems]
    results = compute_problems(backend, getattr(tconv, function), problems, operands)
    for problem, arrays, y in zip(problems, operands, results, strict=True):
        wanted = oracle.evaluate(torch_function(problem), *arrays, **torch_keywords(problem))
        np.testing.assert_array_equal(y, wanted, strict=True)


def own_dtypes():
    """PyTorch transposes the convolution of int64 alone, and dilates that of no narrower one."""
    for dtype in DTYPES:
        yield conv_transpose_problems(dtypes=(dtype,), batch=BATCHES), "conv_transpose", dtype
        yield conv_problems(dtypes=(dtype,), batch=BATCHES), "conv", dtype
    for dtype in ("int32", "int16", "int8", "uint8"):
        yield conv_problems(dtypes=(dtype,), batch=BATCHES, max_dilation=1), "conv", dtype


OWN_DTYPES = [pytest.param(*case[:2], id=f"{case[1]}-{case[2]}") for case in own_dtypes()]


@pytest.mark.parametrize(("problem", "function"), OWN_DTYPES)
@given(data=st.data())
def test_numpy_in_torchs_own_dtype(problem, function, data):
    check_exactly([data.draw(problem)], "numpy", function)


@pytest.mark.parametrize(("problem", "function"), OWN_DTYPES)
@settings(max_examples=max(2, compiled.max_examples // 4))
@given(data=st.data())
def test_jax_in_torchs_own_dtype(problem, function, data):
    check_exactly(data.draw(bundles(problem)), "jax", function)


@pytest.mark.parametrize("method", ["auto", "col2im", "dilated", "subpixel"])
@pytest.mark.parametrize("wrong", [np.inf, np.nan])
@given(data=st.data())
def test_what_is_not_finite_stays_where_it_is_read(method, wrong, data):
    """One infinite or undefined input reaches the outputs that PyTorch lets it reach, no other."""
    problem = data.draw(conv_transpose_problems(batch=(2,), bias=False))
    x, w, _ = problem.arrays()
    position = tuple(data.draw(st.integers(0, size - 1)) for size in x.shape)
    x[position] = wrong
    with np.errstate(invalid="ignore"):
        y = tconv.conv_transpose(x, w, method=method, **problem.keywords)
    wanted = oracle.evaluate(oracle.transposed, x, w, **torch_keywords(problem))
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(wanted))
