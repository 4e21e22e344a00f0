"""``im2col``, ``col2im``, ``conv_matrix`` and ``fractional_stride`` under JAX's transformations."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

import tconv
from tests._jax.problems import assert_close

WINDOWS = {"stride": (2, 1), "padding": ((1, -1), (0, 2)), "dilation": (1, 2)}
unfold = partial(tconv.im2col, kernel_size=(2, 3), **WINDOWS)
fold = partial(tconv.col2im, output_size=(5, 4), kernel_size=(2, 3), **WINDOWS)


def image(*leading: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).standard_normal((*leading, 2, 3, 5, 4)))


def test_im2col_and_col2im_are_each_others_transposes() -> None:
    x = image()
    cols = jax.jit(unfold)(x)
    assert_close(cols, jnp.asarray(tconv.im2col(np.asarray(x), (2, 3), **WINDOWS)))
    (folded,) = jax.linear_transpose(unfold, x)(cols)
    assert_close(jax.jit(fold)(cols), folded)
    (unfolded,) = jax.linear_transpose(fold, cols)(x)
    assert_close(unfolded, cols)


def test_maps_and_derivatives() -> None:
    xs = image(2)
    mapped = jax.jit(jax.vmap(unfold))(xs)
    assert_close(mapped, jnp.stack([unfold(x) for x in xs]))
    assert_close(jax.jit(jax.vmap(fold))(mapped), jnp.stack([fold(cols) for cols in mapped]))
    _, tangent = jax.jvp(unfold, (xs[0],), (xs[1],))
    assert_close(tangent, mapped[1])
    gradient = jax.jit(jax.grad(lambda x: jnp.vdot(unfold(x), unfold(x)) / 2))(xs[0])
    assert_close(gradient, fold(mapped[0]))


def test_symbolic_sizes() -> None:
    x = image()
    batch, height = export.symbolic_shape("batch, height", constraints=["height >= 2"])
    spec = jax.ShapeDtypeStruct((batch, 3, height, 4), x.dtype)
    exported = export.deserialize(export.export(jax.jit(unfold))(spec).serialize())
    assert_close(exported.call(x), unfold(x))


def test_the_matrix_is_linear_in_the_kernel_and_gives_the_convolution() -> None:
    rng = np.random.default_rng(0)
    x, w = (jnp.asarray(rng.standard_normal(shape)) for shape in ((4, 5, 4), (2, 2, 2, 3)))
    arguments = {**WINDOWS, "groups": 2}

    def product(w, x):
        return tconv.conv_matrix(w, (5, 4), **arguments) @ x.reshape(-1)

    def convolved(w, x):
        return tconv.conv(x, w, **arguments).reshape(-1)

    assert_close(jax.jit(product)(w, x), convolved(w, x))
    assert_close(jax.jit(jax.jacrev(product))(w, x), jax.jit(jax.jacrev(convolved))(w, x))


def test_fractional_stride_is_read_back_by_its_gradient() -> None:
    x = image()
    spread = partial(tconv.fractional_stride, stride=(2, 3))
    assert jax.eval_shape(spread, x).shape == (2, 3, 9, 10)
    (back,) = jax.linear_transpose(spread, x)(jax.jit(spread)(x))
    assert_close(back, x)
