"""``haiku.ConvNDTranspose``: no groups and no dilation; the padding is that of ``jax.lax``."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from tconv.testing.frameworks.arrays.jax import framework_on
from tconv.testing.frameworks.framework import Framework, exchanged, flipped, spread_pads


def framework(name: str) -> Framework:
    """``haiku``."""
    same = partial(conv_transpose, name="SAME")
    return framework_on(["dm-haiku"], conv_transpose, "groups=1, dilation=1", same=same)


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
) -> Any:
    """With the padding of the spread input, or with its ``name``."""
    haiku, jnp = import_module("haiku"), import_module("jax.numpy")
    pads = spread_pads(w.shape[2:], padding, output_padding, dilation)
    layers = {1: "NCW", 2: "NCHW", 3: "NCDHW"}

    def forward(x: Any) -> Any:
        return haiku.ConvNDTranspose(
            len(stride),
            w.shape[1],
            w.shape[2:],
            stride,
            padding=name or pads,
            with_bias=b is not None,
            data_format=layers[len(stride)],
            name="layer",
        )(x, precision="highest")

    params = {"w": jnp.moveaxis(flipped(exchanged(w, 1)), (0, 1), (-2, -1))}
    if b is not None:
        params["b"] = b.reshape(-1, *[1] * len(stride))
    return haiku.transform(forward).apply({"layer": params}, None, x)
