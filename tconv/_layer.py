"""What the layers of both directions share: a checked configuration and its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tconv import _checks as checks
from tconv._arguments import (
    Pairs,
    Shape,
    fail,
    group_count,
    integer,
    padding_argument,
    positive,
)
from tconv._typing import DTypeLike, Ints, Padding
from tconv.init import default_parameters


class Layer:
    """Base of the frozen dataclasses in ``tconv.layers``, which add the fields in their order."""

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
            checks.check_groups(name, channels, groups)
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


def _plain(padding: Pairs | str) -> Padding:
    """One int an axis wherever that says the same."""
    if isinstance(padding, str) or any(lo != hi or lo < 0 for lo, hi in padding):
        return padding
    return tuple(lo for lo, _ in padding)
