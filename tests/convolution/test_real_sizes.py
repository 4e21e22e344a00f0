"""Layers of real sizes, where the backends work in blocks and choose between algorithms.

Integer-valued float32, small enough that every sum is exact: equal to PyTorch to the last bit.
"""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

import tconv
from tconv.testing import Problem
from tests.support import torch_oracle as oracle
from tests.support.computing import compute
from tests.support.torch_expected import torch_keywords

LAYERS = {
    "GAN, small planes": Problem((4, 4), (4, 4), 2, 1, in_channels=64, out_channels=48, batch=19),
    "GAN, larger planes": Problem((33, 47), (4, 4), 2, 1, in_channels=32, out_channels=16, batch=2),
    "few images out": Problem((64, 60), (5, 5), 2, 2, 1, in_channels=24, out_channels=3),
    "U-Net": Problem((40, 56), (2, 2), 2, in_channels=32, out_channels=16),
    "pointwise": Problem((40, 41), (1, 1), in_channels=40, out_channels=24, batch=3),
    "pointwise, stride 2": Problem((40, 41), (1, 1), 2, in_channels=24, out_channels=24),
    "segmentation": Problem((10, 14), (16, 16), 8, 4, in_channels=21, out_channels=21),
    "depthwise": Problem(
        (40, 43), (4, 4), 2, 1, groups=64, in_channels=64, out_channels=64, batch=2
    ),
    "depthwise, wide": Problem(
        (190, 200), (4, 4), 2, 1, groups=3, in_channels=3, out_channels=3
    ),
    "depthwise, three a channel": Problem(
        (20, 22), (3, 3), 2, 1, 1, groups=16, in_channels=16, out_channels=48
    ),
    "three channels to one": Problem(
        (20, 22), (3, 3), 2, 1, 1, groups=16, in_channels=48, out_channels=16
    ),
    "groups": Problem(
        (24, 20), (3, 3), 2, 1, 1, groups=4, in_channels=32, out_channels=64, batch=2
    ),
    "audio": Problem((600,), (16,), 8, 4, in_channels=64, out_channels=32, batch=2),
    "audio, long": Problem((70_001,), (8,), 4, 2, in_channels=8, out_channels=4),
    "audio, stride not dividing": Problem((3_000,), (11,), 5, 3, in_channels=16, out_channels=8),
    "volume": Problem((6, 7, 8), (4, 4, 4), 2, 1, in_channels=16, out_channels=8, batch=2),
    "volume, kernel 3": Problem((9, 8, 7), (3, 3, 3), 2, 1, 1, in_channels=8, out_channels=8),
    "dilated": Problem((50, 40), (3, 3), 1, 2, 0, (2, 3), in_channels=8, out_channels=8),
    "dilated, strided": Problem((30, 31), (3, 3), 2, 1, 2, 3, in_channels=8, out_channels=8),
    "dilated, gcd 2": Problem((30, 31), (4, 4), 4, 1, 3, 6, in_channels=8, out_channels=8),
    "stride > kernel": Problem((30, 31), (2, 2), 5, in_channels=16, out_channels=8, batch=2),
    "wide and flat": Problem((3, 3_000), (3, 9), (1, 3), in_channels=6, out_channels=6),
    "tall and thin": Problem((3_000, 3), (9, 3), (3, 1), in_channels=6, out_channels=6),
    "first layer": Problem((1, 1), (4, 4), in_channels=100, out_channels=64, batch=64),
    "many samples": Problem((6, 5), (3, 3), 2, in_channels=3, out_channels=5, batch=300),
    "deep crop": Problem((40, 40), (3, 3), 2, 9, 1, in_channels=16, out_channels=8, batch=2),
    "uneven crop": Problem((30, 33), (4, 4), 2, ((-2, 5), (4, -3)), in_channels=16, out_channels=8),
    "stride 1": Problem((50, 60), (3, 3), 1, 1, in_channels=24, out_channels=24, batch=2),
    "large kernel": Problem((20, 20), (11, 11), 1, 5, in_channels=8, out_channels=8),
}  # fmt: skip
NUMPY_METHODS = ("auto", "col2im", "dilated", "subpixel")  # the matrix would need gigabytes


def operands(problem: Problem) -> list[np.ndarray]:
    """x, w, b and a cotangent, with no sum of products beyond 2**24."""
    batch = problem.batch or 1
    terms = max(
        problem.in_channels // problem.groups * prod(problem.kernel_size),
        problem.out_channels // problem.groups * prod(problem.kernel_size),
        batch * max(prod(problem.input_size), prod(problem.output_size)),
    )
    assert 4 * terms < 2**24
    rng = np.random.default_rng(0)
    shapes = problem.x_shape, problem.w_shape, (problem.out_channels,), problem.output_shape
    return [rng.integers(-2, 3, shape).astype(np.float32) for shape in shapes]


@pytest.fixture(params=LAYERS, scope="module")
def layer(request):
    """A problem, its operands, PyTorch's result and PyTorch's gradients."""
    problem = LAYERS[request.param]
    *arrays, cotangent = operands(problem)
    named = torch_keywords(problem)
    y = oracle.evaluate(oracle.transposed, *arrays, **named)
    return (
        problem,
        arrays,
        cotangent,
        y,
        oracle.gradients(oracle.transposed, cotangent, *arrays, **named),
    )


def test_numpy(layer):
    problem, (x, w, b), cotangent, wanted, gradients = layer
    for method in NUMPY_METHODS:
        y = tconv.conv_transpose(x, w, b, method=method, **problem.keywords)
        np.testing.assert_array_equal(y, wanted, method, strict=True)
    _, pullback = tconv.conv_transpose_vjp(x, w, b, **problem.keywords)
    for name, mine, theirs in zip(("dx", "dw", "db"), pullback(cotangent), gradients, strict=True):
        np.testing.assert_array_equal(mine, theirs, name, strict=True)


def test_numpy_forward_direction(layer):
    """conv of the cotangent is dx, and its pullback dw, unless output_padding >= stride: then it
    has more positions than x."""
    problem, (x, w, _), cotangent, _, (dx, dw, _) = layer
    named = {name: problem.keywords[name] for name in ("stride", "padding", "dilation", "groups")}
    v, pullback = tconv.conv_vjp(cotangent, w, **named)
    if problem.output_padding >= problem.stride:
        assert v.shape > x.shape
        return
    np.testing.assert_array_equal(v, dx, strict=True)
    np.testing.assert_array_equal(pullback(x)[1], dw, strict=True)


def test_jax(layer):
    problem, arrays, cotangent, wanted, gradients = layer

    def value_and_gradients(x, w, b, cotangent):
        y, pullback = tconv.conv_transpose_vjp(x, w, b, **problem.keywords)
        return y, *pullback(cotangent)

    results = compute("jax", value_and_gradients, *arrays, cotangent)
    for mine, theirs in zip(results, (wanted, *gradients), strict=True):
        np.testing.assert_array_equal(mine, theirs, strict=True)
