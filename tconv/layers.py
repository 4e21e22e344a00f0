"""Layers as values: a frozen configuration, parameters beside it, pure functions between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    plain_precision,
    positive,
)
from tconv._core.axis import check_same, parameters_of
from tconv._core.boundary import padding_modes
from tconv._core.dtypes import check_real, kind, named_dtype, preferred_dtype
from tconv._core.layout import Layout, axis_strings, layout_of
from tconv._core.typing import AnyArray, Array, DTypeLike, Ints, Padding, PaddingModes
from tconv._dispatch import received
from tconv.convolution import conv, conv_transpose
from tconv.init import default_parameters

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

_BY_NAME = ("dimension_numbers", "dtype", "precision", "preferred_element_type")


class _Layer:
    """What both directions share; the frozen dataclasses below add the fields in their order."""

    axes: ClassVar[int]
    transposed: ClassVar[bool]
    padding_strings: ClassVar[tuple[str, ...]]
    in_channels: int
    out_channels: int
    kernel_size: Ints
    stride: Ints
    padding: Padding
    dilation: Ints
    groups: int
    bias: bool
    padding_mode: PaddingModes
    dimension_numbers: Any
    dtype: DTypeLike
    precision: Any
    preferred_element_type: DTypeLike

    @property
    def layout(self) -> Layout:
        """The order of the axes, of x with a batch."""
        given, axes = self.dimension_numbers, self.axes
        return layout_of(given, axes, transposed=self.transposed, batched=True)

    @property
    def channels_first_shape(self) -> Shape:
        """Shape of the weight as PyTorch stores it."""
        split = (self.in_channels, self.out_channels // self.groups)
        if not self.transposed:
            split = (self.out_channels, self.in_channels // self.groups)
        return (*split, *per_axis("kernel_size", self.kernel_size, self.axes))

    @property
    def weight_shape(self) -> Shape:
        """Shape of the weight in the layer's own order: PyTorch's without dimension_numbers."""
        order, shape = self.layout.permutations, self.channels_first_shape
        return shape if order is None else tuple(shape[axis] for axis in order.kernel_back)

    def settle(self) -> None:
        """Check the configuration and store it in one form, so that equal layers compare equal."""
        axes = self.axes
        self.store("dimension_numbers", axis_strings(self.dimension_numbers, axes))
        order = self.layout.permutations
        if order and order.input == order.kernel == order.output == tuple(range(axes + 2)):
            self.store("dimension_numbers", None)
        letters = self.layout.letters
        groups = group_count(self.groups)
        for name in ("in_channels", "out_channels"):
            channels = integer(name, getattr(self, name))
            if channels < 1:
                fail(name, None, "must be at least 1", channels, "Give the number of channels.")
            check_groups(name, channels, groups)
            self.store(name, channels)
        for name in ("kernel_size", "stride", "dilation"):
            self.store(name, positive(name, getattr(self, name), axes, letters))
        padding = padding_argument(self.padding, axes, self.padding_strings, letters)
        self.store("padding", _plain(padding))
        modes = padding_modes(self.padding_mode, axes, letters)
        self.store("padding_mode", modes[0] if len({*modes}) == 1 else modes)
        self.store("groups", groups)
        self.store("bias", bool(self.bias))
        self.store("precision", plain_precision(self.precision))
        for name in ("dtype", "preferred_element_type"):
            if getattr(self, name) is not None:
                self.store(name, named_dtype(name, getattr(self, name)))
        if self.dtype is not None:
            if kind(self.dtype) not in "fc":
                remedy = "Leave it out to compute in the promoted type of x and the weight."
                raise TypeError(f"dtype: must be a float or complex; got {self.dtype}. {remedy}")
            if self.preferred_element_type is not None:
                preferred_dtype(self.dtype, self.preferred_element_type)

    def store(self, name: str, value: Any) -> None:
        """Set a field of the frozen dataclass while it is being made."""
        object.__setattr__(self, name, value)

    def init(self, rng: Any, *, dtype: DTypeLike = "float32") -> dict[str, Any]:
        """Parameters drawn as PyTorch draws them: ``tconv.init.default_parameters``.

        Args:
            rng: a ``numpy.random.Generator`` gives NumPy arrays, a ``jax.random`` key JAX ones.
            dtype: a float dtype, that of the parameters (flax's ``param_dtype``).

        Returns: ``{"weight": ..., "bias": ...}``, without the bias where the layer has none.  The
            weight lies in the layer's order; from one rng every order gets the same values.

        Raises: TypeError for another rng or a dtype that is no float.
        """
        bias_size = self.out_channels if self.bias else None
        params = default_parameters(
            rng, self.channels_first_shape, bias_size=bias_size, dtype=dtype
        )
        if self.dimension_numbers is not None:
            params["weight"] = self.layout.to_kernel(params["weight"]).copy()
        return params

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

    def operands(self, params: Mapping[str, Any], x: Any) -> tuple[Any, ...]:
        """x, weight and bias, in the dtype to compute in."""
        weight, bias = self.weight_and_bias(params)
        if self.dtype is None:
            return x, weight, bias
        _, *operands = received(x=x, w=weight, b=bias)
        for name, operand in zip(("x", "weight", "bias"), operands, strict=True):
            if operand is not None:
                check_real(name, operand.dtype, self.dtype)
        return tuple(a if a is None else a.astype(self.dtype) for a in operands)

    @property
    def computing(self) -> dict[str, Any]:
        """The arguments that both directions hand on as they are."""
        names = ("stride", "padding", "padding_mode", "dilation", "groups", *_BY_NAME)
        return {name: getattr(self, name) for name in names if name != "dtype"}

    def __repr__(self) -> str:
        """The configuration as PyTorch writes it."""
        parts = [f"{self.in_channels}", f"{self.out_channels}"]
        parts += [f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        zeros, ones = (0,) * self.axes, (1,) * self.axes
        defaults = {"padding": zeros, "dilation": ones, "output_padding": zeros, "groups": 1}
        defaults = {**defaults, "bias": True, "padding_mode": "zeros"}
        for name in (*defaults, *_BY_NAME):
            default = defaults.get(name)
            if (value := getattr(self, name, default)) != default:
                parts.append(f"{name}={value}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _plain(padding: Pairs | str) -> Any:
    """One int an axis wherever that says the same."""
    if isinstance(padding, str) or any(lo != hi or lo < 0 for lo, hi in padding):
        return padding
    return tuple(lo for lo, _ in padding)


@dataclass(frozen=True, repr=False)
class _ConvTranspose(_Layer):
    transposed = True
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
    padding_mode: PaddingModes = "zeros"
    dimension_numbers: Any = field(default=None, kw_only=True)
    dtype: DTypeLike = field(default=None, kw_only=True)
    precision: Any = field(default=None, kw_only=True)
    preferred_element_type: DTypeLike = field(default=None, kw_only=True)

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

    def apply(
        self, params: Mapping[str, Any], x: Array | AnyArray, output_size: Ints | None = None
    ) -> Array:
        """The transposed convolution of x with these parameters.

        Args:
            params: ``{"weight": (in_channels, out_channels/groups, *kernel_size), "bias":
                (out_channels,)}``, as ``init`` or the state dict of the PyTorch layer gives
                them (as arrays); the weight in the order of ``dimension_numbers``.
            x: (batch, in_channels, *spatial) or (in_channels, *spatial), in that order too.
            output_size: the spatial size wanted, or the whole shape of the output, as in
                PyTorch; it replaces the layer's output padding.

        Returns: what ``conv_transpose`` returns.

        Raises: ValueError for parameters that are not this layer's, and what
            ``conv_transpose`` raises.
        """
        x, weight, bias = self.operands(params, x)
        y: Array = conv_transpose(
            x,
            weight,
            bias,
            output_padding=self.output_padding if output_size is None else 0,
            output_size=output_size,
            **self.computing,
        )
        return y


@dataclass(frozen=True, repr=False)
class _Conv(_Layer):
    transposed = False
    padding_strings = ("valid", "same", "same_lower")

    in_channels: int
    out_channels: int
    kernel_size: Ints
    stride: Ints = 1
    padding: Padding = 0
    dilation: Ints = 1
    groups: int = 1
    bias: bool = True
    padding_mode: PaddingModes = "zeros"
    dimension_numbers: Any = field(default=None, kw_only=True)
    dtype: DTypeLike = field(default=None, kw_only=True)
    precision: Any = field(default=None, kw_only=True)
    preferred_element_type: DTypeLike = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self.settle()

    def apply(self, params: Mapping[str, Any], x: Array | AnyArray) -> Array:
        """The convolution of x with these parameters.

        Args:
            params: ``{"weight": (out_channels, in_channels/groups, *kernel_size), "bias":
                (out_channels,)}``, as ``init`` or the state dict of the PyTorch layer gives
                them (as arrays); the weight in the order of ``dimension_numbers``.
            x: (batch, in_channels, *spatial) or (in_channels, *spatial), in that order too.

        Returns: what ``conv`` returns.

        Raises: ValueError for parameters that are not this layer's, and what ``conv`` raises.
        """
        x, weight, bias = self.operands(params, x)
        y: Array = conv(x, weight, bias, **self.computing)
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
        padding_mode: as in ``conv_transpose``; one mode, or one an axis.
        dimension_numbers: the order of x, of the weight in ``params`` and of the result, as
            ``conv_transpose`` takes it; by default PyTorch's.  ``("NHWC", "IOHW", "NHWC")``
            takes the weights of a PyTorch state dict as they are and channels-last images.
        dtype: float or complex type that x, weight and bias are converted to and the result
            has; by default the promoted type of x and the weight.  The parameters stay in
            their own (flax's ``param_dtype``): ``init`` gives float32 to train, and
            ``dtype="bfloat16"`` computes in bfloat16 with sums in float32.
        precision: as in ``conv_transpose``.
        preferred_element_type: as in ``conv_transpose``; with ``dtype`` at least as wide.

    Raises: ValueError or TypeError for a configuration that no input could make valid.

    Source: ``torch.nn.ConvTranspose2d``, whose order of arguments, parameter names and shapes,
    and ``repr`` it has; ``flax.linen.ConvTranspose`` for ``dtype``.

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

    Args: those of ``ConvTranspose2d`` less output_padding, in the order in_channels, out_channels,
        kernel_size, stride, padding (every form that ``conv`` takes), dilation, groups, bias,
        padding_mode; the rest by name.  PyTorch's order of the weight is OIHW.

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
