"""What a transposed convolution of flax computes: linen's and nnx's differ in their state alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any, Protocol

import jax.numpy as jnp

from tconv._core.arguments import Pairs, Shape, fail, positive
from tconv.compat import layer as layers
from tconv.compat.call import Names
from tconv.compat.crops import Every, flax_crops

_NAMES = Names("inputs", "kernel", "strides", "kernel_dilation", groups="feature_group_count")


class Layer(Protocol):
    """The fields that both layers have; the last three are ours."""

    kernel_size: Any
    strides: Any
    padding: Any
    kernel_dilation: Any
    transpose_kernel: bool
    precision: Any
    preferred_element_type: Any
    feature_group_count: int
    output_padding: int | Sequence[int]
    consistent_padding: bool


def sizes(kernel_size: int | Sequence[int]) -> Shape:
    """The kernel's size; an int is that of one spatial axis."""
    axes = 1 if isinstance(kernel_size, int) else len(kernel_size)
    return positive("kernel_size", kernel_size, axes)


def kernel_shape(
    kernel_size: int | Sequence[int],
    in_features: int,
    out_features: int,
    feature_group_count: int,
    transpose_kernel: bool,
) -> Shape:
    """Shape of the kernel: that of the convolution whose transpose the layer is, where
    ``transpose_kernel`` says so, and with its channels the other way round if not."""
    (groups,) = positive("feature_group_count", feature_group_count, 1)
    for name, features in (("in_features", in_features), ("out_features", out_features)):
        if features % groups:
            fail(
                "feature_group_count",
                None,
                f"must divide {name}",
                f"{name}={features}, feature_group_count={groups}",
                "Choose a divisor of both numbers of features.",
            )
    if transpose_kernel:
        return (*sizes(kernel_size), out_features // groups, in_features)
    return (*sizes(kernel_size), in_features // groups, out_features)


def masked(kernel: Any, mask: Any) -> Any:
    """The kernel, with zeros where the mask has them."""
    if mask is None:
        return kernel
    if mask.shape != kernel.shape:
        fail(
            "mask",
            None,
            "must have the shape of the kernel",
            f"mask of shape {mask.shape}, kernel of shape {kernel.shape}",
            "Reshape it, or make one of the kernel's shape.",
        )
    return kernel * mask


def conv_transpose(layer: Layer, inputs: Any, kernel: Any, bias: Any) -> Any:
    """The layer's output for operands that are masked and promoted already.

    ``inputs`` are (*batch, *spatial, features) with any number of batch axes, none included.
    """
    axes = len(sizes(layer.kernel_size))
    if inputs.ndim < axes + 1:
        fail(
            "inputs",
            None,
            f"must have {axes} spatial axes and one of features, behind any number of batch axes",
            f"shape {inputs.shape}",
            "Reshape them, or give kernel_size as many entries as there are spatial axes.",
        )
    batch, image = inputs.shape[: -axes - 1], inputs.shape[-axes - 1 :]
    y = layers.conv_transpose(
        _NAMES,
        "flax_transpose_kernel" if layer.transpose_kernel else "flax",
        "N*C",
        inputs if len(batch) == 1 else jnp.reshape(inputs, (prod(batch), *image)),
        kernel,
        partial(_crops, layer),
        stride=1 if layer.strides is None else layer.strides,
        dilation=1 if layer.kernel_dilation is None else layer.kernel_dilation,
        groups=layer.feature_group_count,
        output_padding=layer.output_padding,
        circular=layer.padding == "CIRCULAR",
        precision=layer.precision,
        preferred=layer.preferred_element_type,
    )
    if bias is not None:
        y = y + jnp.reshape(bias, (1,) * (axes + 1) + (-1,))
    return y if len(batch) == 1 else jnp.reshape(y, (*batch, *y.shape[1:]))


def _crops(layer: Layer, every: Every) -> Pairs:
    """What the layer's padding crops."""
    if layer.padding == "CIRCULAR":
        return _circular_crops(layer, every)
    if layer.padding == "CAUSAL":
        fail(
            "padding",
            None,
            "'CAUSAL' is none of a transposed convolution in flax",
            repr(layer.padding),
            "Take padding='VALID' and leave out the last kernel_size - stride positions.",
        )
    return flax_crops(every, layer.padding, layer.consistent_padding)


def _circular_crops(layer: Layer, every: Every) -> Pairs:
    """K - stride positions in all, for an output of input*stride, wherever it begins.

    With K = dilation*(kernel_size - 1) + 1, flax's Conv reads (K - 1)//2 positions before the
    first, and its transpose writes as many: the crop that ``transpose_kernel`` calls for.
    Without it the crop is half of what the kernel reaches beyond the stride, which is flax's
    own convention.
    """
    if any(one.output_padding for one in every):
        fail(
            "output_padding",
            None,
            "must be 0 with padding='CIRCULAR', whose output is input*stride",
            repr(layer.output_padding),
            "Leave it out.",
        )
    starts = [
        (one.extent - 1 if layer.transpose_kernel else max(one.extent - one.stride, 0)) // 2
        for one in every
    ]
    return tuple((lo, one.extent - one.stride - lo) for one, lo in zip(every, starts, strict=True))
