"""Every printed worked example, through every method and both backends, to the last digit."""

from __future__ import annotations

import numpy as np
import pytest

import tconv
from tests.convolution.worked_examples import EXAMPLES
from tests.support.computing import BACKENDS, METHODS, compute

pytestmark = pytest.mark.parametrize("backend", BACKENDS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_printed_result(example, backend):
    named = {"stride": example.stride, "padding": example.padding}

    def every(x, w):
        if example.op == "conv":
            return {"conv": tconv.conv(x, w, **named)}
        return {name: tconv.conv_transpose(x, w, method=name, **named) for name in METHODS}

    results = compute(backend, every, *(np.array(a, np.float32) for a in (example.x, example.w)))
    for name, y in results.items():
        np.testing.assert_array_equal(y, np.array(example.y, np.float32), name, strict=True)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_printed_result_of_integers(example, backend):
    named = {"stride": example.stride, "padding": example.padding}
    x, w = np.array(example.x, np.int32), np.array(example.w, np.int32)
    y = compute(backend, lambda x, w: getattr(tconv, example.op)(x, w, **named), x, w)
    np.testing.assert_array_equal(y, np.array(example.y, np.int32), strict=True)


def test_the_lower_convolution_is_a_matrix_product(backend):
    """2x2 kernel on 3x3: the 4x9 matrix W with W @ x == conv(x)."""
    w = np.array([[[[0, 1], [2, 3]]]])
    matrix = compute(backend, lambda w: tconv.conv_matrix(w, (3, 3)), w)
    np.testing.assert_array_equal(
        matrix,
        [
            [0, 1, 0, 2, 3, 0, 0, 0, 0],
            [0, 0, 1, 0, 2, 3, 0, 0, 0],
            [0, 0, 0, 0, 1, 0, 2, 3, 0],
            [0, 0, 0, 0, 0, 1, 0, 2, 3],
        ],
    )
    np.testing.assert_array_equal(matrix @ np.arange(9), [19, 25, 37, 43])


def test_the_transposed_matrix_of_a_lecture(backend):
    matrix = compute(backend, lambda w: tconv.conv_matrix(w, 6), np.array([[[1, 2, -1]]]))
    np.testing.assert_array_equal(
        matrix.T,
        [
            [1, 0, 0, 0],
            [2, 1, 0, 0],
            [-1, 2, 1, 0],
            [0, -1, 2, 1],
            [0, 0, -1, 2],
            [0, 0, 0, -1],
        ],
    )


def test_fractional_stride_of_a_lecture(backend):
    x = np.array([[[1, 2, 3], [4, 5, 6]]])
    y = compute(backend, lambda x: tconv.fractional_stride(x, 2), x)
    np.testing.assert_array_equal(y, [[[1, 0, 2, 0, 3], [4, 0, 5, 0, 6]]])
