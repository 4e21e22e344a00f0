"""Where a result is wrong: at the first or last position, in the rest of a tile, at its border."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.testing.trial import Finding

Array = NDArray[Any]


def where(finding: Finding) -> Iterator[str]:
    """Which samples, channels and positions are wrong, where it is not most of them."""
    wrong, problem = finding.wrong, finding.problem
    if wrong is None or finding.result not in ("y", "dx") or wrong.size == 0:
        return
    leading = wrong.ndim - problem.ndim
    places = []
    for axis, size in enumerate(wrong.shape):
        hit = _hit(wrong, axis)
        if len(hit) == size or len(hit) > max(2, size // 2):
            continue
        if axis < leading:
            name = "channel" if axis == leading - 1 else "sample"
            places.append(f"{name} {_list(hit)} of {size}")
        else:
            places.append(f"{positions(hit, size)} of {size} of spatial axis {axis - leading}")
    if places:
        yield f"in {problem} it is wrong only at {', '.join(places)}"


def ends(masks: Sequence[Array], ndim: Sequence[int]) -> Iterator[str]:
    """The end of an axis at which alone all wrong results are wrong.

    ``masks`` say which elements are wrong, one array a problem, ``ndim`` how many spatial axes each
    has.
    """
    for place, axis_of in (("last", lambda axes: -1), ("first", lambda axes: -axes)):
        for end, at in (("last", -1), ("first", 0)):
            sides = [(mask, axis_of(axes)) for mask, axes in zip(masks, ndim, strict=True)]
            if any(mask.shape[axis] < 2 for mask, axis in sides):
                continue
            if all(set(_hit(mask, axis)) == {at % mask.shape[axis]} for mask, axis in sides):
                yield f"only the {end} position of the {place} spatial axis is wrong"
                return


def positions(hit: Sequence[int], size: int) -> str:
    """Positions in words.

    >>> positions([6], 7)
    'the last position'
    >>> positions([32, 33, 34], 35)
    'the last 3 positions (a rest that fills no tile of 32)'
    >>> positions([8, 16, 24], 30)
    'positions 8, 16 and so on'
    """
    first, count = int(hit[0]), len(hit)
    step = int(hit[1] - first) if count > 1 else 1
    if list(hit) == list(range(size - count, size)):
        last = "the last position" if count == 1 else f"the last {count} positions"
        tile = first & -first  # the largest power of 2 that divides it
        return f"{last} (a rest that fills no tile of {tile})" if tile > max(count, 4) else last
    if list(hit) == list(range(count)):
        return "the first position" if count == 1 else f"the first {count} positions"
    if count > 2 and step > 1 and list(hit) == list(range(first, size, step)):
        return f"positions {first}, {first + step} and so on"
    return f"position {_list(hit)}"


def _hit(wrong: Array, axis: int) -> list[int]:
    others = tuple(i for i in range(wrong.ndim) if i != axis % wrong.ndim)
    return [int(number) for number in np.flatnonzero(wrong.any(axis=others))]


def _list(numbers: Sequence[int]) -> str:
    return " and ".join(str(number) for number in numbers)
