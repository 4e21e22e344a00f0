"""``nnx.ConvTranspose`` by tconv, and models of nnx made to use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flax import nnx
from flax.nnx.nn.linear import default_kernel_init

from tconv.compat.flax import layer

__all__ = ["ConvTranspose", "replace"]

Model = TypeVar("Model")


class ConvTranspose(nnx.ConvTranspose):
    """``nnx.ConvTranspose``: the same parameters, state and values, computed by tconv.

    Values are flax's, but for ``padding="CIRCULAR"`` with ``transpose_kernel=True``: here it is
    the transpose of ``nnx.Conv(padding="CIRCULAR")`` with the same kernel, as flax's documentation
    has it.  flax's own result is that rolled by some positions in many cases; the smallest are
    kernel 2 with stride 1, and kernel 3 with stride 3 among odd kernels.

    Args:
        in_features, out_features, kernel_size, strides, ...: those of ``nnx.ConvTranspose``,
            which has the others too.
        kernel_init: called with a key, the kernel's shape and dtype; ``nnx.with_partitioning``
            gives one that shards.
        feature_group_count: number of blocks of features that do not mix, as in ``nnx.Conv``; it
            divides both numbers of features.
        output_padding: extra positions at the high side, as in PyTorch, 0 <= output_padding <
            max(strides, kernel_dilation); int or one int an axis.
        consistent_padding: whether pairs and ints are the padding of the convolution whose
            transpose this is, as in PyTorch: ``use_consistent_padding`` of ``lax.conv_transpose``.
        rngs: where the keys come from.

    The kernel is (*kernel_size, in_features/groups, out_features), with ``transpose_kernel``
    (*kernel_size, out_features/groups, in_features).  Inputs are (*batch, *spatial, in_features),
    with any number of batch axes.

    Raises: ValueError or TypeError that names the argument as flax does.

    Source: ``flax.nnx.ConvTranspose``; what it lacks is that of ``nnx.Conv`` and PyTorch.

    >>> import jax.numpy as jnp
    >>> layer = ConvTranspose(8, 4, (4, 4), strides=2, rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 16, 16, 8), jnp.float32)).shape
    (2, 32, 32, 4)
    >>> isinstance(layer, nnx.ConvTranspose)
    True
    """

    feature_group_count: int
    output_padding: int | Sequence[int]
    consistent_padding: bool

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = None,
        *,
        transpose_kernel: bool = False,
        kernel_init: Callable[..., Any] = default_kernel_init,
        feature_group_count: int = 1,
        output_padding: int | Sequence[int] = 0,
        consistent_padding: bool = False,
        rngs: nnx.Rngs,
        **others: Any,
    ) -> None:
        """Draw the parameters as flax does."""
        shape = layer.kernel_shape(
            kernel_size, in_features, out_features, feature_group_count, transpose_kernel
        )
        super().__init__(
            in_features,
            out_features,
            kernel_size,
            strides,
            transpose_kernel=transpose_kernel,
            kernel_init=lambda key, _, *dtype: kernel_init(key, shape, *dtype),
            rngs=rngs,
            **others,
        )
        self.kernel_shape = shape
        self.feature_group_count = feature_group_count
        self.output_padding = output_padding
        self.consistent_padding = consistent_padding

    def __call__(self, inputs: Any) -> Any:
        """The transposed convolution of ``inputs``, (*batch, *spatial, in_features).

        Returns: (*batch, *spatial, out_features), in the dtype of the promoted operands or
            ``preferred_element_type``.
        """
        kernel = layer.masked(self.kernel[...], self.mask)
        bias = None if self.bias is None else self.bias[...]
        operands = self.promote_dtype((inputs, kernel, bias), dtype=self.dtype)
        return layer.conv_transpose(self, *operands)


def replace(model: Model) -> Model:
    """Make every ``nnx.ConvTranspose`` of a model one of tconv, in place as ``model.eval()`` does.

    The layers stay the objects that they are, wherever the model holds them, with the parameters
    they have; only their class changes.  So shared layers stay shared and optimizers and
    checkpoints go on as before.  Functions that keep a model's structure, such as those of
    ``nnx.cached_partial``, are to be made afterwards.  For a changed copy, give
    ``nnx.clone(model)``.

    Args:
        model: a module of nnx, or any tree of them.

    Returns: the model itself.  Instances of subclasses of ``nnx.ConvTranspose`` are left as they
        are, for tconv cannot know what they change: let the subclass inherit from
        ``tconv.compat.flax.nnx.ConvTranspose``.

    Raises: ``flax.errors.TraceContextError`` inside a transformation in which the model was not
        made.

    Source: "Model surgery" in the documentation of flax nnx.

    >>> model = nnx.Sequential(nnx.ConvTranspose(8, 4, (4, 4), strides=2, rngs=nnx.Rngs(0)))
    >>> replace(model) is model
    True
    >>> isinstance(model.layers[0], ConvTranspose)
    True
    """
    nodes = [node for _, node in nnx.iter_graph(model)]
    layers: list[Any] = [node for node in nodes if type(node) is nnx.ConvTranspose]
    for each in layers:
        each.feature_group_count, each.output_padding, each.consistent_padding = 1, 0, False
        object.__setattr__(each, "__class__", ConvTranspose)
    return model
