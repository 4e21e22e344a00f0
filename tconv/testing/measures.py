"""Measuring errors, and the bound that an honest implementation keeps.

The bound.  Let u be the unit roundoff of the dtype in which products are summed and
gamma_n = n*u / (1 - n*u).  A sum of n products, computed in any order, with or without fused
multiply-add, satisfies

    |computed - exact| <= gamma_n * (sum of |x| * |w| over the products).

Source: N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition (2002),
section 3.1, inequality (3.5) and the remark that it holds for any order.  What it is scaled
by, the sum of absolute products, does not shrink when the terms cancel, so cancellation can
neither hide an error nor fake one.  A bias is one more term.

* Complex: one product costs four real ones, or three by Gauss's trick.  In either case the
  real and the imaginary part are sums with at most n + 2 roundings of terms whose absolute
  values add up to at most (1 + sqrt(2)) * |x| * |w|: for Gauss's trick |ac| + 2|bc| + |bd| is
  a bilinear form of matrix [[1, 0], [2, 1]], whose norm is 1 + sqrt(2); the plain product,
  with 2n terms of total |x| * |w|, stays below that.  Together they give
  (2 + sqrt(2)) * gamma_(n + 2).  Higham, section 23.2.4, treats the three-product form.
* float16 and bfloat16: the sum is one of float32, and one rounding to the half type follows:
  u_half * |result| more.
* Integers are exact modulo 2**bits: the bound is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.testing.problems.problem import dtype_named

Array = NDArray[Any]
# Digits of the significand, the hidden one included: u = 2**-digits.  Rounding to nearest.
DIGITS = {
    "bfloat16": 8,
    "float16": 11,
    "float32": 24,
    "float64": 53,
    "complex64": 24,
    "complex128": 53,
}
_SMALLEST_NORMAL = {24: 2.0**-126, 53: 2.0**-1022}
_SMALLEST_HALF = {"float16": 2.0**-24, "bfloat16": 2.0**-133}


def gamma(terms: int, unit: float) -> float:
    """``n*u / (1 - n*u)``: the factor of n roundings.  Source: Higham (2002), lemma 3.1.

    >>> gamma(3, 0.125)
    0.6
    """
    if terms * unit >= 1:
        return float("inf")
    return terms * unit / (1 - terms * unit)


def tolerance(dtype: Any, accumulation_length: int) -> float:
    """The largest error of a sum of products, relative to the sum of absolute products.

    Args:
        dtype: name or dtype of operands and result.
        accumulation_length: the number of terms of one sum; a bias counts as one.

    Returns: gamma_n for real floats, (2 + sqrt(2)) * gamma_(n+2) for complex ones, gamma_n of
        float32 and one rounding for half kinds, 0 for integers.

    Source: the head of this module; Higham (2002), inequality (3.5).

    >>> tolerance("float64", 100) < 1.2e-14
    True
    >>> tolerance("int32", 100)
    0.0
    """
    return _summing(_name(dtype), accumulation_length) + _rounding(_name(dtype)) * (
        1 + _summing(_name(dtype), accumulation_length)
    )


def error_bound(dtype: Any, accumulation_length: int, scale: Any, expected: Any) -> Array:
    """The same bound element by element, for an expectation computed by ``reference``.

    ``scale`` holds each element's sum of absolute products.  The rounding to a half type is
    charged on the result itself, the reference's own float64 rounding is allowed for, and so
    is underflow: one smallest normal number a term (it may be flushed to zero), and one
    smallest number of a half type.
    """
    name, n = _name(dtype), accumulation_length
    if name not in DIGITS:
        return np.zeros(np.shape(expected))
    summed = (_summing(name, n) + _summing("complex128", n)) * np.asarray(scale, np.float64)
    rounded = _rounding(name) * (np.abs(expected) + summed)
    underflow = n * _SMALLEST_NORMAL[_summing_digits(name)] + _SMALLEST_HALF.get(name, 0.0)
    bound: Array = summed + rounded + underflow
    return bound


def relative_error(actual: Any, expected: Any, scale: Any = None) -> float:
    """The largest ``|actual - expected| / scale``; 0 for empty arrays.

    ``scale`` is each element's sum of absolute products; without it, the largest
    ``|expected|``.  Where the scale is 0, any difference counts as infinite.

    >>> relative_error([1.0, 2.5], [1.0, 2.0])
    0.25
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    if expected.size == 0:
        return 0.0
    wide = np.complex128 if "c" in (actual.dtype.kind, expected.dtype.kind) else np.float64
    difference = np.abs(actual.astype(wide) - expected.astype(wide))
    if scale is None:
        scale = np.max(np.abs(expected.astype(wide)))
    scale = np.broadcast_to(np.asarray(scale, np.float64), difference.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(difference == 0, 0.0, difference / scale)
    return float(np.max(ratio))


def adjoint_residual(
    conv: Callable[[Any], Any],
    conv_transpose: Callable[[Any], Any],
    x: Any,
    y: Any,
    *,
    scale: float | None = None,
) -> float:
    """``|<conv(y), x> - <y, conv_transpose(x)>|``, relative to the sum of absolute products.

    Args:
        conv: the convolution as a function of y alone, weight and parameters fixed.
        conv_transpose: the transposed convolution, as a function of x alone.
        x: an argument of ``conv_transpose``.
        y: an argument of ``conv``.
        scale: the sum of ``|y| * |w| * |x|`` over all products, if it is known; otherwise
            the larger of the sums of ``|conv(y) * x|`` and ``|y * conv_transpose(x)|``.

    Returns: 0 for maps that are exact adjoints; of the order of the unit roundoff for correct
        floating point ones; of the order of 1 for any others.  The products are bilinear:
        complex values are not conjugated, as in ``jax.vjp``.

    Raises: ValueError if a result does not have the shape of what it is multiplied with.

    Source: the definition of the adjoint; Claerbout, "Earth Soundings Analysis" (1992),
    chapter 5, calls it the dot-product test.

    >>> import numpy as np
    >>> a = np.arange(6.0).reshape(2, 3)
    >>> adjoint_residual(lambda y: a.T @ y, lambda x: a @ x, np.ones(3), np.ones(2))
    0.0
    """
    back, forth = np.asarray(conv(y)), np.asarray(conv_transpose(x))
    x, y = np.asarray(x), np.asarray(y)
    for name, result, partner in (("conv(y)", back, x), ("conv_transpose(x)", forth, y)):
        if result.shape != partner.shape:
            raise ValueError(
                f"{name}: must have the shape of what it is multiplied with, {partner.shape}; "
                f"got {result.shape}. Check stride, padding and output_padding of the two maps."
            )
    left, right = _wide(back) * _wide(x), _wide(y) * _wide(forth)
    difference = abs(left.sum() - right.sum())
    if back.dtype.kind in "iu":
        difference = _modulo(difference, min(back.dtype.itemsize, forth.dtype.itemsize))
    if difference == 0:
        return 0.0
    if scale is None:
        scale = float(max(np.abs(left).sum(), np.abs(right).sum()))
    return float(difference / scale) if scale else float("inf")


def assert_adjoint(
    conv: Callable[[Any], Any],
    conv_transpose: Callable[[Any], Any],
    x: Any,
    y: Any,
    *,
    accumulation_length: int,
    scale: float | None = None,
) -> None:
    """Raise AssertionError unless the two maps are adjoints within rounding.

    Args: those of ``adjoint_residual``, and the largest number of terms in one element of
        either result.  Give ``scale`` where results cancel strongly: only with it is the
        bound a strict one.

    >>> import numpy as np
    >>> a = np.arange(6.0).reshape(2, 3)
    >>> assert_adjoint(lambda y: a.T @ y, lambda x: a @ x, np.ones(3), np.ones(2),
    ...                accumulation_length=3)
    """
    x, y = np.asarray(x), np.asarray(y)
    residual = adjoint_residual(conv, conv_transpose, x, y, scale=scale)
    # Both results carry the error of their own sums; the inner products are float64 sums.
    coarser = min(_name(x.dtype), _name(y.dtype), key=lambda name: DIGITS.get(name, 64))
    allowed = 2 * tolerance(coarser, accumulation_length)
    if coarser in DIGITS:
        allowed += 2 * tolerance("complex128", accumulation_length + x.size + y.size)
    if not residual <= allowed:
        raise AssertionError(
            f"not adjoint: <conv(y), x> and <y, conv_transpose(x)> differ by {residual:.3g} of "
            f"the sum of absolute products; rounding explains at most {allowed:.3g} "
            f"({coarser}, sums of {accumulation_length} terms)"
        )


def _modulo(difference: int, itemsize: int) -> int:
    """The distance to the nearest multiple of 2**bits: integer results wrap."""
    period = 1 << 8 * itemsize
    return min(difference % period, -difference % period)


def _name(dtype: Any) -> str:
    return dtype_named(dtype).name if isinstance(dtype, str) else np.dtype(dtype).name


def _summing_digits(name: str) -> int:
    return max(DIGITS[name], DIGITS["float32"])


def _summing(name: str, terms: int) -> float:
    if name not in DIGITS:
        return 0.0
    unit = 2.0 ** -_summing_digits(name)
    if name.startswith("complex"):
        return (2 + sqrt(2)) * gamma(terms + 2, unit)
    return gamma(terms, unit)


def _rounding(name: str) -> float:
    return 2.0 ** -DIGITS[name] if DIGITS.get(name, 64) < DIGITS["float32"] else 0.0


def _wide(values: Array) -> Array:
    if values.dtype.kind in "iuO":
        return values.astype(object)
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
