"""Mistakes of convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tconv.convolution import conv
from tconv.testing.mutants.memory import memory_of
from tconv.testing.mutants.mutant import Array, extents, mutant, pairs_of


def kernel_flipped(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """A convolution as in mathematics: the kernel is flipped on every spatial axis."""
    return conv(x, np.flip(w, tuple(range(2, w.ndim))), b, **kw)


def dilation_applied_twice(
    x: Array, w: Array, b: Array | None = None, *, dilation: Any, **kw: Any
) -> Array:
    """A kernel that is spread with zeros already is read dilated."""
    wide = np.zeros((*w.shape[:2], *extents(w, dilation)), w.dtype)
    every = (slice(None), slice(None), *(slice(None, None, d) for d in dilation))
    wide[every] = w
    return conv(x, wide, b, dilation=dilation, **kw)


def low_padding_at_both_sides(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, **kw: Any
) -> Array:
    """The padding of the low side is used at both."""
    return conv(x, w, b, padding=[(lo, lo) for lo, _ in pairs_of(padding)], **kw)


def strides_of_the_weight_ignored(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The memory of the weight is read as if it were contiguous."""
    return conv(x, memory_of(w), b, **kw)


def output_channels_interleaved(
    x: Array, w: Array, b: Array | None = None, *, groups: int, **kw: Any
) -> Array:
    """The output channels of the groups are interleaved."""
    y = conv(x, w, b, groups=groups, **kw)
    return y[:, np.arange(y.shape[1]).reshape(groups, -1).T.ravel()]


def rest_of_4_depthwise_channels_left_out(
    x: Array, w: Array, b: Array | None = None, **kw: Any
) -> Array:
    """Depthwise, the channels beyond a multiple of 4 are left out."""
    y = conv(x, w, b, **kw)
    if kw["groups"] == x.shape[1] == y.shape[1] > 1:
        y[:, y.shape[1] - y.shape[1] % 4 :] = 0
    return y


def last_window_left_out(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The last position of the last axis stays zero."""
    y = conv(x, w, b, **kw)
    y[..., -1] = 0
    return y


FORWARD = (
    mutant(kernel_flipped, kind="conv"),
    mutant(dilation_applied_twice, "root-project/root#22473", "conv"),
    mutant(low_padding_at_both_sides, "root-project/root#21873", "conv"),
    mutant(strides_of_the_weight_ignored, "pytorch/pytorch#192212", "conv"),
    mutant(output_channels_interleaved, kind="conv"),
    mutant(rest_of_4_depthwise_channels_left_out, "bhuman/CompiledNN#16", "conv"),
    mutant(last_window_left_out, kind="conv"),
)
