"""``tf.nn.conv1d_transpose``, ``conv2d_transpose`` and ``conv3d_transpose``.

Channels come last, for the CPU has no other layout.  The output's size is asked for, so output
padding below the stride can be said; of the padding only "VALID" is taken by all three.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from tconv.testing.frameworks.framework import (
    Array,
    Framework,
    channels_first,
    channels_last,
    copied,
)
from tconv.testing.problems.supports import Supports


def framework(name: str) -> Framework:
    """``tensorflow``."""
    return Framework(
        packages=("tensorflow", "tensorflow-cpu"),
        conv_transpose=conv_transpose,
        supports=Supports("groups=1, padding=0, output_padding<stride, batched"),
        vjp=vjp,
        same=partial(conv_transpose, name="SAME"),
    )


def conv_transpose(x: Array, w: Array, b: Array | None = None, **keywords: Any) -> Array:
    """On NumPy arrays."""
    found: Array = _forward(*map(_tensor, (x, w, b)), **keywords).numpy()
    return found


def vjp(x: Array, w: Array, b: Array | None = None, **keywords: Any) -> Any:
    """With a pullback by ``tf.GradientTape``."""
    tf = import_module("tensorflow")
    operands = [_tensor(array) for array in (x, w, b)]
    leaves = [operand for operand in operands if operand is not None]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(leaves)
        y = _forward(*operands, **keywords)

    def pullback(dy: Array) -> Any:
        cotangents = tape.gradient(y, leaves, output_gradients=_tensor(dy))
        return (*[cotangent.numpy() for cotangent in cotangents], None)[:3]

    return y.numpy(), pullback


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
    name: str = "VALID",
) -> Any:
    tf, axes = import_module("tensorflow"), len(stride)
    sizes = [
        n * s if name == "SAME" else (n - 1) * s + d * (k - 1) + 1 + op
        for n, k, s, d, op in zip(
            x.shape[2:], w.shape[2:], stride, dilation, output_padding, strict=True
        )
    ]
    y = getattr(tf.nn, f"conv{axes}d_transpose")(
        tf.transpose(x, channels_last(axes + 2)),
        tf.transpose(w, (*range(2, axes + 2), 1, 0)),
        (x.shape[0], *sizes, w.shape[1]),
        stride,
        name,
        dilations=dilation,
    )
    y = y if b is None else y + b
    return tf.transpose(y, channels_first(axes + 2))


def _tensor(array: Array | None) -> Any:
    return None if array is None else import_module("tensorflow").constant(copied(array))
