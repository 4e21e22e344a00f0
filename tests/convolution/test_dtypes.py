"""Which dtype comes out, what the sums are made in, and what integers do on overflow."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import tconv
from tests.support.computing import BACKENDS, METHODS, compute

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
DTYPES = ["float16", "float32", "float64", "complex64", "complex128", *INTEGERS]


def ones(*shape, dtype):
    return np.ones(shape, dtype)


@pytest.mark.parametrize("left", [*DTYPES, BFLOAT16])
@pytest.mark.parametrize("right", [*DTYPES, BFLOAT16])
def test_numpy_promotes_as_numpy_does(left, right):
    x, w = ones(1, 1, 2, dtype=left), ones(1, 1, 2, dtype=right)
    try:
        promoted = np.result_type(x, w)
    except TypeError:
        with pytest.raises(TypeError, match=rf"^operands: .*; got {x.dtype} and {w.dtype}\. C"):
            tconv.conv_transpose(x, w)
        return
    assert tconv.conv_transpose(x, w).dtype == tconv.conv(x, w).dtype == promoted
    np.testing.assert_array_equal(tconv.conv_transpose(x, w), np.array([[[1, 2, 1]]], promoted))


@pytest.mark.parametrize("left", ["int8", "bfloat16", "float32", "complex64"])
@pytest.mark.parametrize("right", ["int8", "uint16", "float16", "float64"])
def test_jax_promotes_as_jax_does(left, right):
    with jax.numpy_dtype_promotion("standard"):
        x, w = jnp.ones((1, 1, 2), left), jnp.ones((1, 1, 2), right)
        y = tconv.conv_transpose(x, w)
        assert y.dtype == (x * w).dtype
        assert y.tolist() == [[[1, 2, 1]]]


def test_jax_strict_promotion_is_obeyed():
    with pytest.raises(ValueError, match="promotion"):
        tconv.conv_transpose(jnp.ones((1, 1, 2), "float32"), jnp.ones((1, 1, 2), "float16"))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
def test_bias_takes_the_results_dtype(dtype, backend):
    x, w, b = (ones(*shape, dtype=np.dtype(dtype)) for shape in ((1, 1, 2), (1, 1, 1), (1,)))
    for function in (tconv.conv, tconv.conv_transpose):
        y = compute(backend, function, x, w, b)
        np.testing.assert_array_equal(y, np.full((1, 1, 2), 2, np.dtype(dtype)), strict=True)


def test_a_bias_of_another_width_does_not_widen():
    x, w = ones(1, 1, 2, dtype="float32"), ones(1, 1, 1, dtype="float32")
    for bias in (ones(1, dtype="float64"), ones(1, dtype="int64"), ones(1, dtype="float16")):
        y = tconv.conv_transpose(x, w, bias)
        np.testing.assert_array_equal(y, np.full((1, 1, 2), 2, np.float32), strict=True)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("dtype", "preferred"),
    [
        ("int8", "int32"),
        ("int8", "int8"),
        ("uint8", "uint64"),
        ("float16", "float32"),
        ("bfloat16", "float32"),
        ("float16", "float64"),
        ("float32", "float64"),
        ("complex64", "complex128"),
    ],
)
def test_preferred_element_type(dtype, preferred, backend):
    """The sums and the result have it: operands are widened, not the rounded result."""
    rng = np.random.default_rng(0)
    x, w = (rng.integers(0, 100, s).astype(np.dtype(dtype)) for s in ((2, 3, 5), (3, 3, 3)))
    x, w = (a + a.dtype.type(1) / 3 if a.dtype.kind in "fcV" else a for a in (x, w))
    wide_x, wide_w = x.astype(preferred), w.astype(preferred)

    def every(x, w):
        named = {"stride": 2, "preferred_element_type": preferred}
        return [
            tconv.conv(x, w, **named),
            *(tconv.conv_transpose(x, w, method=method, **named) for method in METHODS),
        ]

    y, *transposed = compute(backend, every, x, w)
    tolerance = 0 if np.dtype(preferred).kind in "iu" else 32 * np.finfo(preferred).eps
    np.testing.assert_allclose(y, tconv.conv(wide_x, wide_w, stride=2), tolerance, strict=True)
    for result in transposed:
        wanted = tconv.conv_transpose(wide_x, wide_w, stride=2)
        np.testing.assert_allclose(result, wanted, tolerance, strict=True)


@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8", ">c8", ">i4", ">u8"])
def test_big_endian_operands_give_native_results(dtype):
    """And are converted where another operand is JAX's."""
    x, w, b = (ones(*shape, dtype=dtype) for shape in ((1, 1, 3), (1, 1, 2), (1,)))
    native = [array.astype(array.dtype.newbyteorder("=")) for array in (x, w, b)]
    for vjp in (tconv.conv_transpose_vjp, tconv.conv_vjp):
        (y, pullback), (wanted, wanted_pullback) = vjp(x, w, b), vjp(*native)
        results = [y, *pullback(y.astype(dtype))]
        for found, value in zip(results, [wanted, *wanted_pullback(wanted)], strict=True):
            np.testing.assert_array_equal(found, value, strict=True)
            assert found.dtype.isnative
        with_jax, pullback = vjp(x, jnp.asarray(native[1]), b)
        dx, _, db = pullback(y.astype(dtype))
        assert all(isinstance(array, jax.Array) for array in (with_jax, dx, db))
        np.testing.assert_array_equal(with_jax, wanted, strict=True)
    for result in (tconv.im2col(x, 2), tconv.fractional_stride(x, 2), tconv.conv_matrix(w, 3),
                   tconv.pixel_unshuffle(x, (3,)), tconv.interpolate(x, scale_factor=2),
                   tconv.init.icnr(w, 2)):  # fmt: skip
        assert result.dtype.isnative
        assert result.dtype == native[0].dtype


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("operands", "cotangents"),
    [
        (("float16", "float32", "float64"), ("float16", "float32", "float64")),
        (("float32", "complex64", "float32"), ("float32", "complex64", "float32")),
        (("complex64", "float32", "float16"), ("complex64", "float32", "float16")),
        (("float64", "bfloat16", "int8"), ("float64", "bfloat16", "float64")),
        (("int8", "int32", "int16"), ("int8", "int32", "int16")),
        (("int8", "float32", "float32"), ("float32", "float32", "float32")),
    ],
)
def test_cotangents_have_the_dtypes_of_their_operands(operands, cotangents, backend):
    """The real part of a complex one; the floats of an integer operand of a float problem."""
    shapes = (1, 1, 3), (1, 1, 2), (1,)
    arrays = [
        ones(*shape, dtype=np.dtype(name)) for shape, name in zip(shapes, operands, strict=True)
    ]

    def every(x, w, b):
        found = []
        for vjp in (tconv.conv_transpose_vjp, tconv.conv_vjp):
            y, pullback = vjp(x, w, b)
            found.append(pullback(y))
        return found

    with jax.numpy_dtype_promotion("standard"):
        for found in compute(backend, every, *arrays):
            assert tuple(array.dtype.name for array in found) == cotangents


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_wrap_around_as_numpys_do(dtype, backend):
    """Exact modulo 2**bits, at the largest magnitudes, through every method and gradient."""
    rng = np.random.default_rng(0)
    limits = np.iinfo(dtype)
    x, w = (
        rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        for shape in ((2, 4, 5), (4, 3, 3))
    )

    def every(x, w):
        y, pullback = tconv.conv_transpose_vjp(x, w, stride=2)
        results = [tconv.conv_transpose(x, w, stride=2, method=method) for method in METHODS]
        return [*results, y], pullback(y)[:2]

    transposed, (dx, dw) = compute(backend, every, x, w)
    exact = tconv.testing.reference.conv_transpose(x, w, stride=2)
    modulus = 2**limits.bits

    def wrapped(values):
        return (((values - limits.min) % modulus) + limits.min).astype(dtype)

    assert np.any(exact != wrapped(exact).astype(object))
    for y in transposed:
        np.testing.assert_array_equal(y, wrapped(exact), strict=True)
    dy = transposed[0]
    reference = tconv.testing.reference
    np.testing.assert_array_equal(dx, wrapped(reference.conv(dy, w, stride=2)), strict=True)
    exact = reference.weight_gradient(x, dy, (3,), stride=2)
    np.testing.assert_array_equal(dw, wrapped(exact), strict=True)


def test_large_int64_are_exact():
    """2**53 + 1 has no float64: a detour through floats would show."""
    x = np.full((1, 1, 1), 2**53 + 1)
    for method in METHODS:
        assert tconv.conv_transpose(x, ones(1, 1, 1, dtype=int), method=method).item() == 2**53 + 1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_kinds_are_summed_in_float32(dtype, backend):
    """Over 4096 channels a half sum of ones stops at 2048 (float16) or 256 (bfloat16)."""
    x, w = ones(1, 4096, 2, dtype=np.dtype(dtype)), ones(4096, 1, 1, dtype=np.dtype(dtype))

    def every(x, w):
        y = tconv.conv(x, w.swapaxes(0, 1))
        _, pullback = tconv.conv_transpose_vjp(w.swapaxes(0, 2), x[:, :1] * w[:1])
        return [
            y,
            *(tconv.conv_transpose(x, w, method=method) for method in METHODS),
            pullback(
                ones(1, 1, 4097, dtype=w.dtype)
                if backend == "numpy"
                else jnp.ones((1, 1, 4097), w.dtype)
            )[1],
        ]

    for result in compute(backend, every, x, w):
        assert result.dtype == np.dtype(dtype)
        assert result.astype(float).ravel().tolist() == [4096.0, 4096.0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_bias_gradient_is_summed_in_float32(dtype, backend):
    x = ones(1, 1, 4096, dtype=np.dtype(dtype))
    one = ones(1, 1, 1, dtype=np.dtype(dtype))

    def bias_cotangent(x, w, b):
        y, pullback = tconv.conv_transpose_vjp(x, w, b)
        return pullback(0 * y + x)[2]

    db = compute(backend, bias_cotangent, x, one, one[0, 0])
    assert db.dtype == np.dtype(dtype)
    assert db.astype(float).tolist() == [4096.0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_overflow_of_a_half_result_is_infinite(backend):
    """The sum 66000 fits float32 and not float16: infinity, as one rounding gives."""
    x = np.full((1, 2, 1), 33000, np.float16)
    with np.errstate(over="ignore"):
        y = compute(backend, tconv.conv_transpose, x, ones(2, 1, 1, dtype="float16"))
    assert y.tolist() == [[[np.inf]]]


@pytest.mark.parametrize(
    "precision", [None, "highest", jax.lax.Precision.HIGH, ("high", "default")]
)
def test_precision_is_accepted(precision):
    x, w = ones(1, 1, 3, dtype="float32"), ones(1, 1, 2, dtype="float32")
    for kind in (np.asarray, jnp.asarray):
        y = tconv.conv_transpose(kind(x), kind(w), precision=precision)
        assert y.tolist() == [[[1, 2, 2, 1]]]
        assert tconv.conv(kind(x), kind(w), precision=precision).tolist() == [[[2, 2]]]


def test_float64_needs_x64_in_jax():
    """As everywhere in JAX: with 64 bits off, a float64 NumPy operand becomes float32."""
    with jax.enable_x64(False):
        x = jnp.ones((1, 1, 2), jnp.float32)
        y = tconv.conv_transpose(x, ones(1, 1, 2, dtype="float64"))
        assert y.dtype == jnp.float32
        assert y.tolist() == [[[1, 2, 1]]]
