"""Layers as values: a frozen configuration, parameters beside it, pure functions between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tconv._core.arguments import (
    Pairs,
    Shape,
    check_groups,
    fail,
    group_count,
    integer,
    padding_argument,
    per_axis,
    positive,
)
from tconv._core.axis import check_same, parameters_of
from tconv._core.typing import AnyArray, Array, DTypeLike, Ints, Padding
from tconv.convolution import conv, conv_transpose
from tconv.init import default_parameters

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class _Layer:
    """What both directions share; the frozen dataclasses below add the fields in their order."""

    axes: ClassVar[int]
    padding_strings: ClassVar[tuple[str, ...]]
    in_channels: int
    out_channels: int
    kernel_size: Ints
    stride: Ints
    padding: Padding
    dilation: Ints
    groups: int
    bias: bool

    @property
    def weight_shape(self) -> Shape:
        """Shape of the weight, as PyTorch stores it."""
        raise NotImplementedError

    def settle(self) -> None:
        """Check the configuration and store it in one form, so that equal layers compare equal."""
        axes = self.axes
        groups = group_count(self.groups)
        for name in ("in_channels", "out_channels"):
            channels = integer(name, getattr(self, name))
            if channels < 1:
                fail(name, None, "must be at least 1", channels, "Give the number of channels.")
            check_groups(name, channels, groups)
            self.store(name, channels)
        for name in ("kernel_size", "stride", "dilation"):
            self.store(name, positive(name, getattr(self, name), axes))
        padding = padding_argument(self.padding, axes, self.padding_strings)
        self.store("padding", _plain(padding))
        self.store("groups", groups)
        self.store("bias", bool(self.bias))

    def store(self, name: str, value: Any) -> None:
        """Set a field of the frozen dataclass while it is being made."""
        object.__setattr__(self, name, value)

    def init(self, rng: Any, *, dtype: DTypeLike = "float32") -> dict[str, Any]:
        """Parameters drawn as PyTorch draws them: ``tconv.init.default_parameters``.

        Args:
            rng: a ``numpy.random.Generator`` gives NumPy arrays, a ``jax.random`` key JAX ones.
            dtype: a float dtype.

        Returns: ``{"weight": ..., "bias": ...}``, without the bias where the layer has none.

        Raises: TypeError for another rng or a dtype that is no float.
        """
        bias_size = self.out_channels if self.bias else None
        return default_parameters(rng, self.weight_shape, bias_size=bias_size, dtype=dtype)

    def weight_and_bias(self, params: Mapping[str, Any]) -> tuple[Any, Any]:
        """The arrays of ``params``, checked to be this layer's."""
        names = {"weight", "bias"} if self.bias else {"weight"}
        if set(params) != names:
            fail(
                "params",
                None,
                f"must hold {' and '.join(sorted(names, reverse=True))} and nothing else",
                f"{sorted(params)}",
                f"Make the layer with bias={'bias' in params}, or fix the names.",
            )
        weight = params["weight"]
        if tuple(weight.shape) != self.weight_shape:
            fail(
                "params['weight']",
                None,
                f"must have shape {self.weight_shape} for {self!r}",
                f"shape {tuple(weight.shape)}",
                "Make the layer that fits the parameters, or take the right parameters.",
            )
        return weight, params.get("bias")

    def __repr__(self) -> str:
        """The configuration as PyTorch writes it."""
        parts = [f"{self.in_channels}", f"{self.out_channels}"]
        parts += [f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        plain = (0,) * self.axes
        for name, default in (
            ("padding", plain),
            ("dilation", (1,) * self.axes),
            ("output_padding", plain),
            ("groups", 1),
            ("bias", True),
        ):
            value = getattr(self, name, default)
            if value != default:
                parts.append(f"{name}={value}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _plain(padding: Pairs | str) -> Any:
    """One int an axis wherever that says the same."""
    if isinstance(padding, str) or any(lo != hi or lo < 0 for lo, hi in padding):
        return padding
    return tuple(lo for lo, _ in padding)


@dataclass(frozen=True, repr=False)
class _ConvTranspose(_Layer):
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
        output_padding = per_axis("output_padding", self.output_padding, self.axes)
        kernel_size, stride, dilation = (
            per_axis(name, getattr(self, name), self.axes)
            for name in ("kernel_size", "stride", "dilation")
        )
        for one in parameters_of(kernel_size, stride, dilation, output_padding=output_padding):
            one.check_output_padding()
        if isinstance(self.padding, str):
            check_same(self.padding, output_padding, None)
        self.store("output_padding", output_padding)

    @property
    def weight_shape(self) -> Shape:
        """(in_channels, out_channels/groups, *kernel_size)."""
        return (
            self.in_channels,
            self.out_channels // self.groups,
            *per_axis("kernel_size", self.kernel_size, self.axes),
        )

    def apply(
        self, params: Mapping[str, Any], x: Array | AnyArray, output_size: Ints | None = None
    ) -> Array:
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
class _Conv(_Layer):
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

    def apply(self, params: Mapping[str, Any], x: Array | AnyArray) -> Array:
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
