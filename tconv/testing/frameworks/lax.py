"""``jax.lax.conv_transpose``.

Its padding is that of the spread input, in pairs that may be negative; so output padding and
padding of any sort can be said.  It has no groups and no bias, and wants a batch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tconv.testing.frameworks.arrays.jax import WHY, aborts, add_bias, on_numpy, vjp
from tconv.testing.frameworks.framework import Framework, flipped, spread_pads
from tconv.testing.problems.supports import Supports


def framework(name: str) -> Framework:
    """``jax.lax``."""
    return Framework(
        packages=("jax", "jaxlib"),
        conv_transpose=on_numpy(conv_transpose),
        supports=Supports("groups=1, batched"),
        vjp=vjp(conv_transpose),
        same=on_numpy(same),
        aborts=aborts,
        why=WHY,
    )


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
