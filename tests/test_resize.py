"""``interpolate`` beside PyTorch's, and ``resize_conv`` beside the layer it replaces."""

import importlib
import tracemalloc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tconv
from tconv._core import sampling

resample = importlib.import_module("tconv._numpy.resample")  # the package has a function so named
EPS = np.finfo(np.float64).eps
AXES = {"nearest": (1, 2, 3), "linear": (1,), "bilinear": (2,), "trilinear": (3,), "bicubic": (2,)}
SMOOTH = ["linear", "bilinear", "trilinear", "bicubic"]
UINT8 = ["bilinear", "bicubic"]
BACKENDS = {"numpy": np.asarray, "jax": jnp.asarray}


def in_torch(x, mode, align_corners=False, antialias=False, **target):
    """PyTorch's answer, from one thread and a contiguous tensor, as a NumPy array."""
    corners = {} if mode == "nearest" else {"align_corners": align_corners}
    y = torch.nn.functional.interpolate(
        torch.from_numpy(x), mode=mode, antialias=antialias, **corners, **target
    )
    return y.numpy()


def bound_on_error(x, expected, dtype):
    """How far two right answers may lie apart.

    Each rounds the place of an output, at most n, up to 4 times; a place moves at most 4 taps
    an axis, whose weights change by at most 1.5 for each position and add up in size to at
    most 1.4 along the other axis: less than 32 * eps * n * max|x| an axis.  Half kinds round
    the result once more.
    """
    working = np.float64 if dtype == np.float64 else np.float32
    longest = max(*x.shape[2:], *expected.shape[2:])
    largest = float(np.abs(x.astype(np.float64)).max(initial=0))
    half = np.finfo(np.float16).eps * 2 * largest if dtype == np.float16 else 0
    return 32 * (x.ndim - 2) * np.finfo(working).eps * longest * largest + half


@st.composite
def requests(draw, modes, longest):
    """A mode, a spatial shape, and the target as PyTorch takes it."""
    mode = draw(st.sampled_from(modes))
    axes = draw(st.sampled_from(AXES[mode]))
    spatial = draw(st.tuples(*[st.integers(1, longest if axes < 3 else 9)] * axes))
    if draw(st.booleans()):
        wanted = draw(st.tuples(*[st.integers(1, 12)] * len(spatial)))
        return mode, spatial, {"size": wanted}
    scales = st.one_of(
        st.sampled_from([0.5, 1.1, 1.5, 2.0, 3.0]),
        st.floats(0.3, 3.5),
        st.integers(3, 35).map(lambda tenths: tenths / 10),
    )
    factors = draw(st.tuples(*[scales] * len(spatial)))
    assume(all(int(n * factor) >= 1 for n, factor in zip(spatial, factors, strict=True)))
    return mode, spatial, {"scale_factor": factors}


def array(spatial, dtype, seed):
    rng = np.random.default_rng(seed)
    if dtype == np.uint8:
        return rng.integers(0, 256, (2, 3, *spatial), np.uint8)
    return rng.standard_normal((2, 3, *spatial)).astype(dtype)


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=80)
@given(
    requests(["nearest"], 60),
    st.sampled_from([np.uint8, np.float16, np.float32, np.float64]),
    seeds,
)
def test_nearest_is_that_of_torch_to_the_last_position(request_, dtype, seed):
    mode, spatial, target = request_
    x = array(spatial, dtype, seed)
    np.testing.assert_array_equal(
        tconv.interpolate(x, mode=mode, **target), in_torch(x, mode, **target)
    )


@settings(max_examples=80)
@given(
    requests(SMOOTH, 9),
    st.sampled_from([np.float16, np.float32, np.float64]),
    st.booleans(),
    seeds,
)
def test_smooth_modes_are_those_of_torch(request_, dtype, align_corners, seed):
    mode, spatial, target = request_
    x = array(spatial, dtype, seed)
    y = tconv.interpolate(x, mode=mode, align_corners=align_corners, **target)
    expected = in_torch(x, mode, align_corners, **target)
    assert y.dtype == dtype
    atol = bound_on_error(x, expected, dtype)
    np.testing.assert_allclose(y.astype(np.float64), expected.astype(np.float64), rtol=0, atol=atol)


@settings(max_examples=60)
@given(
    requests(UINT8, 30),
    st.sampled_from([np.float32, np.float64]),
    st.booleans(),
    seeds,
)
def test_antialiased_modes_are_those_of_torch(request_, dtype, align_corners, seed):
    mode, spatial, target = request_
    x = array(spatial, dtype, seed)
    y = tconv.interpolate(x, mode=mode, align_corners=align_corners, antialias=True, **target)
    if y.shape[3] == 1:  # PyTorch 2.13 then repeats one row; of height 1 it is right
        ((name, (height, width)),) = target.items()
        flipped = in_torch(
            x.swapaxes(2, 3).copy(), mode, align_corners, True, **{name: (width, height)}
        )
        expected = flipped.swapaxes(2, 3)
    else:
        expected = in_torch(x, mode, align_corners, True, **target)
    assert y.dtype == dtype
    atol = bound_on_error(x, expected, dtype)
    np.testing.assert_allclose(y, expected, rtol=0, atol=atol)


@settings(max_examples=80)
@given(requests(UINT8, 30), st.booleans(), st.booleans(), seeds)
def test_uint8_is_that_of_torch_to_the_last_bit(request_, align_corners, antialias, seed):
    mode, spatial, target = request_
    x = array(spatial, np.uint8, seed)
    options = {"mode": mode, "align_corners": align_corners, "antialias": antialias, **target}
    y = tconv.interpolate(x, **options)
    # One channel at a time: of several, and width 1, PyTorch 2.13 fails or answers at random.
    expected = in_torch(x.reshape(-1, 1, *spatial), **options)
    np.testing.assert_array_equal(y, expected.reshape(y.shape))


CASES = [
    ("nearest", (5,), np.float32, {"scale_factor": 2}),
    ("nearest", (3, 4), np.uint8, {"size": (7, 3)}),
    ("linear", (5,), np.float32, {"scale_factor": 1.7}),
    ("bilinear", (3, 4), np.float64, {"scale_factor": (2, 0.6)}),
    ("bilinear", (3, 4), np.float16, {"scale_factor": 3}),
    ("bilinear", (6, 9), np.float32, {"size": 4, "antialias": True}),
    ("bilinear", (6, 9), np.uint8, {"size": 4, "antialias": True}),
    ("trilinear", (2, 3, 2), np.float32, {"size": (3, 3, 5), "align_corners": True}),
    ("bicubic", (4, 3), np.float32, {"scale_factor": 2}),
    ("bicubic", (4, 3), np.uint8, {"size": (4, 9), "align_corners": True}),
]


@pytest.mark.parametrize(("mode", "spatial", "dtype", "options"), CASES)
def test_jax_is_numpy_under_jit(mode, spatial, dtype, options):
    x = array(spatial, dtype, 3)
    expected = tconv.interpolate(x, mode=mode, **options)
    y = jax.jit(lambda x: tconv.interpolate(x, mode=mode, **options))(x=jnp.asarray(x))
    assert isinstance(y, jax.Array)
    assert y.dtype == dtype
    if mode == "nearest" or dtype == np.uint8:
        np.testing.assert_array_equal(y, expected)
    else:
        atol = bound_on_error(x, expected, dtype)
        np.testing.assert_allclose(np.float64(y), np.float64(expected), rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", ["bfloat16", "int32", "complex64"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_nearest_copies_any_dtype(backend, dtype):
    x = BACKENDS[backend](jnp.arange(6).astype(dtype).reshape(1, 1, 2, 3))
    y = tconv.interpolate(x, scale_factor=(1, 2))
    assert type(y) is type(x)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, np.repeat(np.asarray(x), 2, axis=3))


@pytest.mark.parametrize("backend", BACKENDS)
def test_nearest_copies_what_no_product_keeps(backend):
    """1 times inf + 0j is inf + nanj."""
    x = BACKENDS[backend](np.array([[[complex(np.inf, 0), complex(-0.0, np.nan), 1j]]]))
    y = np.asarray(tconv.interpolate(x, scale_factor=2))
    wanted = np.repeat(np.asarray(x), 2, axis=2)
    np.testing.assert_array_equal(y.view(np.int64), wanted.view(np.int64))


@pytest.mark.parametrize("backend", BACKENDS)
def test_bfloat16_is_float32_rounded_once(backend):
    x = jnp.asarray(array((4, 5), np.float32, 1)).astype(jnp.bfloat16)
    y = tconv.interpolate(BACKENDS[backend](x), scale_factor=1.5, mode="bicubic")
    wide = tconv.interpolate(
        BACKENDS[backend](x.astype(jnp.float32)), scale_factor=1.5, mode="bicubic"
    )
    np.testing.assert_array_equal(np.asarray(y), np.asarray(wide.astype(jnp.bfloat16)))


@pytest.mark.parametrize("mode", ["linear", "bilinear", "bicubic"])
def test_the_derivative_in_jax_is_the_adjoint_of_numpy(mode):
    spatial = (5, 4)[: AXES[mode][0]]
    x = array(spatial, np.float64, 5)
    resize = jax.jit(lambda x: tconv.interpolate(x, scale_factor=1.7, mode=mode))
    y, pullback = jax.vjp(resize, jnp.asarray(x))
    dy = np.random.default_rng(6).standard_normal(y.shape)
    (dx,) = pullback(jnp.asarray(dy))
    _, tangent = jax.jvp(resize, (jnp.zeros(x.shape),), (jnp.asarray(x),))
    atol = bound_on_error(x, y, np.float64)
    np.testing.assert_allclose(tangent, y, rtol=0, atol=atol)
    rows = np.array(
        [
            np.vdot(tconv.interpolate(e.reshape(x.shape), scale_factor=1.7, mode=mode), dy)
            for e in np.eye(x.size)
        ]
    )
    np.testing.assert_allclose(dx.ravel(), rows, rtol=0, atol=atol * y.size)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_a_nan_reaches_only_the_outputs_that_read_it(backend, mode):
    x = np.zeros((1, 1, 9, 9))
    x[0, 0, 4, 4] = np.nan
    y = tconv.interpolate(BACKENDS[backend](x), scale_factor=2, mode=mode)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(in_torch(x, mode, scale_factor=2.0)))
    assert not np.isnan(y).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("size", [(6, 3), (4, 2), (3, 3), (13, 5), (1, 1)])
def test_antialiased_what_is_not_finite_spreads_as_in_torch(backend, mode, value, size):
    for row in range(5):
        x = np.random.default_rng(row).uniform(1, 2, (1, 1, 5, 3))
        x[0, 0, row] = value
        with np.errstate(invalid="ignore"):
            y = tconv.interpolate(BACKENDS[backend](x), size=size, mode=mode, antialias=True)
        expected = in_torch(x, mode, antialias=True, size=size)
        np.testing.assert_array_equal(np.isfinite(y), np.isfinite(expected))


@pytest.mark.parametrize("backend", BACKENDS)
def test_worked_examples(backend):
    x = BACKENDS[backend](np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))
    bilinear = tconv.interpolate(x, scale_factor=3, mode="bilinear")
    rows = [
        [1, 1, 1.3333, 1.6667, 2, 2],
        [1, 1, 1.3333, 1.6667, 2, 2],
        [1.6667, 1.6667, 2, 2.3333, 2.6667, 2.6667],
        [2.3333, 2.3333, 2.6667, 3, 3.3333, 3.3333],
        [3, 3, 3.3333, 3.6667, 4, 4],
        [3, 3, 3.3333, 3.6667, 4, 4],
    ]
    np.testing.assert_allclose(bilinear, [[rows]], rtol=0, atol=5e-5)  # printed to 4 digits
    nearest = tconv.interpolate(x, scale_factor=3, mode="nearest")
    np.testing.assert_array_equal(nearest, [[[[1] * 3 + [2] * 3] * 3 + [[3] * 3 + [4] * 3] * 3]])


@given(st.integers(1, 3), st.data(), seeds)
def test_resize_conv_has_the_size_of_the_layer_it_replaces_and_the_values_of_torch(
    axes, data, seed
):
    spatial = data.draw(st.tuples(*[st.integers(1, 5)] * axes))
    mode = data.draw(st.sampled_from([mode for mode, fits in AXES.items() if axes in fits]))
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, 3, *spatial))
    w, b = rng.standard_normal((4, 3, *[3] * axes)), rng.standard_normal(4)
    y = tconv.resize_conv(x, w, b, mode=mode)
    replaced = tconv.conv_transpose_output_size(
        spatial, (3,) * axes, stride=2, padding=1, output_padding=1
    )
    assert y.shape == (2, 4, *replaced)
    resized = torch.from_numpy(in_torch(x, mode, scale_factor=(2.0,) * axes))
    convolve = getattr(torch.nn.functional, f"conv{axes}d")
    expected = convolve(resized, torch.from_numpy(w), torch.from_numpy(b), padding=1)
    terms = w[0].size + 1
    resized_error = bound_on_error(x, resized.numpy(), np.float64)
    product = np.abs(w).max() * resized.abs().max().item() + np.abs(b).max()
    atol = terms * (np.abs(w).max() * resized_error + 2 * terms * EPS * product)
    np.testing.assert_allclose(y, expected.numpy(), rtol=0, atol=atol)


def test_resize_conv_in_jax_is_numpy():
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape) for shape in [(1, 2, 3, 4), (2, 1, 3, 3), (2,)])
    expected = tconv.resize_conv(x, w, b, scale_factor=3, mode="bilinear", padding=0, groups=2)
    y = jax.jit(
        lambda x, w, b: tconv.resize_conv(
            x, w, b, scale_factor=3, mode="bilinear", padding=0, groups=2
        )
    )(x, w, b)
    assert isinstance(y, jax.Array)
    assert y.shape == expected.shape == (1, 2, 7, 10)
    np.testing.assert_allclose(y, expected, rtol=0, atol=20 * 20 * EPS * 20)


IMAGE = np.zeros((1, 1, 4, 4))


@pytest.mark.parametrize(
    ("x", "options", "error", "text"),
    [
        (IMAGE, {}, ValueError, "size: exactly one of size and scale_factor must be given"),
        (IMAGE, {"size": 2, "scale_factor": 2}, ValueError, "got size=2, scale_factor=2"),
        (IMAGE, {"size": (2, 2, 2)}, ValueError, "size: must be one value, or one for each of"),
        (IMAGE, {"size": (2, 0)}, ValueError, "size, spatial axis 1: the output size must be at"),
        (IMAGE, {"size": 2.5}, TypeError, "size: must be an int"),
        (IMAGE, {"scale_factor": 0.1}, ValueError, "scale_factor, spatial axis 0: the output size"),
        (IMAGE, {"scale_factor": (2, -1)}, ValueError, "spatial axis 1: must be above 0"),
        (IMAGE, {"scale_factor": np.inf}, ValueError, "must be above 0 and finite; got inf"),
        (IMAGE, {"scale_factor": "2"}, TypeError, "scale_factor: must be made of Python numbers"),
        (IMAGE, {"scale_factor": True}, TypeError, "scale_factor: must be made of Python numbers"),
        (IMAGE, {"scale_factor": (2,)}, ValueError, "one number, or one for each of the 2"),
        (IMAGE, {"size": 2, "mode": "area"}, ValueError, "mode: must be one of 'nearest'"),
        (IMAGE, {"size": 2, "mode": "linear"}, ValueError, r"choose one of \['nearest', 'bi"),
        (IMAGE[0, 0], {"size": 2}, ValueError, "mode: 'nearest' resizes .batch, channels"),
        (IMAGE, {"size": 2, "align_corners": True}, ValueError, "align_corners: 'nearest' has no"),
        (IMAGE, {"size": 2, "antialias": True}, ValueError, "antialias: is for 'bilinear' and"),
        (IMAGE[:, :, :0], {"size": 2}, ValueError, "x, spatial axis 0: the input size must be"),
        (IMAGE.astype(np.int32), {"size": 2, "mode": "bicubic"}, TypeError, "x: 'bicubic' inter"),
        (IMAGE[0].astype(np.uint8), {"size": 2, "mode": "linear"}, TypeError, "'bicubic' uint8"),
        (IMAGE.tolist(), {"size": 2}, TypeError, "x: must be a numpy.ndarray or a jax.Array"),
    ],
)  # fmt: skip
def test_errors(x, options, error, text):
    with pytest.raises(error, match=text):
        tconv.interpolate(x, **options)


def test_the_batch_may_be_symbolic_and_a_resized_axis_may_not():
    from jax import export

    def exported(shape):
        argument = jax.ShapeDtypeStruct(export.symbolic_shape(shape), jnp.float32)
        return export.export(
            jax.jit(lambda x: tconv.interpolate(x, scale_factor=2, mode="linear"))
        )(argument)

    x = array((4,), np.float32, 0)
    expected = tconv.interpolate(x, scale_factor=2, mode="linear")
    atol = bound_on_error(x, expected, np.float32)
    np.testing.assert_allclose(exported("n, 3, 4").call(x), expected, rtol=0, atol=atol)
    with pytest.raises(ValueError, match="x, spatial axis 0: an axis that is resized must have"):
        exported("2, 3, n")


def test_an_empty_batch_stays_empty_and_the_input_is_left_alone():
    assert tconv.interpolate(np.zeros((0, 2, 3)), scale_factor=2).shape == (0, 2, 6)
    x = array((3, 4), np.float32, 0)
    x.flags.writeable = False
    for mode in ("nearest", "bilinear", "bicubic"):
        y = tconv.interpolate(x[:, :, ::-1], size=(3, 4), mode=mode)
        assert not np.shares_memory(x, y)
        np.testing.assert_array_equal(y, x[:, :, ::-1])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", UINT8)
@pytest.mark.parametrize("antialias", [False, True])
def test_a_single_uint8_pixel_fills_the_image(backend, mode, antialias):
    """One tap in fixed point is no plain copy: it was once taken for one, and gave zeros."""
    x = BACKENDS[backend](np.full((1, 1, 1, 1), 200, np.uint8))
    y = tconv.interpolate(x, size=(2, 3), mode=mode, antialias=antialias)
    np.testing.assert_array_equal(y, np.full((1, 1, 2, 3), 200))


# Half as much again as what a call lets its scratch memory take.
WORKSPACE = 48 << 20
LARGE = {
    "batch": (16, 3, 512, 512),
    "channels": (1, 64, 256, 256),
    "rows": (1, 1, 200_000, 16),
    "columns": (1, 1, 16, 200_000),
    "image": (1, 1, 2000, 2000),
}


def peak_of(function, *args, **named):
    """The result, and the bytes in use at most beside it."""
    tracemalloc.start()
    try:
        result = function(*args, **named)
        return result, tracemalloc.get_traced_memory()[1] - result.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", LARGE)
@pytest.mark.parametrize(
    ("mode", "dtype", "named"),
    [
        ("nearest", np.float32, {"scale_factor": 2}),
        ("bilinear", np.uint8, {"scale_factor": 2}),
        ("bilinear", np.float16, {"scale_factor": 1.5}),
        ("bicubic", np.float32, {"scale_factor": 0.5, "antialias": True}),
    ],
)
def test_memory_beside_the_result_is_bounded(shape, mode, dtype, named):
    x = np.ones(LARGE[shape], dtype)
    y, peak = peak_of(tconv.interpolate, x, mode=mode, **named)
    assert peak < WORKSPACE
    np.testing.assert_allclose(y, 1, rtol=0, atol=8 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("shape", LARGE)
def test_memory_beside_the_result_of_resize_conv_is_bounded(shape):
    x = np.ones(LARGE[shape], np.float32)
    channels = x.shape[1]
    w = np.ones((1, channels, 3, 3), np.float32)
    y, peak = peak_of(tconv.resize_conv, x, w)
    assert peak < WORKSPACE
    assert y[0, 0, 5, 5] == 9 * channels


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("dtype", [np.float64, np.uint8])
def test_blocks_of_any_size_give_the_same(mode, dtype, antialias, monkeypatch):
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 11, 9)).astype(dtype)
    for size in [(7, 20), (30, 4), (11, 9), (1, 1)]:
        whole = tconv.interpolate(x, size=size, mode=mode, antialias=antialias)
        for block in (1, 30, 200):
            monkeypatch.setattr(resample, "BLOCK", block)
            y = tconv.interpolate(x, size=size, mode=mode, antialias=antialias)
            np.testing.assert_array_equal(y, whole)
            monkeypatch.undo()


@pytest.mark.parametrize("block", [1, 150, 1000])
@pytest.mark.parametrize(
    ("x_shape", "size"),
    [
        ((2, 3, 40, 30), (4, 5)),
        ((2, 3, 40, 30), (60, 3)),
        ((1, 2, 5, 60), (31, 7)),
        ((1, 1, 9, 5, 24), (4, 15, 3)),
    ],
)
def test_no_array_between_two_axes_is_larger_than_a_block(block, x_shape, size, monkeypatch):
    """Larger only for one output along each axis, and then what that one reads."""
    monkeypatch.setattr(resample, "BLOCK", block)
    sizes, along = [], resample._along

    def noted(*arguments):
        result = along(*arguments)
        sizes.append((result.size, result.shape))
        return result

    monkeypatch.setattr(resample, "_along", noted)
    x = np.random.default_rng(0).standard_normal(x_shape)
    mode = "bilinear" if len(size) == 2 else "trilinear"
    tconv.interpolate(x, size=size, mode=mode, antialias=len(size) == 2)
    single = max(-(-2 * n // m) + 3 for n, m in zip(x_shape[2:], size, strict=True))
    largest = max(total for total, _ in sizes)
    assert largest <= max(block, single ** (len(size) - 1))
    assert largest > block / 4  # and not much smaller either


@pytest.mark.parametrize("backend", BACKENDS)
def test_nearest_follows_the_factor_and_not_the_ratio_of_the_sizes(backend):
    """2 to 4 positions by 2.1: the outputs lie 1/2.1 inputs apart, at 0, 0.48, 0.95 and 1.43."""
    x = BACKENDS[backend](np.array([[[1.0, 2.0]]]))
    y = tconv.interpolate(x, scale_factor=2.1)
    np.testing.assert_array_equal(
        y, in_torch(np.array([[[1.0, 2.0]]]), "nearest", scale_factor=2.1)
    )
    np.testing.assert_array_equal(y, [[[1, 1, 1, 2]]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("positions", "target"),
    [
        (14, {"size": 46}),
        (26, {"size": 22}),
        (30, {"size": 58}),
        (31, {"scale_factor": 2.3}),
        (33, {"scale_factor": 2.3}),
    ],
)
def test_nearest_of_float64_takes_its_places_in_double(positions, target, dtype):
    """At these sizes the neighbour of some output differs between single and double precision."""
    x = np.arange(positions, dtype=dtype).reshape(1, 1, -1)
    y = tconv.interpolate(x, **target)
    np.testing.assert_array_equal(y, in_torch(x, "nearest", **target))
    other = np.float32 if dtype == np.float64 else np.float64
    assert (y != tconv.interpolate(x.astype(other), **target)).any()


def test_uint8_weights_have_no_finer_unit_than_those_of_torch():
    """A filter 2000 wide has room for 2**-24, and PyTorch stops at 2**-22.  PyTorch 2.13 itself
    crashes on such an image."""
    taps = sampling.smooth(
        2000, 1, None, cubic=False, align_corners=False, antialias=True, fixed_point=True
    )
    assert taps.precision == 22
    x = np.full((1, 1, 1, 2000), 200, np.uint8)
    y = tconv.interpolate(x, size=(1, 1), mode="bilinear", antialias=True)
    assert y.item() == 200


def test_an_image_without_channels_is_the_bias_alone():
    x, w, b = np.zeros((2, 0, 3)), np.zeros((4, 0, 3)), np.arange(4.0)
    y = tconv.resize_conv(x, w, b, padding=1)
    np.testing.assert_array_equal(y, np.broadcast_to(b[:, None], (2, 4, 6)))
