"""The entry points: dtypes decided, form chosen, bias added."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np

from tconv._core import dtypes
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray, DTypeLike
from tconv._numpy import choose, textbook
from tconv._numpy.choose import FORMS, Compute

METHODS: dict[str, Compute] = {
    "auto": partial(choose.compute, "y"),
    "col2im": FORMS["y"]["columns"].compute,
    "dilated": textbook.dilated,
    "subpixel": FORMS["y"]["subpixel"].compute,
    "matrix": textbook.matrix,
}


def conv_transpose(
    plan: Plan,
    x: AnyArray,
    w: AnyArray,
    b: AnyArray | None,
    *,
    method: str,
    precision: Any,
    preferred: DTypeLike,
) -> AnyArray:
    """y from x and w by the named algorithm."""
    return _computed(METHODS[method], plan, x, w, b, preferred)


def conv(
    plan: Plan,
    y: AnyArray,
    w: AnyArray,
    b: AnyArray | None,
    *,
    precision: Any,
    preferred: DTypeLike,
) -> AnyArray:
    """x from y and w: the adjoint of ``conv_transpose``."""
    return _computed(partial(choose.compute, "x"), plan, y, w, b, preferred)


def weight_cotangent(plan: Plan, x: AnyArray, y: AnyArray, *, precision: Any) -> AnyArray:
    """w from x and y: how much each tap joins them."""
    return _computed(partial(choose.compute, "w"), plan, x, y)


def cotangents(
    plan: Plan, x: AnyArray, w: AnyArray, y: AnyArray, *, precision: Any
) -> tuple[AnyArray, AnyArray]:
    """``conv`` of y and w, and ``weight_cotangent`` of x and y, from one gathering of y."""
    result_x, sums = _promoted(y.dtype, w.dtype)
    result_w, sums_w = _promoted(x.dtype, y.dtype)
    if sums != sums_w:
        dx = conv(plan, y, w, None, precision=precision, preferred=None)
        return dx, weight_cotangent(plan, x, y, precision=precision)
    dx, dw = choose.cotangents(plan, *_cast(sums, x, w, y))
    return dx.astype(result_x, copy=False), dw.astype(result_w, copy=False)


def bias_cotangent(cotangent: AnyArray) -> AnyArray:
    """The sum over batch and positions, one value a channel."""
    axes = (0, *range(2, cotangent.ndim))
    sums = dtypes.accumulator(cotangent.dtype)
    total: AnyArray = np.sum(cotangent, axis=axes, dtype=sums)
    return total.astype(cotangent.dtype, copy=False)


def cast_cotangent(cotangent: AnyArray, operand: AnyArray) -> AnyArray:
    """The cotangent in its operand's dtype: real operands take the real part, and integer
    operands of a float problem keep the float."""
    kinds = dtypes.kind(cotangent.dtype), dtypes.kind(operand.dtype)
    if kinds[1] in "iu" and kinds[0] in "fc":
        return cotangent
    if kinds[0] == "c" and kinds[1] == "f":
        cotangent = cotangent.real
    return cotangent.astype(operand.dtype, copy=False)


def _computed(
    compute: Compute,
    plan: Plan,
    first: AnyArray,
    second: AnyArray,
    b: AnyArray | None = None,
    preferred: DTypeLike = None,
) -> AnyArray:
    """What a form gives, with the bias, in the dtype of the result."""
    result, sums = _promoted(first.dtype, second.dtype)
    if preferred is not None:
        result = dtypes.preferred_dtype(result, preferred)
        sums = dtypes.accumulator(result)
    if b is not None:
        dtypes.check_bias(result, b.dtype)
    values = compute(plan, *_cast(sums, first, second))
    if b is not None:
        bias = b.astype(values.dtype, copy=False)
        values += bias.reshape(-1, *[1] * (values.ndim - 2))
    return values.astype(result, copy=False)


def _cast(sums: np.dtype[Any], *operands: AnyArray) -> list[AnyArray]:
    """The operands in the dtype of the sums."""
    return [operand.astype(sums, copy=False) for operand in operands]


@lru_cache(maxsize=256)
def _promoted(first: np.dtype[Any], second: np.dtype[Any]) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """The dtype of the result, and that of the products and sums."""
    try:
        result = np.result_type(first, second)
    except TypeError:
        raise TypeError(
            f"operands: must have dtypes that NumPy promotes to a common one; got {first} "
            f"and {second}. Convert one of them with astype."
        ) from None
    return result, dtypes.accumulator(result)
