"""Axis orders: ``dimension_numbers`` turned into permutations from and to PyTorch's layout."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

Permutation = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
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

    @property
    def output_back(self) -> Permutation:
        return invert(self.output)

    @property
    def input_back(self) -> Permutation:
        return invert(self.input)

    @property
    def kernel_back(self) -> Permutation:
        return invert(self.kernel)


def invert(permutation: Permutation) -> Permutation:
    """The permutation that undoes this one."""
    return tuple(sorted(range(len(permutation)), key=permutation.__getitem__))


def parse(
    dimension_numbers: Any, spatial_axes: int, *, transposed: bool, batched: bool
) -> Layout | None:
    """The layout that three strings such as ("NHWC", "HWIO", "NHWC") describe.

    The order of the spatial axes, and with it that of per-axis parameters, is the kernel's,
    as in ``jax.lax.conv_dimension_numbers``.
    """
    if dimension_numbers is None:
        return None
    specs = _strings(dimension_numbers, spatial_axes)
    return _parse(specs, spatial_axes, transposed, batched)


def _strings(dimension_numbers: Any, spatial_axes: int) -> tuple[str, str, str]:
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
) -> Layout:
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
    return Layout(
        tuple(to_input + [specs[0].index(letter) for letter in spatial]),
        tuple(to_kernel + [specs[1].index(letter) for letter in spatial]),
        tuple(canonical_output.index(letter) for letter in specs[2]),
    )


def _repeats(spec: str) -> bool:
    return len(set(spec)) != len(spec)
