"""Which dtypes are accepted, and in which the products are summed; no array library's own."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

_HALF = frozenset({"float16", "bfloat16"})
_FULL = frozenset({"float32", "float64", "complex64", "complex128"})
_INTEGER = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
SUPPORTED = _HALF | _FULL | _INTEGER
_KINDS = {"i": "integer", "u": "unsigned integer", "f": "floating point", "c": "complex"}


@lru_cache(maxsize=64)
def _name(dtype: Any) -> str | None:
    """The dtype's name, which NumPy puts together anew each time it is asked (2 us)."""
    return getattr(dtype, "name", None)


def check_supported(argument: str, dtype: Any) -> None:
    """Refuse dtypes that have no defined transposed convolution here."""
    if _name(dtype) not in SUPPORTED:
        raise TypeError(
            f"{argument}: dtype must be a float (16, bfloat16, 32, 64), complex (64, 128) or "
            f"integer (8 to 64 bits) type; got {dtype}. Convert it with astype."
        )


def kind(dtype: np.dtype[Any]) -> str:
    """'i', 'u', 'f' or 'c'; bfloat16 counts as the float that it is."""
    return "f" if _name(dtype) in _HALF else dtype.kind


def accumulator(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype to multiply and add in: float32 for the half kinds, otherwise the same."""
    return np.dtype(np.float32) if _name(dtype) in _HALF else dtype


def named_dtype(argument: str, value: Any) -> np.dtype[Any]:
    """The supported dtype that an argument is or names, of native byte order."""
    try:
        dtype: np.dtype[Any] = np.dtype(value)
    except TypeError:
        raise TypeError(
            f"{argument}: must be a dtype or name one; got {value!r}. Write, for example, "
            f"'float32'."
        ) from None
    check_supported(argument, dtype)
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def preferred_dtype(result: np.dtype[Any], preferred: Any) -> np.dtype[Any]:
    """``preferred_element_type`` as a dtype: of the operands' kind, and not narrower.

    Source: the rule of ``jax.lax.dot_general`` and ``jax.lax.conv_general_dilated``.
    """
    wanted = named_dtype("preferred_element_type", preferred)
    if kind(result) != kind(wanted) or wanted.itemsize < result.itemsize:
        raise TypeError(
            f"preferred_element_type: must be a {_KINDS[kind(result)]} type at least as wide as "
            f"the promoted type of x and w, {result}; got {wanted}. Convert the result with "
            f"astype instead."
        )
    return wanted


def check_bias(result: np.dtype[Any], bias: np.dtype[Any]) -> None:
    """The bias takes the result's dtype, which must be able to hold its kind of value."""
    order = "uifc"
    if order.index(kind(bias)) > order.index(kind(result)):
        raise TypeError(
            f"b: a {_KINDS[kind(bias)]} bias cannot be added to a {_KINDS[kind(result)]} result; "
            f"got b of {bias} for a result of {result}. Convert b with astype."
        )


def check_real(argument: str, given: np.dtype[Any], dtype: np.dtype[Any]) -> None:
    """A real dtype cannot hold complex numbers."""
    if kind(given) == "c" and kind(dtype) != "c":
        raise TypeError(
            f"{argument}: must be real to be computed in {dtype}; got {given}. Take its real part, "
            f"or compute in a complex type."
        )
