"""What a convolution reads beyond the border of its input: the modes, as maps of positions.

The image is extended by its ``padding``; the extension is a few thin slabs beside it.  Each slab
takes part in the trilinear form of x, w and y (``plan.Plan``) like an image of its own, whose
positions are those of y that the mode maps them to.  So each of the three maps is that of the
image between zeros, plus a part for each slab: a pass over the border.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tconv._core.arguments import axis_name, entries_of, fail, is_known, one_an_axis
from tconv._core.axis import Axis
from tconv._core.plan import Plan

MODES = ("zeros", "circular", "reflect", "replicate")

# Elements of an extended image that cost less to copy than the calls for its slabs do: five instead
# of one for two axes.  An image of 4 x 4 took 4 times as long by its slabs.
FEW = 1 << 16

Modes = tuple[str, ...]
Range = tuple[int, int]


class Run(NamedTuple):
    """Positions in a row that are read from positions of the image in a row: the first of these,
    then ``step`` further each time, which is 1, -1 or 0."""

    length: int
    first: int
    step: int

    @property
    def read(self) -> slice:
        """The positions of the image, in rising order."""
        if self.step == 0:
            return slice(self.first, self.first + 1)
        low = self.first if self.step > 0 else self.first - self.length + 1
        return slice(low, low + self.length)


@dataclass(frozen=True)
class Part:
    """A slab beside the image: its samples, how each axis of it is read from the image, the
    positions of x that reach it, the taps that do so, and the plan between the three."""

    samples: slice
    runs: tuple[tuple[Run, ...], ...]
    inputs: tuple[slice, ...]
    taps: tuple[slice, ...]
    plan: Plan


@dataclass(frozen=True)
class Boundary:
    """The mode of each axis of a plan."""

    plan: Plan
    modes: Modes

    def whole(self) -> Part | None:
        """The extended image as one part where that is small, or else None."""
        plan = self.plan
        if not all(map(is_known, (*plan.x_shape, *plan.y_shape))):
            return None
        slab = [_extended(*each) for each in zip(plan.axes, self.modes, strict=True)]
        elements = plan.batch * plan.out_channels * prod(stop - start for start, stop in slab)
        return _whole(self) if elements <= FEW else None

    def parts(self, most: int | None = None) -> tuple[Part, ...]:
        """The slabs, cut until neither one nor what it reaches in x has more than ``most``
        elements, as far as they can be cut."""
        if all(map(is_known, (*self.plan.x_shape, *self.plan.y_shape))):
            return _parts(self, most)
        try:
            return _parts.__wrapped__(self, None)
        except Exception as error:  # JAX's own of what is inconclusive; the core imports no JAX
            reads = tuple(max(axis.lo, 0) for axis in self.plan.axes)
            raise ValueError(
                f"padding_mode: where the border is read from must be known; got {self.modes!r} "
                f"and an image of symbolic size {self.plan.output_size} with {reads} before it. "
                f"Say how large it is at least, as in jax.export.symbolic_shape('h, w', "
                f"constraints=['h >= 8', 'w >= 8'])."
            ) from error


def padding_modes(value: Any, axes: int, letters: str = "") -> Modes:
    """One mode for each spatial axis, from one for all or one an axis."""
    given = (value,) if isinstance(value, str) else entries_of(value)
    if given is None:
        given = (value,)
    modes = one_an_axis("padding_mode", given, axes, "Give one mode, or a tuple of ")
    for axis, mode in enumerate(modes):
        if not isinstance(mode, str) or mode not in MODES:
            accepted = ", ".join(map(repr, MODES))
            where = None if len(given) == 1 else axis_name(axis, letters)
            fail("padding_mode", where, f"must be one of {accepted}", repr(mode), _remedy(mode))
    return modes


def _remedy(mode: Any) -> str:
    """The mode that other libraries have another word for."""
    words = {"wrap": "circular", "periodic": "circular", "edge": "replicate", "constant": "zeros"}
    word = str(mode).lower()
    word = words.get(word, word)
    return f"Write {word!r}." if word in MODES else "Leave it out for zeros."


def check_zeros(padding_mode: Any, rule: str, remedy: str) -> None:
    """Refuse any other mode where only zeros are read beyond the border."""
    modes = (padding_mode,) if isinstance(padding_mode, str) else padding_mode
    if {*modes} != {"zeros"}:
        fail("padding_mode", None, f"must be 'zeros': {rule}", repr(padding_mode), remedy)


def boundary_of(plan: Plan, padding_mode: Any, letters: str = "") -> Boundary | None:
    """The checked modes of a plan; None where nothing but zeros is read beyond the border."""
    if padding_mode == "zeros":
        return None
    modes = padding_modes(padding_mode, len(plan.axes), letters)
    if {*modes} == {"zeros"}:
        return None
    for number, (axis, mode) in enumerate(zip(plan.axes, modes, strict=True)):
        single = is_known(axis.output_size) and axis.output_size == 1
        if mode == "reflect" and single and max(axis.lo, axis.hi) > 0:
            fail(
                "padding_mode",
                axis_name(number, letters),
                "'reflect' mirrors at the first and the last position without repeating it, so it "
                "needs at least 2",
                f"1 position, with {max(axis.lo, 0)} before it and {max(axis.hi, 0)} behind",
                "Use 'replicate', or no padding.",
            )
    return Boundary(plan, modes)


@lru_cache(maxsize=1024)
def _whole(boundary: Boundary) -> Part:
    axes, runs = [], []
    for axis, mode in zip(boundary.plan.axes, boundary.modes, strict=True):
        start, stop = _extended(axis, mode)
        axes.append(replace(axis, output_size=stop - start, lo=axis.lo + start))
        runs.append(tuple(runs_of(mode, axis.output_size, start, stop)))
    every = (slice(None),) * len(axes)
    plan = replace(boundary.plan, axes=tuple(axes))
    return Part(slice(None), tuple(runs), every, every, plan)


@lru_cache(maxsize=1024)
def _parts(boundary: Boundary, most: int | None) -> tuple[Part, ...]:
    plan, modes = boundary.plan, boundary.modes
    every = list(zip(plan.axes, modes, strict=True))
    inside = [(0, axis.output_size) for axis in plan.axes]
    found = []
    for number, (axis, _) in enumerate(every):
        low, high = _extended(*every[number])
        beyond = [_extended(*each) for each in every[number + 1 :]]
        for start, stop in ((low, 0), (axis.output_size, high)):
            if not _is_empty(start, stop):
                slab = (*inside[:number], (start, stop), *beyond)
                found += [
                    part for whole in _cut(boundary, slab, most) for part in _few(whole, most)
                ]
    return tuple(found)


def _extended(axis: Axis, mode: str) -> Range:
    """The positions that are read, those beyond the border included where the mode has any."""
    if mode == "zeros":
        return 0, axis.output_size
    return -max(axis.lo, 0), axis.output_size + max(axis.hi, 0)


def _is_empty(start: int, stop: int) -> bool:
    width = stop - start
    return width < 1


def _cut(boundary: Boundary, slab: Sequence[Range], most: int | None) -> list[Part]:
    """The slab as one part, or in halves of its longest axis as long as it is too large."""
    part = _part(boundary, slab)
    if part is None:
        return []
    longest = max(range(len(slab)), key=lambda number: slab[number][1] - slab[number][0])
    start, stop = slab[longest]
    if most is None or stop - start == 1 or _elements(part.plan) <= most:
        return [part]
    middle = (start + stop) // 2
    halves = ((start, middle), (middle, stop))
    return [
        piece
        for half in halves
        for piece in _cut(boundary, (*slab[:longest], half, *slab[longest + 1 :]), most)
    ]


def _elements(plan: Plan) -> int:
    """Those of a sample of y or of x, whichever has more."""
    return max(prod(plan.y_shape[1:]), prod(plan.x_shape[1:]))


def _few(part: Part, most: int | None) -> list[Part]:
    """The part with as many samples at a time as have no more than ``most`` elements."""
    batch = part.plan.batch
    if most is None or not batch:
        return [part]
    count = max(1, most // max(1, _elements(part.plan)))
    starts = [(start, min(start + count, batch)) for start in range(0, batch, count)]
    return [
        replace(part, samples=slice(start, stop), plan=replace(part.plan, batch=stop - start))
        for start, stop in starts
    ]


def _part(boundary: Boundary, slab: Sequence[Range]) -> Part | None:
    """The part of some positions beside the image; None where no tap reaches them."""
    runs, inputs, taps, axes = [], [], [], []
    for axis, mode, (start, stop) in zip(boundary.plan.axes, boundary.modes, slab, strict=True):
        reached, piece = axis.cut(start, stop)
        if _is_empty(reached.start, reached.stop):
            return None
        some = piece.reaching_taps()
        if _is_empty(some.start, some.stop):
            return None
        runs.append(tuple(runs_of(mode, axis.output_size, start, stop)))
        inputs.append(reached)
        taps.append(some)
        axes.append(piece.cut_taps(some.start, some.stop))
    plan = replace(boundary.plan, axes=tuple(axes))
    return Part(slice(None), tuple(runs), tuple(inputs), tuple(taps), plan)


def extended_axis(axis: Axis, mode: str) -> tuple[Axis, NDArray[np.intp]]:
    """The axis whose output is the extended one, and where each position of it is read."""
    start, stop = _extended(axis, mode)
    runs = runs_of(mode, axis.output_size, start, stop)
    positions = [np.arange(run.length) * run.step + run.first for run in runs]
    extended = replace(axis, output_size=stop - start, lo=axis.lo + start)
    return extended, np.concatenate(positions).astype(np.intp)


def runs_of(mode: str, size: int, start: int, stop: int) -> list[Run]:
    """The positions ``start <= p < stop`` of an extended axis of this size, as runs.

    circular reads ``p mod size``; reflect goes back and forth between the first and the last
    position, ``2*(size - 1)`` to and fro; replicate reads the nearest.

    >>> runs_of("reflect", 4, -2, 4)
    [Run(length=2, first=2, step=-1), Run(length=4, first=0, step=1)]
    """
    found = []
    while start < stop:
        first, step, end = _segment(mode, size, start, stop)
        end = min(stop, end)
        found.append(Run(end - start, first, step))
        start = end
    return found


def _segment(mode: str, size: int, position: int, stop: int) -> tuple[int, int, int]:
    """Where a position is read, the step to the next one's, and where it changes."""
    if 0 <= position < size:
        return position, 1, size
    if mode == "replicate" or (is_known(size) and size == 1):
        return (0, 0, 0) if position < 0 else (size - 1, 0, stop)
    period = size if mode == "circular" else size - 1
    turn, offset = _turn(position, size, period)
    end = position - offset + period
    if mode == "circular" or turn % 2 == 0:
        return offset, 1, end
    return period - offset, -1, end


def _turn(position: int, size: int, period: int) -> tuple[int, int]:
    """``divmod(position, period)``; for the nearest turns without a division, which says nothing of
    a symbolic size."""
    if -period <= position < 0:
        return -1, position + period
    if size <= position < 2 * period:
        return 1, position - period
    return divmod(position, period)
