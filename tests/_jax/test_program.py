"""The transformations that shape a program: checkpoint, scan, cond, donation, debugging, dtypes."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import tconv
from tests._jax.problems import PLAIN, Problem, assert_close, both_problems, calls_of, loss


@both_problems
def test_checkpoint(problem: Problem) -> None:
    x, w = problem.operands()
    rematerialised = jax.checkpoint(partial(loss, problem.apply))
    assert_close(jax.jit(jax.grad(rematerialised, (0, 1)))(x, w), problem.gradients())


@both_problems
def test_scan_and_its_gradient(problem: Problem) -> None:
    xs, _ = problem.operands(3)
    _, w = problem.operands()

    def total(function, xs, w):
        def step(carry, x):
            return jnp.mean(jnp.sin(function(x, w) + carry)), None

        return lax.scan(step, jnp.zeros(()), xs)[0]

    got, want = (
        jax.jit(jax.value_and_grad(partial(total, function), (0, 1)))(xs, w)
        for function in (problem.apply, problem.reference)
    )
    assert_close(got, want)


@both_problems
def test_cond_and_its_gradient(problem: Problem) -> None:
    x, w = problem.operands()

    def chosen(function, flag, x, w):
        return jnp.sum(lax.cond(flag, function, lambda x, w: 2 * function(-x, w) ** 2, x, w))

    got, want = (
        jax.jit(jax.grad(partial(chosen, function), (1, 2)))
        for function in (problem.apply, problem.reference)
    )
    for flag in (True, False):
        assert_close(got(flag, x, w), want(flag, x, w))


@both_problems
def test_eval_shape_computes_nothing(problem: Problem) -> None:
    x, w = (jax.ShapeDtypeStruct(array.shape, array.dtype) for array in problem.operands())
    want = jax.eval_shape(problem.reference, x, w)
    assert jax.eval_shape(problem.apply, x, w) == want
    dx, dw = jax.eval_shape(jax.grad(partial(loss, problem.apply), (0, 1)), x, w)
    assert (dx.shape, dw.shape) == (problem.x_shape, problem.w_shape)


@both_problems
def test_donated_buffers(problem: Problem) -> None:
    x, w = problem.operands()
    gradient = jax.jit(jax.grad(partial(loss, problem.apply), (0, 1)), donate_argnums=(0, 1))
    got = gradient(x, w)
    assert x.is_deleted()
    assert w.is_deleted()
    assert_close(got, problem.gradients())


@both_problems
def test_debug_nans_is_silent_on_numbers_and_raises_on_nan(
    problem: Problem, capsys: pytest.CaptureFixture[str]
) -> None:
    x, w = problem.operands()
    with jax.debug_nans(True):
        assert_close(jax.jit(problem.apply)(x, w), problem.reference(x, w))
        with pytest.raises(FloatingPointError):
            jax.jit(problem.apply)(x.at[0, 0, 0].set(jnp.nan), w)
    capsys.readouterr()


@both_problems
def test_numpy_operands_are_constants(problem: Problem) -> None:
    x, w = problem.operands()
    fixed_x, fixed_w = np.asarray(x), np.asarray(w)
    want = problem.reference(x, w)
    assert_close(problem.apply(x, fixed_w), want)
    assert_close(problem.apply(fixed_x, w), want)
    assert_close(jax.jit(lambda x: problem.apply(x, fixed_w))(x), want)
    got = jax.jit(jax.grad(lambda w: loss(problem.apply, fixed_x, w)))(w)
    assert_close(got, problem.gradients()[1])


def test_strict_promotion_refuses_mixed_floats_and_standard_promotes() -> None:
    x, w = PLAIN.operands()
    half = w.astype(jnp.float32)
    with pytest.raises(ValueError, match="promotion"):
        PLAIN.apply(x, half)
    with jax.numpy_dtype_promotion("standard"):
        assert PLAIN.apply(x, half).dtype == jnp.float64
        gradient = jax.jit(jax.grad(lambda w: loss(PLAIN.apply, x, w)))(half)
    assert gradient.dtype == jnp.float32


@both_problems
def test_without_64_bits(problem: Problem) -> None:
    x, w = (np.asarray(array) for array in problem.operands())
    with jax.enable_x64(False):
        got = jax.jit(jax.grad(partial(loss, problem.apply), (0, 1)))(
            jnp.asarray(x), jnp.asarray(w)
        )
        assert {leaf.dtype for leaf in jax.tree.leaves(got)} == {jnp.dtype("float32")}
        # a NumPy float64 operand is taken as JAX takes it: as float32
        assert problem.apply(jnp.asarray(x), w).dtype == jnp.float32
    jax.tree.map(
        partial(np.testing.assert_allclose, rtol=2e-4, atol=2e-4), got, problem.gradients()
    )


def test_preferred_element_type() -> None:
    x, w = (array.astype(jnp.bfloat16) for array in PLAIN.operands())
    y = PLAIN.apply(x, w, preferred_element_type="float32")
    assert y.dtype == jnp.float32
    exact = PLAIN.reference(x.astype(jnp.float64), w.astype(jnp.float64))
    np.testing.assert_allclose(y, exact, rtol=1e-5, atol=1e-5)
    small = jnp.full((1, 1, 4), 100, jnp.int8)
    y = tconv.conv_transpose(small, small, preferred_element_type="int32")
    assert int(y[0, 0, 3]) == 40_000
    with pytest.raises(TypeError, match="preferred_element_type"):
        PLAIN.apply(*PLAIN.operands(), preferred_element_type="float32")


def test_preferred_64_bits_without_x64_warn_as_jax_does() -> None:
    with jax.enable_x64(False):
        x, w = (jnp.asarray(array, jnp.float32) for array in PLAIN.operands())
        with pytest.warns(UserWarning, match="float64 .*is not available"):
            y = PLAIN.apply(x, w, preferred_element_type="float64")
        assert y.dtype == jnp.float32


@pytest.mark.parametrize(
    "precision", [None, "highest", lax.Precision.HIGH, ("default", "high"), ["high", "high"]]
)
def test_precision_travels_to_the_gradients(precision: object) -> None:
    """The products of the gradients carry the precision of the call."""
    dot = jax.make_jaxpr(lambda a: lax.dot(a, a, precision=precision))(jnp.eye(2))
    gradient = jax.grad(partial(loss, partial(PLAIN.apply, precision=precision)), (0, 1))
    calls = calls_of(gradient, *PLAIN.operands())
    assert len(calls) == 3
    assert {call.params["precision"] for call in calls} == {dot.eqns[0].params["precision"]}


def test_default_precision_is_taken_when_the_call_is_made() -> None:
    with jax.default_matmul_precision("highest"):
        _, pullback = jax.vjp(PLAIN.apply, *PLAIN.operands())
    calls = calls_of(pullback, PLAIN.reference(*PLAIN.operands()))
    highest = (lax.Precision.HIGHEST, lax.Precision.HIGHEST)
    assert [call.params["precision"] for call in calls] == [highest, highest]


def test_invalid_precision_raises() -> None:
    with pytest.raises(ValueError, match="Precision"):
        PLAIN.apply(*PLAIN.operands(), precision="sharp")


def test_windows_hold_infinities_exactly() -> None:
    """``im2col`` moves values and multiplies none: an infinity stays in its own windows."""
    x = jnp.asarray([[[1.0, jnp.inf, 2.0, 3.0, 4.0]]])
    cols = jax.jit(lambda x: tconv.im2col(x, 2, stride=2))(x)
    np.testing.assert_array_equal(cols, [[[1.0, 2.0], [np.inf, 3.0]]])


@pytest.mark.parametrize("groups", [1, 4])
def test_both_gradients_need_the_memory_of_one_map(groups: int) -> None:
    """On the CPU the maps are called one after the other and not taken apart for more of them to
    run at once: a gradient of 46 MB of scratch memory needs 20."""
    x, w = jnp.ones((1, 64, 2048), jnp.float32), jnp.ones((64, 64 // groups, 4), jnp.float32)
    forward = partial(tconv.conv_transpose, stride=2, padding=1, groups=groups)
    dy = forward(x, w)

    def gradients(x, w, dy):
        y, pullback = jax.vjp(forward, x, w)
        return y, *pullback(dy)

    def dx(x, w, dy):
        return gradients(x, w, dy)[1]

    def dw(x, w, dy):
        return gradients(x, w, dy)[2]

    def scratch(function):
        compiled = jax.jit(function).lower(x, w, dy).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    one_map = max(scratch(map_) for map_ in (lambda x, w, dy: forward(x, w), dx, dw))
    assert 0 < scratch(gradients) <= 1.1 * one_map
