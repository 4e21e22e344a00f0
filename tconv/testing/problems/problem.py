"""A problem: everything that fixes one call of a convolution, its arrays included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tconv.testing import reference

Array = NDArray[Any]
Sizes = tuple[int, ...]
MEMORY = ("contiguous", "fortran", "reversed", "strided")


class Geometry(NamedTuple):
    """One spatial axis of a problem; ``padding`` is (lo, hi)."""

    input_size: int
    kernel_size: int
    stride: int
    padding: tuple[int, int]
    output_padding: int
    dilation: int


@dataclass(frozen=True, repr=False)
class Problem:
    """One call of a transposed convolution (or of a convolution), small and reproducible.

    The fields are what a caller would choose; ints stand for the same value on every axis.
    The arrays follow from ``seed`` and are always the same.  The repr leaves defaults out
    and can be pasted.

    Args:
        input_size, kernel_size: spatial sizes, one int an axis.
        stride, padding, output_padding, dilation: an int or one int an axis; padding also
            one (lo, hi) pair an axis.
        groups, in_channels, out_channels: as in the layer; groups divides both.
        batch: number of samples, 0 or more, or None for an unbatched x.
        bias: whether there is one.
        dtype: name of the dtype of every array.
        memory: how x and w lie in memory: "contiguous", "fortran", "reversed" (negative
            strides) or "strided" (every second element of a larger array).
        spread: magnitudes reach from 2**-spread to 2**spread around 1.
        condition: at 1 nothing cancels by design; at c > 1 the input channels of a group
            come in pairs that cancel to 1/c of their size, wherever there are two.
        seed: of the arrays.
        kind: "conv_transpose" or "conv".

    >>> problem = Problem((4,), (3,), stride=2, padding=1, seed=7)
    >>> problem
    Problem(input_size=(4,), kernel_size=(3,), stride=2, padding=1, seed=7)
    >>> problem.output_shape
    (1, 1, 7)
    """

    input_size: Sizes
    kernel_size: Sizes
    stride: Any = 1
    padding: Any = 0
    output_padding: Any = 0
    dilation: Any = 1
    groups: int = 1
    in_channels: int = 1
    out_channels: int = 1
    batch: int | None = 1
    bias: bool = False
    dtype: str = "float32"
    memory: str = "contiguous"
    spread: int = 0
    condition: int = 1
    seed: int = 0
    kind: str = "conv_transpose"

    def __post_init__(self) -> None:
        """Spread ints over the axes; every padding becomes a (lo, hi) pair."""
        axes = len(self.kernel_size)
        for name in ("stride", "output_padding", "dilation"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) * axes if isinstance(value, int) else value)
        entries = (self.padding,) * axes if isinstance(self.padding, int) else self.padding
        pairs = tuple((e, e) if isinstance(e, int) else e for e in entries)
        object.__setattr__(self, "padding", pairs)

    def __repr__(self) -> str:
        """Leave out what has its default; write equal entries as one int."""
        parts = [f"input_size={self.input_size}", f"kernel_size={self.kernel_size}"]
        for field in fields(self)[2:]:
            value = getattr(self, field.name)
            if field.name == "padding":
                value = self.plain_padding
            if isinstance(value, tuple) and len(set(value)) == 1 and isinstance(value[0], int):
                value = value[0]
            if value != field.default:
                parts.append(f"{field.name}={value!r}")
        return f"Problem({', '.join(parts)})"

    @property
    def ndim(self) -> int:
        """The number of spatial axes."""
        return len(self.kernel_size)

    @property
    def axes(self) -> tuple[Geometry, ...]:
        """The spatial axes, one by one."""
        columns = (getattr(self, name) for name in Geometry._fields)
        return tuple(Geometry(*axis) for axis in zip(*columns, strict=True))

    @property
    def valid(self) -> bool:
        """Whether every rule of PyTorch's transposed convolution or convolution is kept."""
        return (
            min(self.output_size) >= 1
            and self.groups >= 1
            and self.in_channels % self.groups == self.out_channels % self.groups == 0
            and all(min(a.input_size, a.kernel_size, a.stride, a.dilation) >= 1 for a in self.axes)
            and all(0 <= a.output_padding < max(a.stride, a.dilation) for a in self.axes)
        )

    @property
    def transposed(self) -> bool:
        """Whether this is a transposed convolution."""
        return self.kind == "conv_transpose"

    @property
    def symmetric(self) -> bool:
        """Whether the padding is the same at both sides of each axis, and nowhere negative."""
        return all(lo == hi >= 0 for lo, hi in self.padding)

    @property
    def plain_padding(self) -> Any:
        """One int an axis where the padding is symmetric, otherwise (lo, hi) pairs."""
        return tuple(lo for lo, _ in self.padding) if self.symmetric else self.padding

    @property
    def keywords(self) -> dict[str, Any]:
        """The keyword arguments of the call: a tuple with one entry an axis, and groups."""
        chosen = {"stride": self.stride, "padding": self.plain_padding}
        if self.transposed:
            chosen["output_padding"] = self.output_padding
        return {**chosen, "dilation": self.dilation, "groups": self.groups}

    @property
    def partner_keywords(self) -> dict[str, Any]:
        """The keyword arguments of the adjoint map, which takes the result back to x's shape.

        The positions at the high end of a convolution's input that no window reaches are the
        output padding of its adjoint.
        """
        chosen = self.keywords
        if self.transposed:
            del chosen["output_padding"]
            return chosen
        covered = reference.conv_transpose_size(
            self.output_size, self.kernel_size, self.stride, self.padding, 0, self.dilation
        )
        rest = tuple(n - size for n, size in zip(self.input_size, covered, strict=True))
        return {**chosen, "output_padding": rest}

    @property
    def output_size(self) -> Sizes:
        """The spatial size of the result, by the formula of ``reference``."""
        if self.transposed:
            return reference.conv_transpose_size(
                self.input_size, self.kernel_size, self.stride, self.padding,
                self.output_padding, self.dilation,
            )  # fmt: skip
        return reference.conv_size(
            self.input_size, self.kernel_size, self.stride, self.padding, self.dilation
        )

    @property
    def x_shape(self) -> Sizes:
        """(batch, in_channels, *input_size), without the batch where it is None."""
        return (*self._leading, self.in_channels, *self.input_size)

    @property
    def w_shape(self) -> Sizes:
        """(in_channels, out_channels/groups, *kernel), or (out, in/groups, *kernel) of a conv."""
        first, second = self.in_channels, self.out_channels
        if not self.transposed:
            first, second = second, first
        return (first, second // self.groups, *self.kernel_size)

    @property
    def output_shape(self) -> Sizes:
        """(batch, out_channels, *output_size), without the batch where it is None."""
        return (*self._leading, self.out_channels, *self.output_size)

    @property
    def accumulation_length(self) -> int:
        """The largest number of terms in one element of the result, a bias counted as one."""
        return self.in_channels // self.groups * prod(self.kernel_size) + self.bias

    @property
    def work(self) -> int:
        """The multiplications of the definition, for bounding a problem's cost."""
        positions = prod(self.input_size if self.transposed else self.output_size)
        channels = self.in_channels * self.out_channels // self.groups
        return (self.batch or 1) * positions * prod(self.kernel_size) * channels

    @property
    def terms(self) -> int:
        """Pairs of a position and a tap in each group: the steps of the reference's loops."""
        positions = prod(self.input_size if self.transposed else self.output_size)
        return positions * prod(self.kernel_size) * self.groups

    @property
    def program(self) -> Problem:
        """The same problem with other values, for what is compiled once for both."""
        return replace(self, seed=0, memory="contiguous", spread=0, condition=1)

    @property
    def _leading(self) -> Sizes:
        return () if self.batch is None else (self.batch,)

    def arrays(self) -> tuple[Array, Array, Array | None]:
        """x, w and b (None without a bias), new arrays each time and always the same values."""
        x = self._values(0, self.x_shape)
        w = self._values(1, self.w_shape)
        if self.condition > 1:
            self._cancel(x, w)
        b = self._values(2, (self.out_channels,)) if self.bias else None
        return laid_out(x, self.memory), laid_out(w, self.memory), b

    def cotangent(self) -> Array:
        """A cotangent of the result, of its shape and dtype."""
        return laid_out(self._values(3, self.output_shape), self.memory)

    def _values(self, stream: int, shape: Sizes) -> Array:
        rng = np.random.default_rng([self.seed, stream])
        return fill(rng, shape, self.dtype, self.spread)

    def _cancel(self, x: Array, w: Array) -> None:
        """Make input channels 2j and 2j + 1 of each group cancel to 1/condition."""
        group_in = self.in_channels // self.groups
        channels_first = np.moveaxis(x, -self.ndim - 1, 0)
        factor = -(1.0 - 1.0 / self.condition)
        for channel in range(self.in_channels):
            inside = channel % group_in
            if inside % 2:
                channels_first[channel] = channels_first[channel - 1]
                pair = (channel, channel - 1) if self.transposed else (inside, inside - 1)
                kernels = w if self.transposed else w.swapaxes(0, 1)
                kernels[pair[0]] = (kernels[pair[1]] * factor).astype(w.dtype)


def dtype_named(name: str) -> np.dtype[Any]:
    """The dtype of this name; bfloat16 comes from the package ml_dtypes."""
    if name == "bfloat16":
        import ml_dtypes

        bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return bfloat16
    return np.dtype(name)


def fill(rng: np.random.Generator, shape: Sequence[int], dtype: str, spread: int) -> Array:
    """Random values: normal for floats, small integers (any, where spread > 0) for integers."""
    kind = dtype_named(dtype)
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        low, high = (limits.min, limits.max) if spread else (max(limits.min, -9), 9)
        return rng.integers(low, high, shape, dtype=kind.type, endpoint=True)
    values = rng.standard_normal(shape)
    if kind.kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    if spread:
        values = values * 2.0 ** rng.integers(-spread, spread, shape, endpoint=True)
    return values.astype(kind)


def laid_out(values: Array, memory: str) -> Array:
    """The same values, laid out in memory as the name says."""
    if memory == "contiguous":
        return values
    if memory == "fortran":
        return np.asfortranarray(values)
    if memory == "reversed":
        back = (slice(None, None, -1),) * values.ndim
        return np.ascontiguousarray(values[back])[back]
    if memory == "strided":
        wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1]), values.dtype)
        wide[..., ::2] = values
        return wide[..., ::2]
    raise ValueError(f"memory: must be one of {MEMORY}; got {memory!r}. Use 'contiguous'.")
