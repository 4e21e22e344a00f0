"""Modes of padding under JAX's transformations."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.sharding import NamedSharding, PartitionSpec

import tconv
from tconv._core import boundary
from tests._jax.problems import assert_close

pytestmark = pytest.mark.long

MODES = ("circular", "reflect", "replicate")
PADDED = dict(zip(MODES, ("wrap", "reflect", "edge"), strict=True))
NAMED = {"stride": (2, 1), "padding": (2, 1), "dilation": (1, 2), "groups": 2}
RNG = np.random.default_rng(0)
X, W, V = (jnp.asarray(RNG.standard_normal(n)) for n in ((2, 4, 5, 6), (4, 2, 3, 2), (2, 4, 4, 6)))


def definition(x, w, mode):
    """The convolution of what jax.numpy.pad extends."""
    wide = jnp.pad(x, [(0, 0), (0, 0), (2, 2), (1, 1)], mode=PADDED[mode])
    return tconv.conv(wide, w, **{**NAMED, "padding": 0})


def forward(mode):
    return partial(tconv.conv, padding_mode=mode, **NAMED)


def backward(mode):
    return partial(tconv.conv_transpose, padding_mode=mode, output_size=(5, 6), **NAMED)


def transposed(mode):
    """``conv_transpose`` by the transpose of the definition."""

    def of(v, w):
        (y,) = jax.linear_transpose(lambda x: definition(x, w, mode), X)(v)
        return y

    return of


@pytest.fixture
def slabs(monkeypatch):
    """A small image is extended as a whole; here by slabs beside it, as a large one is."""
    monkeypatch.setattr(boundary, "FEW", -1)
    jax.clear_caches()
    yield
    jax.clear_caches()


PAIRS = [
    pytest.param(forward(mode), partial(definition, mode=mode), (X, W), id=f"conv-{mode}")
    for mode in MODES
] + [
    pytest.param(backward(mode), transposed(mode), (V, W), id=f"conv_transpose-{mode}")
    for mode in MODES
]


@pytest.mark.parametrize(("function", "wanted", "operands"), PAIRS)
@pytest.mark.usefixtures("slabs")
def test_values_and_first_derivatives(function, wanted, operands):
    def loss(function, *operands):
        return jnp.sum(jnp.sin(function(*operands)))

    assert_close(function(*operands), wanted(*operands))
    assert_close(jax.jit(function)(*operands), wanted(*operands))
    got, want = (
        jax.jit(jax.grad(partial(loss, each), (0, 1)))(*operands) for each in (function, wanted)
    )
    assert_close(got, want)
    tangents = tuple(jnp.cos(each) for each in operands)
    got, want = (jax.jvp(each, operands, tangents) for each in (function, wanted))
    assert_close(got, want)


@pytest.mark.parametrize(("function", "wanted", "operands"), PAIRS)
def test_second_derivatives(function, wanted, operands):
    """The gradient of what a gradient is along a direction, in both operands."""

    def loss(function, *operands):
        return jnp.sum(jnp.sin(function(*operands)))

    def along(function, *operands):
        gradients = jax.grad(partial(loss, function), (0, 1))(*operands)
        return sum(jnp.vdot(jnp.sin(each), each) for each in gradients)

    got, want = (
        jax.jit(jax.grad(partial(along, each), (0, 1)))(*operands) for each in (function, wanted)
    )
    assert_close(got, want)


@pytest.mark.parametrize(("function", "wanted", "operands"), PAIRS)
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
def test_maps_over_images_and_kernels(function, wanted, operands, axes):
    stacked = [
        each if axis is None else jnp.stack([each, jnp.sin(each)])
        for each, axis in zip(operands, axes, strict=True)
    ]
    got, want = (jax.vmap(each, axes)(*stacked) for each in (function, wanted))
    assert_close(got, want)


@pytest.mark.usefixtures("slabs")
@pytest.mark.parametrize("mode", MODES)
def test_each_is_the_linear_transpose_of_the_other(mode):
    (back,) = jax.linear_transpose(lambda x: forward(mode)(x, W), X)(V)
    assert_close(back, backward(mode)(V, W))
    (forth,) = jax.linear_transpose(lambda v: backward(mode)(v, W), V)(X)
    assert_close(forth, forward(mode)(X, W))


@pytest.mark.parametrize("function", [forward, backward])
@pytest.mark.parametrize("mode", MODES)
def test_the_pullback_is_that_of_jax(mode, function):
    of, first = function(mode), X if function is forward else V
    vjp = {forward: tconv.conv_vjp, backward: tconv.conv_transpose_vjp}[function]
    value, theirs = jax.vjp(of, first, W)
    ours_value, ours = vjp(first, W, **of.keywords)
    assert_close(ours_value, value)
    assert_close(ours(jnp.sin(value))[:2], theirs(jnp.sin(value)))


@pytest.mark.parametrize("function", [forward, backward])
@pytest.mark.parametrize("mode", MODES)
def test_symbolic_sizes_of_which_enough_is_known(mode, function):
    sizes = export.symbolic_shape("b, h, w", constraints=["h >= 6", "w >= 4"])
    of = partial(function(mode).func, padding_mode=mode, padding=(2, 1))
    spec = jax.ShapeDtypeStruct((sizes[0], 4, *sizes[1:]), X.dtype)
    w = jnp.asarray(RNG.standard_normal((4, 4, 3, 3)))
    exported = export.export(jax.jit(of))(spec, jax.ShapeDtypeStruct(w.shape, w.dtype))
    for shape in ((1, 4, 6, 4), (3, 4, 9, 8)):
        x = jnp.asarray(RNG.standard_normal(shape))
        assert_close(exported.call(x, w), jax.jit(of)(x, w))


def test_a_symbolic_size_of_which_too_little_is_known():
    (size,) = export.symbolic_shape("h")
    spec, of_w = (jax.ShapeDtypeStruct((1, 1, n), X.dtype) for n in (size, 3))
    conv = jax.jit(partial(tconv.conv, padding=1, padding_mode="circular"))
    with pytest.raises(
        ValueError, match=r"^padding_mode: .*; got .'circular',. .* size .h,.*least"
    ):
        export.export(conv)(spec, of_w)


@pytest.mark.usefixtures("slabs")
@pytest.mark.parametrize("function", [forward, backward])
@pytest.mark.parametrize("mode", MODES)
def test_rows_on_several_devices(mode, function):
    mesh = jax.make_mesh((2,), ("rows",), axis_types=(jax.sharding.AxisType.Auto,))
    of = partial(function(mode).func, padding_mode=mode, padding=(2, 1))
    x, w = jnp.asarray(RNG.standard_normal((1, 2, 8, 6))), W[:2, :, :, :1]
    sharding = NamedSharding(mesh, PartitionSpec(None, None, "rows"))
    y = jax.jit(of)(jax.device_put(x, sharding), w)
    assert_close(jax.device_get(y), jax.device_get(of(x, w)))
