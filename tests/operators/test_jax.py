"""Operators in JAX: trees, transformations, and derivatives through what is solved with them."""

from __future__ import annotations

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.sparse.linalg import cg

import tconv
from tconv.operators import Conv, ConvTranspose

RNG = np.random.default_rng(0)
W = RNG.standard_normal((4, 2, 3, 3))
NAMED = {"stride": 2, "padding": 1, "padding_mode": ("circular", "replicate")}
KINDS = pytest.mark.parametrize("kind", [Conv, ConvTranspose])
MU = 0.5  # of the regularised normal equations


def matrix_of(operator):
    """Dense, column by column, from a NumPy weight."""
    return operator.on_numpy() @ np.eye(operator.shape[1])


@KINDS
def test_trees_have_the_weight_as_their_leaf(kind):
    operator = kind(jnp.asarray(W), (6, 7), **NAMED)
    assert [leaf.shape for leaf in jax.tree.leaves(operator)] == [W.shape]
    assert jax.tree.structure(operator) == jax.tree.structure(kind(W, (6, 7), **NAMED))
    assert jax.tree.structure(operator) != jax.tree.structure(kind(W, (6, 8), **NAMED))
    ((path, _),) = jax.tree.leaves_with_path(operator.gram)
    assert jax.tree_util.keystr(path) == ".A.w"
    halved = jax.tree.map(lambda w: w / 2, operator)
    x = jnp.asarray(RNG.standard_normal(operator.dims))
    np.testing.assert_allclose(halved @ x, (operator @ x) / 2, rtol=1e-12)
    assert jax.jit(lambda a: a.T)(operator).settings == operator.T.settings
    assert operator == operator.T.T
    assert operator != kind(jnp.asarray(W), (6, 7), **NAMED)  # equal values, and unread


@KINDS
def test_any_jax_operand_computes_in_jax(kind):
    operator = kind(W, (6, 7), **NAMED)
    x = RNG.standard_normal(operator.dims)
    expected = operator @ x
    pairs = [(operator, jnp.asarray(x)), (jax.device_put(operator), x)]
    for one, operand in pairs:
        found = one @ operand
        assert isinstance(found, jax.Array)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    found = jax.jit(lambda a, x: a @ x)(operator, x)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    static = jax.jit(lambda a, x: a @ x, static_argnums=0)
    np.testing.assert_allclose(static(operator, x), expected, rtol=1e-10, atol=1e-10)
    static(kind(W, (6, 7), **NAMED), x)
    assert static._cache_size() == 1


@KINDS
def test_vmap_over_arrays_and_over_weights(kind):
    w = RNG.standard_normal((3, *W.shape))
    operator = kind(W, (6, 7), **NAMED)
    x = RNG.standard_normal((3, *operator.dims))
    expected = np.stack([operator @ one for one in x])
    np.testing.assert_allclose(jax.vmap(operator.matvec)(x), expected, rtol=1e-10, atol=1e-10)
    many = operator.of_weight(jnp.asarray(w))
    found = jax.vmap(lambda a, x: a @ x)(many, jnp.asarray(x))
    expected = np.stack([kind(one, (6, 7), **NAMED) @ each for one, each in zip(w, x, strict=True)])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@KINDS
def test_derivatives_of_x_are_the_transpose(kind):
    operator = kind(W, (6, 7), **NAMED)
    y = jnp.asarray(RNG.standard_normal(operator.dimsd))
    zero = jnp.zeros(operator.dims)
    _, pullback = jax.vjp(operator.matvec, zero)
    np.testing.assert_allclose(pullback(y)[0], operator.T @ y, rtol=1e-12, atol=1e-12)
    (back,) = jax.linear_transpose(operator.matvec, zero)(y)
    np.testing.assert_allclose(back, operator.T @ y, rtol=1e-12, atol=1e-12)


def loss_of_the_solved(operator, y):
    """|x|^2 of the x with (A^T A + MU) x = A^T y, by conjugate gradients."""
    solved, _ = cg(lambda x: operator.gram @ x + MU * x, operator.T @ y, tol=1e-13)
    return jnp.sum(solved**2)


@KINDS
def test_gradients_in_w_through_cg(kind):
    """Against the same by a dense solve, whose derivative is a difference of order 2."""
    operator = kind(W, (6, 7), **NAMED)
    y = RNG.standard_normal(operator.dimsd)

    def dense(w):
        matrix = matrix_of(kind(w, (6, 7), **NAMED))
        normal = matrix.T @ matrix + MU * np.eye(matrix.shape[1])
        return np.sum(np.linalg.solve(normal, matrix.T @ y.reshape(-1)) ** 2)

    value, gradient = jax.jit(jax.value_and_grad(loss_of_the_solved))(jax.device_put(operator), y)
    np.testing.assert_allclose(value, dense(W), rtol=1e-10)
    assert isinstance(gradient, kind)
    # The error of a difference is h*h / 6 of the third derivative, and eps/h of the value.
    step = 1e-5
    for place in ((0, 0, 0, 0), (3, 1, 2, 1), (2, 0, 1, 2)):
        change = np.zeros_like(W)
        change[place] = step
        difference = (dense(W + change) - dense(W - change)) / (2 * step)
        np.testing.assert_allclose(gradient.w[place], difference, rtol=1e-6, atol=1e-8)


def test_cg_takes_the_normal_operator_as_it_is():
    operator = Conv(np.array([[[1.0, 3.0, 1.0]]]), 8, padding=1)
    matrix = matrix_of(operator)
    y = RNG.standard_normal(operator.dims)
    found, _ = cg(operator.gram, jnp.asarray(y.reshape(-1)), tol=1e-13)
    expected = np.linalg.solve(matrix.T @ matrix, y.reshape(-1))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_a_traced_weight_holds_no_values_for_other_libraries():
    @jax.jit
    def convert(w):
        return Conv(w, 5).to_scipy().shape

    with pytest.raises(TypeError, match=r"w: must hold values .* Convert the operator outside"):
        convert(jnp.ones((1, 1, 3)))


def run(*lines):
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


def test_jax_is_not_imported_and_may_come_later():
    run(
        "import sys, numpy as np, tconv",
        "A = tconv.operators.Conv(np.ones((1, 1, 3)), 5)",
        "A.T @ (A @ np.ones(5)), A.gram, A.norm(), hash(A), A.check()",
        "assert not {'jax', 'scipy', 'pylops', 'lineax'} & set(sys.modules)",
        "import jax",
        "B = tconv.operators.ConvTranspose(np.ones((1, 1, 3)), 5)",
        "assert len(jax.tree.leaves((A, B, A.gram))) == 3",
        "assert jax.jit(lambda a: a.gram @ np.ones(5, 'float32'))(A).shape == (5,)",
    )


def test_the_functions_compute_alike():
    x = jnp.asarray(RNG.standard_normal((2, 6, 7)))
    operator = Conv(jnp.asarray(W), (6, 7), **NAMED)
    np.testing.assert_array_equal(operator @ x, tconv.conv(x, operator.w, **NAMED))
