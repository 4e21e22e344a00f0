"""``mlx.core.conv_transpose1d``, ``2d`` and ``3d``: PyTorch's parameters with channels last."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from tconv.testing.frameworks.framework import (
    Array,
    Framework,
    channels_first,
    channels_last,
    copied,
    exchanged,
)
from tconv.testing.problems.problem import dtype_named
from tconv.testing.problems.supports import Supports


def framework(name: str) -> Framework:
    """``mlx``."""
    return Framework(
        packages=("mlx",),
        conv_transpose=conv_transpose,
        supports=Supports("symmetric, batched"),
        vjp=vjp,
    )


def conv_transpose(x: Array, w: Array, b: Array | None = None, **keywords: Any) -> Array:
    """On NumPy arrays."""
    return _out(_forward(*map(_into, (x, w, b)), **keywords))


def vjp(x: Array, w: Array, b: Array | None = None, **keywords: Any) -> Any:
    """With a pullback by ``mlx.core.vjp``."""
    mx = import_module("mlx.core")
    operands = [_into(array) for array in (x, w, b) if array is not None]

    def forward(x: Any, w: Any, b: Any = None) -> Any:
        return _forward(x, w, b, **keywords)

    def pullback(dy: Array) -> Any:
        _, cotangents = mx.vjp(forward, operands, [_into(dy)])
        return (*map(_out, cotangents), None)[:3]

    return _out(forward(*operands)), pullback


def _forward(
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
    mx, axes = import_module("mlx.core"), len(stride)
    one = axes == 1  # takes ints
    numbers = [
        each[0] if one else tuple(each) for each in (stride, padding, dilation, output_padding)
    ]
    function = getattr(mx, f"conv_transpose{axes}d")
    stored = exchanged(w, groups).transpose(channels_last(w.ndim))
    y = function(x.transpose(channels_last(x.ndim)), stored, *numbers, groups)
    y = y if b is None else y + b
    return y.transpose(channels_first(x.ndim))


def _into(array: Array | None) -> Any:
    mx, copy = import_module("mlx.core"), copied(array)
    if copy is None:
        return None
    if copy.dtype.name == "bfloat16":
        return mx.array(copy.view(np.uint16)).view(mx.bfloat16)
    return mx.array(copy)


def _out(values: Any) -> Array:
    mx = import_module("mlx.core")
    if values.dtype == mx.bfloat16:
        return np.array(values.view(mx.uint16)).view(dtype_named("bfloat16"))
    return np.array(values)
