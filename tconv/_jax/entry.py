"""The entry points: dtypes decided, form chosen, bias added."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from tconv import _dtypes as dtypes
from tconv._plan import Plan


def conv_transpose(
    plan: Plan, x: Any, w: Any, b: Any, *, method: str, precision: Any, preferred: Any
) -> Any:
    """y from x and w by the named algorithm."""
    result, compute = _dtypes_of(x, w, preferred, b)
    y = _scatter(
        plan, lax.convert_element_type(x, compute), lax.convert_element_type(w, compute), precision
    )
    return _finish(y, b, result)


def conv(plan: Plan, y: Any, w: Any, b: Any, *, precision: Any, preferred: Any) -> Any:
    """x from y and w: the adjoint of ``conv_transpose``."""
    result, compute = _dtypes_of(y, w, preferred, b)
    x = _gather(
        plan, lax.convert_element_type(y, compute), lax.convert_element_type(w, compute), precision
    )
    return _finish(x, b, result)


def weight_cotangent(plan: Plan, x: Any, y: Any, *, precision: Any) -> Any:
    """w from x and y: how much each tap joins them."""
    result, compute = _dtypes_of(x, y, None, None)
    x, y = lax.convert_element_type(x, compute), lax.convert_element_type(y, compute)
    zero = jnp.zeros(plan.w_shape, compute)
    (w,) = jax.linear_transpose(lambda k: _gather(plan, y, k, precision), zero)(x)
    return lax.convert_element_type(w, result)


def bias_cotangent(cotangent: Any) -> Any:
    """The sum over batch and positions, one value a channel."""
    return jnp.sum(cotangent, axis=(0, *range(2, cotangent.ndim)), dtype=cotangent.dtype)


def cast_cotangent(cotangent: Any, operand: Any) -> Any:
    """The cotangent in its operand's dtype; real operands take the real part."""
    kinds = dtypes.kind(cotangent.dtype), dtypes.kind(operand.dtype)
    if kinds[1] in "iu" and kinds[0] in "fc":
        return cotangent
    if kinds[0] == "c" and kinds[1] == "f":
        cotangent = cotangent.real
    return lax.convert_element_type(cotangent, operand.dtype)


def _scatter(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    shape = (plan.groups, plan.group_in_channels, plan.group_out_channels, *plan.kernel_size)
    kernel = jnp.flip(jnp.reshape(w, shape).swapaxes(1, 2), tuple(range(3, 3 + len(plan.axes))))
    kernel = kernel.reshape(plan.out_channels, plan.group_in_channels, *plan.kernel_size)
    return lax.conv_general_dilated(
        x,
        kernel,
        (1,) * len(plan.axes),
        [(a.extent - 1 - a.lo, a.extent - 1 - a.hi) for a in plan.axes],
        lhs_dilation=plan.stride,
        rhs_dilation=plan.dilation,
        feature_group_count=plan.groups,
        precision=precision,
    )


def _gather(plan: Plan, y: Any, w: Any, precision: Any) -> Any:
    return lax.conv_general_dilated(
        y,
        w,
        plan.stride,
        [(a.lo, a.hi) for a in plan.axes],
        rhs_dilation=plan.dilation,
        feature_group_count=plan.groups,
        precision=precision,
    )


def _dtypes_of(signal: Any, other: Any, preferred: Any, b: Any) -> tuple[Any, Any]:
    result = jnp.promote_types(signal.dtype, other.dtype)
    if preferred is not None:
        result = dtypes.preferred_dtype(result, preferred)
    if b is not None:
        dtypes.check_bias(result, b.dtype)
    return result, dtypes.accumulator(result)


def _finish(values: Any, b: Any, result: Any) -> Any:
    if b is not None:
        bias = lax.convert_element_type(b, values.dtype)
        values = values + bias.reshape(1, -1, *[1] * (values.ndim - 2))
    return lax.convert_element_type(values, result)
