"""Read-only strided views of the windows that a kernel sees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tconv._core.axis import Axis


def embed(y: NDArray[Any], axes: tuple[Axis, ...]) -> NDArray[Any]:
    """y cropped and zero-padded so that window 0 starts at position 0 and the last one fits.

    Returns y itself, or a view of it, where no padding is needed.
    """
    inner, outer, sizes, padded = [], [], [], False
    for axis in axes:
        span = (axis.input_size - 1) * axis.stride + axis.extent
        start, stop = max(0, -axis.lo), min(axis.output_size, span - axis.lo)
        stop = max(start, stop)
        inner.append(slice(start, stop))
        outer.append(slice(start + axis.lo, stop + axis.lo))
        sizes.append(span)
        padded = padded or stop - start != span
    cropped = y[(slice(None), slice(None), *inner)]
    if not padded:
        return cropped
    embedded = np.zeros((*y.shape[:2], *sizes), y.dtype)
    embedded[(slice(None), slice(None), *outer)] = cropped
    return embedded


def windows(y: NDArray[Any], axes: tuple[Axis, ...]) -> NDArray[Any]:
    """(batch, channels, *kernel_size, *input_size) view: element (t, i) is what tap t of
    window i reads from an embedded y."""
    lead, strides = y.strides[:2], y.strides[2:]
    return as_strided(
        y,
        (*y.shape[:2], *(a.kernel_size for a in axes), *(a.input_size for a in axes)),
        (
            *lead,
            *(step * axis.dilation for step, axis in zip(strides, axes, strict=True)),
            *(step * axis.stride for step, axis in zip(strides, axes, strict=True)),
        ),
        writeable=False,
    )
