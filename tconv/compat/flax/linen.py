"""``linen.ConvTranspose`` by tconv."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any

from flax import linen

from tconv.compat.flax import layer

__all__ = ["ConvTranspose"]


class ConvTranspose(linen.ConvTranspose):
    """``linen.ConvTranspose``: the same fields, parameters and values, computed by tconv.

    Values are flax's, but for ``padding="CIRCULAR"`` with ``transpose_kernel=True``: here it is
    the transpose of ``linen.Conv(padding="CIRCULAR")`` with the same kernel, as flax's
    documentation has it.  flax's own result is that rolled by some positions in many cases; the
    smallest are kernel 2 with stride 1, and kernel 3 with stride 3 among odd kernels.

    Args:
        features, kernel_size, strides, ...: those of ``linen.ConvTranspose``.
        feature_group_count: number of blocks of features that do not mix, as in ``linen.Conv``; it
            divides both numbers of features.
        output_padding: extra positions at the high side, as in PyTorch, 0 <= output_padding <
            max(strides, kernel_dilation); int or one int an axis.
        consistent_padding: whether pairs and ints are the padding of the convolution whose
            transpose this is, as in PyTorch: ``use_consistent_padding`` of ``lax.conv_transpose``.

    The kernel is (*kernel_size, in_features/groups, features), with ``transpose_kernel``
    (*kernel_size, features/groups, in_features).  Inputs are (*batch, *spatial, in_features),
    with any number of batch axes.

    Raises: ValueError or TypeError that names the argument as flax does.

    Source: ``flax.linen.ConvTranspose``; what it lacks is that of ``linen.Conv`` and PyTorch.

    >>> import jax, jax.numpy as jnp
    >>> layer, x = ConvTranspose(4, (4, 4), strides=(2, 2)), jnp.ones((2, 16, 16, 8), jnp.float32)
    >>> y, variables = layer.init_with_output(jax.random.key(0), x)
    >>> y.shape, variables["params"]["kernel"].shape
    ((2, 32, 32, 4), (4, 4, 8, 4))
    """

    feature_group_count: int = field(default=1, kw_only=True)
    output_padding: int | Sequence[int] = field(default=0, kw_only=True)
    consistent_padding: bool = field(default=False, kw_only=True)

    @linen.compact
    def __call__(self, inputs: Any) -> Any:
        """The transposed convolution of ``inputs``, (*batch, *spatial, in_features).

        Returns: (*batch, *spatial, features), in the dtype of the promoted operands or
            ``preferred_element_type``.
        """
        shape = layer.kernel_shape(
            self.kernel_size,
            inputs.shape[-1],
            self.features,
            self.feature_group_count,
            self.transpose_kernel,
        )
        kernel = self.param("kernel", self.kernel_init, shape, self.param_dtype)
        bias = None
        if self.use_bias:
            bias = self.param("bias", self.bias_init, (self.features,), self.param_dtype)
        operands = self.promote_dtype(
            inputs, layer.masked(kernel, self.mask), bias, dtype=self.dtype
        )
        return layer.conv_transpose(self, *operands)
