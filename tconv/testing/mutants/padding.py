"""Mistakes with the padding and the output padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from tconv.convolution import conv_transpose
from tconv.testing.mutants.mutant import Array, extents, mutant, pairs_of, with_bias


def padding_of_the_input(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, stride: Any, **kw: Any
) -> Array:
    """Padding is put around the input, where it should crop the result."""
    axes = zip(pairs_of(padding), stride, strict=True)
    outwards = [(-lo * s, -hi * s) for (lo, hi), s in axes]
    return conv_transpose(x, w, b, padding=outwards, stride=stride, **kw)


def padding_of_the_stuffed_input(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, dilation: Any, **kw: Any
) -> Array:
    """Padding is that of the input spread with zeros, as in jax.lax.conv_transpose."""
    spans = zip(pairs_of(padding), extents(w, dilation), strict=True)
    pairs = [(e - 1 - lo, e - 1 - hi) for (lo, hi), e in spans]
    return conv_transpose(x, w, b, padding=pairs, dilation=dilation, **kw)


def padding_sides_exchanged(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, **kw: Any
) -> Array:
    """The low and the high padding are exchanged."""
    return conv_transpose(x, w, b, padding=[(hi, lo) for lo, hi in pairs_of(padding)], **kw)


def padding_axes_exchanged(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, **kw: Any
) -> Array:
    """The paddings of the axes are taken in reverse; the shape is right."""
    pairs = pairs_of(padding)
    axes = zip(pairs, pairs[::-1], strict=True)
    moved = [(other[0], sum(own) - other[0]) for own, other in axes]
    return conv_transpose(x, w, b, padding=moved, **kw)


def odd_padding_split_otherwise(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, **kw: Any
) -> Array:
    """Unequal sides are split anew from their sum, the larger half low: one pixel off."""
    split = [
        (lo, hi) if lo == hi else ((lo + hi + 1) // 2, (lo + hi) // 2)
        for lo, hi in pairs_of(padding)
    ]
    return conv_transpose(x, w, b, padding=split, **kw)


def cropped_at_the_high_end_alone(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, **kw: Any
) -> Array:
    """The result is cropped to its size from position 0 on."""
    high = [(0, lo + hi) for lo, hi in pairs_of(padding)]
    return conv_transpose(x, w, b, padding=high, **kw)


def low_padding_at_both_sides(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, **kw: Any
) -> Array:
    """The padding of the low side is used at both."""
    return conv_transpose(x, w, b, padding=[(lo, lo) for lo, _ in pairs_of(padding)], **kw)


def rows_late_where_stride_misses_padding(
    x: Array, w: Array, b: Array | None = None, **kw: Any
) -> Array:
    """Where the low padding is no multiple of the stride, the rows are one late."""
    y = conv_transpose(x, w, None, **kw)
    if pairs_of(kw["padding"])[0][0] % kw["stride"][0]:
        y = np.concatenate([np.zeros_like(y[:, :, :1]), y[:, :, :-1]], axis=2)
    return with_bias(y, b)


def shifted_low(x: Array, w: Array, b: Array | None = None, *, padding: Any, **kw: Any) -> Array:
    """The result is shifted by one position towards the low end of the last axis."""
    pairs = pairs_of(padding)
    pairs[-1] = (pairs[-1][0] + 1, pairs[-1][1] - 1)
    return conv_transpose(x, w, b, padding=pairs, **kw)


def shifted_high(x: Array, w: Array, b: Array | None = None, *, padding: Any, **kw: Any) -> Array:
    """The result is shifted by one position towards the high end of the first axis."""
    pairs = pairs_of(padding)
    pairs[0] = (pairs[0][0] - 1, pairs[0][1] + 1)
    return conv_transpose(x, w, b, padding=pairs, **kw)


def output_padding_ignored(
    x: Array, w: Array, b: Array | None = None, *, output_padding: Any, **kw: Any
) -> Array:
    """Output padding is ignored."""
    return conv_transpose(x, w, b, **kw)


def output_padding_below_the_stride(
    x: Array, w: Array, b: Array | None = None, *, output_padding: Any, **kw: Any
) -> Array:
    """Output padding is cut down to stride - 1."""
    cut = tuple(min(op, s - 1) for op, s in zip(output_padding, kw["stride"], strict=True))
    return conv_transpose(x, w, b, output_padding=cut, **kw)


def output_padding_at_the_low_side(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, output_padding: Any, **kw: Any
) -> Array:
    """Output padding extends the low end."""
    axes = zip(pairs_of(padding), output_padding, strict=True)
    return conv_transpose(x, w, b, padding=[(lo - op, hi) for (lo, hi), op in axes], **kw)


def output_padding_appends_zeros(
    x: Array, w: Array, b: Array | None = None, *, output_padding: Any, **kw: Any
) -> Array:
    """Output padding appends zeros, where it should crop less of the result."""
    y = conv_transpose(x, w, None, **kw)
    return with_bias(np.pad(y, [(0, 0), (0, 0), *((0, op) for op in output_padding)]), b)


def output_padding_shared_by_the_sides(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, output_padding: Any, **kw: Any
) -> Array:
    """What padding crops less output padding is split evenly between the two ends."""
    total = [lo + hi - op for (lo, hi), op in zip(pairs_of(padding), output_padding, strict=True)]
    even = [
        pair if op == 0 else (t // 2, t - t // 2)
        for pair, op, t in zip(pairs_of(padding), output_padding, total, strict=True)
    ]
    return conv_transpose(x, w, b, padding=even, **kw)


PADDING = (
    mutant(padding_of_the_input, "Samsung/TICO#420"),
    mutant(padding_of_the_stuffed_input, "google/flax#4990"),
    mutant(
        padding_sides_exchanged,
        "root-project/root#23088, microsoft/onnxruntime#9370, robertknight/rten#1399",
    ),
    mutant(padding_axes_exchanged, "tensorflow/tensorflow#24151"),
    mutant(odd_padding_split_otherwise, "keras-team/keras#22876"),
    mutant(cropped_at_the_high_end_alone, "llvm/torch-mlir#4423"),
    mutant(low_padding_at_both_sides, "root-project/root#21873"),
    mutant(rows_late_where_stride_misses_padding, "ARM-software/CMSIS-NN#230"),
    mutant(shifted_low, "ARM-software/ComputeLibrary#331"),
    mutant(shifted_high),
    mutant(output_padding_ignored, "pytorch/pytorch#964"),
    mutant(output_padding_below_the_stride, "keras-team/keras#21852"),
    mutant(output_padding_at_the_low_side),
    mutant(output_padding_appends_zeros, "pytorch/pytorch#8816, Tencent/ncnn#1122"),
    mutant(output_padding_shared_by_the_sides, "llvm/torch-mlir#4650"),
)
