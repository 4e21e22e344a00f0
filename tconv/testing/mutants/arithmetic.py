"""Mistakes in the arithmetic: precision, NaN, linearity."""

from __future__ import annotations

from typing import Any

import numpy as np

from tconv.convolution import conv_transpose
from tconv.testing.mutants.mutant import Array, mutant, with_bias


def half_precision(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """float32 operands are rounded to float16."""
    half = conv_transpose(x.astype(np.float16), w.astype(np.float16), None, **kw)
    return with_bias(half.astype(x.dtype), b)


def tf32(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """float32 operands are rounded to the 11 digits of TF32."""
    return conv_transpose(_to_tf32(x), _to_tf32(w), b, **kw)


def _to_tf32(values: Array) -> Array:
    bits = np.ascontiguousarray(values).view(np.uint32)
    return ((bits + 0x1000) & np.uint32(0xFFFFE000)).view(np.float32)


def sums_in_half_precision(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """Half kinds are summed in themselves: every tap's part is rounded before it is added."""
    y = np.zeros_like(conv_transpose(x, w, None, **kw))
    for tap in np.ndindex(w.shape[2:]):
        part = np.zeros_like(w)
        part[(..., *tap)] = w[(..., *tap)]
        y = y + conv_transpose(x, part, None, **kw)
    return with_bias(y, b)


def integers_through_float32(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """Integers are summed in float32, which is exact up to 2**24."""
    y = conv_transpose(x.astype(np.float32), w.astype(np.float32), None, **kw)
    return with_bias(y.astype(np.int64).astype(x.dtype), b)


def zero_times_infinity(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """Zeros are multiplied with every input, so that a NaN reaches positions beside its taps."""
    y = conv_transpose(x, w, b, **kw)
    return np.asarray(y + 0 * x.sum(axis=tuple(range(1, x.ndim)), keepdims=True))


def large_values_clipped(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """Values of the input beyond 3.9 are cut down to it."""
    return conv_transpose(np.clip(x, -3.9, 3.9), w, b, **kw)


def kernel_conjugated(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The kernel is conjugated, as an adjoint does and a transpose does not."""
    return conv_transpose(x, w.conj(), b, **kw)


def divided_by_the_overlap(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """Every element is divided by the number of taps that reach it."""
    ones = np.ones((1, 1, *x.shape[2:])), np.ones((1, 1, *w.shape[2:]))
    taps = np.maximum(conv_transpose(*ones, None, **{**kw, "groups": 1}), 1)
    return with_bias(conv_transpose(x, w, None, **kw) / taps.astype(x.dtype), b)


ARITHMETIC = (
    mutant(half_precision),
    mutant(tf32, "pytorch/functorch#1050, sonots/cumo#501"),
    mutant(sums_in_half_precision, "sonos/torch-to-nnef#286", dtypes=("float16",)),
    mutant(integers_through_float32, dtypes=("int32",)),
    mutant(zero_times_infinity),
    mutant(large_values_clipped),
    mutant(kernel_conjugated, dtypes=("complex64",)),
    mutant(divided_by_the_overlap),
)
