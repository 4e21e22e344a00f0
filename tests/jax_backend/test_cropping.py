"""Paddings that crop: at a side, beside an extended one, and deeper than the whole image."""

import jax.numpy as jnp
import numpy as np
import pytest

import tconv


@pytest.mark.parametrize("pair", [(-1, 2), (2, -1), (-4, 6), (6, -4), (-2, 2)])
def test_conv_and_its_gradients_equal_numpy_s(pair):
    x, w = np.arange(1.0, 4.0).reshape(1, 1, 3), np.arange(1.0, 3.0).reshape(1, 1, 2)
    expected, pull_numpy = tconv.conv_vjp(x, w, padding=(pair,))
    got, pull_jax = tconv.conv_vjp(jnp.asarray(x), w, padding=(pair,))
    np.testing.assert_array_equal(got, expected)
    cotangent = np.arange(1.0, expected.size + 1).reshape(expected.shape)
    for mine, theirs in zip(pull_jax(cotangent)[:2], pull_numpy(cotangent)[:2], strict=True):
        np.testing.assert_array_equal(mine, theirs)
