"""``keras.ops.conv_transpose`` on the backend that ``KERAS_BACKEND`` names: "jax" or "torch".

Channels come last.  The padding is "valid" or "same"; with "valid" and an output padding the size
is (input - 1)*stride + extent + output_padding.  There are no groups.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from tconv.testing.frameworks.arrays import jax as jax_arrays
from tconv.testing.frameworks.arrays import torch as torch_tensors
from tconv.testing.frameworks.framework import Framework, channels_first, channels_last
from tconv.testing.problems.supports import Supports

_ARRAYS: dict[str, Any] = {"jax": jax_arrays, "torch": torch_tensors}
_ON = {"jax": ("jax", "jaxlib"), "torch": ("torch",)}


def framework(name: str) -> Framework:
    """``keras`` on the backend that it runs on."""
    backend = import_module("keras").config.backend()
    if backend not in _ARRAYS:
        raise ImportError(
            f"keras runs on {backend!r} here: set KERAS_BACKEND to one of {', '.join(_ARRAYS)}"
        )
    arrays = _ARRAYS[backend]
    return Framework(
        packages=("keras", *_ON[backend]),
        conv_transpose=arrays.on_numpy(conv_transpose),
        supports=Supports("groups=1, padding=0, batched"),
        vjp=arrays.vjp(conv_transpose),
        same=arrays.on_numpy(partial(conv_transpose, name="same")),
        aborts=jax_arrays.aborts if backend == "jax" else lambda problem: False,
        why=jax_arrays.WHY,
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
    name: str = "valid",
) -> Any:
    """With the output padding's numbers, or "same" and none."""
    ops = import_module("keras").ops
    y = ops.conv_transpose(
        ops.transpose(x, channels_last(x.ndim)),
        ops.transpose(w, (*range(2, w.ndim), 1, 0)),
        strides=stride,
        padding=name,
        output_padding=output_padding if name == "valid" else None,
        data_format="channels_last",
        dilation_rate=dilation,
    )
    y = y if b is None else y + b
    return ops.transpose(y, channels_first(x.ndim))
