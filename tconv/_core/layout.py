"""How the caller's arrays lie: a batch or none, and axes in any order (``dimension_numbers``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from tconv._core.arguments import Shape

Permutation = tuple[int, ...]


@dataclass(frozen=True)
class Permutations:
    """Permutations that bring operands to (N, C, *spatial) and (lead, other, *kernel).

    ``output`` leads from (N, C, *spatial) to the caller's order.  A transposed convolution
    has its kernel as (I, O, *kernel), a convolution as (O, I, *kernel).
    """

    input: Permutation
    kernel: Permutation
    output: Permutation

    @cached_property
    def channels_last(self) -> bool:
        """Whether channels are the last axis of input and output."""
        channels = 1 if len(self.input) == len(self.kernel) else 0
        return self.input[channels] == len(self.input) - 1 and self.output[-1] == channels

    @cached_property
    def input_back(self) -> Permutation:
        """From (N, C, *spatial) to the caller's order of the input."""
        return _invert(self.input)

    @cached_property
    def kernel_back(self) -> Permutation:
        """From (lead, other, *kernel) to the caller's order of the weight."""
        return _invert(self.kernel)

    @cached_property
    def output_back(self) -> Permutation:
        """From the caller's order of the output to (N, C, *spatial)."""
        return _invert(self.output)


@dataclass(frozen=True)
class Layout:
    """The way from the caller's arrays to the order that backends compute in, and back.

    ``letters`` are the caller's names of the spatial axes; "" where they have numbers alone.
    """

    batched: bool
    permutations: Permutations | None
    letters: str = field(default="", compare=False)

    @property
    def channels_last(self) -> bool:
        """Whether channels are the last axis of input and output."""
        return self.permutations is not None and self.permutations.channels_last

    def from_input(self, array: Any) -> Any:
        """An array laid out as the call's input, as (batch, channels, *spatial)."""
        if self.permutations is not None:
            array = array.transpose(self.permutations.input)
        return array if self.batched else array[None]

    def from_kernel(self, array: Any) -> Any:
        """The caller's weight with its channel axes first."""
        return array if self.permutations is None else array.transpose(self.permutations.kernel)

    def from_output(self, array: Any) -> Any:
        """An array laid out as the call's output, as (batch, channels, *spatial)."""
        if self.permutations is not None:
            array = array.transpose(self.permutations.output_back)
        return array if self.batched else array[None]

    def to_input(self, array: Any) -> Any:
        """The inverse of ``from_input``."""
        array = array if self.batched else array[0]
        return array if self.permutations is None else array.transpose(self.permutations.input_back)

    def to_kernel(self, array: Any) -> Any:
        """The inverse of ``from_kernel``."""
        if self.permutations is None:
            return array
        return array.transpose(self.permutations.kernel_back)

    def to_output(self, array: Any) -> Any:
        """The inverse of ``from_output``."""
        array = array if self.batched else array[0]
        return array if self.permutations is None else array.transpose(self.permutations.output)

    def input_shape(self, shape: Shape) -> Shape:
        """(batch, channels, *spatial) of the caller's shape of an input."""
        if self.permutations is not None:
            shape = _permuted(shape, self.permutations.input)
        return shape if self.batched else (1, *shape)

    def kernel_shape(self, shape: Shape) -> Shape:
        """The caller's shape of a weight with its channel axes first."""
        return shape if self.permutations is None else _permuted(shape, self.permutations.kernel)

    def canonical_output(self, shape: Shape) -> Shape:
        """(batch, channels, *spatial) of the caller's shape of an output."""
        if self.permutations is not None:
            shape = _permuted(shape, self.permutations.output_back)
        return shape if self.batched else (1, *shape)

    def kernel_axis(self, place: int, letter: str) -> str:
        """How an error calls a channel axis of the weight: "first axis", "axis I"."""
        return f"axis {letter}" if self.permutations else f"{('first', 'second')[place]} axis"

    def output_shape(self, canonical: Shape) -> Shape:
        """The caller's shape of an output with this (batch, channels, *spatial) shape."""
        shape = canonical if self.batched else canonical[1:]
        return shape if self.permutations is None else _permuted(shape, self.permutations.output)


def _permuted(shape: Shape, permutation: Permutation) -> Shape:
    return tuple([shape[axis] for axis in permutation])


def _invert(permutation: Permutation) -> Permutation:
    """The permutation that undoes this one."""
    return tuple(sorted(range(len(permutation)), key=permutation.__getitem__))


def layout_of(
    dimension_numbers: Any, spatial_axes: int, *, transposed: bool, batched: bool
) -> Layout:
    """The layout that three strings such as ("NHWC", "HWIO", "NHWC") describe; PyTorch's if None.

    The order of the spatial axes, and with it that of per-axis parameters, is the kernel's,
    as in ``jax.lax.conv_dimension_numbers``.
    """
    specs = axis_strings(dimension_numbers, spatial_axes)
    if specs is None:
        return _PLAIN[batched]
    permutations = _parse(specs, spatial_axes, transposed, batched)
    if hasattr(dimension_numbers, "rhs_spec"):
        return Layout(batched, permutations)
    letters = "".join(letter for letter in specs[1] if letter not in "OI")
    return Layout(batched, permutations, letters)


_PLAIN = {batched: Layout(batched, None) for batched in (False, True)}


def axis_strings(dimension_numbers: Any, spatial_axes: int) -> tuple[str, str, str] | None:
    """The three strings that the caller wrote, or that say the same; None for None."""
    if dimension_numbers is None:
        return None
    lax_specs = [getattr(dimension_numbers, f"{name}_spec", None) for name in ("lhs", "rhs", "out")]
    if all(spec is not None for spec in lax_specs):
        return _from_lax(lax_specs, spatial_axes)
    if isinstance(dimension_numbers, tuple | list):
        specs = tuple(dimension_numbers)
        if len(specs) == 3 and all(isinstance(spec, str) for spec in specs):
            return specs
    raise TypeError(
        f"dimension_numbers: must be three strings (input, kernel, output); got "
        f"{dimension_numbers!r}. Write, for example, ('NHWC', 'HWIO', 'NHWC')."
    )


def _from_lax(specs: list[Any], spatial_axes: int) -> tuple[str, str, str]:
    """Strings for a ``jax.lax.ConvDimensionNumbers``, whose entries are axis positions."""
    spatial = "DHW"[3 - spatial_axes :]
    if spatial_axes > 3:
        spatial = "".join(chr(ord("a") + axis) for axis in range(spatial_axes))
    strings = []
    for name, letters, spec in zip(("lhs", "rhs", "out"), ("NC", "OI", "NC"), specs, strict=True):
        if sorted(spec) != list(range(spatial_axes + 2)):
            raise ValueError(
                f"dimension_numbers: {name}_spec must be a permutation of "
                f"0..{spatial_axes + 1}; got {spec!r}."
            )
        order = letters + spatial
        strings.append("".join(order[spec.index(axis)] for axis in range(len(spec))))
    return strings[0], strings[1], strings[2]


@lru_cache(maxsize=256)
def _parse(
    specs: tuple[str, str, str], spatial_axes: int, transposed: bool, batched: bool
) -> Permutations:
    roles = ("input", "kernel", "output")
    letters = ("NC", "OI", "NC")
    if not batched:
        specs = (specs[0].replace("N", ""), specs[1], specs[2].replace("N", ""))
        letters = ("C", "OI", "C")
    spatial = [letter for letter in specs[1] if letter not in "OI"]
    for role, spec, need in zip(roles, specs, letters, strict=True):
        wanted = need + "".join(spatial)
        if len(spatial) != spatial_axes or sorted(spec) != sorted(wanted) or _repeats(spec):
            raise ValueError(
                f"dimension_numbers: the {role} string must hold each letter of {need!r} and of "
                f"the {spatial_axes} spatial axes of the kernel string {specs[1]!r} once; got "
                f"{spec!r}. Write, for example, ('NHWC', 'HWIO', 'NHWC')."
            )
    lead = "IO" if transposed else "OI"
    to_input = [specs[0].index(letter) for letter in letters[0]]
    to_kernel = [specs[1].index(letter) for letter in lead]
    canonical_output = letters[2] + "".join(spatial)
    return Permutations(
        tuple(to_input + [specs[0].index(letter) for letter in spatial]),
        tuple(to_kernel + [specs[1].index(letter) for letter in spatial]),
        tuple(canonical_output.index(letter) for letter in specs[2]),
    )


def _repeats(spec: str) -> bool:
    return len(set(spec)) != len(spec)
