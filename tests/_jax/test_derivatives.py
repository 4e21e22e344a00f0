"""Derivatives of every order and direction, against those of the definition."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import tconv
from tests._jax.problems import PLAIN, Problem, assert_close, both_problems, loss

METHODS = ("auto", "col2im", "dilated", "subpixel", "matrix")


@both_problems
@pytest.mark.parametrize("method", METHODS)
def test_jit_value_and_gradients(problem: Problem, method: str) -> None:
    x, w = problem.operands()
    apply = partial(problem.apply, method=method)
    assert_close(jax.jit(apply)(x, w), problem.reference(x, w))
    value, gradients = jax.jit(jax.value_and_grad(partial(loss, apply), (0, 1)))(x, w)
    assert_close(value, loss(problem.reference, x, w))
    assert_close(gradients, problem.gradients())


@both_problems
def test_eager_equals_compiled(problem: Problem) -> None:
    x, w = problem.operands()
    gradient = jax.grad(partial(loss, problem.apply), (0, 1))
    assert_close(problem.apply(x, w), jax.jit(problem.apply)(x, w))
    assert_close(gradient(x, w), jax.jit(gradient)(x, w))


@both_problems
def test_forward_mode(problem: Problem) -> None:
    primals, tangents = problem.operands(), problem.operands(seed=1)
    got = jax.jit(partial(jax.jvp, problem.apply))(primals, tangents)
    assert_close(got, jax.jvp(problem.reference, primals, tangents))
    y, push = jax.linearize(problem.apply, *primals)
    assert_close((y, push(*tangents)), got)


@both_problems
def test_jacobians_by_both_modes(problem: Problem) -> None:
    x, w = problem.operands()
    want = jax.jit(jax.jacrev(problem.reference, (0, 1)))(x, w)
    assert_close(jax.jit(jax.jacfwd(problem.apply, (0, 1)))(x, w), want)
    assert_close(jax.jit(jax.jacrev(problem.apply, (0, 1)))(x, w), want)


@both_problems
def test_hessian(problem: Problem) -> None:
    x, w = problem.operands()
    got, want = (
        jax.jit(jax.hessian(partial(loss, function), (0, 1)))(x, w)
        for function in (problem.apply, problem.reference)
    )
    assert_close(got, want)
    assert float(jnp.abs(got[0][1]).max()) > 0.1


@both_problems
def test_gradient_of_the_gradient_in_reverse(problem: Problem) -> None:
    """Reverse over reverse, towards x and w from the gradient of each: all three primitives."""
    x, w = problem.operands()

    def squared_gradients(function, x, w):
        dx, dw = jax.grad(partial(loss, function), (0, 1))(x, w)
        return jnp.sum(dx**2) + jnp.sum(dw**3)

    got, want = (
        jax.jit(jax.grad(partial(squared_gradients, function), (0, 1)))(x, w)
        for function in (problem.apply, problem.reference)
    )
    assert_close(got, want)


@both_problems
def test_check_grads_to_second_order(problem: Problem) -> None:
    check_grads(jax.jit(problem.apply), problem.operands(), order=2, modes=("fwd", "rev"))


def test_check_grads_of_the_convolution() -> None:
    convolve = jax.jit(partial(tconv.conv, **PLAIN.partner_keywords))
    x, w = PLAIN.operands()
    check_grads(convolve, (PLAIN.apply(x, w), w), order=2, modes=("fwd", "rev"))


@both_problems
def test_linear_transpose_towards_x_and_towards_w(problem: Problem) -> None:
    x, w = problem.operands()
    cotangent = problem.reference(*problem.operands(seed=1))
    _, pullback = jax.vjp(problem.reference, x, w)
    want = pullback(cotangent)
    to_x = jax.linear_transpose(lambda x: problem.apply(x, w), x)
    to_w = jax.linear_transpose(lambda w: problem.apply(x, w), w)
    assert_close((*to_x(cotangent), *to_w(cotangent)), want)


@both_problems
def test_linear_transpose_of_integers_is_exact(problem: Problem) -> None:
    rng = np.random.default_rng(0)
    x, w, other = (
        jnp.asarray(rng.integers(-50, 50, shape))
        for shape in (problem.x_shape, problem.w_shape, problem.x_shape)
    )
    y = problem.apply(x, w)
    (to_x,) = jax.linear_transpose(lambda x: problem.apply(x, w), x)(y)
    (to_w,) = jax.linear_transpose(lambda w: problem.apply(x, w), w)(y)
    assert to_x.dtype == to_w.dtype == x.dtype
    assert int(jnp.vdot(problem.apply(other, w), y)) == int(jnp.vdot(other, to_x))
    assert int(jnp.vdot(y, y)) == int(jnp.vdot(w, to_w)) == int(jnp.vdot(x, to_x))


@both_problems
def test_complex_gradients_are_linear_transposes(problem: Problem) -> None:
    x, w = (
        jax.lax.complex(real, imaginary)
        for real, imaginary in zip(problem.operands(), problem.operands(seed=1), strict=True)
    )

    def by_parts(x, w):
        part = problem.reference
        real = part(x.real, w.real) - part(x.imag, w.imag)
        return jax.lax.complex(real, part(x.real, w.imag) + part(x.imag, w.real))

    def value_and_cotangents(function, x, w):
        y, pullback = jax.vjp(function, x, w)
        return y, pullback(y)

    got, want = (
        jax.jit(partial(value_and_cotangents, function))(x, w)
        for function in (problem.apply, by_parts)
    )
    assert_close(got, want)


@both_problems
def test_pullback_functions_agree_with_jax(problem: Problem) -> None:
    """``conv_transpose_vjp`` under jit gives what ``jax.vjp`` gives."""
    x, w = problem.operands()
    b = jnp.arange(problem.w_shape[1] * problem.groups, dtype=x.dtype)
    apply = partial(tconv.conv_transpose, **problem.keywords)
    y, pullback = jax.vjp(apply, x, w, b)

    @jax.jit
    def explicit(x, w, b, cotangent):
        y, pullback = tconv.conv_transpose_vjp(x, w, b, **problem.keywords)
        return y, pullback(cotangent)

    assert_close(explicit(x, w, b, jnp.cos(y)), (y, pullback(jnp.cos(y))))


@both_problems
@pytest.mark.parametrize("biased", [False, True], ids=["plain", "biased"])
def test_half_kinds_round_once(problem: Problem, biased: bool) -> None:
    """bfloat16 results and gradients are those of float32 sums, rounded at the end."""
    b = jnp.linspace(-3.0, 3.0, problem.w_shape[1] * problem.groups) * float(biased)
    x, w, b = (array.astype(jnp.bfloat16) for array in (*problem.operands(), b))
    cotangent = problem.apply(x, w)

    def apply(x, w, b):
        return problem.apply(x, w, b=b if biased else None)

    def reference(x, w, b):
        return problem.reference(x, w) + b.reshape(-1, *[1] * (x.ndim - 2))[None]

    @partial(jax.jit, static_argnums=0)
    def value_and_cotangents(function, x, w, b, cotangent):
        y, pullback = jax.vjp(function, x, w, b)
        return y, *pullback(cotangent)[:2]

    got = value_and_cotangents(apply, x, w, b, cotangent)
    wide = [array.astype(jnp.float64) for array in (x, w, b, cotangent)]
    exact = value_and_cotangents(reference, *wide)
    absolutes = value_and_cotangents(reference, *map(jnp.abs, wide))
    for value, want, absolute in zip(got, exact, absolutes, strict=True):
        assert value.dtype == jnp.bfloat16
        # one rounding to 8 bits, after at most 100 additions in float32
        bound = 2.0**-8 * jnp.abs(want) + 101 * 2.0**-24 * absolute
        assert bool(jnp.all(jnp.abs(value.astype(jnp.float64) - want) <= bound))
