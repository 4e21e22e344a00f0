"""Random problems over the cross product of all parameters, compared with PyTorch."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
import torch_oracle as oracle
from computing import METHODS, cheap, compiled, compute
from expected import torch_function, torch_keywords, value
from hypothesis import given, settings
from hypothesis import strategies as st

import tconv
from tconv.testing import Problem
from tconv.testing.strategies import CORNERS, conv_problems, conv_transpose_problems

FLOATS = ("float32", "float64", "float16", "bfloat16", "complex64", "complex128")
DTYPES = (*FLOATS, "int64")
BATCHES = (1, 2, None, 0, 3)


def check(problem: Problem, backend: str, methods: tuple[str, ...]) -> None:
    """Each method's result is PyTorch's within the rounding bound, in the problem's dtype."""

    def every(x, w, b):
        return [
            tconv.conv_transpose(x, w, b, method=method, **problem.keywords) for method in methods
        ]

    expected = value(problem)
    for method, y in zip(methods, compute(backend, every, *problem.arrays()), strict=True):
        assert y.dtype.name == problem.dtype
        expected.check(y, method)


def check_forward(problem: Problem, backend: str) -> None:
    y = compute(backend, lambda x, w, b: tconv.conv(x, w, b, **problem.keywords), *problem.arrays())
    assert y.dtype.name == problem.dtype
    value(problem).check(y, "conv")


@cheap
@given(conv_transpose_problems(dtypes=DTYPES, batch=BATCHES, condition=1000))
def test_numpy_conv_transpose(problem):
    check(problem, "numpy", METHODS)


@pytest.mark.parametrize("corner", CORNERS)
@given(data=st.data())
def test_numpy_conv_transpose_corner(corner, data):
    check(data.draw(conv_transpose_problems(corner=corner, batch=BATCHES)), "numpy", METHODS)


@pytest.mark.parametrize("method", METHODS)
@compiled
@given(data=st.data())
def test_jax_conv_transpose(method, data):
    problem = data.draw(conv_transpose_problems(dtypes=DTYPES, batch=BATCHES, condition=1000))
    check(problem, "jax", (method,))


@cheap
@given(conv_problems(dtypes=DTYPES, batch=BATCHES, condition=1000))
def test_numpy_conv(problem):
    check_forward(problem, "numpy")


@compiled
@given(conv_problems(dtypes=DTYPES, batch=BATCHES, condition=1000))
def test_jax_conv(problem):
    check_forward(problem, "jax")


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


def exactly(problem: Problem, backend: str, function: str) -> None:
    """The result equals what PyTorch computes in the very dtype of the problem."""
    arrays = integer_valued(problem)
    wanted = oracle.evaluate(torch_function(problem), *arrays, **torch_keywords(problem))
    y = compute(backend, lambda *a: getattr(tconv, function)(*a, **problem.keywords), *arrays)
    np.testing.assert_array_equal(y, wanted, strict=True)


def own_dtypes():
    """PyTorch transposes the convolution of int64 alone, and dilates that of no narrower one."""
    for dtype in DTYPES:
        yield conv_transpose_problems(dtypes=(dtype,), batch=BATCHES), "conv_transpose", dtype
        yield conv_problems(dtypes=(dtype,), batch=BATCHES), "conv", dtype
    for dtype in ("int32", "int16", "int8", "uint8"):
        yield conv_problems(dtypes=(dtype,), batch=BATCHES, max_dilation=1), "conv", dtype


OWN_DTYPES = [pytest.param(*case[:2], id=f"{case[1]}-{case[2]}") for case in own_dtypes()]


@pytest.mark.parametrize(("problems", "function"), OWN_DTYPES)
@given(data=st.data())
def test_numpy_in_torchs_own_dtype(problems, function, data):
    exactly(data.draw(problems), "numpy", function)


@pytest.mark.parametrize(("problems", "function"), OWN_DTYPES)
@settings(max_examples=compiled.max_examples // 10)
@given(data=st.data())
def test_jax_in_torchs_own_dtype(problems, function, data):
    exactly(data.draw(problems), "jax", function)
