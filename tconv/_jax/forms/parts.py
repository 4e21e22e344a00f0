"""An axis in parts of equal size: one problem for all of them, which differ in where they read.

With ``i*stride + t*dilation - lo == o`` the outputs [a, b) read the inputs ``inputs_of(a, b)``, and
the inputs [a, b) the outputs ``outputs_of(a, b)``.  Rows beyond the ends of the whole array are
zeros, as the definition counts them, so a part computes its problem without knowing where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tconv._core.axis import Axis

READS = {"y": "x", "x": "y", "w": "y"}  # the operand that a part reads its neighbours' rows of


@dataclass(frozen=True)
class Parts:
    """Parts of so many rows: part p reads ``length`` rows from ``reads[p]`` on, and its own are
    those from ``skips[p]`` on of the result of the problem ``axis``."""

    axis: Axis
    size: int
    reads: tuple[int, ...]
    length: int
    skips: tuple[int, ...]


def parts_of(axis: Axis, result: str, starts: Sequence[int], size: int) -> Parts:
    """The parts of ``size`` rows from each of ``starts`` on, of y where it is computed, else of x.

    For w, x is divided, and the parts are summed.
    """
    if result == "y":
        spans = [axis.inputs_of(start, start + size) for start in starts]
        length = max(1, *(stop - first for first, stop in spans))
        reads = tuple(first for first, _ in spans)
        lows = [axis.lo + o - first * axis.stride for o, first in zip(starts, reads, strict=True)]
        skips = tuple(low - min(lows) for low in lows)
        own = replace(axis, input_size=length, output_size=size + max(skips), lo=min(lows))
        return Parts(own, size, reads, length, skips)
    length = (size - 1) * axis.stride + axis.extent
    reads = tuple(axis.outputs_of(start, start + size)[0] for start in starts)
    own = replace(axis, input_size=size, output_size=length, lo=0)
    return Parts(own, size, reads, length, (0,) * len(starts))
