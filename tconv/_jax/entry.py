"""The entry points: dtypes decided, form chosen, bias added."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tconv import _dtypes as dtypes
from tconv._jax.primitives import bind
from tconv._plan import Plan


def conv_transpose(
    plan: Plan, x: Any, w: Any, b: Any, *, method: str, precision: Any, preferred: Any
) -> Any:
    """y from x and w by the named algorithm."""
    operands, result = _operands({"x": x, "w": w}, preferred, b)
    y = bind("y", operands, plan=plan, method=method, precision=_canonical(precision))
    return _finish(y, b, result)


def conv(plan: Plan, y: Any, w: Any, b: Any, *, precision: Any, preferred: Any) -> Any:
    """x from y and w: the adjoint of ``conv_transpose``."""
    operands, result = _operands({"y": y, "w": w}, preferred, b)
    x = bind("x", operands, plan=plan, method="auto", precision=_canonical(precision))
    return _finish(x, b, result)


def weight_cotangent(plan: Plan, x: Any, y: Any, *, precision: Any) -> Any:
    """w from x and y: how much each tap joins them."""
    operands, _ = _operands({"x": x, "y": y}, None, None)
    return bind("w", operands, plan=plan, method="auto", precision=_canonical(precision))


def bias_cotangent(cotangent: Any) -> Any:
    """The sum over batch and positions, one value a channel."""
    wide = dtypes.accumulator(cotangent.dtype)
    total = jnp.sum(cotangent, axis=(0, *range(2, cotangent.ndim)), dtype=wide)
    return lax.convert_element_type(total, cotangent.dtype)


def cast_cotangent(cotangent: Any, operand: Any) -> Any:
    """The cotangent in its operand's dtype; real operands take the real part."""
    kinds = dtypes.kind(cotangent.dtype), dtypes.kind(operand.dtype)
    if kinds[1] in "iu" and kinds[0] in "fc":
        return cotangent
    if kinds[0] == "c" and kinds[1] == "f":
        cotangent = cotangent.real
    return lax.convert_element_type(cotangent, operand.dtype)


def _operands(
    arrays: dict[str, Any], preferred: Any, b: Any
) -> tuple[dict[str, Any], np.dtype[Any]]:
    """The two arrays as JAX arrays of one dtype, and the result's dtype.

    They are of the result's dtype, except that a bias is added before a half kind is rounded.
    """
    arrays = {name: jnp.asarray(array) for name, array in arrays.items()}
    result = jnp.result_type(*arrays.values())
    if preferred is not None:
        # jnp.zeros warns, as JAX does, where 64 bits are asked for and not enabled
        result = jnp.zeros((), dtypes.preferred_dtype(result, preferred)).dtype
    compute = result
    if b is not None:
        dtypes.check_bias(result, b.dtype)
        compute = dtypes.accumulator(result)
    return {name: lax.convert_element_type(a, compute) for name, a in arrays.items()}, result


def _finish(values: Any, b: Any, result: Any) -> Any:
    if b is None:
        return values
    bias = lax.convert_element_type(b, values.dtype).reshape(1, -1, *[1] * (values.ndim - 2))
    return lax.convert_element_type(values + bias, result)


def _canonical(precision: Any) -> Any:
    """``precision`` as the hashable value that ``jax.lax`` makes of it, defaults included."""
    if isinstance(precision, list):
        precision = tuple(precision)
    default = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    return _lax_precision(precision, default)


@lru_cache(maxsize=64)
def _lax_precision(precision: Any, default: Any) -> Any:
    """What a convolution with this precision carries while ``default`` is JAX's default."""
    one = jax.ShapeDtypeStruct((1, 1, 1), np.float32)
    traced = jax.make_jaxpr(
        lambda a: lax.conv_general_dilated(a, a, (1,), "VALID", precision=precision)
    )(one)
    return traced.eqns[0].params["precision"]
