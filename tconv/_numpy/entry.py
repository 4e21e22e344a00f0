"""The entry points: dtypes decided, algorithm chosen, bias added."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core import dtypes
from tconv._core.plan import Plan
from tconv._numpy import (
    banded,
    depthwise,
    dilated,
    matrix,
    overlap_add,
    subpixel,
    tiny,
    window_gemm,
)
from tconv._numpy.choose import choose

Array = NDArray[Any]
ALGORITHMS: dict[str, Callable[[Plan, Array, Array], Array]] = {
    "col2im": overlap_add.conv_transpose,
    "dilated": dilated.conv_transpose,
    "subpixel": subpixel.conv_transpose,
    "matrix": matrix.conv_transpose,
    "depthwise": depthwise.conv_transpose,
    "banded": banded.conv_transpose,
    "tiny": tiny.conv_transpose,
}


def conv_transpose(
    plan: Plan, x: Array, w: Array, b: Array | None, *, method: str, precision: Any, preferred: Any
) -> Array:
    """y from x and w by the named algorithm."""
    result, compute = _dtypes_of(x, w, preferred, b)
    algorithm = ALGORITHMS[choose(plan) if method == "auto" else method]
    y = algorithm(plan, x.astype(compute, copy=False), w.astype(compute, copy=False))
    return _finish(y, b, result)


def conv(
    plan: Plan, y: Array, w: Array, b: Array | None, *, precision: Any, preferred: Any
) -> Array:
    """x from y and w: the adjoint of ``conv_transpose``."""
    result, compute = _dtypes_of(y, w, preferred, b)
    x = window_gemm.conv(plan, y.astype(compute, copy=False), w.astype(compute, copy=False))
    return _finish(x, b, result)


def weight_cotangent(plan: Plan, x: Array, y: Array, *, precision: Any) -> Array:
    """w from x and y: how much each tap joins them."""
    result, compute = _dtypes_of(x, y, None, None)
    w = window_gemm.weight_cotangent(
        plan, x.astype(compute, copy=False), y.astype(compute, copy=False)
    )
    return w.astype(result, copy=False)


def cotangents(plan: Plan, x: Array, w: Array, y: Array, *, precision: Any) -> tuple[Array, Array]:
    """``conv`` of y and w, and ``weight_cotangent`` of x and y, from one gathering of y."""
    result_x, compute = _dtypes_of(y, w, None, None)
    result_w, compute_w = _dtypes_of(x, y, None, None)
    if compute != compute_w:
        dx = conv(plan, y, w, None, precision=precision, preferred=None)
        return dx, weight_cotangent(plan, x, y, precision=precision)
    operands = (operand.astype(compute, copy=False) for operand in (x, w, y))
    dx, dw = window_gemm.cotangents(plan, *operands)
    return dx.astype(result_x, copy=False), dw.astype(result_w, copy=False)


def bias_cotangent(cotangent: Array) -> Array:
    """The sum over batch and positions, one value a channel."""
    axes = (0, *range(2, cotangent.ndim))
    compute = dtypes.accumulator(cotangent.dtype)
    total: Array = np.sum(cotangent, axis=axes, dtype=compute)
    return total.astype(cotangent.dtype, copy=False)


def cast_cotangent(cotangent: Array, operand: Array) -> Array:
    """The cotangent in its operand's dtype: real operands take the real part, and integer
    operands of a float problem keep the float."""
    kinds = dtypes.kind(cotangent.dtype), dtypes.kind(operand.dtype)
    if kinds[1] in "iu" and kinds[0] in "fc":
        return cotangent
    if kinds[0] == "c" and kinds[1] == "f":
        cotangent = cotangent.real
    return cotangent.astype(operand.dtype, copy=False)


def conv_matrix(plan: Plan, w: Array) -> Array:
    """The dense matrix of the convolution: rows are positions of x, columns of y."""
    return matrix.dense(plan, w)


def _dtypes_of(
    signal: Array, other: Array, preferred: Any, b: Array | None
) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """(result, compute): what is returned, and what is multiplied and summed in."""
    result, compute = _promoted(signal.dtype, other.dtype)
    if preferred is not None:
        result = dtypes.preferred_dtype(result, preferred)
        compute = dtypes.accumulator(result)
    if b is not None:
        dtypes.check_bias(result, b.dtype)
    return result, compute


@lru_cache(maxsize=256)
def _promoted(signal: np.dtype[Any], other: np.dtype[Any]) -> tuple[np.dtype[Any], np.dtype[Any]]:
    try:
        result = np.result_type(signal, other)
    except TypeError:
        raise TypeError(
            f"operands: must have dtypes that NumPy promotes to a common one; got {signal} "
            f"and {other}. Convert one of them with astype."
        ) from None
    return result, dtypes.accumulator(result)


def _finish(values: Array, b: Array | None, result: np.dtype[Any]) -> Array:
    if b is not None:
        bias = b.astype(values.dtype, copy=False)
        values += bias.reshape(-1, *[1] * (values.ndim - 2))
    return values.astype(result, copy=False)
