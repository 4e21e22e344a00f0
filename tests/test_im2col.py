"""im2col, col2im and fractional_stride: against PyTorch, the definition, and each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch_oracle as oracle
from computing import BACKENDS, bundles, compiled, compute
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import fold, unfold

import tconv
from tconv.testing import Problem, reference
from tconv.testing.strategies import conv_problems

ALL_DTYPES = ("float32", "int64", "complex64", "bfloat16", "uint8", "float16")


def windowing(problem: Problem) -> dict[str, object]:
    return {name: problem.keywords[name] for name in ("stride", "padding", "dilation")}


def columns_of(problem: Problem, x: np.ndarray) -> np.ndarray:
    """The definition: one convolution with a one-hot kernel for each channel and tap."""
    channels = x.shape[-problem.ndim - 1]
    taps = int(np.prod(problem.kernel_size))
    kernels = np.eye(taps, dtype=np.int64).reshape(taps, 1, *problem.kernel_size)
    rows = [
        reference.conv(np.take(x, [c], -problem.ndim - 1), kernels, **windowing(problem))
        for c in range(channels)
    ]
    lead = x.shape[: -problem.ndim - 1]
    columns = np.concatenate(rows, axis=-problem.ndim - 1)
    return columns.reshape(*lead, channels * taps, -1)


def problems(**options):
    return conv_problems(bias=False, batch=(1, 2, None), dtypes=("int64",), **options)


@given(problems())
def test_numpy_im2col(problem):
    x = problem.arrays()[0]
    columns = tconv.im2col(x, problem.kernel_size, **windowing(problem))
    np.testing.assert_array_equal(columns, columns_of(problem, x))
    assert columns.flags.writeable


@given(problems())
def test_col2im_is_the_adjoint_of_im2col(problem):
    x = problem.arrays()[0]
    columns = tconv.im2col(x, problem.kernel_size, **windowing(problem))
    u = np.random.default_rng(problem.seed).integers(-9, 9, columns.shape)
    image = tconv.col2im(u, problem.input_size, problem.kernel_size, **windowing(problem))
    assert image.shape == x.shape
    assert np.vdot(u, columns) == np.vdot(image, x)


@given(problems(max_groups=1))
def test_conv_is_the_kernel_times_the_columns(problem):
    x, w, _ = problem.arrays()
    columns = tconv.im2col(x, problem.kernel_size, **windowing(problem))
    product = w.reshape(len(w), -1) @ columns
    y = tconv.conv(x, w, **problem.keywords)
    np.testing.assert_array_equal(product.ravel(), y.ravel())


@compiled
@given(bundles(problems()), st.sampled_from(ALL_DTYPES))
def test_jax_columns_are_those_of_numpy(bundle, dtype):
    def both(x, kernel_size, size, groups, **named):
        columns = tconv.im2col(x, kernel_size, **named)
        return columns, tconv.col2im(columns, size, kernel_size, **named)

    def there(*arrays):
        return [
            both(x, problem.kernel_size, problem.input_size, **problem.keywords)
            for x, problem in zip(arrays, bundle, strict=True)
        ]

    kind = oracle.ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    arrays = [np.abs(problem.arrays()[0] % 5).astype(kind) for problem in bundle]
    for here, results in zip(there(*arrays), compute("jax", there, *arrays), strict=True):
        for wanted, actual in zip(here, results, strict=True):
            np.testing.assert_array_equal(actual, wanted, strict=True)


@given(problems(ndim=2, symmetric=True))
def test_unfold_and_fold_of_torch(problem):
    x = problem.arrays()[0].astype(np.float64)
    named = windowing(problem)
    wanted = oracle.evaluate(unfold, x, kernel_size=problem.kernel_size, **named)
    columns = tconv.im2col(x, problem.kernel_size, **named)
    np.testing.assert_array_equal(columns, wanted, strict=True)
    sizes = {"output_size": problem.input_size, "kernel_size": problem.kernel_size}
    wanted = oracle.evaluate(fold, columns, **sizes, **named)
    np.testing.assert_array_equal(tconv.col2im(columns, **sizes, **named), wanted, strict=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_exact_for_every_value(backend):
    """Columns are copies: infinities stay where they are and negative zeros keep their sign."""
    x = np.array([[[np.inf, 1.0, -0.0, np.nan, -np.inf]]], np.float32)
    columns = compute(backend, lambda x: tconv.im2col(x, 2, padding=1), x)
    wanted = np.array([[[0, *x[0, 0]], [*x[0, 0], 0]]], np.float32)
    np.testing.assert_array_equal(columns, wanted)
    np.testing.assert_array_equal(np.signbit(columns), np.signbit(wanted))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["float16", "int8", "complex64"])
def test_fractional_stride_spreads_by_the_stride(backend, dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(1, 9, (2, 3, 4, 1, 3)).astype(dtype)
    y = compute(backend, lambda x: tconv.fractional_stride(x, (3, 2, 1)), x)
    wanted = np.zeros((2, 3, 10, 1, 3), dtype)
    for i in range(4):
        wanted[:, :, 3 * i] = x[:, :, i]
    np.testing.assert_array_equal(y, wanted, strict=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_transposed_convolution_by_hand(backend):
    """Spread, pad by kernel - 1, correlate with the flipped kernel."""
    rng = np.random.default_rng(0)
    x, w = rng.integers(-9, 9, (2, 3, 4, 5)), rng.integers(-9, 9, (3, 2, 3, 2))

    def by_hand(x, w):
        spread = tconv.fractional_stride(x, (2, 3))
        return tconv.conv(spread, w[:, :, ::-1, ::-1].swapaxes(0, 1), padding=(2, 1))

    y = compute(backend, by_hand, x, w)
    np.testing.assert_array_equal(y, tconv.conv_transpose(x, w, stride=(2, 3)), strict=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_empty_batch_and_channels(backend):
    for shape in [(0, 2, 5), (2, 0, 5)]:
        columns = compute(backend, lambda x: tconv.im2col(x, 3), np.zeros(shape))
        assert columns.shape == (shape[0], shape[1] * 3, 3)
        image = compute(backend, lambda c: tconv.col2im(c, 5, 3), columns)
        assert image.shape == shape


def test_ints_mean_every_axis():
    x = np.arange(2 * 3 * 6 * 6.0).reshape(2, 3, 6, 6)
    np.testing.assert_array_equal(tconv.im2col(x, 2, stride=2), tconv.im2col(x, (2, 2), stride=2))
    columns = tconv.im2col(x, 2)
    np.testing.assert_array_equal(
        tconv.col2im(columns, (6, 6), 2), tconv.col2im(columns, 6, (2, 2))
    )
