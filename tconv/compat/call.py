"""A call of a framework's function: checked in that framework's words, computed by tconv."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from tconv._core.arguments import (
    Shape,
    axis_name,
    entries_of,
    fail,
    integer,
    is_known,
)
from tconv._core.axis import AxisParameters, parameters_of
from tconv._core.dtypes import preferred_dtype
from tconv._core.layout import layout_of
from tconv._core.typing import DTypeLike, PaddingMode
from tconv._dispatch import received
from tconv.compat.conventions import Convention, to_tconv
from tconv.compat.crops import Every, cropped
from tconv.convolution import conv_transpose


@dataclass(frozen=True)
class Names:
    """What a framework calls the arguments."""

    x: str
    w: str
    stride: str
    dilation: str
    b: str = "bias"
    groups: str = "groups"


def operands(
    names: Names, x: Any, w: Any, b: Any = None, *, spatial: int = 1
) -> tuple[Any, Any, Any]:
    """The arrays in native byte order, b or None; w has at least so many spatial axes."""
    given = {names.x: x, names.w: w} | ({} if b is None else {names.b: b})
    _, x, w, *bias = received(**given)
    if w.ndim < 2 + spatial:
        rule = f"must have two channel axes and at least {spatial} spatial ones"
        fail(names.w, None, rule, f"shape {w.shape}", "Add the missing axes with reshape.")
    return x, w, bias[0] if bias else None


class Call:
    """The operands of one call, checked against each other.

    ``x`` stays in the caller's layout; ``w`` is (in_channels, out_channels/groups,
    *kernel_size) from here on.  The spatial axes come in the kernel's order.
    """

    def __init__(
        self,
        names: Names,
        convention: Convention,
        specs: tuple[str, str, str],
        x: Any,
        w: Any,
        b: Any = None,
        *,
        groups: Any = 1,
        letters: str = "",
    ) -> None:
        """Three strings name the axes of x, w and the result; ``convention`` says what w holds.

        ``letters`` are the caller's own of the spatial axes, for errors; "" where they have
        numbers alone.
        """
        for name, array in ((names.x, x), (names.w, w)):
            if array.ndim != len(specs[1]):
                rule = f"must have {len(specs[1])} axes, {len(specs[1]) - 2} of them spatial"
                fail(name, None, rule, f"shape {array.shape}", "Reshape it.")
        self.names, self.axes = names, len(specs[1]) - 2
        self.groups = at_least(1, names.groups, (integer(names.groups, groups),))[0]
        layout = layout_of(specs, self.axes, transposed=True, batched=True)
        assert layout.permutations is not None
        self.letters = letters
        kernel_axes = layout.permutations.kernel
        self.batch, channels, *sizes = layout.input_shape(x.shape)
        self.input_size: Shape = tuple(sizes)
        check_channels(names, convention, channels, w.shape, kernel_axes, self.groups)
        self.x, self.w = x, to_tconv(w, convention, kernel_axes, self.groups)
        for axis, size in enumerate(self.w.shape[2:]):
            if is_known(size) and size < 1:
                where, remedy = axis_name(axis, letters), "Only the channels may be empty."
                fail(names.w, where, "the kernel size must be at least 1", size, remedy)
        self.b = b
        self.out_channels: int = self.w.shape[1] * self.groups
        if self.b is not None and self.b.shape != (self.out_channels,):
            rule = f"must have shape ({self.out_channels},), one value for each output channel"
            fail(names.b, None, rule, f"shape {self.b.shape}", "Reshape it, or leave it out.")
        self.specs = (specs[0], f"IO{layout.letters}", specs[2])
        self.output_shape = layout.output_shape

    def ints(self, argument: str, value: Any, least: int = 1, *, alone: bool = True) -> Shape:
        """One int of at least ``least`` an axis, from as many, or from one if ``alone``."""
        entries = entries_of(value)
        if entries is None and alone:
            entries = (integer(argument, value, "an int or a tuple of ints"),) * self.axes
        if entries is None or len(entries) != self.axes:
            rule = f"must be {'an int or ' * alone}one int for each of the {self.axes} spatial axes"
            fail(argument, None, rule, repr(value), f"Give a tuple of {self.axes}.")
        numbers = tuple([integer(argument, entry) for entry in entries])
        return at_least(least, argument, numbers, self.letters)

    def parameters(self, stride: Shape, dilation: Shape, output_padding: Shape) -> Every:
        """Those of each axis, without padding."""
        sizes, letters = self.w.shape[2:], self.letters
        return parameters_of(sizes, stride, dilation, None, output_padding, letters)

    def check_output_padding(self, every: Every) -> None:
        """Refuse an output padding that PyTorch would refuse."""
        for one in every:
            if not 0 <= one.output_padding < one.output_padding_limit:
                stride, dilation = self.names.stride, self.names.dilation
                rule = f"must satisfy 0 <= output_padding < max({stride}, {dilation})"
                got = (
                    f"output_padding={one.output_padding}, {stride}={one.stride}, "
                    f"{dilation}={one.dilation}"
                )
                remedy = "To extend the output further, crop less at its high side."
                fail("output_padding", one.name, rule, got, remedy)

    def value(
        self,
        every: Every,
        *,
        argument: str = "padding",
        empty: bool = False,
        padding_mode: PaddingMode = "zeros",
        precision: Any = None,
        preferred: DTypeLike = None,
    ) -> Any:
        """The transposed convolution with these parameters; ``argument`` set their padding.

        With ``empty`` a result may be empty or reached by no input, as in ``jax.lax``.
        """
        for one, size in zip(every, self.input_size, strict=True):
            if is_known(size) and min(size, one.transposed_size(size)) < 1:
                if empty:
                    return self._unreached(every, preferred)
                self._refuse_size(one, size, argument)
        options = {
            "groups": self.groups,
            "precision": precision,
            "preferred_element_type": preferred,
        }
        if not every:  # a product of matrices: one position along an axis of their own
            specs = (f"a{self.specs[0]}", "IOa", f"a{self.specs[2]}")
            w = self.w[..., None]
            return conv_transpose(self.x[None], w, self.b, dimension_numbers=specs, **options)[0]
        return conv_transpose(
            self.x,
            self.w,
            self.b,
            stride=[one.stride for one in every],
            padding=cropped(every),
            dilation=[one.dilation for one in every],
            padding_mode=padding_mode,
            dimension_numbers=self.specs,
            **options,
        )

    def _refuse_size(self, one: AxisParameters, size: int, argument: str) -> NoReturn:
        if size < 1:
            rule, remedy = "the input size must be at least 1", "Only batch and channels may be 0."
            fail(self.names.x, one.name, rule, size, remedy)
        full, (lo, hi) = one.transposed_size(size) + sum(one.padding), one.padding
        fail(
            argument,
            one.name,
            f"of (input - 1)*{self.names.stride} + {self.names.dilation}*(kernel - 1) + 1 + "
            f"output_padding positions at least 1 must be left",
            f"{full}, of which {lo} are cropped at the start and {hi} at the end",
            "Use less padding or a larger input.",
        )

    def _unreached(self, every: Every, preferred: DTypeLike) -> Any:
        """Zeros, or no element at all: an empty input is spread to nothing, not to
        (0 - 1)*stride + 1 positions."""
        array = self.w if isinstance(self.x, np.ndarray) else self.x
        space = array.__array_namespace__()
        dtype = space.result_type(self.x, self.w)
        if preferred is not None:
            dtype = preferred_dtype(dtype, preferred)
        sizes = [
            max(one.transposed_size(size) + (one.stride - 1) * (size == 0), 0)
            for one, size in zip(every, self.input_size, strict=True)
        ]
        shape = self.output_shape((self.batch, self.out_channels, *sizes))
        return space.zeros(shape, dtype)


def at_least(least: int, argument: str, entries: Shape, letters: str = "") -> Shape:
    """The entries, if none is below."""
    for axis, entry in enumerate(entries):
        if entry < least:
            where = None if len(entries) == 1 and not letters else axis_name(axis, letters)
            fail(argument, where, f"must be at least {least}", entry, f"Use {max(least, 1)}.")
    return entries


def check_channels(
    names: Names, convention: Convention, channels: int, w: Shape, axes: Shape, groups: int
) -> None:
    """The channel axes of the kernel fit the channels of the input and the groups."""
    divided = {"the input channels": channels}
    if convention.whole == "O":
        divided["the output channels"] = w[axes[1]]
    for what, count in divided.items():
        if count % groups:
            got, remedy = f"{count} channels, {names.groups}={groups}", "Choose a divisor."
            fail(names.groups, None, f"must divide {what}", got, remedy)
    expected = channels // groups if convention.whole == "O" else channels
    if w[axes[0]] != expected:
        per_group = f" of each of {groups} groups" if expected != channels else ""
        fail(
            names.w,
            None,
            f"its axis {axes[0]} must have the {expected} channels of {names.x}{per_group}",
            f"{names.w} of shape {w} for {channels} channels",
            "Transpose it, or check that it is stored as the framework stores it.",
        )
