"""Problems that plain ``lax`` gets wrong or does not survive on CPU (jaxlib 0.10.2)."""

import jax.numpy as jnp
import numpy as np
import pytest

import tconv


@pytest.mark.parametrize("pair", [(-1, 2), (2, -1), (-4, 6), (6, -4), (-2, 2)])
def test_paddings_that_crop_at_a_side_beside_an_extended_one_and_the_whole_image(pair):
    x, w = np.arange(1.0, 4.0).reshape(1, 1, 3), np.arange(1.0, 3.0).reshape(1, 1, 2)
    expected, pull_numpy = tconv.conv_vjp(x, w, padding=(pair,))
    got, pull_jax = tconv.conv_vjp(jnp.asarray(x), w, padding=(pair,))
    np.testing.assert_array_equal(got, expected)
    cotangent = np.arange(1.0, expected.size + 1).reshape(expected.shape)
    for mine, theirs in zip(pull_jax(cotangent)[:2], pull_numpy(cotangent)[:2], strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("inputs", [(3, 5), (9, 1), (2, 5)])
def test_dilated_where_xla_aborts_over_an_axis_that_looks_like_groups(inputs):
    x = np.arange(1.0, 1 + np.prod(inputs)).reshape(1, 1, *inputs)
    w = np.arange(1.0, 19.0).reshape(1, 1, 2, 9)
    options = {"stride": (2, 1), "padding": (1, 0), "method": "dilated"}
    expected = tconv.conv_transpose(x, w, **options)
    np.testing.assert_array_equal(tconv.conv_transpose(jnp.asarray(x), w, **options), expected)
