"""The forms: the three bilinear maps from lax primitives, for a platform.

Each is a pure function of traced arrays of one dtype and gives that dtype.  Half kinds are
summed in float32 and rounded once at the end.  Sizes in the plan may be symbolic dimensions of
``jax.export``; kernel, stride, dilation, lo and groups are ints.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import lax

from tconv._core import dtypes
from tconv._core.arguments import is_known
from tconv._core.plan import Plan
from tconv._jax import blocks, choose, general, groups
from tconv._jax import channels_last as last
from tconv._jax.channels_first import scatter, subpixel, windows

Form = Callable[[Plan, Any, Any, Any], Any]

CONV_TRANSPOSE: dict[str, Form] = {
    "channels": subpixel.by_channel,
    "channels-last channels": last.depthwise.conv_transpose,
    "channels-last columns": last.scatter.conv_transpose,
    "columns": scatter.conv_transpose,
    "dilated": general.dilated,
    "matrix": general.matrix,
    "point": scatter.point,
    "subpixel GEMM": subpixel.by_gemm,
    "subpixel convolution": subpixel.by_convolution,
}
CONV: dict[str, Form] = {
    "channels": windows.conv_by_channel,
    "channels-last channels": last.depthwise.conv,
    "channels-last convolution": last.convolution.conv,
    "channels-last sum": last.windows.conv_by_sum,
    "channels-last windows": last.windows.conv,
    "convolution": general.conv,
    "point": windows.conv_to_point,
    "sum": windows.conv_by_sum,
    "windows": windows.conv,
}
WEIGHT: dict[str, Form] = {
    "channels-last channels": last.depthwise.weight_cotangent,
    "channels-last convolution": last.convolution.weight_cotangent,
    "channels-last shifts": last.windows.weight_cotangent_by_shifts,
    "channels-last windows": last.windows.weight_cotangent,
    "convolution": general.weight_cotangent,
    "point": windows.weight_cotangent_of_point,
    "rows": windows.weight_cotangent_by_rows,
    "shifts": windows.weight_cotangent_by_shifts,
    "windows": windows.weight_cotangent,
}
METHODS = {"col2im": "columns", "dilated": "dilated", "matrix": "matrix"}
# One lax convolution each, which sums in float32 and rounds once itself.
CONVOLUTIONS = {"dilated", "convolution", "channels-last convolution"}


def conv_transpose(
    plan: Plan, x: Any, w: Any, *, platform: str | None, method: str, precision: Any
) -> Any:
    """y from x and w, for a platform (None: any), by a method."""
    if choose.groups_apart(plan, platform):
        one = partial(conv_transpose, platform=platform, method=method, precision=precision)
        return groups.apart(one, plan, {"x": x, "w": w}, "y")
    reduced = blocks.reduce(plan)
    if _unreached(reduced.plan):
        return jnp.zeros(plan.y_shape, x.dtype)
    core, dtype = reduced.plan, dtypes.accumulator(x.dtype)
    if method == "auto":
        name = choose.conv_transpose_form(core, platform, dtype)
    elif method == "subpixel":
        name = choose.subpixel_form(core, platform, dtype)
    else:
        name = METHODS[method]
    y = _computed(CONV_TRANSPOSE, name, core, x, reduced.spread_kernel(w), precision)
    return reduced.place(y)


def conv(plan: Plan, y: Any, w: Any, *, platform: str | None, precision: Any) -> Any:
    """x from y and w."""
    if choose.groups_apart(plan, platform):
        one = partial(conv, platform=platform, precision=precision)
        return groups.apart(one, plan, {"y": y, "w": w}, "x")
    reduced = blocks.reduce(plan)
    if _unreached(reduced.plan):
        return jnp.zeros(plan.x_shape, y.dtype)
    name = choose.conv_form(reduced.plan, platform, dtypes.accumulator(y.dtype))
    kernel = reduced.spread_kernel(w)
    return _computed(CONV, name, reduced.plan, reduced.take(y), kernel, precision)


def weight_cotangent(plan: Plan, x: Any, y: Any, *, platform: str | None, precision: Any) -> Any:
    """w from x and y."""
    if choose.groups_apart(plan, platform):
        one = partial(weight_cotangent, platform=platform, precision=precision)
        return groups.apart(one, plan, {"x": x, "y": y}, "w")
    reduced = blocks.reduce(plan)
    if _unreached(reduced.plan):
        return jnp.zeros(plan.w_shape, x.dtype)
    name = choose.weight_form(reduced.plan, platform, dtypes.accumulator(x.dtype))
    w = _computed(WEIGHT, name, reduced.plan, x, reduced.take(y), precision)
    return reduced.gathered_kernel(w)


def _unreached(plan: Plan) -> bool:
    """Whether no tap reaches any output, as the rest of y lies between the reached ones."""
    return any(is_known(axis.output_size) and axis.output_size < 1 for axis in plan.axes)


def _computed(
    forms: dict[str, Form], name: str, plan: Plan, first: Any, second: Any, precision: Any
) -> Any:
    """The form, in the dtype that products are summed in wherever it adds up results."""
    sums = first.dtype if name in CONVOLUTIONS else dtypes.accumulator(first.dtype)
    left, right = (lax.convert_element_type(operand, sums) for operand in (first, second))
    return lax.convert_element_type(forms[name](plan, left, right, precision), first.dtype)
