"""The reference against torch, against the definition written out for one axis, and exactly."""

from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
import torch
from hypothesis import given, settings

from tconv.testing import reference
from tconv.testing.problems.corners import corner_problems
from tconv.testing.strategies import conv_problems, conv_transpose_problems
from tests.support import definition

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)
NAMES = {1: "conv{}1d", 2: "conv{}2d", 3: "conv{}3d"}


def as_torch(*arrays):
    return [None if a is None else torch.tensor(np.array(a)) for a in arrays]


def torch_function(problem):
    name = NAMES[problem.ndim].format("_transpose" if problem.transposed else "")
    return getattr(torch.nn.functional, name)


@QUICK
@given(conv_transpose_problems(dtypes=("float64", "complex128"), symmetric=True, batch=(1, 2)))
def test_conv_transpose_and_gradients_are_those_of_torch(problem):
    x, w, b = problem.arrays()
    tx, tw, tb = as_torch(x, w, b)
    tx.requires_grad_()
    tw.requires_grad_()
    y = torch_function(problem)(tx, tw, tb, **problem.keywords)
    np.testing.assert_allclose(
        reference.conv_transpose(x, w, b, **problem.keywords), y.detach(), atol=1e-12
    )
    dy = problem.cotangent()
    y.backward(as_torch(dy.conj())[0])  # torch conjugates what the linear transpose does not
    np.testing.assert_allclose(
        reference.weight_gradient(x, dy, problem.kernel_size, **problem.keywords),
        tw.grad.conj().resolve_conj(),
        atol=1e-12,
    )
    if all(op < s for op, s in zip(problem.output_padding, problem.stride, strict=True)):
        keywords = {**problem.keywords}
        del keywords["output_padding"]
        np.testing.assert_allclose(
            reference.conv(dy, w, **keywords), tx.grad.conj().resolve_conj(), atol=1e-12
        )


@QUICK
@given(conv_problems(dtypes=("float64",), symmetric=True, batch=(1, 2)))
def test_conv_is_that_of_torch(problem):
    x, w, b = problem.arrays()
    y = torch_function(problem)(*as_torch(x, w, b), **problem.keywords)
    np.testing.assert_allclose(reference.conv(x, w, b, **problem.keywords), y, atol=1e-12)


@QUICK
@given(conv_transpose_problems(ndim=1, symmetric=False, dtypes=("int64",), batch=(1,)))
def test_asymmetric_padding_by_the_formula_written_out(problem):
    x, w, b = problem.arrays()
    (s,), (d,), ((lo, _),) = problem.stride, problem.dilation, problem.padding
    group_in = problem.in_channels // problem.groups
    group_out = problem.out_channels // problem.groups
    y = reference.conv_transpose(x, w, b, **problem.keywords)
    for o in range(problem.output_size[0]):
        for channel in range(problem.out_channels):
            group, inside = divmod(channel, group_out)
            total = int(b[channel]) if b is not None else 0
            for c in range(group * group_in, (group + 1) * group_in):
                for i in range(problem.input_size[0]):
                    for t in range(problem.kernel_size[0]):
                        if i * s + t * d - lo == o:
                            total += int(x[0, c, i]) * int(w[c, inside, t])
            assert y[0, channel, o] == total


def test_integers_are_exact_beyond_64_bits():
    huge = np.array([[[2**62, -(2**62)]]])
    y = reference.conv_transpose(huge, np.array([[[2**62]]]))
    assert y.tolist() == [[[2**124, -(2**124)]]]


def test_unbatched_is_the_batch_of_one():
    x, w = np.arange(6.0).reshape(1, 6), np.arange(3.0).reshape(1, 1, 3)
    for function in (reference.conv, reference.conv_transpose):
        np.testing.assert_array_equal(function(x, w, [1.0]), function(x[None], w, [1.0])[0])


def test_empty_batch_and_channels():
    assert reference.conv_transpose(np.zeros((0, 2, 3)), np.zeros((2, 1, 2))).shape == (0, 1, 4)
    assert reference.conv_transpose(np.zeros((1, 2, 3)), np.zeros((2, 0, 2))).shape == (1, 0, 4)


def test_the_vectorised_definition_is_the_reference():
    """The einsum of ``support.definition``, which JAX differentiates, on rows of the table."""
    table = corner_problems("conv_transpose", (1, 2, 3), ("float64",), 0)
    for problem in [problem for problem in table if problem.batch != 0][::7]:
        x, w, _ = problem.arrays()
        y = jax.jit(partial(definition.conv_transpose, problem))(x, w)
        wanted = reference.conv_transpose(x, w, **problem.keywords)
        np.testing.assert_allclose(y, wanted, rtol=1e-12, atol=1e-12 * abs(wanted).max())


def test_shares_no_code_with_the_library():
    source = Path(reference.__file__).read_text(encoding="utf-8")
    assert "tconv" not in source.replace("what tconv computes", "")


@pytest.mark.parametrize("position", [0, 2])
def test_infinity_stays_where_its_taps_lead(position):
    x = np.zeros((1, 1, 3))
    x[0, 0, position] = np.inf
    y = reference.conv_transpose(x, np.ones((1, 1, 2)), stride=2)
    expected = np.zeros(6)
    expected[2 * position : 2 * position + 2] = np.inf
    np.testing.assert_array_equal(y[0, 0], expected)
