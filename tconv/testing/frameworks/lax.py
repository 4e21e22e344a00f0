"""``jax.lax.conv_transpose``.

Its padding is that of the spread input, in pairs that may be negative; so output padding and
padding of any sort can be said.  It has no groups and no bias, and wants a batch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tconv.testing.frameworks.arrays.jax import add_bias, framework_on
from tconv.testing.frameworks.framework import Framework, flipped, spread_pads


def framework(name: str) -> Framework:
    """``jax.lax``."""
    return framework_on([], conv_transpose, "groups=1, batched", same=same)


def conv_transpose(
    x: Any,
    w: Any,
    b: Any,
    *,
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    """With the padding of the spread input."""
    pads = spread_pads(w.shape[2:], padding, output_padding, dilation)
    return _call(x, w, b, stride, pads, dilation)


def same(
    x: Any,
    w: Any,
    b: Any,
    *,
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    """With ``"SAME"``."""
    return _call(x, w, b, stride, "SAME", dilation)


def _call(x: Any, w: Any, b: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    lax, axes = import_module("jax.lax"), "HWD"[: len(stride)]
    y = lax.conv_transpose(
        x,
        flipped(w),
        stride,
        padding,
        rhs_dilation=dilation,
        dimension_numbers=(f"NC{axes}", f"IO{axes}", f"NC{axes}"),
        precision="highest",
    )
    return add_bias(y, b)
