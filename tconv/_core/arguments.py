"""Arguments as callers write them, turned into tuples of ints: one entry a spatial axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from operator import index
from typing import Any, NoReturn

from tconv._core.foreign import padding_remedy

Shape = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]
METHODS = ("auto", "col2im", "dilated", "subpixel", "matrix")

# No array has so many elements: 64-bit processors address at most 2**57 bytes.
TOO_MANY = 2**57

# The strings that ``jax.lax`` takes as a precision: of ``Precision`` and ``DotAlgorithmPreset``.
PRECISIONS = (
    *("default", "fastest", "bfloat16", "high", "bfloat16_3x", "tensorfloat32"),
    *("highest", "float32"),
)
DOT_ALGORITHMS = (
    *("DEFAULT", "F16_F16_F16", "F16_F16_F32", "F32_F32_F32", "F64_F64_F64"),
    *("ANY_F8_ANY_F8_F32", "ANY_F8_ANY_F8_F32_FAST_ACCUM"),
    *("ANY_F8_ANY_F8_ANY", "ANY_F8_ANY_F8_ANY_FAST_ACCUM"),
    *("BF16_BF16_BF16", "BF16_BF16_F32", "BF16_BF16_F32_X3", "BF16_BF16_F32_X6"),
    *("BF16_BF16_F32_X9", "TF32_TF32_F32", "TF32_TF32_F32_X3"),
)


def fail(argument: str, axis: int | str | None, rule: str, got: object, remedy: str) -> NoReturn:
    """Raise the ValueError whose text has the form that every tconv error has.

    ``axis`` is the number of a spatial axis, or the letter that the caller gave it.
    """
    kind = "axis" if isinstance(axis, str) else "spatial axis"
    where = argument if axis is None else f"{argument}, {kind} {axis}"
    raise ValueError(f"{where}: {rule}; got {got}. {remedy}")


def axis_name(axis: int, letters: str) -> int | str:
    """The caller's letter of a spatial axis, or its number where the caller gave none."""
    return letters[axis] if letters else axis


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


def entries_of(value: Any) -> tuple[Any, ...] | None:
    """What a tuple, a list or an array with axes holds; None for a single value."""
    if isinstance(value, tuple | list):
        return tuple(value)
    if getattr(value, "ndim", 0) and hasattr(value, "tolist"):
        try:
            return tuple(value.tolist())
        except TypeError:  # a traced array of JAX, whose values are not known
            return None
    return None


def axis_count(*arguments: Any) -> int:
    """The number of axes that arguments speak of: that of the longest one, or 1."""
    return max([len(entries) for entries in map(entries_of, arguments) if entries], default=1)


def per_axis(argument: str, value: Any, axes: int) -> Shape:
    """One int for each spatial axis, from an int or 1 or ``axes`` ints."""
    if type(value) is int:
        return (value,) * axes
    entries = entries_of(value)
    if entries is None:
        return (integer(argument, value, "an int or a tuple of ints"),) * axes
    return one_an_axis(argument, tuple([integer(argument, entry) for entry in entries]), axes)


def one_an_axis(
    argument: str, entries: tuple[Any, ...], axes: int, remedy: str = "Give an int or a tuple of "
) -> tuple[Any, ...]:
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
        f"{remedy}{axes}.",
    )


def positive(argument: str, value: Any, axes: int, letters: str = "") -> Shape:
    """Like ``per_axis``, with every entry at least 1."""
    entries = per_axis(argument, value, axes)
    for axis, entry in enumerate(entries):
        if entry < 1:
            where, remedy = axis_name(axis, letters), f"Use {argument}=1 for none."
            fail(argument, where, "must be at least 1", entry, remedy)
    return entries


def padding_argument(
    value: Any, axes: int, strings: tuple[str, ...], letters: str = ""
) -> Pairs | str:
    """A (lo, hi) pair for each spatial axis, or one of the accepted strings."""
    if isinstance(value, str):
        if value in strings:
            return value
        accepted = ", ".join(repr(string) for string in strings)
        remedy = padding_remedy(value, strings) or _PADDING_FORMS
        fail("padding", None, f"a string must be one of {accepted}", repr(value), remedy)
    return padding_pairs(value, axes, letters)


def padding_pairs(value: Any, axes: int, letters: str = "") -> Pairs:
    """A (lo, hi) pair for each spatial axis, from numbers alone."""
    if type(value) is int and value >= 0:
        return ((value, value),) * axes
    given = entries_of(value)
    entries = one_an_axis("padding", (value,) if given is None else given, axes)
    return tuple([_pair(axis_name(axis, letters), entry) for axis, entry in enumerate(entries)])


_PADDING_FORMS = "Give an int, one int an axis, or one (lo, hi) pair an axis."


def _pair(axis: int | str, entry: Any) -> tuple[int, int]:
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


def check_precision(precision: Any) -> None:
    """Refuse what ``jax.lax`` does not take as a precision; its own objects are its to judge."""
    both = precision if isinstance(precision, tuple | list) else (precision,) * 2
    if precision is None or type(precision).__module__.startswith("jax"):
        return
    if len(both) == 2 and all(
        type(one).__module__.startswith("jax") or (isinstance(one, str) and one in PRECISIONS)
        for one in both
    ):
        return
    if isinstance(precision, str) and precision in DOT_ALGORITHMS:
        return
    accepted = ", ".join(repr(name) for name in PRECISIONS)
    fail(
        "precision",
        None,
        f"must be None, one of {accepted}, a pair of these, or what jax.lax.Precision and "
        f"jax.lax.DotAlgorithmPreset hold",
        repr(precision),
        "Leave it out for the default.",
    )


def plain_precision(precision: Any) -> Any:
    """A ``jax.lax.Precision`` by its name, and a pair as a tuple."""
    check_precision(precision)
    if type(precision) in (tuple, list):
        return tuple(plain_precision(one) for one in precision)
    name = getattr(precision, "name", "").lower()
    return name if name in PRECISIONS else precision


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
        same = sorted(shape) == sorted((out_channels, *[1] * (len(shape) - 1)))
        fail(
            "b",
            None,
            f"must have shape ({out_channels},), one value for each output channel",
            f"shape {shape}",
            "Reshape it with b.reshape(-1)." if same else "Reshape it, or leave it out.",
        )


def check_whole(given: Shape, batch: int, out_channels: int) -> None:
    """The batch and channels of an ``output_size`` that is a whole shape are the result's."""
    if given != (batch, out_channels):
        fail(
            "output_size",
            None,
            f"a whole shape must have the result's batch of {batch} and {out_channels} channels",
            f"batch {given[0]} and {given[1]} channels",
            "Give the spatial size alone.",
        )


def check_allocatable(argument: str, shape: Shape, remedy: str) -> None:
    """Refuse a shape that no array can have."""
    if all(map(is_known, shape)) and max(prod(shape), *shape) >= TOO_MANY:
        fail(argument, None, "an array has fewer than 2**57 elements", f"shape {shape}", remedy)


def check_nonempty(argument: str, sizes: Sequence[int], shape: Shape, letters: str = "") -> None:
    """No spatial size may be 0, as in PyTorch; an empty batch is fine."""
    for axis, size in enumerate(sizes):
        if is_known(size) and size < 1:
            what = "kernel size" if argument in ("w", "kernel_size") else "input size"
            fail(
                argument,
                axis_name(axis, letters),
                f"the {what} must be at least 1",
                f"{size} in shape {shape}",
                "Only the batch and the channels may be empty.",
            )


def nonempty(argument: str, value: Any, axes: int) -> Shape:
    """Like ``per_axis``, for sizes: none is 0."""
    sizes = per_axis(argument, value, axes)
    check_nonempty(argument, sizes, sizes)
    return sizes
