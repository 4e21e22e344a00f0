"""The integer formulas of transposed convolution, one spatial axis at a time.

Everything rests on one relation between an input position ``i``, a kernel tap ``t`` and an
output position ``o`` of the *transposed* convolution:

    i * stride + t * dilation - lo == o

The transposed convolution scatters ``x[i] * w[t]`` to ``y[o]``; the convolution gathers
``y[o] * w[t]`` back to ``x[i]``.  Source: Dumoulin and Visin, "A guide to convolution
arithmetic for deep learning" (2016), chapter 4, and the PyTorch documentation of
``ConvTranspose1d``.

Sizes may be Python ints or any value with integer arithmetic (a symbolic dimension).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import gcd


def extent(kernel_size: int, dilation: int) -> int:
    """Positions that a dilated kernel spans: d * (k - 1) + 1."""
    return dilation * (kernel_size - 1) + 1


def transposed_size(
    size: int,
    kernel_size: int,
    stride: int,
    padding: tuple[int, int],
    output_padding: int,
    dilation: int,
) -> int:
    """Output size of a transposed convolution along one axis."""
    lo, hi = padding
    return (size - 1) * stride + extent(kernel_size, dilation) - lo - hi + output_padding


def forward_size(
    size: int, kernel_size: int, stride: int, padding: tuple[int, int], dilation: int
) -> int:
    """Output size of a convolution along one axis."""
    lo, hi = padding
    return (size + lo + hi - extent(kernel_size, dilation)) // stride + 1


def same_padding(kernel_size: int, stride: int, dilation: int, lower: bool) -> tuple[int, int]:
    """(lo, hi) with which a transposed convolution gives ``size * stride`` outputs.

    Source: the "SAME" padding of TensorFlow, Keras and ``jax.lax.conv_transpose``;
    ``lower`` is ONNX's SAME_LOWER, which puts the odd element at the low side.
    """
    span = extent(kernel_size, dilation)
    crop = max(span - stride, 0)
    lo = crop - crop // 2 if lower else crop // 2
    return lo, span - stride - lo


def forward_same_padding(
    size: int, kernel_size: int, stride: int, dilation: int, lower: bool
) -> tuple[int, int]:
    """(lo, hi) with which a convolution gives ``ceil(size / stride)`` outputs."""
    out = -(-size // stride)
    total = max((out - 1) * stride + extent(kernel_size, dilation) - size, 0)
    lo = total - total // 2 if lower else total // 2
    return lo, total - lo


@dataclass(frozen=True)
class Phase:
    """The outputs ``o = first + stride * q`` along one axis, all reached by the same taps.

    Output ``q`` reads input ``start + q - j * step`` through tap ``tap + j * tap_step`` for
    ``j`` in ``range(taps)``; inputs outside the axis count as zero.
    """

    first: int
    count: int
    tap: int
    tap_step: int
    taps: int
    start: int
    step: int


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a transposed convolution: ``i * stride + t * dilation - lo == o``.

    ``input_size`` and ``output_size`` are those of the transposed convolution, whichever
    direction is being computed.
    """

    input_size: int
    output_size: int
    kernel_size: int
    stride: int
    dilation: int
    lo: int

    @property
    def extent(self) -> int:
        return extent(self.kernel_size, self.dilation)

    @property
    def hi(self) -> int:
        """What the high side crops from the full scatter; negative where it extends it."""
        return (self.input_size - 1) * self.stride + self.extent - self.lo - self.output_size

    def reach(self, tap: int) -> tuple[int, int, int]:
        """Inputs ``start <= i < stop`` that this tap carries inside the output, and the
        output position of the first of them."""
        offset = tap * self.dilation - self.lo
        start = max(0, -(offset // self.stride))
        stop = min(self.input_size, (self.output_size - 1 - offset) // self.stride + 1)
        stop = max(start, stop)
        return start, stop, start * self.stride + offset

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """The output split by residue modulo the stride; empty phases are left out.

        The taps of phase r are those with ``t * dilation == r (mod stride)``: an arithmetic
        progression of step ``stride / gcd``, whose members read inputs ``dilation / gcd``
        apart.  Some phases have no taps: no kernel tap reaches those outputs.
        """
        common = gcd(self.stride, self.dilation)
        tap_step, step = self.stride // common, self.dilation // common
        phases = []
        for first in range(min(self.stride, self.output_size)):
            residue = (first + self.lo) % self.stride
            candidates = range(min(tap_step, self.kernel_size))
            tap = next((t for t in candidates if t * self.dilation % self.stride == residue), None)
            if tap is None:
                tap = taps = start = 0
            else:
                taps = -(-(self.kernel_size - tap) // tap_step)
                start = (first + self.lo - tap * self.dilation) // self.stride
            count = -(-(self.output_size - first) // self.stride)
            phases.append(Phase(first, count, tap, tap_step, taps, start, step))
        return tuple(phases)
