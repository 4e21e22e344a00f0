"""Changes that look like mistakes and change no result: the kit must accept them.

They are not mutants, and each has the proof in its docstring: y[o] = sum over i, t with
i*s + t*d - lo = o of x[i]*w[t], on each axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tconv.convolution import conv_transpose
from tconv.testing.mutants.mutant import Array, mutant, pairs_of


def stride_of_size_1_ignored(
    x: Array, w: Array, b: Array | None = None, *, stride: Any, output_padding: Any, **kw: Any
) -> Array:
    """An axis with one input position is computed with stride 1.

    i is 0, so that i*s is 0 whatever s is; the size, (n - 1)*s + ..., neither holds s then.
    Output padding is taken from the padding at the high end, which is the same by the formula.
    """
    axes = zip(pairs_of(kw.pop("padding")), output_padding, strict=True)
    padding = [(lo, hi - op) for (lo, hi), op in axes]
    strides = tuple(1 if n == 1 else s for n, s in zip(x.shape[2:], stride, strict=True))
    return conv_transpose(x, w, b, stride=strides, padding=padding, **kw)


def dilation_of_kernel_1_ignored(
    x: Array, w: Array, b: Array | None = None, *, dilation: Any, output_padding: Any, **kw: Any
) -> Array:
    """An axis with one tap is computed with dilation 1.

    t is 0, so that t*d is 0 whatever d is, and so is d*(k - 1) in the size.
    """
    axes = zip(pairs_of(kw.pop("padding")), output_padding, strict=True)
    padding = [(lo, hi - op) for (lo, hi), op in axes]
    dilations = tuple(1 if k == 1 else d for k, d in zip(w.shape[2:], dilation, strict=True))
    return conv_transpose(x, w, b, padding=padding, dilation=dilations, **kw)


def kernel_and_positions_flipped(
    x: Array, w: Array, b: Array | None = None, *, padding: Any, output_padding: Any, **kw: Any
) -> Array:
    """Input, kernel and output are all read backwards, with the sides of the padding exchanged.

    With i = n-1-i', t = k-1-t' and o = m-1-o', where m = (n-1)*s + d*(k-1) + 1 - lo - (hi - op),
    i*s + t*d - lo = o becomes i'*s + t'*d - (hi - op) = o'.
    """
    axes = tuple(range(2, x.ndim))
    sides = [(hi - op, lo) for (lo, hi), op in zip(pairs_of(padding), output_padding, strict=True)]
    y = conv_transpose(np.flip(x, axes), np.flip(w, axes), b, padding=sides, **kw)
    return np.flip(y, axes)


def input_channels_summed_backwards(
    x: Array, w: Array, b: Array | None = None, *, groups: int, **kw: Any
) -> Array:
    """The input channels of a group are added in reverse.

    The sum is over the same products; in floats it differs by rounding alone, which the error
    bound allows for any order.
    """
    order = np.arange(x.shape[1]).reshape(groups, -1)[:, ::-1].ravel()
    return conv_transpose(x[:, order], w[order], b, groups=groups, **kw)


EQUIVALENT = (
    mutant(stride_of_size_1_ignored),
    mutant(dilation_of_kernel_1_ignored),
    mutant(kernel_and_positions_flipped),
    mutant(input_channels_summed_backwards),
)
