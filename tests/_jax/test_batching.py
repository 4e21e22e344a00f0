"""``vmap`` over x, over w and over both, against a loop."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
import pytest

import tconv
from tests._jax.problems import PLAIN, Problem, assert_close, both_problems, calls_of, loss

MAPPED = pytest.mark.parametrize("mapped", ["x", "w", "xw"])


def looped(function, problem: Problem, mapped: str, size: int):
    """Operands with a leading axis where mapped, and the function of each entry, stacked.

    By NumPy, which compiles nothing.
    """
    single, stacked = (
        list(map(np.asarray, operands))
        for operands in (problem.operands(), problem.operands(size, seed=1))
    )
    operands = [
        many if name in mapped else one
        for name, one, many in zip("xw", single, stacked, strict=True)
    ]
    rows = [
        function(*(a[row] if name in mapped else a for name, a in zip("xw", operands, strict=True)))
        for row in range(size)
    ]
    return jax.device_put(operands), jax.tree.map(lambda *leaves: np.stack(leaves), *rows)


def axes_of(mapped: str, axis: int = 0) -> tuple[int | None, int | None]:
    return (axis if "x" in mapped else None, axis if "w" in mapped else None)


@both_problems
@MAPPED
def test_vmap_equals_a_loop(problem: Problem, mapped: str) -> None:
    operands, want = looped(problem.reference, problem, mapped, 3)
    assert_close(jax.jit(jax.vmap(problem.apply, axes_of(mapped)))(*operands), want)


@both_problems
@MAPPED
def test_vmap_of_gradients_equals_a_loop(problem: Problem, mapped: str) -> None:
    """The gradients map all three primitives, with every choice of mapped operands."""
    operands, want = looped(problem.reference_gradients, problem, mapped, 2)
    gradient = jax.grad(partial(loss, problem.apply), (0, 1))
    assert_close(jax.jit(jax.vmap(gradient, axes_of(mapped)))(*operands), want)


@both_problems
@MAPPED
def test_any_in_and_out_axes(problem: Problem, mapped: str) -> None:
    operands, want = looped(problem.reference, problem, mapped, 2)
    at = axes_of(mapped, -1)
    moved = [
        a if axis is None else np.moveaxis(np.asarray(a), 0, axis)
        for a, axis in zip(operands, at, strict=True)
    ]
    got = jax.jit(jax.vmap(problem.apply, at, out_axes=1))(*jax.device_put(moved))
    assert_close(got, np.moveaxis(want, 0, 1))


@both_problems
def test_weight_gradient_mapped_over_one_operand(problem: Problem) -> None:
    """A map over the cotangent alone, and over x alone, of the pullback towards w."""
    x, w = problem.operands()
    xs, _ = problem.operands(2, seed=1)
    cotangents = jax.vmap(problem.reference, (0, None))(xs, w)

    def towards_w(function, x, cotangent):
        return jax.linear_transpose(lambda w: function(x, w), w)(cotangent)

    for axes, operands in [((None, 0), (x, cotangents)), ((0, None), (xs, cotangents[0]))]:
        got, want = (
            jax.jit(jax.vmap(partial(towards_w, function), axes))(*operands)
            for function in (problem.apply, problem.reference)
        )
        assert_close(got, want)


@both_problems
def test_nested(problem: Problem) -> None:
    """All pairs of two x and three w, each again over two samples of both."""
    x, _ = problem.operands(2, 2)
    _, w = problem.operands(2, 3, seed=1)
    pairs = jax.vmap(jax.vmap(problem.apply, (None, 0)), (0, None))
    got = jax.jit(jax.vmap(pairs))(x, w)
    many_x, many_w = np.asarray(x), np.asarray(w)
    want = np.stack([
        np.stack([np.stack([problem.reference(a, b) for b in many_w[i]]) for a in many_x[i]])
        for i in range(2)
    ])  # fmt: skip
    assert_close(got, want)


@both_problems
@MAPPED
def test_mapped_axis_of_size_zero(problem: Problem, mapped: str) -> None:
    single, empty = problem.operands(), problem.operands(0)
    operands = [
        none if name in mapped else one for name, one, none in zip("xw", single, empty, strict=True)
    ]
    y = jax.vmap(problem.apply, axes_of(mapped))(*operands)
    assert y.shape == (0, *problem.reference(*problem.operands()).shape)


def test_unbatched_input_under_vmap_is_one_batched_call() -> None:
    x, w = PLAIN.operands()
    one_sample = partial(tconv.conv_transpose, **PLAIN.keywords)
    assert_close(jax.vmap(one_sample, (0, None))(x, w), PLAIN.reference(x, w))
    (call,) = calls_of(jax.vmap(one_sample, (0, None)), x, w)
    assert call.params["plan"].batch == x.shape[0]
    assert call.params["plan"].groups == 1


def test_a_map_over_kernels_widens_the_channels_and_over_both_the_groups() -> None:
    (x, w), (xs, ws) = PLAIN.operands(), PLAIN.operands(5)

    def plan_of(axes, *operands):
        (call,) = calls_of(jax.vmap(PLAIN.apply, axes), *operands)
        return call.params["plan"]

    over_w, over_both = plan_of((None, 0), x, ws), plan_of((0, 0), xs, ws)
    assert (over_w.out_channels, over_w.groups) == (5 * w.shape[1], 1)
    assert (over_both.out_channels, over_both.groups) == (5 * w.shape[1], 5)
