"""im2col, its adjoint col2im, and zero insertion.  A column holds one value for each channel and
tap at one position of x."""

from __future__ import annotations

from math import prod

import numpy as np

from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.forms.tapwise import joined
from tconv._numpy.forms.windows import all_windows
from tconv._numpy.tiles import EVERY


def im2col(plan: Plan, y: AnyArray) -> AnyArray:
    """(batch, channels * taps, positions): each column is one window, flattened."""
    batch, channels = y.shape[:2]
    shape = (batch, channels * plan.taps, prod(plan.input_size))
    if not plan.is_far:
        cols = all_windows(plan, y).reshape(shape)
        return cols if cols.flags.writeable else cols.copy()  # never a view of y
    cols = np.zeros((batch, channels, *plan.kernel_size, *plan.input_size), y.dtype)
    by_tap = _taps_last(cols)
    for tap, inputs, outputs in joined(plan):
        by_tap[tap][inputs] = y[outputs]
    return cols.reshape(shape)


def col2im(plan: Plan, cols: AnyArray) -> AnyArray:
    """The adjoint of ``im2col``: columns added back where their windows overlap."""
    batch = cols.shape[0]
    channels = cols.shape[1] // plan.taps
    by_tap = _taps_last(cols.reshape(batch, channels, *plan.kernel_size, *plan.input_size))
    y = np.zeros((batch, channels, *plan.output_size), cols.dtype)
    for tap, inputs, outputs in joined(plan):
        y[outputs] += by_tap[tap][inputs]
    return y


def _taps_last(cols: AnyArray) -> AnyArray:
    """(batch, channels, *input_size, *kernel_size), from the order of a column."""
    first = 1 + cols.ndim // 2
    return cols.transpose(0, 1, *range(first, cols.ndim), *range(2, first))


def fractional_stride(x: AnyArray, stride: tuple[int, ...]) -> AnyArray:
    """x with stride - 1 zeros between neighbours on every spatial axis."""
    sizes = [max(0, (n - 1) * s + 1) for n, s in zip(x.shape[2:], stride, strict=True)]
    inserted = np.zeros((*x.shape[:2], *sizes), x.dtype)
    inserted[(EVERY, EVERY, *(slice(None, None, s) for s in stride))] = x
    return inserted
