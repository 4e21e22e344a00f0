"""The phases of a long last stride written side by side.

With the phases of the last axis innermost in the GEMM's result, every input position yields a
run of ``stride`` neighbouring outputs, and y is written run by run: 0.5 ns a value at stride
16, 0.4 at 32, where writing phase after phase takes 1.8 and 2.6.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tconv._core.axis import Axis
from tconv._numpy import scratch
from tconv._numpy.flattened import EVERY, Product, Recipe
from tconv._numpy.parts import parts

Array = NDArray[Any]

SHORTEST = 16


def has_runs(last: Axis) -> bool:
    """Whether one GEMM yields all phases of the last axis, and enough of them."""
    return (
        last.stride >= SHORTEST
        and len(parts(last)) == 1
        and len(parts(last)[0].members) == last.stride
    )


def kernel(w: Array, job: Product, stride: int) -> Array:
    """(shifts * in_channels, out_channels * outer members * stride)."""
    members = job.taps[::stride]
    arranged = scratch.empty((len(job.offsets), *w.shape[:2], len(members), stride), w.dtype)
    for member, choices in enumerate(members):
        for shift, (*outer, first) in enumerate(choices):
            place: tuple[Any, ...] = (EVERY, EVERY, *outer, slice(first, first + stride))
            arranged[shift, :, :, member] = w[place]
    return arranged.reshape(len(job.offsets) * len(w), w.shape[1] * len(job.taps))


def write(job: Product, how: Recipe, last: Axis, result: Array, y: Array) -> None:
    """Place a result (positions, out_channels * outer members * stride) in y (out_channels,
    batch, *spatial)."""
    channels, samples = y.shape[:2]
    stride, size = last.stride, last.output_size
    values = result.reshape(samples, *how.pitches, channels, len(job.taps) // stride, stride)
    # (members, channels, batch, *positions, stride)
    axes = 1 + len(how.pitches)
    values = values.transpose(axes + 1, axes, *range(axes), axes + 2)
    # column q * stride + r - lead of y is value r of position q
    lead = last.lo % stride
    low, high = -(-lead // stride), (size + lead) // stride
    outer_members = zip(job.sources[::stride], job.targets[::stride], strict=True)
    for each, (source, target) in zip(values, outer_members, strict=True):
        rows = each[(EVERY, EVERY, *source[:-1])]
        place = y[(EVERY, EVERY, *target[:-1])]
        if low < high:
            whole = place[..., low * stride - lead : high * stride - lead]
            whole.reshape(*whole.shape[:-1], high - low, stride)[...] = rows[..., low:high, :]
        if low:
            end = min(size, stride - lead)
            place[..., :end] = rows[..., 0, lead : lead + end]
        if low <= high and high * stride - lead < size:
            begin = high * stride - lead
            place[..., begin:] = rows[..., high, : size - begin]
