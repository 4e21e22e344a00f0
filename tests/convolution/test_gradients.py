"""The pullbacks of both directions, compared with torch.autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tconv
from tconv.testing import Problem
from tconv.testing.strategies import conv_problems, conv_transpose_problems
from tests.support.computing import bundles, cheap, compiled, compute_problems
from tests.support.torch_expected import check as check_expected
from tests.support.torch_expected import gradients
from tests.support.torch_oracle import to_torch

VJPS = {
    "conv_transpose_vjp": (tconv.conv_transpose, conv_transpose_problems),
    "conv_vjp": (tconv.conv, conv_problems),
}
FLOATS = ("float64", "complex128", "float32", "float16", "bfloat16", "complex64")
BATCHES = (1, 2, None, 0, 3)


def pulled_back(name: str):
    """(y, dx, dw[, db]) of x, w, b and a cotangent."""

    def function(x: Any, w: Any, b: Any, cotangent: Any, **named: Any) -> list[Any]:
        y, pullback = getattr(tconv, name)(x, w, b, **named)
        dx, dw, db = pullback(cotangent)
        assert (db is None) == (b is None)
        return [y, dx, dw] if b is None else [y, dx, dw, db]

    return function


def check(problems: list[Problem], backend: str, name: str) -> None:
    operands = [(*problem.arrays(), problem.cotangent()) for problem in problems]
    results = compute_problems(backend, pulled_back(name), problems, operands)
    for problem, (y, *cotangents) in zip(problems, results, strict=True):
        assert y.shape == problem.output_shape
        wanted = gradients(problem, problem.cotangent())
        for (label, expected), cotangent in zip(wanted.items(), cotangents, strict=True):
            assert cotangent.dtype.name == problem.dtype
            check_expected(expected, cotangent, label)


@pytest.mark.parametrize("name", VJPS)
@cheap
@given(data=st.data())
def test_numpy_gradients(name, data):
    problems = VJPS[name][1](dtypes=FLOATS, batch=BATCHES)
    check([data.draw(problems)], "numpy", name)


@pytest.mark.parametrize("name", VJPS)
@compiled
@given(data=st.data())
def test_jax_gradients(name, data):
    problems = VJPS[name][1](dtypes=FLOATS, batch=BATCHES)
    check(data.draw(bundles(problems)), "jax", name)


@pytest.mark.parametrize("name", VJPS)
@given(data=st.data())
def test_the_value_is_that_of_the_call(name, data):
    function, problems = VJPS[name]
    problem = data.draw(problems(batch=BATCHES))
    y, _ = getattr(tconv, name)(*problem.arrays(), **problem.keywords)
    np.testing.assert_array_equal(y, function(*problem.arrays(), **problem.keywords), strict=True)


@pytest.mark.parametrize("name", VJPS)
def test_integer_cotangents_are_exact(name):
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-(2**40), 2**40, (2, 2, n)) for n in (5, 3))
    y, pullback = getattr(tconv, name)(x, w, stride=2, padding=1)
    dy = rng.integers(-(2**20), 2**20, y.shape)
    dx, dw, _ = pullback(dy)
    assert dx.dtype == dw.dtype == np.int64
    assert np.vdot(dy, y) == np.vdot(dx, x) == np.vdot(dw, w)


def test_a_float_cotangent_of_an_integer_operand_stays_a_float():
    """Half of an integer is no integer: nothing is cut off."""
    x, w = np.ones((1, 1, 2)), np.ones((1, 1, 2), np.int64)
    _, pullback = tconv.conv_transpose_vjp(x, w)
    _, dw, _ = pullback(np.full((1, 1, 3), 0.5))
    np.testing.assert_array_equal(dw, np.full((1, 1, 2), 1.0), strict=True)


def test_a_real_operand_of_a_complex_problem_has_a_real_cotangent():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 2, 3)) + 1j * rng.normal(size=(1, 2, 3))
    w, b = rng.normal(size=(2, 2, 2)), rng.normal(size=2)
    y, pullback = tconv.conv_transpose_vjp(x, w, b)
    dy = rng.normal(size=y.shape) + 1j * rng.normal(size=y.shape)
    _, as_complex = tconv.conv_transpose_vjp(x, w.astype(complex), b.astype(complex))
    for part, whole in zip(pullback(dy)[1:], as_complex(dy)[1:], strict=True):
        assert part.dtype == np.float64
        np.testing.assert_allclose(part, whole.real, rtol=1e-14)


@pytest.mark.parametrize("name", VJPS)
def test_autograd_conjugates_complex_gradients(name):
    """The conversion that the README and the docstrings give, exactly."""
    rng = np.random.default_rng(0)

    def complex_integers(shape):
        return rng.integers(-4, 5, shape) + 1j * rng.integers(-4, 5, shape)

    x, w = complex_integers((2, 2, 5)), complex_integers((2, 2, 3))
    y, pullback = getattr(tconv, name)(x, w, stride=2)
    dy = complex_integers(y.shape)
    leaves = [to_torch(array).requires_grad_() for array in (x, w)]
    function = getattr(torch.nn.functional, "conv1d" if name == "conv_vjp" else "conv_transpose1d")
    function(*leaves, stride=2).backward(to_torch(dy))
    for leaf, ours, plain in zip(leaves, pullback(dy.conj()), pullback(dy), strict=False):
        np.testing.assert_array_equal(ours.conj(), leaf.grad.numpy(), strict=True)
        assert np.any(plain != leaf.grad.numpy())


def test_a_jax_cotangent_takes_a_numpy_pullback_to_jax():
    import jax.numpy as jnp

    x, w = np.arange(4.0).reshape(1, 1, 4), np.ones((1, 1, 2))
    y, pullback = tconv.conv_transpose_vjp(x, w)
    for there, here in zip(pullback(jnp.asarray(y))[:2], pullback(y)[:2], strict=True):
        assert isinstance(there, jnp.ndarray)
        assert isinstance(here, np.ndarray)
        np.testing.assert_array_equal(there, here)
