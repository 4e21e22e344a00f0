"""Which input positions each output position of an interpolation reads, and their weights.

One axis at a time; positions and weights are NumPy arrays, whatever computes with them.
Source: the CPU kernels of ``torch.nn.functional.interpolate``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.intp]
Weight = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Taps:
    """Output o is the sum over t of ``weights[o, t] * x[indices[o, t]]``.

    Weights are floats, or whole numbers in units of ``2**-precision`` if that is not None.  Taps
    that are ``unread`` make up the number, and what x holds at their index is not looked at.
    """

    indices: Index
    weights: NDArray[Any]
    precision: int | None = None
    unread: NDArray[np.bool_] | None = None

    @property
    def outputs(self) -> int:
        """Output positions."""
        return len(self.indices)

    @property
    def count(self) -> int:
        """Taps of an output."""
        return len(self.indices[0])

    def cut(self, part: slice) -> tuple[int, int, Taps]:
        """The inputs, first and past the last, that a part of the outputs reads, and its taps."""
        indices = self.indices[part]
        first, stop = int(indices.min()), int(indices.max()) + 1
        unread = None if self.unread is None else self.unread[part]
        return first, stop, Taps(indices - first, self.weights[part], self.precision, unread)

    def rounded(self, y: Any) -> Any:
        """Whole numbers out of units of ``2**-precision``, kept within uint8."""
        if self.precision is None:
            return y
        return ((y + 2 ** (self.precision - 1)) >> self.precision).clip(0, 255)

    @property
    def single(self) -> bool:
        """Whether every output copies one input."""
        return len(self.indices[0]) == 1 and self.precision is None

    def matrix(self, input_size: int) -> NDArray[Any]:
        """The same as a matrix, (output size, input size)."""
        dense = np.zeros((len(self.indices), input_size), self.weights.dtype)
        np.add.at(dense, (np.arange(len(dense))[:, None], self.indices), self.weights)
        return dense


@lru_cache(maxsize=256)
def nearest(
    input_size: int, output_size: int, scale: float | None, *, double: bool, small_image: bool
) -> Taps:
    """Nearest neighbour: ``floor(o / scale)``, rounded as PyTorch rounds it.

    Where ``o / scale`` is nearly whole, rounding decides the neighbour.  PyTorch computes in
    single precision; for float64 (``double``) it takes the product in double and then its
    floor in single.  Its kernel for small images knows no double, and treats a size that is
    kept or doubled apart, whatever the scale.
    """
    output = np.arange(output_size)
    if small_image and output_size in (input_size, 2 * input_size):
        indices = output // (output_size // input_size)
    else:
        product = np.dtype(np.float64 if double and not small_image else np.float32)
        sizes = np.array([input_size, output_size], product)
        ratio = sizes[0] / sizes[1] if scale is None else np.array(1 / scale, product)
        source = np.floor((output.astype(product) * ratio).astype(np.float32))
        indices = np.minimum(source.astype(np.intp), input_size - 1)
    return Taps(indices[:, None], np.ones((output_size, 1)))


@lru_cache(maxsize=256)
def smooth(
    input_size: int,
    output_size: int,
    scale: float | None,
    *,
    cubic: bool,
    align_corners: bool,
    antialias: bool,
    fixed_point: bool,
) -> Taps | None:
    """Linear or cubic interpolation; None where it leaves the axis as it is.

    ``fixed_point`` gives the weights with which PyTorch interpolates uint8.
    """
    plain_cubic = cubic and not (antialias or fixed_point)
    if input_size == output_size and not plain_cubic:
        return None
    step = _step(input_size, output_size, scale, align_corners)
    if antialias:
        taps = _antialiased(input_size, output_size, step, cubic)
    else:
        taps = _pointwise(input_size, output_size, step, cubic, align_corners)
    return _in_fixed_point(taps) if fixed_point else taps


def _step(input_size: int, output_size: int, scale: float | None, align_corners: bool) -> float:
    """Input positions from one output to the next."""
    if align_corners:
        return (input_size - 1) / (output_size - 1) if output_size > 1 else 0.0
    return input_size / output_size if scale is None else 1.0 / scale


def _pointwise(
    input_size: int, output_size: int, step: float, cubic: bool, align_corners: bool
) -> Taps:
    """2 or 4 taps around the output's place in the input; positions outside are clamped."""
    output = np.arange(output_size)
    source = output * step if align_corners else (output + 0.5) * step - 0.5
    if not cubic:
        source = np.clip(source, 0, input_size - 1)
    offsets = np.arange(-1, 3) if cubic else np.arange(2)
    whole = np.floor(source)
    distance = np.abs(offsets - (source - whole)[:, None])
    weights = _cubic(distance, -0.75) if cubic else 1 - distance
    indices = whole.astype(np.intp)[:, None] + offsets
    return Taps(np.clip(indices, 0, input_size - 1), weights)


def _antialiased(input_size: int, output_size: int, step: float, cubic: bool) -> Taps:
    """The filter widened to ``step`` where that shrinks the axis, cut at the borders."""
    width = max(step, 1.0)
    support = (2.0 if cubic else 1.0) * width
    centre = (np.arange(output_size) + 0.5) * step
    first = np.maximum((centre - support + 0.5).astype(np.intp), 0)
    stop = np.minimum((centre + support + 0.5).astype(np.intp), input_size)
    indices = first[:, None] + np.arange(int((stop - first).max()))
    distance = np.abs(indices + 0.5 - centre[:, None]) / width
    weights = _cubic(distance, -0.5) if cubic else np.maximum(1 - distance, 0)
    unread = indices >= stop[:, None]
    weights = np.where(unread, 0, weights)
    weights /= weights.sum(1, keepdims=True)
    return Taps(np.minimum(indices, input_size - 1), weights, unread=unread)


def _cubic(distance: Weight, a: float) -> Weight:
    """The cubic convolution kernel.  Source: Keys (1981), equation 4."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    kernel: Weight = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    return kernel


def _in_fixed_point(taps: Taps) -> Taps:
    """Weights rounded to multiples of the finest 2**-p at which the largest fits in int16."""
    same = taps.indices[:, :, None] == taps.indices[:, None, :]
    merged = (same * taps.weights[:, None, :]).sum(2)
    weights = np.where(np.tril(same, -1).any(2), 0, merged)
    largest, precision = float(weights.max()), 0
    while precision < 22 and int(0.5 + largest * 2 ** (precision + 1)) < 2**15:
        precision += 1
    scaled = weights * 2.0**precision
    rounded = np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int32)
    return Taps(taps.indices, rounded, precision)
