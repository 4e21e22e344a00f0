"""What each framework's padding crops from the two sides of the full scatter, axis by axis.

With the extent K = dilation*(kernel_size - 1) + 1 a transposed convolution scatters to
(n - 1)*stride + K positions; every framework keeps these but for (lo, hi), of which negative
ones extend the result with zeros.  tconv's ``padding`` is that pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tconv._core.arguments import (
    Pairs,
    Shape,
    axis_count,
    entries_of,
    fail,
    integer,
    per_axis,
    positive,
)
from tconv._core.axis import AxisParameters, parameters_of
from tconv._core.typing import Ints

Every = tuple[AxisParameters, ...]


def padded(every: Every, pairs: Pairs) -> Every:
    """The parameters with what is cropped of each axis."""
    return tuple(replace(one, padding=pair) for one, pair in zip(every, pairs, strict=True))


def cropped(every: Every) -> Pairs:
    """The crops of all axes with their output padding, which crops less at the high side."""
    return tuple((lo, hi - one.output_padding) for one in every for lo, hi in [one.padding])


def lax_crops(every: Every, padding: Any, consistent: bool = False) -> Pairs:
    """``jax.lax.conv_transpose``: "SAME" and "VALID" are of the transposed convolution; pairs
    pad the spread input of (n - 1)*stride + 1 positions, where K - 1 on each side crop nothing.

    With ``consistent`` pairs are those of the convolution that is the adjoint, as PyTorch's.
    The other strings of ``jax.lax`` are those of the convolution that is computed, and are
    accepted where no stride spreads its input.
    """
    if not isinstance(padding, str):
        pairs = number_pairs("padding", padding, every)
        if consistent:
            return pairs
        return tuple(_of_pads(one, *pair) for one, pair in zip(every, pairs, strict=True))
    if padding == "SAME":
        return tuple(one.same(lower=False).padding for one in every)
    if padding == "VALID":
        return tuple((0, -max(one.stride - one.extent, 0)) for one in every)
    mode = padding.upper()
    if mode not in ("SAME", "SAME_LOWER", "VALID"):
        remedy = "Write 'SAME' or 'VALID', or give one (lo, hi) pair an axis."
        fail("padding", None, "must be 'SAME', 'VALID' or pairs", repr(padding), remedy)
    if consistent or any(one.stride > 1 for one in every):
        rule = "with use_consistent_padding or a stride above 1 must be 'SAME', 'VALID' or pairs"
        remedy = "Write 'VALID'." if mode == "VALID" else "Write 'SAME'."
        fail("padding", None, rule, repr(padding), remedy)
    if mode == "VALID":
        return tuple(_of_pads(one, 0, 0) for one in every)
    lower = mode == "SAME_LOWER"
    return tuple(_of_pads(one, *_halves(one.extent - 1, lower)) for one in every)


def flax_crops(every: Every, padding: Any, consistent: bool = False) -> Pairs:
    """``flax``: as ``jax.lax``, and an int or one an axis for pairs of the same number twice."""
    padding = padding if isinstance(padding, str) else _doubled(every, padding)
    return lax_crops(every, padding, consistent)


def equinox_crops(every: Every, padding: Any) -> Pairs:
    """``equinox.nn.ConvTranspose``: an int, one int or pair an axis, as PyTorch's; "SAME" and
    "SAME_LOWER", in any case, halve what makes the output input * stride - output_padding."""
    if not isinstance(padding, str):
        return number_pairs("padding", _doubled(every, padding), every)
    mode = padding.upper()
    if mode not in ("SAME", "SAME_LOWER", "VALID"):
        remedy = "Write one of these, an int, or one int or pair an axis."
        fail("padding", None, "must be 'SAME', 'SAME_LOWER' or 'VALID'", repr(padding), remedy)
    if mode == "VALID":
        return ((0, 0),) * len(every)
    return tuple(_equinox_same(one, mode == "SAME_LOWER") for one in every)


def _equinox_same(one: AxisParameters, lower: bool) -> tuple[int, int]:
    total = one.extent - one.stride + one.output_padding
    lo, hi = _halves(total, lower) if total >= 0 else (0, total)
    return lo, hi + one.output_padding


def keras_crops(every: Every, padding: Any, output_padding: Any = None) -> Pairs:
    """``keras.ops.conv_transpose``: "valid" or "same", in any case.

    Without an output padding, None, the sizes are (input - 1)*stride + max(K, stride) and
    input * stride; with one they are (input - 1)*stride + K + output_padding and
    (input - 1)*stride + K % 2 + output_padding.
    """
    mode = padding.lower() if isinstance(padding, str) else padding
    if mode not in ("valid", "same"):
        remedy = "Crop the result of 'valid' for other sizes."
        fail("padding", None, "must be 'valid' or 'same'", repr(padding), remedy)
    if output_padding is None:
        return lax_crops(every, mode.upper())
    return tuple(
        _keras_same(one, more) if mode == "same" else (0, -more)
        for one, more in zip(every, output_padding, strict=True)
    )


def _keras_same(one: AxisParameters, more: int) -> tuple[int, int]:
    total = one.extent + one.extent % 2 - 2 + more
    lo = min(total - total // 2, one.extent - 1)
    return _of_pads(one, lo, total - lo)


def onnx_crops(
    every: Every,
    auto_pad: str,
    pads: Any = None,
    output_shape: Shape | None = None,
    input_size: Shape | None = None,
) -> Pairs:
    """ONNX ``ConvTranspose``, before its output padding is added at the high side.

    ``pads`` are all starts, then all ends.  For an output shape, which SAME_UPPER and SAME_LOWER
    set to input * stride, the total of (n - 1)*stride + K + output_padding - output is halved,
    with the odd one at the start unless SAME_UPPER; the start of a negative total is 0.
    """
    if auto_pad not in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"):
        rule = "must be 'NOTSET', 'SAME_UPPER', 'SAME_LOWER' or 'VALID'"
        fail("auto_pad", None, rule, repr(auto_pad), "Leave it at 'NOTSET' to give pads.")
    same = auto_pad.startswith("SAME")
    if pads is not None and auto_pad != "NOTSET":
        rule, remedy = "cannot be given beside auto_pad", "Leave one of the two out."
        fail("pads", None, rule, f"pads={pads!r}, auto_pad={auto_pad!r}", remedy)
    if output_shape is None and not same:
        return ((0, 0),) * len(every) if pads is None else onnx_pairs(every, pads)
    totals = [one.extent - one.stride + one.output_padding for one in every]
    if output_shape is not None:
        assert input_size is not None
        wanted = zip(totals, every, input_size, output_shape, strict=True)
        totals = [total + size * one.stride - out for total, one, size, out in wanted]
    lower = auto_pad != "SAME_UPPER"
    return tuple((0, total) if total < 0 else _halves(total, lower) for total in totals)


def onnx_pairs(every: Every, pads: Any) -> Pairs:
    """(lo, hi) pairs from all starts, then all ends, each at least 0."""
    entries, axes = entries_of(pads), len(every)
    if entries is None or len(entries) != 2 * axes:
        rule = f"must be the {axes} starts, then the {axes} ends"
        fail("pads", None, rule, repr(pads), f"Give {2 * axes} ints.")
    numbers = [integer("pads", entry) for entry in entries]
    for one, number in zip([*every, *every], numbers, strict=True):
        if number < 0:
            remedy = "Use output_padding or output_shape to extend the output."
            fail("pads", one.name, "must be at least 0", number, remedy)
    return tuple(zip(numbers[:axes], numbers[axes:], strict=True))


def torch_crops(every: Every, padding: Any) -> Pairs:
    """PyTorch: an int of at least 0, or one an axis, for both sides."""
    pairs = mlx_crops(every, padding)
    for one, (lo, _) in zip(every, pairs, strict=True):
        if lo < 0:
            remedy = "A (lo, hi) pair in tconv.conv_transpose may be negative."
            fail("padding", one.name, "must be at least 0", lo, remedy)
    return pairs


def mlx_crops(every: Every, padding: Any) -> Pairs:
    """MLX: PyTorch's, and a negative int extends both sides."""
    ints = per_axis("padding", padding, len(every))
    return tuple((one, one) for one in ints)


def _doubled(every: Every, padding: Any) -> Any:
    """An int, or ints among the entries, as pairs of the same number twice."""
    entries = entries_of(padding)
    if entries is None:
        entries = (integer("padding", padding, "an int, or one int or pair an axis"),) * len(every)
    return tuple(entry if entries_of(entry) else (entry, entry) for entry in entries)


def _of_pads(one: AxisParameters, lo: int, hi: int) -> tuple[int, int]:
    """What padding the spread input by (lo, hi) crops."""
    return one.extent - 1 - lo, one.extent - 1 - hi


def _halves(total: int, lower: bool) -> tuple[int, int]:
    """A total in two, the odd one at the low side where ``lower``."""
    larger, smaller = total - total // 2, total // 2
    return (larger, smaller) if lower else (smaller, larger)


def number_pairs(argument: str, padding: Any, every: Every) -> Pairs:
    """One (lo, hi) pair of ints for each axis, given as just that."""
    entries = entries_of(padding)
    if entries is None or len(entries) != len(every):
        rule = f"must be one (lo, hi) pair for each of the {len(every)} spatial axes"
        fail(argument, None, rule, repr(padding), "Give a sequence of pairs.")
    return tuple(_pair(argument, one, entry) for one, entry in zip(every, entries, strict=True))


def _pair(argument: str, one: AxisParameters, entry: Any) -> tuple[int, int]:
    pair = entries_of(entry)
    if pair is None or len(pair) != 2:
        fail(argument, one.name, "must be a (lo, hi) pair", repr(entry), "Give two ints.")
    return integer(argument, pair[0]), integer(argument, pair[1])


_RULES: dict[str, Callable[[Every, Any], Pairs]] = {
    "torch": torch_crops,
    "mlx": mlx_crops,
    **dict.fromkeys(("lax", "lax_transpose_kernel", "haiku"), lax_crops),
    **dict.fromkeys(("flax", "flax_transpose_kernel"), flax_crops),
    "equinox": equinox_crops,
}


def padding(
    value: Any,
    *,
    source: str,
    kernel_size: Ints,
    stride: Ints = 1,
    dilation: Ints = 1,
    output_padding: Ints | None = None,
) -> Pairs:
    """What tconv's ``padding`` has to be for the result that another framework gives.

    ``conv_transpose(x, w, stride=stride, dilation=dilation, padding=...)`` with the pairs crops
    and extends as the framework does; its output padding is in them.

    Args:
        value: the framework's padding: ``"SAME"``, ``"VALID"`` or pairs for ``"lax"`` and
            ``"haiku"``, these or ints for ``"flax"``; ints, pairs, ``"SAME"``,
            ``"SAME_LOWER"`` or ``"VALID"`` for ``"equinox"``; ``"same"`` or ``"valid"`` for
            ``"keras"``; ``auto_pad``, or ``pads`` as all starts and then all ends, for
            ``"onnx"``; an int or one an axis for ``"torch"`` and ``"mlx"``.
        source: whose the padding is.
        kernel_size: int or one int an axis; with ints for all it is one axis.
        stride: at least 1; int or one int an axis.
        dilation: at least 1; int or one int an axis.
        output_padding: the framework's; None for its default, which Keras distinguishes from 0.

    Returns: one (lo, hi) pair an axis; a negative one extends with zeros.

    Raises: ValueError for a name that is no framework's, or a padding that it does not take.

    Source: the documentation of each framework's transposed convolution.

    >>> padding("SAME", source="flax", kernel_size=3, stride=2)
    ((0, 1),)
    >>> padding([(1, 1)], source="flax", kernel_size=3, stride=2)
    ((1, 1),)
    >>> padding([1, 0], source="onnx", kernel_size=3, stride=2)
    ((1, 0),)
    """
    axes = axis_count(kernel_size, stride, dilation, output_padding)
    ends = per_axis("output_padding", output_padding or 0, axes)
    if min(ends) < 0:
        fail("output_padding", None, "must be at least 0", output_padding, "Crop more instead.")
    every = parameters_of(
        positive("kernel_size", kernel_size, axes),
        positive("stride", stride, axes),
        positive("dilation", dilation, axes),
        None,
        ends,
    )
    if source == "keras":
        given = None if output_padding is None else [one.output_padding for one in every]
        return keras_crops(every, value, given)
    if source == "onnx":
        pairs = onnx_crops(every, value) if isinstance(value, str) else onnx_pairs(every, value)
    elif source in _RULES:
        pairs = _RULES[source](every, value)
    else:
        listed = ", ".join(map(repr, (*_RULES, "keras", "onnx")))
        fail("source", None, f"must be one of {listed}", repr(source), "Name the framework.")
    return cropped(padded(every, pairs))
