"""im2col, col2im and fractional_stride against PyTorch, the definition and each other; the matrix
view: conv as M, conv_transpose as its transpose, dense and sparse."""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from torch.nn.functional import fold, unfold

import tconv
from tconv.testing import Problem, reference
from tconv.testing.strategies import conv_problems
from tests.support import torch_oracle as oracle
from tests.support.computing import BACKENDS, bundles, cheap, compiled, compute

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


def window_problems(**options):
    return conv_problems(bias=False, batch=(1, 2, None), dtypes=("int64",), **options)


@given(window_problems())
def test_numpy_im2col(problem):
    x = problem.arrays()[0]
    columns = tconv.im2col(x, problem.kernel_size, **windowing(problem))
    np.testing.assert_array_equal(columns, columns_of(problem, x))
    assert columns.flags.writeable


@given(window_problems())
def test_col2im_is_the_adjoint_of_im2col(problem):
    x = problem.arrays()[0]
    columns = tconv.im2col(x, problem.kernel_size, **windowing(problem))
    u = np.random.default_rng(problem.seed).integers(-9, 9, columns.shape)
    image = tconv.col2im(u, problem.input_size, problem.kernel_size, **windowing(problem))
    assert image.shape == x.shape
    assert np.vdot(u, columns) == np.vdot(image, x)


@given(window_problems(max_groups=1))
def test_conv_is_the_kernel_times_the_columns(problem):
    x, w, _ = problem.arrays()
    columns = tconv.im2col(x, problem.kernel_size, **windowing(problem))
    product = w.reshape(len(w), -1) @ columns
    y = tconv.conv(x, w, **problem.keywords)
    np.testing.assert_array_equal(product.ravel(), y.ravel())


@compiled
@given(bundles(window_problems()), st.sampled_from(ALL_DTYPES))
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


@given(window_problems(ndim=2, symmetric=True))
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


MATRIX_DTYPES = ("int64", "int8", "uint16", "float64", "complex64")
ONE = {"bias": False, "batch": (None,)}


def matrix_of(problem: Problem, w: Any, **options: Any) -> Any:
    return tconv.conv_matrix(w, problem.input_size, **problem.keywords, **options)


def integer_valued(problem: Problem) -> list[np.ndarray]:
    """x, w and an output whose products and sums are exact in every dtype."""
    rng = np.random.default_rng(problem.seed)
    shapes = problem.x_shape, problem.w_shape, problem.output_shape
    return [rng.integers(0, 3, shape).astype(problem.dtype) for shape in shapes]


@cheap
@given(conv_problems(dtypes=MATRIX_DTYPES, **ONE))
def test_matrix_and_its_transpose_are_the_two_directions(problem):
    x, w, y = integer_valued(problem)
    matrix = matrix_of(problem, w)
    assert matrix.dtype == w.dtype
    assert matrix.shape == (y.size, x.size)
    forth = tconv.conv(x, w, **problem.keywords)
    back = tconv.conv_transpose(y, w, output_size=problem.input_size, **problem.keywords)
    np.testing.assert_array_equal(matrix @ x.ravel(), forth.ravel())
    np.testing.assert_array_equal(matrix.T @ y.ravel(), back.ravel())
    normal = tconv.conv_transpose(forth, w, output_size=problem.input_size, **problem.keywords)
    np.testing.assert_array_equal(matrix.T @ (matrix @ x.ravel()), normal.ravel())


@given(conv_problems(dtypes=MATRIX_DTYPES, **ONE))
def test_sparse_matrix_is_the_dense_one(problem):
    w = problem.arrays()[1]
    sparse = matrix_of(problem, w, sparse=True)
    assert isinstance(sparse, csr_array)
    assert sparse.dtype == w.dtype
    np.testing.assert_array_equal(sparse.toarray(), matrix_of(problem, w), strict=True)
    assert sparse.nnz <= w.size * np.prod(problem.output_size)


@compiled
@given(bundles(conv_problems(dtypes=("int64", "float32", "bfloat16"), **ONE)))
def test_jax_matrix_is_that_of_numpy(problems):
    weights = [problem.arrays()[1] for problem in problems]

    def every(*weights):
        return [matrix_of(problem, w) for problem, w in zip(problems, weights, strict=True)]

    for here, there in zip(every(*weights), compute("jax", every, *weights), strict=True):
        np.testing.assert_array_equal(there, here, strict=True)


@pytest.mark.parametrize("padding", ["valid", "same", "same_lower"])
def test_matrix_of_a_named_padding(padding):
    rng = np.random.default_rng(0)
    x, w = rng.integers(-9, 9, (4, 7, 6)), rng.integers(-9, 9, (6, 2, 3, 2))
    named = {"stride": (2, 3), "padding": padding, "dilation": (1, 2), "groups": 2}
    matrix = tconv.conv_matrix(w, (7, 6), **named)
    np.testing.assert_array_equal(matrix @ x.ravel(), tconv.conv(x, w, **named).ravel())


def test_no_channels_make_an_empty_matrix():
    assert tconv.conv_matrix(np.zeros((0, 2, 3)), 5).shape == (0, 10)
    assert tconv.conv_matrix(np.zeros((2, 0, 3)), 5).shape == (6, 0)


def zeros(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: tconv.fractional_stride(zeros(2, 3), 2), ValueError,
         r"^x: must have the axes \(batch, channels, \*spatial\); got shape \(2, 3\)\. Add"),
        (lambda: tconv.fractional_stride(zeros(1, 2, 3), 0), ValueError,
         r"^stride, spatial axis 0: must be at least 1; got 0"),
        (lambda: tconv.fractional_stride([1.0], 2), TypeError, r"^x: must be a numpy.ndarray"),
        (lambda: tconv.im2col(zeros(3), 2), ValueError, r"^x: must have the axes .*\(3,\)"),
        (lambda: tconv.im2col(zeros(1, 5, 5), (2, 2, 2)), ValueError,
         r"^x: must have the axes .* with 3 spatial axes.*; got shape \(1, 5, 5\)"),
        (lambda: tconv.im2col(zeros(1, 1, 5), 6), ValueError, r"^output size, spatial axis 0: "),
        (lambda: tconv.im2col(zeros(1, 1, 5), 2, stride=0), ValueError, r"^stride, spatial axis 0"),
        (lambda: tconv.im2col(zeros(1, 1, 5), 0), ValueError, r"^(kernel_size|w), spatial axis 0"),
        (lambda: tconv.col2im(zeros(3), 5, 3), ValueError, r"^cols: .*; got shape \(3,\)\. Resh"),
        (lambda: tconv.col2im(zeros(1, 4, 2), 5, 3), ValueError,
         r"^cols: .*multiple of prod\(kernel_size\) = 3; got 4 in shape \(1, 4, 2\)\. Check"),
        (lambda: tconv.col2im(zeros(1, 3, 2), 5, 3), ValueError,
         r"^cols: its last axis must be the 3 window positions .*; got 2 in shape"),
        (lambda: tconv.col2im(zeros(1, 3, 2), 5, 0), ValueError, r"kernel_size"),
        (lambda: tconv.conv_matrix(zeros(2, 2), 4), ValueError, r"^w: .*; got shape \(2, 2\)"),
        (lambda: tconv.conv_matrix(zeros(2, 2, 3), (4, 4)), ValueError,
         r"^input_size: must be one value, or one for each of the 1 spatial axes; got 2 values"),
        (lambda: tconv.conv_matrix(zeros(2, 2, 3), 2), ValueError, r"^output size, spatial axis 0"),
        (lambda: tconv.conv_matrix(zeros(3, 2, 3), 4, groups=2), ValueError, r"^groups: must div"),
        (lambda: tconv.conv_matrix(zeros(3, 2, 3), 4, groups=0), ValueError, r"^groups: .*at lea"),
        (lambda: tconv.conv_matrix(jnp.zeros((1, 1, 2)), 4, sparse=True), TypeError,
         r"^w: a sparse matrix needs a numpy.ndarray, .*; got .*\. Convert it with numpy.asarray"),
        (lambda: tconv.conv_matrix(zeros(1, 1, 2, dtype=np.float16), 4, sparse=True), TypeError,
         r"^w: SciPy's sparse matrices hold no float16.*; got .*\. Convert it with astype"),
    ],
)  # fmt: skip
def test_refused_arguments(call, error, text):
    with pytest.raises(error, match=text) as caught:
        call()
    assert str(caught.value).endswith(".")


def test_sparse_matrix_without_scipy_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match=r"^conv_matrix\(sparse=True\) needs SciPy.*pip install"):
        tconv.conv_matrix(zeros(1, 1, 2), 4, sparse=True)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("far", [2**31 + 7, 2**62, 2**70])
def test_huge_parameters(backend, far):
    """Values where the result is small, and an error where no array can hold it."""
    make = jax.device_put if backend == "jax" else np.asarray
    x = np.arange(1.0, 4).reshape(1, 1, 3)
    assert tconv.fractional_stride(make(x[..., :1]), far).tolist() == [[[1]]]
    cols = tconv.im2col(make(x), 2, stride=far, padding=((far, far),))
    assert cols.tolist() == [[[0, 1, 0], [0, 2, 0]]]
    image = tconv.col2im(make(np.array(cols)), (3,), 2, stride=far, padding=((far, far),))
    assert image.tolist() == [[[1, 2, 0]]]
    dilated = tconv.im2col(make(x), 2, dilation=far, padding=((far, 1),))
    assert dilated.tolist() == [[[0, 0, 0, 0], [1, 2, 3, 0]]]
    w = np.array([[[5.0, 7.0]]])
    matrix = tconv.conv_matrix(make(w), 3, dilation=far, padding=((far, 1),))
    assert matrix.tolist() == [[7, 0, 0], [0, 7, 0], [0, 0, 7], [0, 0, 0]]
    if far > 2**57:
        for call in (
            lambda: tconv.fractional_stride(make(x), far),
            lambda: tconv.im2col(make(x), 2, padding=far),
            lambda: tconv.col2im(make(x[:, [0, 0]]), (2 * far + 2,), 2, stride=far),
            lambda: tconv.conv_matrix(make(w), 2 * far + 2, stride=far),
        ):
            with pytest.raises(ValueError, match=r"an array has fewer than 2\*\*57 elements"):
                call()
