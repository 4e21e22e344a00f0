"""The caller's arrays brought to the order that backends compute in, and back."""

from __future__ import annotations

from typing import Any

from tconv._plan import Call


def from_input(call: Call, array: Any) -> Any:
    """An array laid out as the call's input, as (batch, channels, *spatial)."""
    if call.layout is not None:
        array = array.transpose(call.layout.input)
    return array if call.batched else array[None]


def from_kernel(call: Call, array: Any) -> Any:
    """The caller's weight with its channel axes first."""
    return array if call.layout is None else array.transpose(call.layout.kernel)


def from_output(call: Call, array: Any) -> Any:
    """An array laid out as the call's output, as (batch, channels, *spatial)."""
    if call.layout is not None:
        array = array.transpose(call.layout.output_back)
    return array if call.batched else array[None]


def to_input(call: Call, array: Any) -> Any:
    """The inverse of ``from_input``."""
    array = array if call.batched else array[0]
    return array if call.layout is None else array.transpose(call.layout.input_back)


def to_kernel(call: Call, array: Any) -> Any:
    """The inverse of ``from_kernel``."""
    return array if call.layout is None else array.transpose(call.layout.kernel_back)


def to_output(call: Call, array: Any) -> Any:
    """The inverse of ``from_output``."""
    array = array if call.batched else array[0]
    return array if call.layout is None else array.transpose(call.layout.output)


def output_shape(call: Call, canonical: tuple[int, ...]) -> tuple[int, ...]:
    """The caller's shape of an output with this canonical shape."""
    shape = canonical if call.batched else canonical[1:]
    return shape if call.layout is None else tuple([shape[axis] for axis in call.layout.output])
