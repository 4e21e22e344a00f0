"""The definition, as nested loops over its formula.  Read it to learn what tconv computes.

Along every axis, an input position ``i``, a kernel tap ``t`` and an output position ``o`` of
the transposed convolution belong together when

    i * stride + t * dilation - lo == o

and then the transposed convolution adds ``x[i] * w[t]`` to ``y[o]``.  The convolution reads
the same relation the other way and adds ``y[o] * w[t]`` to ``x[i]``; the weight gradient adds
``x[i] * y[o]`` to ``w[t]``.

This file shares no code with the rest of the library.  Floats are computed in float64,
complex numbers in complex128, and integers exactly: as Python ints, in an array of objects,
whatever their size.  It is slow on purpose.  Arguments are taken to be valid.

Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016),
chapter 4; the formulas in the documentation of ``torch.nn.ConvTranspose2d``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

Sizes = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]
Padding = int | Sequence[int | tuple[int, int]]


def conv_transpose(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Any:
    """Transposed convolution: every ``x[i] * w[t]`` is added to ``y[i*stride + t*dilation - lo]``.

    x is (batch, in_channels, *spatial) or (in_channels, *spatial), w is (in_channels,
    out_channels/groups, *kernel_size), b is (out_channels,); the result is float64,
    complex128 or exact Python ints.

    >>> conv_transpose([[[2, 3]]], [[[1, 10, 100]]], stride=2).tolist()
    [[[2, 20, 203, 30, 300]]]
    """
    x, w = _exact(x), _exact(w)
    if x.ndim == w.ndim - 1:
        return conv_transpose(
            x[None], w, b, stride=stride, padding=padding, output_padding=output_padding,
            dilation=dilation, groups=groups,
        )[0]  # fmt: skip
    batch, in_channels, *input_size = x.shape
    group_in, group_out = in_channels // groups, w.shape[1]
    output_size = conv_transpose_size(
        input_size, w.shape[2:], stride, padding, output_padding, dilation
    )
    y = _zeros((batch, group_out * groups, *output_size), x, w)
    for i, t, o in related(input_size, w.shape[2:], output_size, stride, padding, dilation):
        for group in range(groups):
            ins = slice(group * group_in, (group + 1) * group_in)
            outs = slice(group * group_out, (group + 1) * group_out)
            y[:, outs, *o] += x[:, ins, *i] @ w[ins, :, *t]
    return _add_bias(y, b)


def conv(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Any:
    """Convolution: ``y[i]`` is the sum over t of ``x[i*stride + t*dilation - lo] * w[t]``.

    x is (batch, in_channels, *spatial) or (in_channels, *spatial), w is (out_channels,
    in_channels/groups, *kernel_size), b is (out_channels,).

    >>> conv([[[1, 2, 3, 4]]], [[[1, 10]]], stride=2).tolist()
    [[[21, 43]]]
    """
    x, w = _exact(x), _exact(w)
    if x.ndim == w.ndim - 1:
        return conv(
            x[None], w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
        )[0]
    batch, _, *input_size = x.shape
    group_out, group_in = w.shape[0] // groups, w.shape[1]
    output_size = conv_size(input_size, w.shape[2:], stride, padding, dilation)
    y = _zeros((batch, w.shape[0], *output_size), x, w)
    for i, t, o in related(output_size, w.shape[2:], input_size, stride, padding, dilation):
        for group in range(groups):
            ins = slice(group * group_in, (group + 1) * group_in)
            outs = slice(group * group_out, (group + 1) * group_out)
            y[:, outs, *i] += x[:, ins, *o] @ w[outs, :, *t].T
    return _add_bias(y, b)


def weight_gradient(
    x: Any,
    y: Any,
    kernel_size: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Any:
    """Weight gradient of the transposed convolution of x, for the cotangent y of its output.

    ``w[t]`` is the sum over i of ``x[i] * y[i*stride + t*dilation - lo]``.  x is (batch,
    in_channels, *spatial), y is (batch, out_channels, *output_size), w is (in_channels,
    out_channels/groups, *kernel_size); ``output_padding`` shows in the size of y and is
    accepted so that the same keyword arguments serve all.  The gradient of a *convolution*
    of an array v with cotangent u is ``weight_gradient(u, v, ...)``.

    >>> weight_gradient([[[1, 10]]], [[[1, 2, 3, 4]]], (2,), stride=2).tolist()
    [[[31, 42]]]
    """
    x, y = _exact(x), _exact(y)
    if x.ndim == len(kernel_size) + 1:
        x, y = x[None], y[None]
    group_in, group_out = x.shape[1] // groups, y.shape[1] // groups
    w = _zeros((x.shape[1], group_out, *kernel_size), x, y)
    for i, t, o in related(x.shape[2:], kernel_size, y.shape[2:], stride, padding, dilation):
        for group in range(groups):
            ins = slice(group * group_in, (group + 1) * group_in)
            outs = slice(group * group_out, (group + 1) * group_out)
            w[ins, :, *t] += x[:, ins, *i].T @ y[:, outs, *o]
    return w


def bias_gradient(cotangent: Any) -> Any:
    """Bias gradient: the sum of (batch, channels, *spatial) over batch and positions.

    >>> bias_gradient([[[1, 2], [3, 4]]]).tolist()
    [3, 7]
    """
    cotangent = _exact(cotangent)
    return _exact(cotangent.sum(axis=(0, *range(2, cotangent.ndim))))


def related(
    input_size: Sequence[int],
    kernel_size: Sequence[int],
    output_size: Sequence[int],
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
) -> Iterator[tuple[Sizes, Sizes, Sizes]]:
    """Every (i, t, o) with ``i*stride + t*dilation - lo == o`` on every axis and o inside.

    >>> list(related([2], [2], [3], stride=2, padding=0, dilation=1))
    [((0,), (0,), (0,)), ((0,), (1,), (1,)), ((1,), (0,), (2,))]
    """
    axes = len(kernel_size)
    strides, dilations = _per_axis(stride, axes), _per_axis(dilation, axes)
    pairs = _pairs(padding, axes)
    along = [
        [
            (i, t, i * s + t * d - lo)
            for i in range(n)
            for t in range(k)
            if 0 <= i * s + t * d - lo < size
        ]
        for n, k, size, s, d, (lo, _) in zip(
            input_size, kernel_size, output_size, strides, dilations, pairs, strict=True
        )
    ]
    for triples in product(*along):
        i, t, o = zip(*triples, strict=True)
        yield i, t, o


def conv_transpose_size(
    input_size: Sequence[int],
    kernel_size: Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> Sizes:
    """``(n - 1)*stride + dilation*(k - 1) + 1 - lo - hi + output_padding`` along each axis.

    >>> conv_transpose_size((4, 4), (4, 4), stride=2, padding=1)
    (8, 8)
    """
    axes = len(kernel_size)
    return tuple(
        (n - 1) * s + d * (k - 1) + 1 - lo - hi + op
        for n, k, s, (lo, hi), op, d in zip(
            input_size, kernel_size, _per_axis(stride, axes), _pairs(padding, axes),
            _per_axis(output_padding, axes), _per_axis(dilation, axes), strict=True,
        )
    )  # fmt: skip


def conv_size(
    input_size: Sequence[int],
    kernel_size: Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
) -> Sizes:
    """``floor((n + lo + hi - dilation*(k - 1) - 1) / stride) + 1`` along each axis.

    >>> conv_size((8, 8), (4, 4), stride=2, padding=1)
    (4, 4)
    """
    axes = len(kernel_size)
    return tuple(
        (n + lo + hi - d * (k - 1) - 1) // s + 1
        for n, k, s, (lo, hi), d in zip(
            input_size, kernel_size, _per_axis(stride, axes), _pairs(padding, axes),
            _per_axis(dilation, axes), strict=True,
        )
    )  # fmt: skip


def _per_axis(value: int | Sequence[int], axes: int) -> Sizes:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def _pairs(padding: Padding, axes: int) -> Pairs:
    entries = (padding,) * axes if isinstance(padding, int) else padding
    return tuple((e, e) if isinstance(e, int) else (e[0], e[1]) for e in entries)


def _exact(values: Any) -> Any:
    values = np.asarray(values)
    if values.dtype.kind in "iubO":
        return values.astype(object)
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def _zeros(shape: Sizes, *operands: Any) -> Any:
    return np.zeros(shape, np.result_type(*operands))


def _add_bias(y: Any, b: Any) -> Any:
    if b is None:
        return y
    return y + _exact(b).reshape(-1, *[1] * (y.ndim - 2))
