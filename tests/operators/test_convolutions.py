"""The two operators: values, shapes, transposes, adjoints, over the whole space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from tconv.operators import Conv, ConvTranspose
from tconv.testing import reference
from tconv.testing.strategies import conv_problems, conv_transpose_problems
from tests.support.computing import BACKENDS, cheap, compute

KINDS = {"conv": (Conv, conv_problems), "conv_transpose": (ConvTranspose, conv_transpose_problems)}
EACH = pytest.mark.parametrize("kind", KINDS)


def operator_of(problem, w, batch=None):
    """The operator of a problem on one sample or, with a batch, on several."""
    lead = () if problem.batch is None else (problem.batch,)
    kind, _ = KINDS[problem.kind]
    return kind(w, problem.input_size, batch=lead if batch is None else batch, **problem.keywords)


def integers(*shape):
    return np.random.default_rng(len(shape)).integers(-9, 10, shape)


@EACH
@pytest.mark.parametrize("backend", BACKENDS)
def test_values_are_those_of_the_definition(kind, backend):
    @cheap
    @given(KINDS[kind][1](dtypes=("int64",), bias=False))
    def check(problem):
        x, w, _ = problem.arrays()
        expected = getattr(reference, kind)(x, w, **problem.keywords)

        def every(x, w):
            operator = operator_of(problem, w)
            return operator @ x, operator.matvec(x.reshape(-1)), operator.matmat(x.reshape(-1, 1))

        assert operator_of(problem, w).dims == x.shape
        assert operator_of(problem, w).dimsd == expected.shape
        y, flat, column = compute(backend, every, x, w)
        np.testing.assert_array_equal(y, expected.astype(np.int64))
        np.testing.assert_array_equal(flat, y.reshape(-1))
        np.testing.assert_array_equal(column, y.reshape(-1, 1))

    check()


@EACH
def test_the_adjoint_is_exact(kind):
    """<A x, y> = <x, A^T y> in integers, sizes that the stride does not divide included."""

    @cheap
    @given(KINDS[kind][1](dtypes=("int64",), bias=False))
    def check(problem):
        x, w, _ = problem.arrays()
        operator = operator_of(problem, w)
        y = problem.cotangent()
        back = operator.rmatvec(y)
        assert back.shape == operator.dims == operator.T.dimsd
        assert int(np.vdot(operator @ x, y)) == int(np.vdot(x, back))
        assert operator == operator.T.T
        assert operator.H == operator.T
        assert operator.T.shape == operator.shape[::-1]
        np.testing.assert_array_equal(operator.T @ y, back)

    check()
