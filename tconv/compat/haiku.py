"""Haiku's transposed convolutions by tconv."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import haiku as hk
import jax.numpy as jnp
import numpy as np

from tconv._core.arguments import Shape, fail
from tconv.compat import layer
from tconv.compat.call import Names
from tconv.compat.crops import lax_crops

__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "ConvNDTranspose"]

_NAMES = Names("inputs", "w", "stride", "dilation", "b")


class ConvNDTranspose(hk.ConvNDTranspose):
    """``haiku.ConvNDTranspose``: the same constructor, parameters and values, computed by tconv.

    Args: those of ``haiku.ConvNDTranspose``.

    Source: ``haiku.ConvNDTranspose``.

    >>> import jax, jax.numpy as jnp
    >>> upsample = hk.transform(lambda x: Conv2DTranspose(4, 3, stride=2)(x))
    >>> x = jnp.ones((2, 16, 16, 8))
    >>> upsample.apply(upsample.init(jax.random.key(0), x), None, x).shape
    (2, 32, 32, 4)
    """

    def __call__(self, inputs: Any, *, precision: Any = None) -> Any:
        """The transposed convolution of ``inputs``, with a batch or without one.

        Returns: with ``output_channels`` in the place of the channels of ``inputs``.

        Raises: ValueError that names the argument as Haiku does.
        """
        axes, inputs = self.num_spatial_dims, jnp.asarray(inputs)
        if inputs.ndim not in (axes + 1, axes + 2):
            fail(
                "inputs",
                None,
                f"must have {axes} spatial axes and one of channels, with a batch or without",
                f"shape {inputs.shape}",
                "Reshape them.",
            )
        x = inputs if inputs.ndim == axes + 2 else inputs[None]
        channels_last = self.channel_index == -1
        w = self._kernel(x)
        padding = self._padding(x.shape[1:-1] if channels_last else x.shape[2:])
        y = layer.conv_transpose(
            _NAMES,
            "haiku",
            "N*C" if channels_last else "NC*",
            x,
            w,
            partial(lax_crops, padding=padding),
            stride=self.stride,
            dilation=1,
            precision=precision,
        )
        if self.with_bias:
            ones = () if channels_last else (1,) * axes
            b = hk.get_parameter("b", (self.output_channels, *ones), x.dtype, init=self.b_init)
            y = y + jnp.broadcast_to(b, y.shape)
        return y if inputs.ndim == axes + 2 else y[0]

    def _kernel(self, x: Any) -> Any:
        shape = (*self.kernel_shape, self.output_channels, x.shape[self.channel_index])
        if self.mask is not None and self.mask.shape != shape:
            fail(
                "mask",
                None,
                "must have the shape of the kernel",
                f"mask of shape {self.mask.shape}, kernel of shape {shape}",
                "Reshape it, or make one of the kernel's shape.",
            )
        fan_in = prod(self.kernel_shape) * shape[-1]
        init = self.w_init or hk.initializers.TruncatedNormal(stddev=1 / np.sqrt(fan_in))
        w = hk.get_parameter("w", shape, x.dtype, init=init)
        return w if self.mask is None else w * self.mask

    def _padding(self, input_size: Shape) -> Any:
        """The padding as ``lax`` counts it; with ``output_shape`` what gives that size.

        ``output_shape`` may be any size from which the convolution whose transpose this is would
        come to ``input_size``.
        """
        if self.output_shape is None:
            return self.padding
        if self.padding not in ("SAME", "VALID"):
            fail(
                "padding",
                None,
                "must be 'SAME' or 'VALID' with output_shape",
                repr(self.padding),
                "Leave out output_shape, or take one of the two.",
            )
        pads = []
        wanted: Any = self.output_shape
        for axis, (n, size) in enumerate(zip(input_size, wanted, strict=True)):
            k, s = self.kernel_shape[axis], self.stride[axis]
            least = (n - 1) * s + (k if self.padding == "VALID" else 1)
            if not least <= size < least + s:
                fail(
                    "output_shape",
                    axis,
                    f"with {n} inputs, kernel_shape {k}, stride {s} and padding "
                    f"{self.padding!r} it can be any of {least} to {least + s - 1}",
                    size,
                    "Choose one of these.",
                )
            crop = max(least - 1 + k - size, 0) // 2 if self.padding == "SAME" else 0
            pads.append((k - 1 - crop, size - (n - 1) * s - 1 + crop))
        return tuple(pads)


class Conv1DTranspose(ConvNDTranspose, hk.Conv1DTranspose):
    """``haiku.Conv1DTranspose`` by tconv; see ``ConvNDTranspose``."""


class Conv2DTranspose(ConvNDTranspose, hk.Conv2DTranspose):
    """``haiku.Conv2DTranspose`` by tconv; see ``ConvNDTranspose``."""


class Conv3DTranspose(ConvNDTranspose, hk.Conv3DTranspose):
    """``haiku.Conv3DTranspose`` by tconv; see ``ConvNDTranspose``."""
