"""Mistakes with channels, groups, samples and the bias."""

from __future__ import annotations

from typing import Any

import numpy as np

from tconv.convolution import conv_transpose
from tconv.testing.mutants.mutant import Array, mutant, with_bias


def output_channels_interleaved(
    x: Array, w: Array, b: Array | None = None, *, groups: int, **kw: Any
) -> Array:
    """The output channels of the groups are interleaved."""
    y = conv_transpose(x, w, None, groups=groups, **kw)
    order = np.arange(y.shape[1]).reshape(groups, -1).T.ravel()
    return with_bias(y[:, order], b)


def input_channels_interleaved(
    x: Array, w: Array, b: Array | None = None, *, groups: int, **kw: Any
) -> Array:
    """The input channels of the groups are read interleaved."""
    order = np.arange(x.shape[1]).reshape(-1, groups).T.ravel()
    return conv_transpose(x[:, order], w, b, groups=groups, **kw)


def weight_channels_exchanged(
    x: Array, w: Array, b: Array | None = None, *, groups: int, **kw: Any
) -> Array:
    """Weights with as many channels in as out of a group are read the other way round."""
    by_group = w.reshape(groups, -1, *w.shape[1:])
    if by_group.shape[1] == by_group.shape[2]:
        w = by_group.swapaxes(1, 2).reshape(w.shape)
    return conv_transpose(x, w, b, groups=groups, **kw)


def weight_of_the_first_group(
    x: Array, w: Array, b: Array | None = None, *, groups: int, **kw: Any
) -> Array:
    """Every group uses the weight of the first."""
    first = np.concatenate([w[: len(w) // groups]] * groups)
    return conv_transpose(x, first, b, groups=groups, **kw)


def last_group_reversed(
    x: Array, w: Array, b: Array | None = None, *, groups: int, **kw: Any
) -> Array:
    """The last of several groups is written in reverse."""
    y = conv_transpose(x, w, b, groups=groups, **kw)
    if groups > 1 and y.size:
        share = y.shape[1] // groups
        y[:, -share:] = y[:, -share:][..., ::-1]
    return y


def rest_of_four_channels_unweighted(
    x: Array, w: Array, b: Array | None = None, *, groups: int, **kw: Any
) -> Array:
    """Of an odd number of input channels, those beyond a multiple of 4 are added unweighted."""
    by_group = w.reshape(groups, -1, *w.shape[1:]).copy()
    size = by_group.shape[1]
    if size % 2:
        by_group[:, size - size % 4 :] = 1
    return conv_transpose(x, by_group.reshape(w.shape), b, groups=groups, **kw)


def first_sample_alone(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """Samples beyond the first stay zero."""
    y = conv_transpose(x, w, b, **kw)
    y[1:] = 0
    return y


def second_sample_alone(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The second sample is wrong."""
    y = conv_transpose(x, w, b, **kw)
    y[1:2] *= 1.5
    return y


def bias_missing(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The bias is missing."""
    return conv_transpose(x, w, None, **kw)


def bias_missing_where_no_tap_reaches(
    x: Array, w: Array, b: Array | None = None, **kw: Any
) -> Array:
    """The bias is added where a tap reaches, and is missing elsewhere."""
    y = conv_transpose(x, w, None, **kw)
    reached = conv_transpose(np.ones_like(x), np.ones_like(w), None, **kw) != 0
    return y if b is None else np.where(reached, with_bias(y, b), y)


def bias_with_every_product(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The bias is added once for each product of an element."""
    y = conv_transpose(x, w, None, **kw)
    if b is None:
        return y
    products = conv_transpose(np.ones_like(x), np.ones_like(w), None, **kw)
    return np.asarray(y + products * b.reshape(-1, *[1] * (y.ndim - 2)))


def bias_of_the_first_group(
    x: Array, w: Array, b: Array | None = None, *, groups: int, **kw: Any
) -> Array:
    """Every group uses the bias values of the first."""
    if b is not None:
        b = np.concatenate([b[: len(b) // groups]] * groups)
    return conv_transpose(x, w, b, groups=groups, **kw)


CHANNELS = (
    mutant(output_channels_interleaved, "uxlfoundation/oneDNN#352"),
    mutant(input_channels_interleaved),
    mutant(weight_channels_exchanged, "Oneflow-Inc/oneflow#5239"),
    mutant(weight_of_the_first_group),
    mutant(last_group_reversed),
    mutant(rest_of_four_channels_unweighted, "microsoft/onnxruntime#27749"),
    mutant(first_sample_alone, "ggml-org/ggml#1448"),
    mutant(second_sample_alone),
    mutant(bias_missing),
    mutant(bias_missing_where_no_tap_reaches),
    mutant(bias_with_every_product, "kraiskil/onnx2c#40"),
    mutant(bias_of_the_first_group, "robertknight/rten#1408"),
)
