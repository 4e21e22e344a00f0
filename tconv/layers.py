"""Layers as values: a frozen configuration, parameters beside it, pure functions between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tconv import _checks as checks
from tconv._arguments import Shape, per_axis
from tconv._forward import conv
from tconv._layer import Layer
from tconv._transposed import conv_transpose
from tconv._typing import Array, Ints, Padding

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


@dataclass(frozen=True, repr=False)
class _ConvTranspose(Layer):
    padding_strings = ("same", "same_lower")

    in_channels: int
    out_channels: int
    kernel_size: Ints
    stride: Ints = 1
    padding: Padding = 0
    output_padding: Ints = 0
    groups: int = 1
    bias: bool = True
    dilation: Ints = 1

    def __post_init__(self) -> None:
        self.settle()
        extras = per_axis("output_padding", self.output_padding, self.axes)
        kernels = per_axis("kernel_size", self.kernel_size, self.axes)
        steps = per_axis("stride", self.stride, self.axes)
        spreads = per_axis("dilation", self.dilation, self.axes)
        for axis, (extra, step, spread) in enumerate(zip(extras, steps, spreads, strict=True)):
            checks.check_output_padding(axis, extra, step, spread)
        if isinstance(self.padding, str):
            checks.same_pairs(self.padding, kernels, steps, spreads, extras, None)
        self.store("output_padding", extras)

    @property
    def weight_shape(self) -> Shape:
        """(in_channels, out_channels/groups, *kernel_size)."""
        return (
            self.in_channels,
            self.out_channels // self.groups,
            *per_axis("kernel_size", self.kernel_size, self.axes),
        )

    def apply(self, params: Mapping[str, Any], x: Array, output_size: Ints | None = None) -> Array:
        """The transposed convolution of x with these parameters.

        Args:
            params: ``{"weight": (in_channels, out_channels/groups, *kernel_size), "bias":
                (out_channels,)}``, as ``init`` or the state dict of the PyTorch layer gives
                them (as arrays).
            x: (batch, in_channels, *spatial) or (in_channels, *spatial).
            output_size: the spatial size wanted, or the whole shape of the output, as in
                PyTorch; it replaces the layer's output padding.

        Returns: what ``conv_transpose`` returns.

        Raises: ValueError for parameters that are not this layer's, and what
            ``conv_transpose`` raises.
        """
        weight, bias = self.weight_and_bias(params)
        if isinstance(output_size, tuple | list) and len(output_size) == x.ndim:
            output_size = output_size[-self.axes :]
        y: Array = conv_transpose(
            x,
            weight,
            bias,
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding if output_size is None else 0,
            dilation=self.dilation,
            groups=self.groups,
            output_size=output_size,
        )
        return y


@dataclass(frozen=True, repr=False)
class _Conv(Layer):
    padding_strings = ("valid", "same", "same_lower")

    in_channels: int
    out_channels: int
    kernel_size: Ints
    stride: Ints = 1
    padding: Padding = 0
    dilation: Ints = 1
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        self.settle()

    @property
    def weight_shape(self) -> Shape:
        """(out_channels, in_channels/groups, *kernel_size)."""
        return (
            self.out_channels,
            self.in_channels // self.groups,
            *per_axis("kernel_size", self.kernel_size, self.axes),
        )

    def apply(self, params: Mapping[str, Any], x: Array) -> Array:
        """The convolution of x with these parameters.

        Args:
            params: ``{"weight": (out_channels, in_channels/groups, *kernel_size), "bias":
                (out_channels,)}``, as ``init`` or the state dict of the PyTorch layer gives
                them (as arrays).
            x: (batch, in_channels, *spatial) or (in_channels, *spatial).

        Returns: what ``conv`` returns.

        Raises: ValueError for parameters that are not this layer's, and what ``conv`` raises.
        """
        weight, bias = self.weight_and_bias(params)
        y: Array = conv(
            x,
            weight,
            bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return y


class ConvTranspose1d(_ConvTranspose):
    """A transposed convolution over one spatial axis; see ``ConvTranspose2d``.

    >>> ConvTranspose1d(8, 4, 3, stride=2, padding=1, output_padding=1)
    ConvTranspose1d(8, 4, kernel_size=(3,), stride=(2,), padding=(1,), output_padding=(1,))
    """

    axes = 1


class ConvTranspose2d(_ConvTranspose):
    """A transposed convolution over two spatial axes: configuration only, no arrays.

    Frozen, hashable and equal by value, so it is a static argument or field under ``jax.jit``.

    Args:
        in_channels: channels of the input, at least 1.
        out_channels: channels of the output, at least 1.
        kernel_size: taps, at least 1; int or one int an axis.
        stride: at least 1; int or one int an axis.
        padding: every form that ``conv_transpose`` takes.
        output_padding: 0 <= output_padding < max(stride, dilation); int or one int an axis.
        groups: divides both channel counts.
        bias: whether the layer has one.
        dilation: at least 1; int or one int an axis.

    Raises: ValueError or TypeError for a configuration that no input could make valid.

    Source: ``torch.nn.ConvTranspose2d``, whose order of arguments, parameter names and shapes,
    and ``repr`` it has.

    >>> import numpy as np
    >>> layer = ConvTranspose2d(64, 32, 4, stride=2, padding=1)
    >>> layer
    ConvTranspose2d(64, 32, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
    >>> params = layer.init(np.random.default_rng(0))
    >>> layer.apply(params, np.ones((1, 64, 8, 8), np.float32)).shape
    (1, 32, 16, 16)
    """

    axes = 2


class ConvTranspose3d(_ConvTranspose):
    """A transposed convolution over three spatial axes; see ``ConvTranspose2d``.

    >>> ConvTranspose3d(8, 4, 2, stride=2, bias=False)
    ConvTranspose3d(8, 4, kernel_size=(2, 2, 2), stride=(2, 2, 2), bias=False)
    """

    axes = 3


class Conv1d(_Conv):
    """A convolution over one spatial axis; see ``Conv2d``.

    >>> Conv1d(4, 8, 3, padding="same")
    Conv1d(4, 8, kernel_size=(3,), stride=(1,), padding=same)
    """

    axes = 1


class Conv2d(_Conv):
    """A convolution over two spatial axes: configuration only, no arrays.

    Frozen, hashable and equal by value, so it is a static argument or field under ``jax.jit``.

    Args:
        in_channels: channels of the input, at least 1.
        out_channels: channels of the output, at least 1.
        kernel_size: taps, at least 1; int or one int an axis.
        stride: at least 1; int or one int an axis.
        padding: every form that ``conv`` takes.
        dilation: at least 1; int or one int an axis.
        groups: divides both channel counts.
        bias: whether the layer has one.

    Raises: ValueError or TypeError for a configuration that no input could make valid.

    Source: ``torch.nn.Conv2d``, whose order of arguments, parameter names and shapes, and
    ``repr`` it has.

    >>> import numpy as np
    >>> layer = Conv2d(3, 16, 4, stride=2, padding=1)
    >>> params = layer.init(np.random.default_rng(0))
    >>> layer.apply(params, np.ones((1, 3, 8, 8), np.float32)).shape
    (1, 16, 4, 4)
    """

    axes = 2


class Conv3d(_Conv):
    """A convolution over three spatial axes; see ``Conv2d``.

    >>> Conv3d(4, 8, 3, stride=2, groups=2)
    Conv3d(4, 8, kernel_size=(3, 3, 3), stride=(2, 2, 2), groups=2)
    """

    axes = 3
