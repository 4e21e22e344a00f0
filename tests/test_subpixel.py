"""Sub-pixel convolution: equal to the transposed one, in PyTorch's order, both ways."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tconv

BACKENDS = {"numpy": np.asarray, "jax": jnp.asarray}
seeds = st.integers(0, 2**32 - 1)


@st.composite
def problems(draw):
    """A transposed convolution of dilation 1 on small whole numbers, which no order rounds."""
    axes = draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(seeds))
    groups = draw(st.integers(1, 2))
    kernel = draw(st.tuples(*[st.integers(1, 6)] * axes))
    stride = draw(st.tuples(*[st.integers(1, 4)] * axes))
    size = draw(st.tuples(*[st.integers(1, 4)] * axes))
    padding = draw(st.tuples(*[st.tuples(st.integers(-5, 4), st.integers(-5, 4))] * axes))
    extra = draw(st.tuples(*[st.integers(0, s - 1) for s in stride]))
    x = rng.integers(-9, 10, (2, 2 * groups, *size)).astype(np.float64)
    w = rng.integers(-9, 10, (2 * groups, 3, *kernel)).astype(np.float64)
    b = rng.integers(-9, 10, 3 * groups).astype(np.float64)
    shared = {"stride": stride, "padding": padding, "groups": groups}
    return x, w, b, shared, extra


@given(problems())
def test_the_sub_pixel_convolution_is_the_transposed_one(problem):
    x, w, b, shared, extra = problem
    v = tconv.to_subpixel_weight(w, **shared)
    kernel = w.shape[2:]
    assert np.count_nonzero(v) == np.count_nonzero(w)
    np.testing.assert_array_equal(tconv.from_subpixel_weight(v, kernel, **shared), w)
    try:
        y = tconv.conv_transpose(x, w, b, output_padding=extra, **shared)
    except ValueError:
        with pytest.raises(ValueError, match="output size, spatial axis"):
            tconv.subpixel_conv(x, v, b, kernel_size=kernel, output_padding=extra, **shared)
        return
    found = tconv.subpixel_conv(x, v, b, kernel_size=kernel, output_padding=extra, **shared)
    np.testing.assert_array_equal(found, y)


@given(st.integers(1, 2), st.sampled_from([1, 3, 5]), st.integers(1, 3), st.integers(1, 2), seeds)
def test_any_sub_pixel_convolution_is_a_transposed_one_in_full(axes, taps, stride, groups, seed):
    rng = np.random.default_rng(seed)
    v = rng.standard_normal((3 * groups * stride**axes, 2, *[taps] * axes))
    shared = {"stride": stride, "padding": stride * (taps - 1) // 2, "groups": groups}
    w = tconv.from_subpixel_weight(v, taps * stride, **shared)
    assert w.shape == (2 * groups, 3, *[taps * stride] * axes)
    np.testing.assert_array_equal(tconv.to_subpixel_weight(w, **shared), v)


@pytest.mark.parametrize("backend", BACKENDS)
def test_kernel_4_stride_2_padding_1_is_a_convolution_of_kernel_3_and_a_shuffle(backend):
    rng = np.random.default_rng(0)
    x, w = (BACKENDS[backend](rng.integers(-9, 10, s) * 1.0) for s in [(2, 3, 5, 4), (3, 2, 4, 4)])
    v = tconv.to_subpixel_weight(w, stride=2, padding=1)
    assert type(v) is type(w)
    y = tconv.pixel_shuffle(tconv.conv(x, v, padding=1), 2)
    assert type(y) is type(x)
    np.testing.assert_array_equal(y, tconv.conv_transpose(x, w, stride=2, padding=1))
    b = BACKENDS[backend](np.array([1.0, -2.0]))
    expected = tconv.conv_transpose(x, w, b, stride=2, padding=1)
    found = tconv.subpixel_conv(x, v, b, kernel_size=4, stride=2, padding=1)
    np.testing.assert_array_equal(found, expected)


def test_both_directions_work_under_jit_and_are_each_others_transpose_in_value():
    w = jnp.asarray(np.random.default_rng(0).standard_normal((4, 3, 5)))
    shared = {"stride": 2, "padding": 1, "groups": 2}
    v, pullback = jax.vjp(jax.jit(lambda w: tconv.to_subpixel_weight(w, **shared)), w)
    back = jax.jit(lambda v: tconv.from_subpixel_weight(v, 5, **shared))(v)
    np.testing.assert_array_equal(back, w)
    np.testing.assert_array_equal(pullback(v)[0], w)  # a placement of entries is orthogonal


@given(
    st.lists(st.integers(0, 3), max_size=2),
    st.integers(0, 3),
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.integers(1, 3),
    st.sampled_from(["uint8", "float32", "complex64"]),
)
def test_shuffles_are_those_of_torch(lead, channels, spatial, factor, dtype):
    shape = (*lead, channels * factor**2, *spatial)
    x = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    y = tconv.pixel_shuffle(x, factor)
    assert y.dtype == x.dtype
    if channels:
        expected = torch.nn.functional.pixel_shuffle(torch.from_numpy(x), factor)
        np.testing.assert_array_equal(y, expected.numpy())
    else:
        assert y.shape == (*lead, 0, *[size * factor for size in spatial])
    np.testing.assert_array_equal(tconv.pixel_unshuffle(y, factor), x)


@pytest.mark.parametrize("backend", BACKENDS)
def test_shuffles_of_three_axes_follow_the_definition(backend):
    factors = (2, 3, 1)
    x = BACKENDS[backend](np.arange(2 * 12 * 8.0).reshape(2, 12, 2, 2, 2))
    y = tconv.pixel_shuffle(x, factors)
    assert type(y) is type(x)
    assert y.shape == (2, 2, 4, 6, 2)
    given_x, found = np.asarray(x), np.asarray(y)
    for n, c, i, j, k in np.ndindex(y.shape):
        phase = (i % 2) * 3 + j % 3
        assert found[n, c, i, j, k] == given_x[n, c * 6 + phase, i // 2, j // 3, k]
    np.testing.assert_array_equal(tconv.pixel_unshuffle(y, factors), x)


CUBE = np.zeros((4, 3, 4))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: tconv.pixel_shuffle(CUBE, 3), ValueError, "upscale_factor: its product"),
        (lambda: tconv.pixel_shuffle(CUBE, 0), ValueError, "upscale_factor, spatial axis 0"),
        (lambda: tconv.pixel_shuffle(CUBE, (1, 1, 1)), ValueError, "x: must have a channel"),
        (lambda: tconv.pixel_shuffle([[1]], 1), TypeError, "x: must be a numpy.ndarray or"),
        (lambda: tconv.pixel_unshuffle(CUBE, 2), ValueError, "downscale_factor, spatial axis 0"),
        (lambda: tconv.to_subpixel_weight(CUBE[0], stride=2), ValueError, "w: must have two"),
        (lambda: tconv.to_subpixel_weight(CUBE, stride=2, groups=3), ValueError, "groups: must"),
        (lambda: tconv.to_subpixel_weight(CUBE, stride=2, padding="same"), TypeError, "padding"),
        (
            lambda: tconv.from_subpixel_weight(CUBE, 4, stride=2),
            ValueError,
            r"v: must be .out_channels . 2, in_channels.groups, .*got shape .4, 3, 4.",
        ),
    ],
)  # fmt: skip
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()
