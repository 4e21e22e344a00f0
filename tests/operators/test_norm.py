"""The largest singular value: of dense matrices, of the FFT, its tolerance and its derivative."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tconv.operators import Conv, ConvTranspose, norm
from tests.operators.problems import KINDS, bounded_problems, operator_of

EACH = pytest.mark.parametrize("kind", KINDS)
RNG = np.random.default_rng(0)


def dense_norm(operator):
    return np.linalg.norm(operator.on_numpy() @ np.eye(operator.shape[1]), 2)


@EACH
def test_the_iteration_keeps_its_tolerance(kind):
    """No estimate is above the value; none is further below than the tolerance, which the residual
    bounds for some singular value and the random start makes the largest."""

    @given(bounded_problems(kind, dtypes=("float64",), batch=(1, 2)), st.integers(0, 3))
    def check(drawn, seed):
        problem, modes = drawn
        operator = operator_of(problem, modes, problem.arrays()[1])
        expected = dense_norm(operator)
        found = operator.norm(tolerance=1e-4, seed=seed)
        assert isinstance(found, float)
        assert expected * (1 - 1e-4) - 1e-12 <= found <= expected * (1 + 1e-12) + 1e-12
        assert operator.T.norm(tolerance=1e-4) == pytest.approx(expected, rel=1e-4, abs=1e-12)

    check()


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
def test_the_tolerance_is_a_thousandth_unless_another_is_given(kind):
    operator = kind(RNG.standard_normal((3, 3, 4)), 40, stride=2)
    found = {tolerance: operator.norm(tolerance=tolerance) for tolerance in (1e-1, 1e-3, 1e-5)}
    assert operator.norm() == found[1e-3]
    assert len(set(found.values())) == 3


CIRCULAR = [
    ((3, 2, 3), 8, 1, 1, 1),
    ((3, 2, 4), 7, [(3, 0)], 1, 1),
    ((4, 2, 3, 3), (6, 5), 1, 1, 2),
    ((4, 1, 3, 2), (6, 5), [(2, 2), (0, 2)], 2, 4),
    ((2, 3, 2, 3, 3), (3, 4, 5), [(1, 0), (1, 1), (2, 0)], 1, 1),
    ((1, 1, 5), 3, [(2, 2)], 1, 1),  # taps that wrap round
    ((1, 1, 2), 4, [(-1, 2)], 1, 1),
]


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize(("shape", "size", "padding", "dilation", "groups"), CIRCULAR)
def test_circular_ones_are_exact(monkeypatch, dtype, shape, size, padding, dilation, groups):
    w = RNG.standard_normal(shape)
    if dtype == "complex128":
        w = w + 1j * RNG.standard_normal(shape)
    named = {"padding": padding, "dilation": dilation, "groups": groups}
    operator = Conv(w, size, padding_mode="circular", **named)
    assert norm.is_circulant(operator)
    assert norm.is_circulant(operator.T)
    expected = dense_norm(operator)
    bound = 1e-13 * expected * w.size  # a sum of w.size products, and an eigenvalue of few
    for one in (operator, operator.T):
        assert one.norm() == pytest.approx(expected, rel=0, abs=bound)
        found = jax.jit(type(one).norm)(jax.device_put(one))
        assert float(found) == pytest.approx(expected, rel=0, abs=bound)
    monkeypatch.setattr(norm, "MOST", 7)  # in blocks, the last of which is a shorter one
    assert operator.norm() == pytest.approx(expected, rel=0, abs=bound)


def test_a_single_filter_has_the_maximum_of_its_fft():
    w = RNG.standard_normal((5, 5))
    operator = Conv(w[None, None], (32, 20), padding=2, padding_mode="circular")
    assert operator.norm() == pytest.approx(np.abs(np.fft.fft2(w, (32, 20))).max(), rel=1e-13)


def test_only_circular_ones_of_stride_1_that_keep_the_size_are_exact():
    w = np.ones((1, 1, 3))
    assert not norm.is_circulant(Conv(w, 8, padding=1))
    assert not norm.is_circulant(Conv(w, 8, padding_mode="circular"))
    assert not norm.is_circulant(Conv(w, 8, padding=1, stride=2, padding_mode="circular"))
    mixed = Conv(w[None], (8, 8), padding=[(0, 0), (1, 1)], padding_mode=("zeros", "circular"))
    assert not norm.is_circulant(mixed)
    both = Conv(w[None], (8, 8), padding=[(0, 0), (1, 1)], padding_mode="circular")
    assert norm.is_circulant(both)


@pytest.mark.parametrize("dtype", ["int32", "float16", "float32", "complex64"])
@pytest.mark.parametrize("named", [{"stride": 2}, {"padding": 1, "padding_mode": "circular"}])
def test_every_dtype(dtype, named):
    w = np.array([[[1, -3, 2]], [[4, 0, 1]]]).astype(dtype)
    operator = Conv(w, 9, **named)
    expected = dense_norm(Conv(w.astype(complex), 9, **named))
    assert operator.norm() == pytest.approx(expected, rel=1e-3)
    on_jax = Conv(jnp.asarray(w), 9, **named).norm()
    assert isinstance(on_jax, jax.Array)
    assert float(on_jax) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose])
@pytest.mark.parametrize("named", [{"stride": 2}, {"padding": 1, "padding_mode": "circular"}])
def test_its_derivative_is_that_of_a_simple_singular_value(kind, named):
    """``u^H dA v`` of the singular vectors, here of dense matrices."""
    w = RNG.standard_normal((3, 2, 3))

    def found(w):
        return kind(w, 9, **named).norm(tolerance=1e-7)

    gradient = jax.jit(jax.grad(found))(jnp.asarray(w))
    matrix = kind(w, 9, **named) @ np.eye(kind(w, 9, **named).shape[1])
    u, _, v = np.linalg.svd(matrix)
    for place in ((0, 0, 0), (2, 1, 1), (1, 0, 2)):
        one = np.zeros_like(w)
        one[place] = 1
        change = kind(one, 9, **named) @ v[0]
        # the vectors are off by the root of the value's error at most
        np.testing.assert_allclose(gradient[place], u[:, 0] @ change, atol=1e-3)
    _, slope = jax.jvp(found, (jnp.asarray(w),), (jnp.asarray(w),))
    np.testing.assert_allclose(slope, np.linalg.norm(matrix, 2), rtol=1e-6)  # it is homogeneous


def test_of_the_normal_operator_and_of_nothing():
    operator = Conv(RNG.standard_normal((2, 2, 3)), 9, stride=2)
    assert operator.gram.norm() == operator.norm() ** 2
    assert Conv(np.zeros((1, 1, 3)), 9).norm() == 0
    assert float(Conv(jnp.zeros((1, 1, 3)), 9).norm()) == 0
    for named in ({}, {"padding": 1, "padding_mode": "circular"}):
        assert Conv(np.ones((1, 1, 3)), 9, batch=0, **named).norm() == 0
        for shape in ((0, 1, 3), (2, 0, 3)):
            empty = Conv(np.ones(shape), 9, **named)
            assert empty.norm() == 0
            assert float(jax.device_put(empty).norm()) == 0
            assert (empty.gram @ np.ones(empty.dims)).shape == empty.dims
        assert np.isnan(Conv(np.full((1, 1, 3), np.nan), 9, **named).norm())


def test_vmap_over_weights():
    w = RNG.standard_normal((3, 2, 2, 3))
    found = jax.vmap(lambda w: Conv(w, 9).norm(tolerance=1e-6))(jnp.asarray(w))
    expected = [dense_norm(Conv(one, 9)) for one in w]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_what_it_cannot_reach():
    operator = Conv(np.ones((1, 1, 5)), 200)
    text = r"tolerance: a relative error of 1e-06 must be reached in max_iterations=2; got 4\.\d+ "
    with pytest.raises(ValueError, match=text + r"with an error of up to .* Allow more iterations"):
        operator.norm(tolerance=1e-6, max_iterations=2)
    on_jax = jax.device_put(operator)
    assert np.isnan(on_jax.norm(tolerance=1e-6, max_iterations=2))
    assert operator.norm(tolerance=0.9, max_iterations=1) <= dense_norm(operator)
    with pytest.raises(ValueError, match=r"tolerance: must be above 0 and below 1; got 0"):
        operator.norm(tolerance=0)
    with pytest.raises(ValueError, match=r"max_iterations: must be at least 1; got 0"):
        operator.norm(max_iterations=0)
