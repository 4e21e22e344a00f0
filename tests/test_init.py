"""Initial values: the layers' first draw, ICNR, and the bilinear kernel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tconv

BACKENDS = {"numpy": np.asarray, "jax": jnp.asarray}


def sources():
    return {
        "numpy": np.random.default_rng(7),
        "typed key": jax.random.key(7),
        "legacy key": jax.random.PRNGKey(7),
    }


@pytest.mark.parametrize(
    ("source", "dtype"),
    [
        *[("numpy", dtype) for dtype in ("float16", "bfloat16", "float32", "float64")],
        ("typed key", "bfloat16"),
        ("typed key", "float32"),
        ("legacy key", "float16"),
        ("legacy key", "float64"),
    ],
)
def test_init_takes_the_kind_of_the_rng_and_the_dtype(source, dtype):
    array = np.ndarray if source == "numpy" else jax.Array
    params = tconv.ConvTranspose1d(2, 3, 4).init(sources()[source], dtype=jnp.dtype(dtype))
    assert list(params) == ["weight", "bias"]
    for value in params.values():
        assert isinstance(value, array)
        assert value.dtype == jnp.dtype(dtype)


@pytest.mark.parametrize("source", sources())
@pytest.mark.parametrize(
    ("layer", "fan"),
    [
        (tconv.ConvTranspose2d(8, 64, (3, 5), groups=4), 16 * 15),
        (tconv.Conv2d(8, 64, (3, 5), groups=4), 2 * 15),
    ],
)
def test_init_is_uniform_within_the_bound_of_its_direction(source, layer, fan):
    params = layer.init(sources()[source], dtype="float64")
    bound = fan**-0.5
    for value in (np.asarray(value) / bound for value in params.values()):
        assert np.abs(value).max() <= 1
        # Kolmogorov-Smirnov: a uniform sample of size n strays this far once in 10**5 seeds.
        ordered = np.sort(value.ravel())
        uniform = (ordered + 1) / 2
        steps = np.arange(ordered.size + 1) / ordered.size
        distance = max(np.abs(uniform - steps[1:]).max(), np.abs(uniform - steps[:-1]).max())
        assert distance < 2.47 / np.sqrt(ordered.size)
    flat = np.asarray(params["weight"]).ravel()[: params["bias"].size]
    assert not np.array_equal(flat, np.asarray(params["bias"]))


def test_the_same_seed_gives_the_same_parameters():
    layer = tconv.Conv1d(3, 4, 5)
    for name, source in sources().items():
        first, second = layer.init(source), layer.init(sources()[name])
        for key, value in first.items():
            np.testing.assert_array_equal(value, second[key])


@pytest.mark.parametrize("rng", [0, np.random.RandomState(0), np.zeros(2, np.uint32)])
def test_other_sources_of_randomness_are_refused(rng):
    with pytest.raises(
        TypeError, match=r"rng: must be a numpy\.random\.Generator or a jax\.random"
    ):
        tconv.Conv1d(1, 1, 1).init(rng)


@pytest.mark.parametrize("dtype", ["int32", "complex64", "bool"])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(TypeError, match="dtype: initial weights are floats"):
        tconv.Conv1d(1, 1, 1).init(np.random.default_rng(0), dtype=dtype)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("backend", BACKENDS)
def test_icnr_starts_as_nearest_neighbour_up_sampling(backend, axes):
    rng = np.random.default_rng(axes)
    w = BACKENDS[backend](rng.integers(-9, 10, (3, 2, *[3] * axes)) * 1.0)
    x = BACKENDS[backend](rng.integers(-9, 10, (1, 2, *range(3, 3 + axes))) * 1.0)
    factors = (2, 3, 1)[:axes]
    v = tconv.init.icnr(w, factors)
    assert type(v) is type(w)
    y = tconv.pixel_shuffle(tconv.conv(x, v, padding=1), factors)
    expected = tconv.interpolate(tconv.conv(x, w, padding=1), scale_factor=factors)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize(("stride", "padding"), [(2, 1), (3, 1), (4, 2), (5, 2)])
def test_a_bilinear_kernel_up_samples_as_interpolate_does_away_from_the_borders(stride, padding):
    kernel = 2 * stride - stride % 2
    x = np.random.default_rng(stride).standard_normal((1, 3, 6, 5))
    w = tconv.bilinear_kernel(3, kernel, dtype=np.float64)
    y = tconv.conv_transpose(x, w, stride=stride, padding=padding)
    expected = tconv.interpolate(x, scale_factor=stride, mode="bilinear")
    assert y.shape == expected.shape
    inside = (..., slice(stride, -stride), slice(stride, -stride))
    np.testing.assert_allclose(y[inside], expected[inside], rtol=0, atol=64 * 2.3e-16 * 6 * 4)
    depthwise = tconv.bilinear_kernel(3, kernel, groups=3, dtype=np.float64)
    assert depthwise.shape == (3, 1, kernel, kernel)
    same = tconv.conv_transpose(x, depthwise, stride=stride, padding=padding, groups=3)
    np.testing.assert_allclose(same, y, rtol=0, atol=64 * 2.3e-16 * 6 * 4)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=3).map(tuple), st.integers(1, 4))
def test_the_bilinear_kernel_is_the_filler_of_fcn(kernel, channels):
    weight = tconv.bilinear_kernel(channels, kernel)
    assert weight.shape == (channels, channels, *kernel)
    assert weight.dtype == np.float32
    expected = np.ones(())
    for size in kernel:  # as the FCN code writes it
        factor = (size + 1) // 2
        centre = factor - 1 if size % 2 else factor - 0.5
        line = 1 - np.abs(np.arange(size) - centre) / factor
        expected = expected[..., None] * line
    for first, second in np.ndindex(channels, channels):
        wanted = expected.astype(np.float32) if first == second else 0
        np.testing.assert_array_equal(weight[first, second], wanted + np.zeros(kernel))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: tconv.init.icnr(np.zeros((3, 4)), 2), ValueError, "w: must have two channel axes"),
        (lambda: tconv.bilinear_kernel(3, 4, groups=2), ValueError, "groups: must divide channels"),
        (lambda: tconv.bilinear_kernel(0, 4), ValueError, "channels: must be at least 1"),
        (lambda: tconv.bilinear_kernel(1, 0), ValueError, "kernel_size, spatial axis 0: must be"),
        (lambda: tconv.bilinear_kernel(1, 2, dtype=int), TypeError, "dtype: initial weights are"),
    ],
)  # fmt: skip
def test_refused_weights(call, error, text):
    with pytest.raises(error, match=text):
        call()
