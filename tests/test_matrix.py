"""The matrix view: conv as M, conv_transpose as its transpose, dense and sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from computing import bundles, cheap, compiled, compute
from hypothesis import given
from scipy.sparse import csr_array

import tconv
from tconv.testing import Problem
from tconv.testing.strategies import conv_problems

DTYPES = ("int64", "int8", "uint16", "float64", "complex64")
ONE = {"bias": False, "batch": (None,)}


def matrix_of(problem: Problem, w: Any, **options: Any) -> Any:
    return tconv.conv_matrix(w, problem.input_size, **problem.keywords, **options)


def integer_valued(problem: Problem) -> list[np.ndarray]:
    """x, w and an output whose products and sums are exact in every dtype."""
    rng = np.random.default_rng(problem.seed)
    shapes = problem.x_shape, problem.w_shape, problem.output_shape
    return [rng.integers(0, 3, shape).astype(problem.dtype) for shape in shapes]


@cheap
@given(conv_problems(dtypes=DTYPES, **ONE))
def test_matrix_and_its_transpose_are_the_two_directions(problem):
    x, w, y = integer_valued(problem)
    matrix = matrix_of(problem, w)
    assert matrix.dtype == w.dtype
    assert matrix.shape == (y.size, x.size)
    forth = tconv.conv(x, w, **problem.keywords)
    back = tconv.conv_transpose(y, w, output_size=problem.input_size, **problem.keywords)
    np.testing.assert_array_equal(matrix @ x.ravel(), forth.ravel())
    np.testing.assert_array_equal(matrix.T @ y.ravel(), back.ravel())
    normal = tconv.conv_transpose(forth, w, output_size=problem.input_size, **problem.keywords)
    np.testing.assert_array_equal(matrix.T @ (matrix @ x.ravel()), normal.ravel())


@given(conv_problems(dtypes=DTYPES, **ONE))
def test_sparse_matrix_is_the_dense_one(problem):
    w = problem.arrays()[1]
    sparse = matrix_of(problem, w, sparse=True)
    assert isinstance(sparse, csr_array)
    assert sparse.dtype == w.dtype
    np.testing.assert_array_equal(sparse.toarray(), matrix_of(problem, w), strict=True)
    assert sparse.nnz <= w.size * np.prod(problem.output_size)


@compiled
@given(bundles(conv_problems(dtypes=("int64", "float32", "bfloat16"), **ONE)))
def test_jax_matrix_is_that_of_numpy(problems):
    weights = [problem.arrays()[1] for problem in problems]

    def every(*weights):
        return [matrix_of(problem, w) for problem, w in zip(problems, weights, strict=True)]

    for here, there in zip(every(*weights), compute("jax", every, *weights), strict=True):
        np.testing.assert_array_equal(there, here, strict=True)


@pytest.mark.parametrize("padding", ["valid", "same", "same_lower"])
def test_named_padding(padding):
    rng = np.random.default_rng(0)
    x, w = rng.integers(-9, 9, (4, 7, 6)), rng.integers(-9, 9, (6, 2, 3, 2))
    named = {"stride": (2, 3), "padding": padding, "dilation": (1, 2), "groups": 2}
    matrix = tconv.conv_matrix(w, (7, 6), **named)
    np.testing.assert_array_equal(matrix @ x.ravel(), tconv.conv(x, w, **named).ravel())


def test_no_channels_make_an_empty_matrix():
    assert tconv.conv_matrix(np.zeros((0, 2, 3)), 5).shape == (0, 10)
    assert tconv.conv_matrix(np.zeros((2, 0, 3)), 5).shape == (6, 0)
