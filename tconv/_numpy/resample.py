"""Interpolation along one axis of a NumPy array."""

from __future__ import annotations

from tconv._core.sampling import Taps
from tconv._core.typing import AnyArray


def resample(x: AnyArray, taps: Taps, axis: int) -> AnyArray:
    """The taps' combination of slices of x along this axis, in the dtype of x."""
    if taps.single:
        return x.take(taps.indices[:, 0], axis)
    column = (-1,) + (1,) * (x.ndim - axis - 1)
    weights = taps.weights.astype(x.dtype)
    total = x.take(taps.indices[:, 0], axis)
    total *= weights[:, 0].reshape(column)
    for tap in range(1, weights.shape[1]):
        term = x.take(taps.indices[:, tap], axis)
        term *= weights[:, tap].reshape(column)
        total += term
    return total
