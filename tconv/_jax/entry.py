"""The entry points: dtypes decided, form chosen, bias added."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from tconv._core import dtypes
from tconv._core.plan import Plan
from tconv._core.typing import DTypeLike
from tconv._jax.forms.axes import Precision
from tconv._jax.primitives import bind

LARGEST_SLAB: int | None = None  # XLA decides what it holds


def conv_transpose(
    plan: Plan,
    x: Array,
    w: Array,
    b: Array | None,
    *,
    method: str,
    precision: Precision,
    preferred: DTypeLike,
    wide: bool = False,
) -> Array:
    """y from x and w by the named algorithm."""
    return _biased("y", {"x": x, "w": w}, plan, b, method, precision, preferred, wide=wide)


def conv(
    plan: Plan,
    y: Array,
    w: Array,
    b: Array | None,
    *,
    precision: Precision,
    preferred: DTypeLike,
    wide: bool = False,
) -> Array:
    """x from y and w: the adjoint of ``conv_transpose``."""
    return _biased("x", {"y": y, "w": w}, plan, b, "auto", precision, preferred, wide=wide)


def weight_cotangent(
    plan: Plan, x: Array, y: Array, *, precision: Precision, wide: bool = False
) -> Array:
    """w from x and y: how much each tap joins them."""
    arrays = {"x": x, "y": y}
    return _biased("w", arrays, plan, None, "auto", precision, None, called=True, wide=wide)


def cotangents(
    plan: Plan, x: Array, w: Array, y: Array, *, precision: Precision
) -> tuple[Array, Array]:
    """``conv`` of y and w, and ``weight_cotangent`` of x and y."""
    arrays = {"y": y, "w": w}
    dx = _biased("x", arrays, plan, None, "auto", precision, None, called=True)
    return dx, weight_cotangent(plan, x, y, precision=precision)


def result_dtype(first: Array, second: Array, *, preferred: DTypeLike) -> Any:
    """The dtype of a result of these two."""
    result = jnp.result_type(first, second)
    if preferred is None:
        return result
    # jnp.zeros warns, as JAX does, where 64 bits are asked for and not enabled
    return jnp.zeros((), dtypes.preferred_dtype(result, preferred)).dtype


def added(total: Array, index: Any, values: Array) -> Array:
    """The total with the values added to it at the index."""
    return total.at[index].add(values)


def biased(values: Array, b: Array | None, dtype: Any) -> Array:
    """The values of a result of this dtype, which may be wide, with the bias."""
    if b is None:
        return values
    dtypes.check_bias(dtype, b.dtype)
    bias = lax.convert_element_type(b, values.dtype).reshape(1, -1, *[1] * (values.ndim - 2))
    return values + bias


def bias_cotangent(cotangent: Array) -> Array:
    """The sum over batch and positions, one value a channel."""
    wide = dtypes.accumulator(cotangent.dtype)
    total = jnp.sum(cotangent, axis=(0, *range(2, cotangent.ndim)), dtype=wide)
    return lax.convert_element_type(total, cotangent.dtype)


def cast_cotangent(cotangent: Array, operand: Array) -> Array:
    """The cotangent in its operand's dtype; real operands take the real part."""
    kinds = dtypes.kind(cotangent.dtype), dtypes.kind(operand.dtype)
    if kinds[1] in "iu" and kinds[0] in "fc":
        return cotangent
    if kinds[0] == "c" and kinds[1] == "f":
        cotangent = cotangent.real
    return lax.convert_element_type(cotangent, operand.dtype)


def _biased(
    name: str,
    operands: dict[str, Array],
    plan: Plan,
    b: Array | None,
    method: str,
    precision: Precision,
    preferred: DTypeLike,
    *,
    called: bool = False,
    wide: bool = False,
) -> Array:
    """The named one of "x", "w" and "y", plus a bias, rounded to its dtype at the end, or wide."""
    arrays = {role: jnp.asarray(operand) for role, operand in operands.items()}
    result = result_dtype(*arrays.values(), preferred=preferred)
    if b is not None:
        dtypes.check_bias(result, b.dtype)
    values: Array = bind(
        name,
        {role: lax.convert_element_type(array, result) for role, array in arrays.items()},
        plan=plan,
        method=method,
        precision=_canonical(precision),
        wide=wide or b is not None,
        called=called,
    )
    total = biased(values, b, result)
    return total if wide else lax.convert_element_type(total, result)


def _canonical(precision: Precision) -> Any:
    """``precision`` as the hashable value that ``jax.lax`` makes of it, defaults included."""
    if isinstance(precision, list):
        precision = tuple(precision)
    config: Any = jax.config  # whose attributes some versions declare
    return _lax_precision(precision, config.jax_default_matmul_precision)


@lru_cache(maxsize=64)
def _lax_precision(precision: Precision, default: Any) -> Any:
    """What a convolution with this precision carries while ``default`` is JAX's default."""
    one = jax.ShapeDtypeStruct((1, 1, 1), np.float32)
    traced = jax.make_jaxpr(
        lambda a: lax.conv_general_dilated(a, a, (1,), "VALID", precision=precision)
    )(one)
    return traced.eqns[0].params["precision"]
