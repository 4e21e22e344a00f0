"""Arguments as callers write them, turned into tuples of ints: one entry a spatial axis."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any, NoReturn

Shape = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]
METHODS = ("auto", "col2im", "dilated", "subpixel", "matrix")


def fail(argument: str, axis: int | None, rule: str, got: object, remedy: str) -> NoReturn:
    """Raise the ValueError whose text has the form that every tconv error has."""
    where = argument if axis is None else f"{argument}, spatial axis {axis}"
    raise ValueError(f"{where}: {rule}; got {got}. {remedy}")


def is_known(size: Any) -> bool:
    """Whether a size is a plain int; a symbolic dimension of ``jax.export`` is not."""
    return isinstance(size, int)


def integer(argument: str, value: Any, form: str = "an int") -> int:
    """``value`` as a Python int, refusing bools, floats and arrays that hold no integer."""
    if type(value) is int:
        return value
    try:
        if isinstance(value, bool):
            raise TypeError
        return index(value)
    except TypeError:
        raise TypeError(
            f"{argument}: must be {form}; got {value!r} of type {type(value).__name__}. "
            f"Convert it to Python ints; under jax.jit it must be static."
        ) from None


def per_axis(argument: str, value: Any, axes: int) -> Shape:
    """One int for each spatial axis, from an int or a sequence of 1 or ``axes`` ints."""
    if type(value) is int:
        return (value,) * axes
    if isinstance(value, tuple | list):
        entries = tuple([integer(argument, entry) for entry in value])
        return _one_an_axis(argument, entries, axes)
    return (integer(argument, value, "an int or a tuple of ints"),) * axes


def _one_an_axis(argument: str, entries: tuple[Any, ...], axes: int) -> tuple[Any, ...]:
    """One entry for each axis: ``entries`` themselves, or a single one repeated."""
    if len(entries) == axes:
        return entries
    if len(entries) == 1:
        return entries * axes
    fail(
        argument,
        None,
        f"must be one value, or one for each of the {axes} spatial axes",
        f"{len(entries)} values {entries!r}",
        f"Give an int or a tuple of {axes}.",
    )


def positive(argument: str, value: Any, axes: int) -> Shape:
    """Like ``per_axis``, with every entry at least 1."""
    entries = per_axis(argument, value, axes)
    for axis, entry in enumerate(entries):
        if entry < 1:
            fail(argument, axis, "must be at least 1", entry, f"Use {argument}=1 for none.")
    return entries


def padding_argument(value: Any, axes: int, strings: tuple[str, ...]) -> Pairs | str:
    """A (lo, hi) pair for each spatial axis, or one of the accepted strings."""
    if isinstance(value, str):
        if value in strings:
            return value
        accepted = ", ".join(repr(string) for string in strings)
        fail("padding", None, f"a string must be one of {accepted}", repr(value), _PADDING_FORMS)
    return padding_pairs(value, axes)


def padding_pairs(value: Any, axes: int) -> Pairs:
    """A (lo, hi) pair for each spatial axis, from numbers alone."""
    if type(value) is int and value >= 0:
        return ((value, value),) * axes
    entries = tuple(value) if isinstance(value, tuple | list) else (value,)
    return tuple(
        [_pair(axis, entry) for axis, entry in enumerate(_one_an_axis("padding", entries, axes))]
    )


_PADDING_FORMS = "Give an int, one int an axis, or one (lo, hi) pair an axis."


def _pair(axis: int, entry: Any) -> tuple[int, int]:
    if isinstance(entry, tuple | list):
        if len(entry) != 2:
            fail("padding", axis, "a pair must be (lo, hi)", repr(entry), _PADDING_FORMS)
        return integer("padding", entry[0]), integer("padding", entry[1])
    amount = integer("padding", entry, "an int, or one int or (lo, hi) pair of ints an axis")
    if amount < 0:
        fail(
            "padding",
            axis,
            "a plain int must be at least 0",
            amount,
            f"A pair may be negative: ({amount}, {amount}) extends the output instead of "
            f"cropping it.",
        )
    return amount, amount


def group_count(groups: Any) -> int:
    """``groups`` as an int of at least 1."""
    count = integer("groups", groups)
    if count < 1:
        fail("groups", None, "must be at least 1", count, "Use groups=1 for a dense kernel.")
    return count


def method_name(method: Any) -> str:
    """``method``, if it names an algorithm."""
    if method not in METHODS:
        accepted = ", ".join(repr(name) for name in METHODS)
        fail("method", None, f"must be one of {accepted}", repr(method), "Leave it at 'auto'.")
    return str(method)


def check_axes(w: Any, axes: int) -> None:
    """Refuse a weight that is not for this number of spatial axes."""
    if getattr(w, "ndim", axes + 2) != axes + 2:
        fail(
            "w",
            None,
            f"must have {axes + 2} axes: two of channels and {axes} spatial",
            f"shape {w.shape}",
            "Use the function for its number of spatial axes, or the one for any number.",
        )


def check_groups(name: str, channels: int, groups: int) -> None:
    """Channels must split evenly over the groups."""
    if channels % groups:
        fail(
            "groups",
            None,
            f"must divide {name}",
            f"{name}={channels}, groups={groups}",
            "Choose a divisor of the channel count.",
        )


def check_bias(shape: Shape | None, out_channels: int) -> None:
    """The bias holds one value an output channel."""
    if shape is not None and shape != (out_channels,):
        fail(
            "b",
            None,
            f"must have shape ({out_channels},), one value for each output channel",
            f"shape {shape}",
            "Reshape it, or leave it out.",
        )


def check_nonempty(argument: str, sizes: Sequence[int], shape: Shape) -> None:
    """No spatial size may be 0, as in PyTorch; an empty batch is fine."""
    for axis, size in enumerate(sizes):
        if is_known(size) and size < 1:
            what = "kernel size" if argument in ("w", "kernel_size") else "input size"
            fail(
                argument,
                axis,
                f"the {what} must be at least 1",
                f"{size} in shape {shape}",
                "Only the batch and the channels may be empty.",
            )
