"""The drawn layers: what nobody tuned for.

The rule: ``EACH`` layers of each family, the same in every run.  For each a time is drawn between
``SHORTEST`` and ``LONGEST``, evenly in its logarithm, a kind of the family, and one each of its
kernels, channels, ratios, groups and batches; the size of the image is the one whose estimated time
comes nearest.  Where that misses the time by a factor of more than ``OFF``, where the arrays are
larger than ``MOST_ELEMENTS``, or where the layer is already there, all is drawn again.

The estimate counts multiplications and elements, and times nothing; it is no promise.  The kinds
are what the networks' papers and code have.  No constant of the library is fitted to these layers,
nor chosen with their times in view.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from math import exp, log, prod
from random import Random
from typing import NamedTuple, TypeVar

from benchmarks.layers.layer import Layer
from tconv.testing import Problem

T = TypeVar("T")
Entry = int | tuple[int, ...]  # one an axis, or the same on each

SEED = 2026
EACH = 10
SHORTEST, LONGEST = 0.05e-3, 0.5  # seconds
OFF = 1.25
MOST_ELEMENTS = 4e7

# What PyTorch reaches on two cores, about: multiply-adds, and elements of x, w and y, a second.
PRODUCTS, ELEMENTS = 8e10, 1e9


class Taps(NamedTuple):
    """The parameters of a kernel."""

    kernel_size: Entry
    stride: Entry = 1
    padding: Entry = 0
    output_padding: Entry = 0
    dilation: int = 1


class Kind(NamedTuple):
    """What a family's layers are drawn from.

    ``sizes`` are the smallest and the largest of an axis of x; with ``ratios`` y has so many times
    fewer channels than x, with ``outputs`` so many; ``groups`` are numbers, 0 for one a channel.
    """

    family: str
    axes: int
    taps: Sequence[Taps]
    sizes: tuple[int, int]
    channels: Sequence[int]
    batches: Sequence[int]
    ratios: Sequence[int] = (1,)
    outputs: Sequence[int] = ()
    groups: Sequence[int] = (1,)


def _same(kernel: int, dilation: int = 1) -> Taps:
    """Stride 1, the size kept."""
    return Taps(kernel, 1, dilation * (kernel - 1) // 2, dilation=dilation)


POWERS = (16, 32, 64, 128, 256, 512, 1024)
KINDS = (
    Kind("U-Net", 2, [Taps(2, 2), Taps(3, 2, 1, 1), Taps(4, 2, 1)], (7, 512), POWERS[1:],
         (1, 2, 4, 16), ratios=(2,)),
    Kind("U-Net", 2, [_same(1), _same(3), Taps(1, 2, 0, 1)], (14, 512), POWERS[:5], (1, 4, 16)),
    Kind("DCGAN", 2, [Taps(4, 2, 1), Taps(5, 2, 2, 1)], (4, 64), POWERS[2:], (16, 32, 64),
         ratios=(2,)),
    Kind("DCGAN", 2, [Taps(4), Taps(7)], (1, 1), (64, 100, 128, 512), (16, 32, 64),
         outputs=(128, 256, 512, 1024)),
    Kind("DCGAN", 2, [Taps(4, 2, 1), Taps(5, 2, 2, 1)], (16, 128), (32, 64, 128), (1, 16, 64),
         outputs=(1, 3)),
    Kind("StyleGAN", 2, [Taps(3, 2)], (4, 256), POWERS[1:6], (1, 4, 8), ratios=(1, 2)),
    Kind("StyleGAN", 2, [Taps(3, 2), _same(3)], (4, 128), (128, 512, 1024, 2048), (1,),
         groups=(4, 8)),
    Kind("StyleGAN", 2, [_same(1)], (8, 512), POWERS[1:6], (1, 4, 8), outputs=(3,)),
    Kind("SAM", 2, [Taps(2, 2)], (8, 256), (256,), (1, 4, 16, 64), outputs=(64, 128)),
    Kind("SAM", 2, [Taps(2, 2)], (16, 512), (32, 64), (1, 4, 16, 64), outputs=(16, 32)),
    Kind("super-resolution", 2, [Taps(9, s, 4, s - 1) for s in (2, 3, 4)], (16, 512),
         (12, 32, 56, 64), (1, 4, 16), outputs=(1, 3)),
    Kind("super-resolution", 2, [Taps(6, 2, 2), Taps(8, 4, 2), Taps(12, 8, 2), Taps(4, 2, 1)],
         (16, 256), (1, 32, 64), (1, 4, 16)),
    Kind("HiFi-GAN", 1, [Taps(16, 8, 4), Taps(8, 4, 2), Taps(4, 2, 1), Taps(11, 5, 3),
                         Taps(7, 3, 2)], (32, 65536), POWERS[2:6], (1, 2, 16), ratios=(2,)),
    Kind("HiFi-GAN", 1, [_same(3, 3), _same(7, 5), _same(11), _same(11, 3)], (64, 65536),
         POWERS[1:5], (1, 2, 16)),
    Kind("EnCodec", 1, [Taps(2 * s, s) for s in (2, 3, 4, 5, 6, 7, 8)], (8, 65536), POWERS[1:],
         (1, 4, 32), ratios=(2,)),
    Kind("EnCodec", 1, [_same(7), _same(3, 2)], (64, 262144), POWERS[1:4], (1, 4, 32),
         ratios=(1, 2)),
    Kind("Demucs", 1, [Taps(8, 4)], (8, 131072), (64, 128, 256, 512, 1024), (1, 4, 8, 64),
         ratios=(2,)),
    Kind("Demucs", 1, [Taps(8, 4)], (64, 131072), (48, 64), (1, 4, 8), outputs=(8,)),
    Kind("Demucs", 2, [Taps((8, 1), (4, 1), (2, 0))], (8, 336), (48, 96, 192, 384), (1, 4),
         ratios=(2,)),
    Kind("3-D U-Net", 3, [Taps(2, 2), Taps(3, 2, 1, 1), Taps((1, 2, 2), (1, 2, 2)), Taps(4, 2, 1)],
         (2, 64), (16, 32, 64, 128, 256, 320), (1, 2), ratios=(2,)),
    Kind("3-D U-Net", 3, [_same(3), _same(1), _same(3, 2)], (4, 96), (16, 32, 64), (1, 2)),
    Kind("FCN", 2, [Taps(2 * s, s, s // 2) for s in (2, 4, 8)], (4, 128), (19, 21, 60), (1, 4, 8),
         groups=(1, 0)),
    Kind("FCN", 2, [_same(3, 2), _same(3, 4), Taps(3, 2, 3, 1, 3), Taps(3, 2, 2, 1, 2)], (8, 128),
         (32, 64, 256), (1, 4, 8), outputs=(21, 64)),
    Kind("depthwise", 2, [Taps(3, 2, 1, 1), Taps(5, 2, 2, 1), Taps(4, 2, 1), Taps(2, 2), _same(3),
                          _same(7), Taps(6, 3, 1), Taps(13, 1, 6)],
         (4, 256), (16, 64, 96, 192, 320), (1, 4, 16, 64), groups=(0,)),
    Kind("depthwise", 2, [_same(3, 2), Taps(3, 2, 3, 1, 3), Taps(4, 4, 1, 0, 2)], (8, 128),
         (32, 96, 192), (1, 4, 16), groups=(0,)),
    Kind("depthwise", 1, [_same(9), Taps(5, 2, 2, 1), Taps(14, 7, 3, 0)], (64, 65536),
         (32, 64, 256), (1, 4, 16), groups=(0,)),
    Kind("grouped", 2, [Taps(4, 2, 1), Taps(3, 2, 1, 1), _same(5), Taps(3, 3)], (4, 128),
         (64, 128, 256), (1, 4, 16, 64), ratios=(1, 2), groups=(2, 8, 16, 32)),
    Kind("grouped", 2, [_same(3, 2), Taps(3, 2, 3, 1, 3), Taps(4, 4, 1, 0, 2)], (8, 128),
         (32, 96, 192), (1, 4, 16), groups=(2, 8, 32)),
    Kind("grouped", 1, [_same(9), Taps(5, 2, 2, 1), Taps(15, 5, 5)], (64, 65536),
         (32, 64, 256), (1, 4, 16), groups=(4, 16)),
)  # fmt: skip


@cache
def layers() -> tuple[Layer, ...]:
    """The drawn layers, family by family."""
    found: list[Layer] = []
    for family in dict.fromkeys(kind.family for kind in KINDS):
        random = Random(f"{SEED} {family}")
        for number in range(1, EACH + 1):
            known = {layer.problem for layer in found}
            fitting = (each for each in _candidates(random, family) if each not in known)
            found.append(Layer(f"{family} {number}", family, next(fitting)))
    return tuple(found)


def estimate(problem: Problem) -> float:
    """Seconds that PyTorch may take for the transposed convolution."""
    return problem.work / PRODUCTS + _elements(problem) / ELEMENTS


def _elements(problem: Problem) -> int:
    return prod(problem.x_shape) + prod(problem.w_shape) + prod(problem.output_shape)


def _candidates(random: Random, family: str) -> Iterator[Problem]:
    """Problems of a family, each near to a time that was drawn first."""
    kinds = [kind for kind in KINDS if kind.family == family]
    while True:
        seconds = exp(log(SHORTEST) + random.random() * log(LONGEST / SHORTEST))
        kind = _pick(random, kinds)
        problem = _nearest(seconds, _problem(random, kind), kind.sizes)
        off = estimate(problem) / seconds
        if max(off, 1 / off) <= OFF and _elements(problem) <= MOST_ELEMENTS:
            yield problem


def _problem(random: Random, kind: Kind) -> Problem:
    """A problem of this kind, with the smallest size."""
    taps, channels = _pick(random, kind.taps), _pick(random, kind.channels)
    ratio, groups = _pick(random, kind.ratios), _pick(random, kind.groups)
    outputs = _pick(random, kind.outputs) if kind.outputs else channels // ratio
    return Problem(
        (kind.sizes[0],) * kind.axes,
        _on_axes(taps.kernel_size, kind.axes),
        _on_axes(taps.stride, kind.axes),
        _on_axes(taps.padding, kind.axes),
        _on_axes(taps.output_padding, kind.axes),
        _on_axes(taps.dilation, kind.axes),
        groups=groups or channels,
        in_channels=channels,
        out_channels=outputs,
        batch=_pick(random, kind.batches),
    )


def _on_axes(entry: Entry, axes: int) -> tuple[int, ...]:
    return (entry,) * axes if isinstance(entry, int) else entry


def _nearest(seconds: float, problem: Problem, sizes: tuple[int, int]) -> Problem:
    """The problem with the size whose estimate is nearest, which grows with the size."""
    smallest, largest = sizes

    def sized(size: int) -> Problem:
        return replace(problem, input_size=(size,) * problem.ndim)

    every = range(smallest, largest + 1)
    above = bisect_left(every, seconds, key=lambda size: estimate(sized(size)))
    around = {max(smallest, every.start + above - 1), min(largest, every.start + above)}
    return min(map(sized, sorted(around)), key=lambda each: abs(log(estimate(each) / seconds)))


def _pick(random: Random, choices: Sequence[T]) -> T:
    """One of the choices, by the one method of ``Random`` whose values no version may change."""
    return choices[int(random.random() * len(choices))]
