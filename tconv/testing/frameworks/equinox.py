"""``equinox.nn.ConvTranspose``: PyTorch's parameters with pairs of padding, on one sample.

A batch goes through ``jax.vmap``.  CIRCULAR comes with SAME alone; ``equinox.nn.Conv`` of an input
of n*stride positions then begins max(extent - stride, 0) // 2 before it.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from tconv.testing.frameworks.arrays.jax import framework_on
from tconv.testing.frameworks.framework import Framework, exchanged, flipped, pairs


def framework(name: str) -> Framework:
    """``equinox.nn``."""
    return framework_on(
        ["equinox"],
        conv_transpose,
        "output_padding<stride",
        same=partial(conv_transpose, name="SAME"),
        circular=partial(conv_transpose, name="SAME", mode="CIRCULAR"),
        circular_start=lambda extent, stride: max(extent - stride, 0) // 2,
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
    name: str = "",
    mode: str = "ZEROS",
) -> Any:
    """With the padding's numbers, or with its ``name``."""
    jax, equinox = import_module("jax"), import_module("equinox")

    def made(key: Any) -> Any:
        return equinox.nn.ConvTranspose(
            len(stride),
            w.shape[0],
            w.shape[1] * groups,
            w.shape[2:],
            stride,
            name or pairs(padding),
            output_padding,
            dilation,
            groups,
            use_bias=b is not None,
            padding_mode=mode,
            key=key,
        )

    shaped = equinox.filter_eval_shape(made, jax.random.key(0))
    layer = equinox.tree_at(lambda one: one.weight, shaped, flipped(exchanged(w, groups)))
    if b is not None:
        bias = b.reshape(-1, *[1] * len(stride))
        layer = equinox.tree_at(lambda one: one.bias, layer, bias)
    return layer(x) if x.ndim == len(stride) + 1 else jax.vmap(layer)(x)
