"""Columns of windows: im2col, its adjoint col2im, and zero insertion."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core.plan import Plan
from tconv._numpy.windows import embed, windows


def im2col(plan: Plan, y: NDArray[Any]) -> NDArray[Any]:
    """(batch, channels * taps, positions): each column is one window, flattened."""
    columns = windows(embed(y, plan.axes), plan.axes).reshape(
        y.shape[0], y.shape[1] * plan.taps, prod(plan.input_size)
    )
    return columns if columns.flags.writeable else columns.copy()  # never a view of y


def col2im(plan: Plan, cols: NDArray[Any]) -> NDArray[Any]:
    """The adjoint of ``im2col``: columns added back where their windows overlap."""
    batch = cols.shape[0]
    channels = cols.shape[1] // plan.taps
    cols = cols.reshape(batch, channels, *plan.kernel_size, *plan.input_size)
    y = np.zeros((batch, channels, *plan.output_size), cols.dtype)
    for tap in product(*map(range, plan.kernel_size)):
        source: list[Any] = []
        target: list[Any] = []
        for axis, t in zip(plan.axes, tap, strict=True):
            start, stop, first = axis.reach(t)
            source.append(slice(start, stop))
            target.append(slice(first, first + (stop - start) * axis.stride, axis.stride))
            if start == stop:
                break
        else:
            lead: tuple[Any, ...] = (slice(None), slice(None))
            y[(*lead, *target)] += cols[(*lead, *tap, *source)]
    return y


def fractional_stride(x: NDArray[Any], stride: tuple[int, ...]) -> NDArray[Any]:
    """x with stride - 1 zeros between neighbours on every spatial axis."""
    sizes = [max(0, (n - 1) * s + 1) for n, s in zip(x.shape[2:], stride, strict=True)]
    spread = np.zeros((*x.shape[:2], *sizes), x.dtype)
    spread[(slice(None), slice(None), *(slice(None, None, s) for s in stride))] = x
    return spread
