"""Problems with one number at a time large, for what breaks past a first tile or a last one.

The sizes are odd or just above a power of two, where a tile or a vector has a rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from tconv.testing.problems.corners import placed, problem_of
from tconv.testing.problems.problem import Geometry, Problem

SIZES = (17, 33, 65, 130)
_PLAIN = Geometry(3, 3, 2, (1, 1), 1, 1)


def large_problems(
    kind: str, ndim: Collection[int], dtypes: Collection[str], seed: int
) -> Iterator[Problem]:
    """Each number of an axis and of a call: every size in the fewest dimensions, the first two in
    the others.  The dtypes take turns."""
    names = tuple(dtypes)
    for axes in ndim:
        rows = [_rows(size) for size in (SIZES if axes == min(ndim) else SIZES[:2])]
        for place, of_size in enumerate(rows):
            for row, (axis, setting) in enumerate(of_size):
                chosen = placed(axis, place + row, axes)
                yield problem_of(chosen, setting, names[row % len(names)], seed + row, kind)


def _rows(size: int) -> Iterator[tuple[Geometry, dict[str, Any]]]:
    for axis in (
        Geometry(size, 3, 2, (1, 1), 1, 1),
        Geometry(size, 3, 1, (1, 1), 0, 1),
        Geometry(3, size, 2, (1, 1), 0, 1),
        Geometry(size, 9, 1, (4, 4), 0, 1),
        Geometry(3, 3, size, (1, 0), size - 1, 1),
        Geometry(4, 3, 2, (1, 1), 1, size),
        Geometry(size + 2, 3, 2, (size, size), 0, 1),
    ):
        yield axis, {"in_channels": 2, "out_channels": 2}
    for setting in (
        {"batch": size, "in_channels": 2, "out_channels": 1, "bias": True},
        {"groups": size, "in_channels": size, "out_channels": size},
        {"groups": size, "in_channels": 2 * size, "out_channels": size, "bias": True},
        {"in_channels": size, "out_channels": 2},
        {"in_channels": 2, "out_channels": size, "bias": True},
    ):
        yield _PLAIN, setting
