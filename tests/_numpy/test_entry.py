"""Operands of any memory layout, empty ones too, and the same result in every run."""

from __future__ import annotations

import numpy as np
import pytest

import tconv
from tconv.testing import reference

METHODS = ("auto", "col2im", "subpixel", "dilated", "matrix")


def test_operands_are_not_written_to_and_may_be_strided() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 4, 9, 8))[::-1, ::2, ::2, ::-1]
    w = np.asfortranarray(rng.standard_normal((2, 3, 4, 3)))
    x.flags.writeable = w.flags.writeable = False
    plain = np.ascontiguousarray(x), np.ascontiguousarray(w)
    for method in METHODS:
        strided = tconv.conv_transpose(x, w, stride=2, padding=1, method=method)
        expected = tconv.conv_transpose(*plain, stride=2, padding=1, method=method)
        np.testing.assert_allclose(strided, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", ["fortran", "reversed", "read-only"])
def test_a_convolution_of_any_memory_layout_gives_the_same(layout: str) -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(-9, 10, (2, 4, 9, 9)).astype(float)
    w = rng.integers(-9, 10, (3, 4, 3, 3)).astype(float)
    wanted = tconv.conv(y, w, stride=2, padding=1)
    if layout == "fortran":
        y, w = np.asfortranarray(y), np.asfortranarray(w)
    elif layout == "reversed":
        y, w = y[..., ::-1].copy()[..., ::-1], w[:, ::-1].copy()[:, ::-1]
    else:
        y.flags.writeable = w.flags.writeable = False
    np.testing.assert_array_equal(tconv.conv(y, w, stride=2, padding=1), wanted)


@pytest.mark.parametrize("method", ["auto", "col2im", "subpixel"])
@pytest.mark.parametrize("groups", [1, 4, 48])
def test_results_are_bit_identical_from_run_to_run(groups: int, method: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 48, 33, 34), np.float32)
    w = rng.standard_normal((48, 48 // groups, 4, 3), np.float32)
    keywords = {"stride": 2, "padding": 1, "groups": groups, "method": method}

    def results() -> tuple[np.ndarray, ...]:
        y, pullback = tconv.conv_transpose_vjp(x, w, **keywords)
        dx, dw, _ = pullback(y)
        return y, dx, dw

    first = results()
    for _ in range(3):
        for again, value in zip(results(), first, strict=True):
            np.testing.assert_array_equal(again, value)


@pytest.mark.parametrize("groups", [1, 6])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("method", ["auto", "col2im", "subpixel"])
def test_four_axes(method: str, groups: int, stride: int) -> None:
    rng = np.random.default_rng(4)
    x = rng.integers(-5, 6, (2, 6, 3, 2, 3, 3)).astype(np.float64)
    w = rng.integers(-5, 6, (6, 6 // groups, 2, 3, 2, 3)).astype(np.float64)
    keywords = {"stride": stride, "padding": 1, "groups": groups}
    y = tconv.conv_transpose(x, w, method=method, **keywords)
    np.testing.assert_array_equal(y, reference.conv_transpose(x, w, **keywords))


@pytest.mark.parametrize(
    ("x_shape", "w_shape"),
    [
        ((0, 2, 3), (2, 2, 2)),
        ((2, 0, 3), (0, 2, 2)),
        ((0, 0, 3), (0, 2, 2)),
        ((2, 3, 4), (3, 0, 2)),
    ],
)
def test_gradients_of_no_samples_and_no_channels_are_zero(
    x_shape: tuple[int, ...], w_shape: tuple[int, ...]
) -> None:
    y, pullback = tconv.conv_transpose_vjp(np.ones(x_shape), np.ones(w_shape), stride=2)
    dx, dw, _ = pullback(np.ones(y.shape))
    np.testing.assert_array_equal(dx, np.zeros(x_shape))
    np.testing.assert_array_equal(dw, np.zeros(w_shape))


def test_conv_is_the_adjoint_of_conv_transpose() -> None:
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((2, 8, 9, 9)), rng.standard_normal((8, 5, 5, 4))
    y = tconv.conv_transpose(x, w, stride=(3, 2), padding=2)
    v = rng.standard_normal(y.shape)
    left, right = np.vdot(y, v), np.vdot(x, tconv.conv(v, w, stride=(3, 2), padding=2))
    # Both are sums of the same products x*w*v, each sum of 100 to 1000 terms in some order.
    largest = tconv.conv_transpose(np.abs(x), np.abs(w), stride=(3, 2), padding=2)
    magnitude = np.vdot(np.abs(v), largest)
    assert abs(left - right) <= 4 * (y.size + x.size) * np.finfo(float).eps * magnitude
