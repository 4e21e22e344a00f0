"""``flax.linen.ConvTranspose`` and ``flax.nnx.ConvTranspose``.

Both hand their padding to ``jax.lax.conv_transpose``, take any number of batch axes, and have no
groups.  CIRCULAR is tried with ``transpose_kernel=True``, which their documentation calls the
transpose of ``Conv``; that begins (extent - 1) // 2 positions before its input.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from tconv.testing.frameworks.arrays.jax import framework_on
from tconv.testing.frameworks.framework import Framework, exchanged, flipped, spread_pads


def framework(name: str) -> Framework:
    """``flax.linen`` or ``flax.nnx``."""
    call = {"flax.linen": _linen, "flax.nnx": _nnx}[name]
    return framework_on(
        ["flax"],
        partial(_numbers, call),
        "groups=1",
        same=partial(_named, call, "SAME", False),
        circular=partial(_named, call, "CIRCULAR", True),
        circular_start=lambda extent, stride: (extent - 1) // 2,
    )


def _numbers(
    call: Callable[..., Any],
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
    return _applied(call, x, w, b, pads, stride, dilation, transpose_kernel=False)


def _named(
    call: Callable[..., Any],
    padding_name: str,
    transpose_kernel: bool,
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
    """With a padding that has a name."""
    return _applied(
        call, x, w, b, padding_name, stride, dilation, transpose_kernel=transpose_kernel
    )


def _applied(
    call: Callable[..., Any],
    x: Any,
    w: Any,
    b: Any,
    padding: Any,
    stride: Any,
    dilation: Any,
    *,
    transpose_kernel: bool,
) -> Any:
    jnp = import_module("jax.numpy")
    # (*kernel, I, O) of a correlation, or (*kernel, O, I) of the convolution that is the adjoint.
    stored = exchanged(w, 1) if transpose_kernel else flipped(w)
    kernel = jnp.moveaxis(stored, (0, 1), (-2, -1))
    channel = -w.ndim + 1  # of (*batch, channels, *spatial)
    y = call(
        jnp.moveaxis(x, channel, -1),
        kernel,
        b,
        in_features=w.shape[0],
        features=w.shape[1],
        kernel_size=w.shape[2:],
        strides=stride,
        padding=padding,
        kernel_dilation=dilation,
        use_bias=b is not None,
        transpose_kernel=transpose_kernel,
        precision="highest",
    )
    return jnp.moveaxis(y, -1, channel)


def _linen(x: Any, kernel: Any, b: Any, *, in_features: int, **fields: Any) -> Any:
    layer = import_module("flax.linen").ConvTranspose(**fields)
    params = {"kernel": kernel} | ({} if b is None else {"bias": b})
    return layer.apply({"params": params}, x)


def _nnx(
    x: Any, kernel: Any, b: Any, *, in_features: int, features: int, kernel_size: Any, **fields: Any
) -> Any:
    nnx = import_module("flax.nnx")
    layer = nnx.ConvTranspose(
        in_features,
        features,
        kernel_size,
        kernel_init=lambda *_: kernel,
        bias_init=lambda *_: b,
        rngs=nnx.Rngs(0),
        **fields,
    )
    return layer(x)
