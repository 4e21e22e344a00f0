"""tconv's own layers, as what is written for other frameworks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tconv._core.arguments import per_axis, positive
from tconv._core.axis import parameters_of
from tconv.compat.crops import Every
from tconv.layers import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)

Transposed = ConvTranspose1d | ConvTranspose2d | ConvTranspose3d
Forward = Conv1d | Conv2d | Conv3d
Layer = Transposed | Forward


def check_layer(layer: Any) -> None:
    """Refuse what is no layer of tconv."""
    if not isinstance(layer, Layer):
        raise TypeError(
            f"layer: must be a ConvTranspose or Conv layer of tconv; got "
            f"{type(layer).__module__}.{type(layer).__qualname__}. Make one with its parameters."
        )


def parameters(layer: Layer) -> Every:
    """The parameters of each axis, without padding."""
    axes = layer.axes
    ends = per_axis("output_padding", getattr(layer, "output_padding", 0), axes)
    return parameters_of(
        positive("kernel_size", layer.kernel_size, axes),
        positive("stride", layer.stride, axes),
        positive("dilation", layer.dilation, axes),
        None,
        ends,
    )


def parameters_as_torch(layer: Layer, params: Mapping[str, Any]) -> tuple[Any, Any]:
    """Weight and bias, checked to be the layer's, the weight as PyTorch stores it."""
    weight, bias = layer.weight_and_bias(params)
    return layer.layout.from_kernel(weight), bias
