"""Laws that need no reference: adjointness, linearity in both operands, shift by the stride."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tconv
from tconv.testing import Problem, assert_adjoint, reference
from tconv.testing.strategies import conv_problems, conv_transpose_problems
from tests.support.computing import METHODS, bundles, cheap, compiled, compute_problems

INTEGERS = ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float32", "float64", "complex64", "complex128")


def both_ways(v, w, u, **named):
    """conv of v, and the transposed convolutions of u back to the size of v, by every method."""
    size = v.shape[-len(w.shape[2:]) :]
    return tconv.conv(v, w, **named), [
        tconv.conv_transpose(u, w, output_size=size, method=method, **named) for method in METHODS
    ]


def check_adjoint(problems: list[Problem], backend: str) -> None:
    operands = [(*problem.arrays()[:2], problem.cotangent()) for problem in problems]
    results = compute_problems(backend, both_ways, problems, operands)
    for problem, (v, w, u), (forth, backs) in zip(problems, operands, results, strict=True):
        scale = None
        if v.dtype.kind in "fc":
            sums = reference.conv(np.abs(v), np.abs(w), **problem.keywords)
            scale = float(np.vdot(np.abs(u).astype(np.float64), sums))
        for back in backs:
            assert_adjoint(
                lambda _, forth=forth: forth,
                lambda _, back=back: back,
                u,
                v,
                accumulation_length=problem.accumulation_length * problem.out_channels,
                scale=scale,
            )


@cheap
@given(problem=conv_problems(dtypes=INTEGERS, bias=False, batch=(1, 2, None), spread=1))
def test_numpy_adjoint_is_exact_in_integers(problem):
    """Products wrap around and the identity still holds, modulo 2**bits."""
    check_adjoint([problem], "numpy")


@cheap
@given(problem=conv_problems(dtypes=FLOATS, bias=False, batch=(1, 2, None), condition=1000))
def test_numpy_adjoint_of_floats(problem):
    check_adjoint([problem], "numpy")


@compiled
@given(data=st.data())
def test_jax_adjoint(data):
    dtypes = ("int64", "int32", "float32", "complex128")
    problem = conv_problems(dtypes=dtypes, bias=False, batch=(1, 2, None))
    check_adjoint(data.draw(bundles(problem)), "jax")


@given(conv_transpose_problems(dtypes=("int64",), bias=False, batch=(1, 2, None)))
def test_pullback_is_the_adjoint_where_no_convolution_is(problem):
    """Also with stride <= output_padding < dilation, where conv cannot give the size back."""
    x, w, _ = problem.arrays()
    y, pullback = tconv.conv_transpose_vjp(x, w, **problem.keywords)
    dy = problem.cotangent()
    dx, dw, _ = pullback(dy)
    assert np.vdot(dy, y) == np.vdot(dx, x) == np.vdot(dw, w)


@pytest.mark.parametrize("method", METHODS)
@given(problem=conv_transpose_problems(dtypes=("int64",), bias=False, batch=(1, 2, None, 0)))
def test_linear_in_both_operands(method, problem):
    x, w, _ = problem.arrays()
    x2, w2 = x[..., ::-1] + 3, 2 * w[..., ::-1] - 1

    def f(x, w):
        return tconv.conv_transpose(x, w, method=method, **problem.keywords)

    np.testing.assert_array_equal(f(5 * x - 2 * x2, w), 5 * f(x, w) - 2 * f(x2, w))
    np.testing.assert_array_equal(f(x, 5 * w - 2 * w2), 5 * f(x, w) - 2 * f(x, w2))


@given(conv_problems(dtypes=("int64",), bias=False, batch=(1, 2, None, 0)))
def test_conv_is_linear_in_both_operands(problem):
    x, w, _ = problem.arrays()
    x2, w2 = x[..., ::-1] + 3, 2 * w[..., ::-1] - 1

    def f(x, w):
        return tconv.conv(x, w, **problem.keywords)

    np.testing.assert_array_equal(f(5 * x - 2 * x2, w), 5 * f(x, w) - 2 * f(x2, w))
    np.testing.assert_array_equal(f(x, 5 * w - 2 * w2), 5 * f(x, w) - 2 * f(x, w2))


@pytest.mark.parametrize("method", METHODS)
@given(problem=conv_transpose_problems(dtypes=("int64",), batch=(1, None)), data=st.data())
def test_an_input_step_moves_the_output_by_the_stride(method, problem, data):
    """A zero before x instead of after it: the output moves, the bias under it does not."""
    axis = data.draw(st.integers(0, problem.ndim - 1))
    x, w, b = problem.arrays()
    where = x.ndim - problem.ndim + axis
    zero = np.zeros_like(np.take(x, [0], where))
    early, late = (
        tconv.conv_transpose(np.concatenate(parts, where), w, b, method=method, **problem.keywords)
        for parts in ([x, zero], [zero, x])
    )
    stride = problem.stride[axis]
    size = early.shape[where] - stride
    np.testing.assert_array_equal(
        np.take(late, range(stride, stride + size), where), np.take(early, range(size), where)
    )
