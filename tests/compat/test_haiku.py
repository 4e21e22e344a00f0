"""``tconv.compat.haiku`` beside Haiku: values, parameters, gradients, errors."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("haiku", reason="the layers are Haiku's")

import haiku as hk
from hypothesis import given, settings
from hypothesis import strategies as st

from tconv.compat import haiku as ours
from tests.compat.layers import SETTINGS, integers

NAMES = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "ConvNDTranspose")
WHOLE = {
    "w_init": lambda shape, dtype: integers(jax.random.key(2), shape, dtype),
    "b_init": lambda shape, dtype: integers(jax.random.key(3), shape, dtype),
}


def both(name, *arguments, **options):
    """Haiku's layer and ours, as pairs of init and apply."""

    def transformed(cls):
        return hk.without_apply_rng(hk.transform(lambda x: cls(*arguments, **options)(x)))

    return (transformed(getattr(module, name)) for module in (hk, ours))


@st.composite
def settings_of_a_layer(draw):
    axes = draw(st.integers(1, 2))
    kernel, stride, size = (draw(st.tuples(*[st.integers(1, most)] * axes)) for most in (4, 3, 4))
    options = {"stride": stride, "with_bias": draw(st.booleans())}
    pair = st.tuples(st.integers(0, 3), st.integers(0, 3))
    words = st.sampled_from(["SAME", "VALID"])
    least = [(n - 1) * s + 1 - (k - 1) for n, s, k in zip(size, stride, kernel, strict=True)]
    if min(least) >= 1:
        words = words | st.tuples(*[pair] * axes)
    options["padding"] = draw(words)
    if isinstance(options["padding"], str) and draw(st.booleans()):
        extra = kernel if options["padding"] == "VALID" else (1,) * axes
        options["output_shape"] = tuple(
            (n - 1) * s + e + draw(st.integers(0, s - 1))
            for n, s, e in zip(size, stride, extra, strict=True)
        )
    if draw(st.booleans()):
        shape = (*kernel, 2, 3)
        options["mask"] = (np.arange(np.prod(shape)).reshape(shape) % 2).astype("float32")
    batch = draw(st.sampled_from([(), (2,)]))
    first = draw(st.booleans())
    options["data_format"] = "channels_first" if first else "channels_last"
    return axes, kernel, (*batch, 3, *size) if first else (*batch, *size, 3), options


@settings(max_examples=SETTINGS)
@given(settings_of_a_layer())
def test_values_and_parameters_are_haiku_s(setting):
    axes, kernel, shape, options = setting
    theirs, layer = both("ConvNDTranspose", axes, 2, kernel, **options, **WHOLE)
    x = integers(jax.random.key(1), shape)
    drawn = theirs.init(None, x)
    jax.tree.map(np.testing.assert_array_equal, layer.init(None, x), drawn)
    np.testing.assert_array_equal(layer.apply(drawn, x), theirs.apply(drawn, x), strict=True)


@pytest.mark.parametrize("padding", ["same", "SAME_LOWER", "valid"])
def test_strings_of_lax_are_taken_where_haiku_takes_them(padding):
    theirs, layer = both("Conv2DTranspose", 2, (4, 3), padding=padding, **WHOLE)
    x = integers(jax.random.key(1), (2, 5, 4, 3))
    params = theirs.init(None, x)
    np.testing.assert_array_equal(layer.apply(params, x), theirs.apply(params, x), strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_constructor_names_and_draws_are_haiku_s(name):
    base, cls = getattr(hk, name), getattr(ours, name)
    assert inspect.signature(cls) == inspect.signature(base)
    assert issubclass(cls, base)
    axes = int(name[4]) if name[4].isdigit() else 2
    arguments = (2, 3) if name[4].isdigit() else (2, 2, 3)
    theirs, layer = both(name, *arguments, stride=2)
    x = integers(jax.random.key(1), (1, *[2] * axes, 3))
    drawn = theirs.init(jax.random.key(0), x)
    jax.tree.map(np.testing.assert_array_equal, layer.init(jax.random.key(0), x), drawn)


def test_gradients_are_haiku_s():
    theirs, layer = both("Conv2DTranspose", 2, 3, stride=2, **WHOLE)
    x = integers(jax.random.key(1), (2, 4, 3, 3))
    params = theirs.init(None, x)

    def total(params, x, apply):
        y = apply(params, x)
        return jnp.sum(y * jnp.reshape(jnp.arange(y.size) % 7 - 3, y.shape).astype(y.dtype))

    gradient = jax.jit(jax.value_and_grad(total, (0, 1)), static_argnums=2)
    jax.tree.map(
        np.testing.assert_array_equal,
        *(gradient(params, x, each.apply) for each in (theirs, layer)),
    )


@pytest.mark.parametrize(
    ("options", "shape", "text"),
    [
        ({"stride": 0}, (1, 4, 4, 3), "stride, .*must be at least 1"),
        ({"padding": "EVEN"}, (1, 4, 4, 3), "padding: .*'EVEN'"),
        ({"output_shape": 7}, (1, 4, 4, 3), "output_shape, .*any of 4 to 4; got 7"),
        ({"output_shape": 4, "padding": "same"}, (1, 4, 4, 3),
         "^padding: must be 'SAME' or 'VALID' with output_shape; got 'same'"),
        ({}, (4, 3), "inputs: must have 2 spatial axes"),
        ({"mask": np.ones((2, 2), "float32")}, (1, 4, 4, 3), "mask: must have the shape"),
    ],
)  # fmt: skip
def test_errors_speak_of_haiku_s_arguments(options, shape, text):
    layer = hk.transform(lambda x: ours.Conv2DTranspose(2, 3, **options)(x))
    with pytest.raises((ValueError, TypeError), match=text):
        layer.init(jax.random.key(0), jnp.ones(shape, jnp.float32))
