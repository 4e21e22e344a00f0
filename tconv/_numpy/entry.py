"""The entry points: dtypes decided, form chosen, bias added."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from tconv._core import dtypes
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray, DTypeLike
from tconv._numpy import pieces, textbook
from tconv._numpy.forms import Compute
from tconv._numpy.pieces import Operand

# Elements of a slab beside an image: as much is in use as by a piece of a call.
LARGEST_SLAB: int | None = 1 << 20

# Method to form; those of textbooks compute a problem as a whole.  Numbers far beyond the arrays
# leave one form, whatever the method.
FORM_OF = {"auto": "auto", "col2im": "columns", "subpixel": "subpixel"}
TEXTBOOK: dict[str, Compute] = {"dilated": textbook.dilated, "matrix": textbook.matrix}


def conv_transpose(
    plan: Plan,
    x: AnyArray,
    w: AnyArray,
    b: AnyArray | None,
    *,
    method: str,
    precision: Any,
    preferred: DTypeLike,
    wide: bool = False,
) -> AnyArray:
    """y from x and w by the named algorithm."""
    sums, dtype = _dtypes(x.dtype, w.dtype, b, preferred, wide)
    if method in TEXTBOOK and not plan.is_far:
        y = TEXTBOOK[method](plan, x.astype(sums, copy=False), w.astype(sums, copy=False))
        return pieces.biased(y, b).astype(dtype, copy=False)
    form = FORM_OF.get(method, "auto")
    return pieces.compute("y", form, plan, x, w, sums=sums, dtype=dtype, bias=b)


def conv(
    plan: Plan,
    y: Operand,
    w: AnyArray,
    b: AnyArray | None,
    *,
    precision: Any,
    preferred: DTypeLike,
    wide: bool = False,
) -> AnyArray:
    """x from y and w: the adjoint of ``conv_transpose``."""
    sums, dtype = _dtypes(y.dtype, w.dtype, b, preferred, wide)
    return pieces.compute("x", "auto", plan, y, w, sums=sums, dtype=dtype, bias=b)


def weight_cotangent(
    plan: Plan, x: AnyArray, y: AnyArray, *, precision: Any, wide: bool = False
) -> AnyArray:
    """w from x and y: how much each tap joins them."""
    sums, dtype = _dtypes(x.dtype, y.dtype, wide=wide)
    return pieces.compute("w", "auto", plan, x, y, sums=sums, dtype=dtype)


def cotangents(
    plan: Plan, x: AnyArray, w: AnyArray, y: AnyArray, *, precision: Any
) -> tuple[AnyArray, AnyArray]:
    """``conv`` of y and w, and ``weight_cotangent`` of x and y, from one gathering of y."""
    result_x, sums = _promoted(y.dtype, w.dtype)
    result_w, sums_w = _promoted(x.dtype, y.dtype)
    if sums == sums_w:
        both = pieces.cotangents(plan, x, w, y, sums=sums, of_x=result_x, of_w=result_w)
        if both is not None:
            return both
    dx = conv(plan, y, w, None, precision=precision, preferred=None)
    return dx, weight_cotangent(plan, x, y, precision=precision)


def result_dtype(first: AnyArray, second: AnyArray, *, preferred: DTypeLike) -> np.dtype[Any]:
    """The dtype of a result of these two."""
    return _dtypes(first.dtype, second.dtype, None, preferred)[1]


def added(total: AnyArray, index: Any, values: AnyArray) -> AnyArray:
    """The total, with the values added to it in place."""
    total[index] += values
    return total


def biased(values: AnyArray, b: AnyArray | None, dtype: np.dtype[Any]) -> AnyArray:
    """A copy of the values of a result of this dtype, which may be wide, with the bias."""
    if b is not None:
        dtypes.check_bias(dtype, b.dtype)
    return pieces.biased(values.copy(), b)


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


def _dtypes(
    first: np.dtype[Any],
    second: np.dtype[Any],
    b: AnyArray | None = None,
    preferred: DTypeLike = None,
    wide: bool = False,
) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """The dtype of the products and sums, and that of the result, which takes the bias; the same
    where the result is ``wide``."""
    result, sums = _promoted(first, second)
    if preferred is not None:
        result = dtypes.preferred_dtype(result, preferred)
        sums = dtypes.accumulator(result)
    if b is not None:
        dtypes.check_bias(result, b.dtype)
    return sums, sums if wide else result


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
