"""``tinygrad.Tensor.conv_transpose2d``, which takes any number of spatial axes.

Its padding is one int an axis, or the two sides of each from the last axis to the first.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from tconv.testing.frameworks.framework import Array, Framework, copied, pairs
from tconv.testing.problems.problem import dtype_named
from tconv.testing.problems.supports import Supports


def framework(name: str) -> Framework:
    """``tinygrad``."""
    return Framework(
        packages=("tinygrad",),
        conv_transpose=conv_transpose,
        supports=Supports("batched"),
        vjp=vjp,
    )


def conv_transpose(x: Array, w: Array, b: Array | None = None, **keywords: Any) -> Array:
    """On NumPy arrays."""
    return _out(_forward(*map(_into, (x, w, b)), **keywords))


def vjp(x: Array, w: Array, b: Array | None = None, **keywords: Any) -> Any:
    """With a pullback by ``Tensor.gradient``."""
    operands = [_into(array) for array in (x, w, b)]
    leaves = [operand for operand in operands if operand is not None]
    y = _forward(*operands, **keywords)

    def pullback(dy: Array) -> Any:
        return (*map(_out, y.gradient(*leaves, gradient=_into(dy))), None)[:3]

    return _out(y), pullback


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
    sides = tuple(side for pair in reversed(pairs(padding)) for side in pair)
    return x.conv_transpose2d(w, b, groups, stride, dilation, sides, output_padding)


def _into(array: Array | None) -> Any:
    tinygrad, copy = import_module("tinygrad"), copied(array)
    if copy is None:
        return None
    if copy.dtype.name == "bfloat16":  # by its bits
        bits = tinygrad.Tensor(copy.view(np.uint16))
        return bits.bitcast(tinygrad.dtypes.bfloat16)
    return tinygrad.Tensor(copy)


def _out(values: Any) -> Array:
    dtypes = import_module("tinygrad").dtypes
    if values.dtype == dtypes.bfloat16:
        bits: Array = values.contiguous().bitcast(dtypes.uint16).numpy()
        return bits.view(dtype_named("bfloat16"))
    found: Array = values.numpy()
    return found
