"""Mistakes with the kernel, the stride and the dilation."""

from __future__ import annotations

from typing import Any

import numpy as np

from tconv.convolution import conv_transpose
from tconv.testing.mutants.mutant import Array, extents, mutant, pairs_of, with_bias


def kernel_flipped(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The kernel is flipped on every spatial axis."""
    return conv_transpose(x, np.flip(w, tuple(range(2, w.ndim))), b, **kw)


def first_axis_flipped(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The kernel is flipped on the first spatial axis alone."""
    return conv_transpose(x, np.flip(w, 2), b, **kw)


def last_axis_flipped(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The kernel is flipped on the last spatial axis alone."""
    return conv_transpose(x, np.flip(w, -1), b, **kw)


def kernel_axes_exchanged(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """Square kernels are read with their last two axes exchanged."""
    if w.ndim > 3 and w.shape[-1] == w.shape[-2]:
        w = w.swapaxes(-1, -2)
    return conv_transpose(x, w, b, **kw)


def stride_axes_exchanged(
    x: Array, w: Array, b: Array | None = None, *, stride: Any, padding: Any, **kw: Any
) -> Array:
    """The strides of the first and the last axis are exchanged; the shape is right."""
    other = (stride[-1], *stride[1:-1], stride[0]) if len(stride) > 1 else stride
    axes = zip(pairs_of(padding), kw.pop("output_padding"), x.shape[2:], stride, other, strict=True)
    kept = [(lo, hi - op + (n - 1) * (t - s)) for (lo, hi), op, n, s, t in axes]
    return conv_transpose(x, w, b, stride=other, padding=kept, **kw)


def dilation_axes_exchanged(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, dilation: Any, **kw: Any
) -> Array:
    """The dilations of the first and the last axis are exchanged; the shape is right."""
    other = (dilation[-1], *dilation[1:-1], dilation[0]) if len(dilation) > 1 else dilation
    spans = zip(pairs_of(padding), extents(w, dilation), extents(w, other), strict=True)
    kept = [(lo, hi + f - e) for (lo, hi), e, f in spans]
    axes = zip(kw.pop("output_padding"), kept, strict=True)
    kept = [(lo, hi - op) for op, (lo, hi) in axes]
    return conv_transpose(x, w, b, padding=kept, dilation=other, **kw)


def dilation_ignored(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    dilation: Any,
    padding: Any,
    output_padding: Any,
    **kw: Any,
) -> Array:
    """The dilation changes the shape and not the values."""
    axes = zip(pairs_of(padding), extents(w, dilation), w.shape[2:], output_padding, strict=True)
    pairs = [(lo, hi - (e - k) - op) for (lo, hi), e, k, op in axes]
    return conv_transpose(x, w, b, padding=pairs, **kw)


def groups_and_dilation_exchanged(
    x: Array, w: Array, b: Array | None = None, *, groups: int, dilation: Any, **kw: Any
) -> Array:
    """Groups and dilation are passed in each other's place."""
    return conv_transpose(x, w, b, groups=dilation[0], dilation=groups, **kw)


def offset_by_stride_and_dilation(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, **kw: Any
) -> Array:
    """Where stride and dilation are both above 1, the result is shifted by one position."""
    both = [s > 1 and d > 1 for s, d in zip(kw["stride"], kw["dilation"], strict=True)]
    moved = [(lo - n, hi + n) for (lo, hi), n in zip(pairs_of(padding), both, strict=True)]
    return conv_transpose(x, w, b, padding=moved, **kw)


def even_kernels_aligned_otherwise(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, **kw: Any
) -> Array:
    """The position more that an even kernel takes at one side is taken at the other."""
    even = [k % 2 == 0 for k in w.shape[2:]]
    moved = [(lo + n, hi - n) for (lo, hi), n in zip(pairs_of(padding), even, strict=True)]
    return conv_transpose(x, w, b, padding=moved, **kw)


def positions_bounded_by_the_kernel(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """An input position is compared with the kernel's size: those beyond are left out."""
    x = x.copy()
    for axis, k in enumerate(w.shape[2:], 2):
        x[(slice(None),) * axis + (slice(k, None),)] = 0
    return conv_transpose(x, w, b, **kw)


def left_out(side: str, of: str) -> Any:
    """A mutant without the first or last input position, tap or output position of an axis."""
    at = 0 if side == "first" else -1

    def fn(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
        x, w = x.copy(), w.copy()
        if of == "input position":
            x[..., at] = 0
        elif of == "tap":
            w[..., at] = 0
        y = conv_transpose(x, w, None, **kw)
        if of == "output position":
            y[..., at] = 0
        return with_bias(y, b)

    fn.__name__ = f"{side} {of} left out"
    fn.__doc__ = f"The {side} {of} of the last axis is left out."
    return mutant(fn)


KERNEL = (
    mutant(kernel_flipped, "jax-ml/jax#592, google/flax#3137"),
    mutant(first_axis_flipped),
    mutant(last_axis_flipped),
    mutant(kernel_axes_exchanged),
    mutant(stride_axes_exchanged),
    mutant(dilation_axes_exchanged),
    mutant(dilation_ignored, "tensorflow/tensorflow#21598, pytorch/pytorch#1287"),
    mutant(groups_and_dilation_exchanged, "IntelLabs/bayesian-torch#34"),
    mutant(offset_by_stride_and_dilation, "apache/mxnet#11203, pytorch/pytorch#1565"),
    mutant(even_kernels_aligned_otherwise, "google/flax#2578"),
    mutant(positions_bounded_by_the_kernel, "nntrainer/nntrainer#4347"),
    *(
        left_out(side, of)
        for side in ("first", "last")
        for of in ("input position", "tap", "output position")
    ),
)
