"""``tconv.compat.equinox`` beside equinox: values, leaves, checkpoints, transformations, models."""

from __future__ import annotations

import inspect
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("equinox", reason="the layers are equinox's")

import equinox as eqx
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from tconv.compat import equinox as ours
from tests.compat.layers import SETTINGS, integers

NAMES = ("ConvTranspose", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")


def whole(layer):
    """The layer with whole numbers for its parameters."""
    arrays, rest = eqx.partition(layer, eqx.is_array)
    leaves, tree = jax.tree.flatten(arrays)
    drawn = [integers(jax.random.key(i), each.shape, each.dtype) for i, each in enumerate(leaves)]
    return eqx.combine(jax.tree.unflatten(tree, drawn), rest)


def both(name, *arguments, **options):
    """equinox's layer and ours, drawn alike."""
    options = {"key": jax.random.key(0), "dtype": jnp.float32} | options
    return (whole(getattr(module, name)(*arguments, **options)) for module in (eqx.nn, ours))


@st.composite
def settings_of_a_layer(draw):
    axes = draw(st.integers(1, 2))

    def ints(low, high):
        every = st.lists(st.integers(low, high), min_size=axes, max_size=axes)
        return draw(st.one_of(st.integers(low, high), every.map(tuple)))

    stride = ints(1, 3)
    least = stride if isinstance(stride, int) else min(stride)
    pair = st.tuples(st.integers(-1, 2), st.integers(-1, 2))
    words = st.sampled_from(["SAME", "same", "SAME_LOWER", "Same_Lower", "VALID", "valid"])
    pairs = st.lists(pair, min_size=axes, max_size=axes)
    padding = draw(st.one_of(words, st.integers(0, 2), pairs))
    circular = isinstance(padding, str) and "same" in padding.lower() and draw(st.booleans())
    options = {
        "stride": stride,
        "padding": padding,
        "output_padding": 0 if circular else draw(st.integers(0, least - 1)),
        "dilation": ints(1, 2),
        "groups": draw(st.sampled_from([1, 2])),
        "use_bias": draw(st.booleans()),
        "padding_mode": draw(st.sampled_from(["CIRCULAR", "circular"])) if circular else "zeros",
    }
    size = draw(st.tuples(*[st.integers(2, 4)] * axes))
    return axes, draw(st.tuples(*[st.integers(1, 4)] * axes)), size, options


@settings(max_examples=SETTINGS)
@given(settings_of_a_layer())
def test_values_are_equinox_s(setting):
    axes, kernel_size, size, options = setting
    theirs, layer = both("ConvTranspose", axes, 4, 6, kernel_size, **options)
    x = integers(jax.random.key(9), (4, *size))
    try:
        assume(min(jax.eval_shape(theirs, x).shape) >= 1)
    except ValueError:  # XLA crops no more than the spread input has
        reject()
    got, wanted = (jax.jit(each.__call__)(x) for each in (layer, theirs))
    np.testing.assert_array_equal(got, wanted, strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_constructor_and_leaves_are_equinox_s(name):
    base, cls = getattr(eqx.nn, name), getattr(ours, name)
    assert inspect.signature(cls) == inspect.signature(base)
    axes = int(name[-2]) if name[-1] == "d" else 2
    arguments = (4, 6, 3) if name[-1] == "d" else (2, 4, 6, 3)
    theirs, layer = both(name, *arguments, stride=2, groups=2)
    assert isinstance(layer, base)
    assert isinstance(layer, ours.ConvTranspose)
    paths, drawn = (jax.tree.leaves_with_path(each) for each in (theirs, layer))
    assert [path for path, _ in paths] == [path for path, _ in drawn]
    jax.tree.map(np.testing.assert_array_equal, jax.tree.leaves(theirs), jax.tree.leaves(layer))
    x = integers(jax.random.key(9), (4, *[3] * axes))
    np.testing.assert_array_equal(layer(x, key=jax.random.key(0)), theirs(x))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))(x), theirs(x))


def test_transformations():
    """A compiled gradient over a batch, as equinox's own transformations make it."""
    theirs, layer = both("ConvTranspose2d", 4, 6, 3, stride=2, padding=1, groups=2)
    x = integers(jax.random.key(9), (5, 4, 3, 2))

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def total(model, x):
        y = eqx.filter_vmap(model)(x)
        return jnp.sum(y * jnp.reshape(jnp.arange(y.size) % 7 - 3, y.shape).astype(y.dtype))

    (wanted, of_theirs), (got, of_ours) = total(theirs, x), total(layer, x)
    assert got == wanted
    leaves = jax.tree.leaves(of_ours), jax.tree.leaves(of_theirs)
    jax.tree.map(np.testing.assert_array_equal, *leaves)
    assert type(of_ours) is ours.ConvTranspose2d


def test_an_ensemble_has_a_kernel_for_each_image():
    @eqx.filter_vmap
    def ensemble(key):
        return eqx.nn.ConvTranspose1d(4, 6, 3, stride=2, dtype=jnp.float32, key=key)

    layers = whole(ensemble(jax.random.split(jax.random.key(0), 3)))
    x = integers(jax.random.key(9), (3, 4, 5))
    run = eqx.filter_vmap(lambda layer, x: layer(x))
    np.testing.assert_array_equal(run(ours.replace(layers), x), run(layers, x))


def test_half_precision_and_x64_are_equinox_s():
    for dtype in (jnp.bfloat16, jnp.float64, jnp.complex64):
        theirs, layer = both("ConvTranspose1d", 4, 6, 3, stride=2, dtype=dtype)
        x = integers(jax.random.key(9), (4, 5), dtype)
        np.testing.assert_array_equal(layer(x), theirs(x), strict=True)


def test_checkpoints_go_both_ways(tmp_path):
    theirs, layer = both("ConvTranspose2d", 4, 6, 3, stride=2)
    blank = jax.tree.map(jnp.zeros_like, (theirs, layer))
    x = integers(jax.random.key(9), (4, 3, 3))
    for saved, like in ((theirs, blank[1]), (layer, blank[0])):
        eqx.tree_serialise_leaves(tmp_path / "layer.eqx", saved)
        loaded = eqx.tree_deserialise_leaves(tmp_path / "layer.eqx", like)
        assert type(loaded) is type(like)
        np.testing.assert_array_equal(loaded(x), theirs(x))


def test_a_kernel_partitioned_over_two_devices():
    mesh = jax.make_mesh((2,), ("model",), axis_types=(jax.sharding.AxisType.Auto,))
    theirs, layer = (
        eqx.filter_shard(each, NamedSharding(mesh, P("model")))
        for each in both("ConvTranspose2d", 4, 6, 3, stride=2)
    )
    x = jax.device_put(integers(jax.random.key(9), (4, 3, 3)), NamedSharding(mesh, P()))
    got, wanted = (eqx.filter_jit(each)(x) for each in (layer, theirs))
    np.testing.assert_array_equal(got, wanted)
    assert got.sharding.spec[0] == "model"


@pytest.mark.parametrize(
    ("arguments", "options", "shape", "text"),
    [
        ((4, 6, 3), {"stride": 0}, (4, 3, 3), "output_padding < stride"),
        ((4, 6, 3), {"dilation": 0}, (4, 3, 3), "dilation, .*must be at least 1"),
        ((4, 6, 3), {"padding": 9}, (4, 3, 3), r"padding, .*stride \+ dilation\*\(kernel - 1\)"),
        ((4, 6, 3), {}, (2, 4, 3, 3), "x: must have 3 axes .*jax.vmap"),
        ((4, 6, 3), {}, (5, 3, 3), "weight: "),
        ((4, 6, 3), {"padding": "EVEN"}, (4, 3, 3), "padding"),
        ((4, 6, 3), {"padding_mode": "reflect"}, (4, 3, 3), "REFLECT"),
        ((4, 6, 3), {"output_padding": 1}, (4, 3, 3), "output_padding"),
    ],
)
def test_errors_speak_of_equinox_s_arguments(arguments, options, shape, text):
    options = {"stride": 1} | options
    with pytest.raises((ValueError, TypeError, NotImplementedError), match=text):
        ours.ConvTranspose2d(*arguments, **options, key=jax.random.key(0))(jnp.ones(shape))


class Block(eqx.Module):
    """Layers in every kind of place, and one of them twice."""

    up: eqx.nn.ConvTranspose1d
    same: eqx.nn.ConvTranspose1d
    nested: dict
    activation: object

    def __init__(self, key):
        def layer(kernel_size, **options):
            return eqx.nn.ConvTranspose1d(2, 2, kernel_size, **options, dtype=jnp.float32, key=key)

        self.up = self.same = layer(3, stride=2)
        general = eqx.nn.ConvTranspose(1, 2, 2, 2, dtype=jnp.float32, key=key)
        self.nested = {"a": [layer(2), (eqx.nn.Sequential([general]),)]}
        self.activation = jax.nn.relu

    def __call__(self, x):
        x = self.activation(self.same(self.up(x)))
        return self.nested["a"][1][0](self.nested["a"][0](x))


class Doubled(eqx.nn.ConvTranspose1d):
    """A layer that tconv cannot know."""


def test_replace_gives_a_new_model_of_the_same_arrays():
    model = Block(jax.random.key(0))
    new = ours.replace(model)
    assert type(model.up) is eqx.nn.ConvTranspose1d
    assert type(new) is Block
    assert type(new.up) is type(new.nested["a"][0]) is ours.ConvTranspose1d
    assert type(new.nested["a"][1][0].layers[0]) is ours.ConvTranspose
    assert new.up is new.same
    old_leaves, new_leaves = jax.tree.leaves(model), jax.tree.leaves(new)
    assert all(a is b for a, b in zip(old_leaves, new_leaves, strict=True))
    x = jax.random.normal(jax.random.key(1), (2, 4), jnp.float32)
    # Sums of at most 6 terms, through 4 layers.
    np.testing.assert_allclose(new(x), model(x), rtol=1e-5, atol=1e-5)
    again = ours.replace(new)
    assert all(a is b for a, b in zip(jax.tree.leaves(again), new_leaves, strict=True))


def test_replace_takes_a_layer_a_tree_and_leaves_subclasses():
    layers = [cls(1, 1, 2, key=jax.random.key(0)) for cls in (eqx.nn.ConvTranspose3d, Doubled)]
    assert type(ours.replace(layers[0])) is ours.ConvTranspose3d
    assert [type(each) for each in ours.replace({"a": layers})["a"]] == [
        ours.ConvTranspose3d,
        Doubled,
    ]


def test_replace_keeps_weights_tied_by_shared():
    layers = [eqx.nn.ConvTranspose1d(2, 2, 2, key=jax.random.key(i)) for i in range(2)]
    shared = eqx.nn.Shared(layers, lambda tree: tree[1].weight, lambda tree: tree[0].weight)
    first, second = ours.replace(shared)()
    assert type(first) is type(second) is ours.ConvTranspose1d
    assert first.weight is second.weight
