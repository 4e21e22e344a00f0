"""Padding of every kind, output_size, and sizes of zero: what the call makes of them."""

from __future__ import annotations

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import lax

import tconv
from tconv.testing import reference
from tconv.testing.strategies import conv_transpose_problems
from tests.support.computing import BACKENDS, METHODS, compute

SMALL = list(product(range(1, 6), range(1, 5), range(1, 5), range(1, 4)))  # n, k, s, d


@given(conv_transpose_problems(dtypes=("int64",)))
def test_output_size_is_the_output_padding_that_gives_it(problem):
    x, w, b = problem.arrays()
    named = {**problem.keywords}
    del named["output_padding"]
    y = tconv.conv_transpose(x, w, b, output_size=problem.output_size, **named)
    np.testing.assert_array_equal(y, tconv.conv_transpose(x, w, b, **problem.keywords))
    again, _ = tconv.conv_transpose_vjp(x, w, b, output_size=problem.output_size, **named)
    np.testing.assert_array_equal(again, y)


@pytest.mark.parametrize("padding", ["same", "same_lower"])
def test_same_is_the_documented_crop(padding):
    """K = d*(k-1) + 1, C = max(K - s, 0), lo = C//2 or C - C//2, hi = K - s - lo."""
    for size, kernel, stride, dilation in SMALL:
        extent = dilation * (kernel - 1) + 1
        crop = max(extent - stride, 0)
        lo = crop // 2 if padding == "same" else crop - crop // 2
        x = np.arange(1, size + 1).reshape(1, 1, size)
        w = 10 ** np.arange(kernel).reshape(1, 1, kernel)
        named = {"stride": stride, "dilation": dilation}
        y = tconv.conv_transpose(x, w, padding=padding, **named)
        pair = ((lo, extent - stride - lo),)
        assert y.shape[2] == size * stride
        np.testing.assert_array_equal(y, tconv.conv_transpose(x, w, padding=pair, **named))
        sized = tconv.conv_transpose_output_size(size, kernel, padding=padding, **named)
        assert sized == (size * stride,)


@pytest.mark.parametrize("method", METHODS)
def test_same_is_that_of_lax(method):
    """jax.lax.conv_transpose(padding="SAME") with its kernel unflipped."""
    for size, kernel, stride in product([1, 2, 5], range(1, 6), range(1, 5)):
        x = np.arange(1.0, size + 1).reshape(1, 1, size)
        w = np.arange(1.0, kernel + 1).reshape(1, 1, kernel)
        y = tconv.conv_transpose(x, w, stride=stride, padding="same", method=method)
        lo, hi = lax_same_padding(kernel, stride)
        spread = tconv.fractional_stride(x, stride)
        wanted = reference.conv(spread, w[:, :, ::-1], padding=((lo, hi),)).astype(float)
        np.testing.assert_array_equal(y, wanted, strict=True)


def lax_same_padding(kernel: int, stride: int) -> tuple[int, int]:
    """How lax pads the spread input: read from what it traces to."""
    traced = jax.make_jaxpr(
        lambda x, w: lax.conv_transpose(
            x, w, (stride,), "SAME", dimension_numbers=("NCH", "OIH", "NCH")
        )
    )(jnp.ones((1, 1, 3)), jnp.ones((1, 1, kernel)))
    (pair,) = traced.eqns[-1].params["padding"]
    return pair


@pytest.mark.parametrize(("padding", "name"), [("same", "SAME"), ("same_lower", "SAME_LOWER")])
def test_forward_same_is_that_of_lax(padding, name):
    for size, kernel, stride, dilation in SMALL:
        extent = dilation * (kernel - 1) + 1
        pairs = lax.padtype_to_pads((size,), (extent,), (stride,), name)
        x = np.arange(1, size + 1).reshape(1, 1, size)
        w = 10 ** np.arange(kernel).reshape(1, 1, kernel)
        named = {"stride": stride, "dilation": dilation}
        y = tconv.conv(x, w, padding=padding, **named)
        assert y.shape[2] == -(-size // stride)
        np.testing.assert_array_equal(y, tconv.conv(x, w, padding=tuple(pairs), **named))
        assert tconv.conv_output_size(size, kernel, padding=padding, **named) == y.shape[2:]


def test_forward_valid_is_no_padding():
    x, w = np.arange(6).reshape(1, 1, 6), np.arange(3).reshape(1, 1, 3)
    np.testing.assert_array_equal(tconv.conv(x, w, padding="valid"), tconv.conv(x, w))
    assert tconv.conv_output_size(6, 3, padding="valid") == (4,)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("x_shape", "w_shape", "groups"),
    [
        ((0, 2, 3), (2, 3, 2), 1),
        ((2, 2, 3), (2, 0, 2), 1),
        ((2, 0, 3), (0, 3, 2), 1),
        ((2, 0, 3), (0, 0, 2), 2),
        ((0, 4, 3), (4, 1, 2), 2),
    ],
)
def test_empty_batch_and_channels(x_shape, w_shape, groups, method, backend):
    """No channels in: zeros and the bias.  No batch or no channels out: an empty result."""
    x, w, b = np.ones(x_shape), np.ones(w_shape), np.full(w_shape[1] * groups, 7.0)

    def value_and_gradients(x, w, b):
        named = {"stride": 2, "groups": groups, "method": method}
        y, pullback = tconv.conv_transpose_vjp(x, w, b, **named)
        return tconv.conv_transpose(x, w, b, **named), *pullback(y)

    y, dx, dw, db = compute(backend, value_and_gradients, x, w, b)
    np.testing.assert_array_equal(y, np.full((x_shape[0], len(b), 6), 7.0), strict=True)
    assert (dx.shape, dw.shape, db.shape) == (x_shape, w_shape, b.shape)
    assert not np.any(dx)
    assert not np.any(dw)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 5), st.integers(0, 20))
def test_negative_padding_extends_with_the_bias(size, kernel, lo, hi):
    x, w, b = np.ones((1, 1, size)), np.ones((1, 1, kernel)), np.full(1, 5.0)
    y = tconv.conv_transpose(x, w, b, padding=((-lo, -hi),))
    inner = tconv.conv_transpose(x, w, b)
    wanted = np.pad(inner, ((0, 0), (0, 0), (lo, hi)), constant_values=5.0)
    np.testing.assert_array_equal(y, wanted, strict=True)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kernel", [1, 2, 3])
def test_a_cropped_side_beside_an_extended_one(kernel, backend):
    """Negative low and positive high padding, where XLA's own convolution reads outside."""
    kind = np.asarray if backend == "numpy" else jnp.asarray
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1, 2, 6, 6)), rng.normal(size=(2, 2, 3, kernel))
    x, w = x.astype(np.float32), w.astype(np.float32)
    padding = ((0, 0), (-2, 2))
    y = np.asarray(tconv.conv(kind(x), kind(w), padding=padding))
    wanted = tconv.conv(np.pad(x[..., 2:], [(0, 0)] * 3 + [(0, 2)]), w)
    np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-5)
    crop = ((0, 0), (kernel + 1, kernel - 3))  # the same, seen from the flipped kernel
    y = np.asarray(tconv.conv_transpose(kind(x), kind(w), padding=crop))
    full = tconv.conv_transpose(x, w)
    wanted = np.pad(full, [(0, 0)] * 3 + [(0, 3)])[..., kernel + 1 :][..., : y.shape[-1]]
    np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-5)
