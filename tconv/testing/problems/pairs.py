"""A covering array: problems among which every pair of levels of two parameters occurs together.

What takes two conditions to break shows in one of them, at a fraction of all combinations.
Rows are built one by one, each from a pair that is still missing, as the candidate that brings
most new pairs (after Cohen, Dalal, Fredman and Patton, "The AETG system", 1997).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import combinations
from typing import Any

import numpy as np

from tconv.testing.problems.corners import placed, problem_of
from tconv.testing.problems.problem import MEMORY, Geometry, Problem
from tconv.testing.problems.simplify import Predicate

# Paddings by the extent of the kernel, dilation*(kernel_size - 1) + 1.
PADDINGS: dict[str, Callable[[int], tuple[int, int]]] = {
    "none": lambda extent: (0, 0),
    "half": lambda extent: (extent // 2, extent // 2),
    "deep": lambda extent: (extent, extent),
    "low": lambda extent: (extent // 2 + 1, 0),
    "negative": lambda extent: (-1, -2),
}
OUTPUT_PADDINGS: dict[str, Callable[[int, int], int]] = {
    "none": lambda stride, dilation: 0,
    "below stride": lambda stride, dilation: stride - 1,
    "largest": lambda stride, dilation: max(stride, dilation) - 1,
}
LEVELS: dict[str, tuple[Any, ...]] = {
    "batch": (1, 2, 5),
    "groups": (1, 2, 5),
    "group_in_channels": (1, 2, 5, 17),
    "group_out_channels": (1, 2, 5, 17),
    "bias": (False, True),
    "input_size": (1, 2, 5, 17, 34),
    "kernel_size": (1, 2, 3, 5, 9),
    "stride": (1, 2, 3, 9),
    "dilation": (1, 2, 3, 7),
    "padding": tuple(PADDINGS),
    "output_padding": tuple(OUTPUT_PADDINGS),
    "memory": MEMORY,
}
_CANDIDATES = 60  # of which a third or more are valid, but for pairs that hardly fit
# Steps of the reference, some 3 us each, and multiplications.
_TERMS, _WORK = 4_000, 2_000_000

Row = dict[str, Any]
Pair = tuple[str, Any, str, Any]


def pair_problems(
    kind: str, ndim: Collection[int], dtypes: Collection[str], seed: int
) -> Iterator[Problem]:
    """The covering array of one kind as problems, their numbers on one axis among plain ones."""
    for number, row in enumerate(covering(kind, tuple(ndim), tuple(dtypes), seed)):
        problem = _problem(row, kind, seed + number)
        assert problem is not None
        yield problem


def covering(kind: str, ndim: tuple[int, ...], dtypes: tuple[str, ...], seed: int) -> list[Row]:
    """Rows of levels in which every pair occurs that a valid problem can have."""
    levels = {"ndim": ndim, **LEVELS, "dtype": dtypes}
    if kind == "conv":
        del levels["output_padding"]
    rng = np.random.default_rng([seed, 1997])
    missing = dict.fromkeys(_all_pairs(levels))
    rows = []
    while missing:
        pair = next(iter(missing))
        best: tuple[int, Row] | None = None
        for _ in range(_CANDIDATES):
            row = {name: entries[rng.integers(len(entries))] for name, entries in levels.items()}
            row |= {pair[0]: pair[1], pair[2]: pair[3]}
            if _problem(row, kind, 0) is None:
                continue
            new = sum(each in missing for each in pairs_of(row))
            if best is None or new > best[0]:
                best = new, row
        if best is None:
            del missing[pair]
            continue
        rows.append(best[1])
        for each in pairs_of(best[1]):
            missing.pop(each, None)
    return rows


def pairs_of(row: Row) -> Iterator[Pair]:
    """The pairs of levels of a row."""
    for (one, a), (other, b) in combinations(row.items(), 2):
        yield one, a, other, b


def _all_pairs(levels: dict[str, tuple[Any, ...]]) -> Iterator[Pair]:
    for (one, first), (other, second) in combinations(levels.items(), 2):
        yield from ((one, a, other, b) for a in first for b in second)


def _problem(row: Row, kind: str, seed: int) -> Problem | None:
    """The problem of a row, if there is one: valid, and not too much work."""
    extent = row["dilation"] * (row["kernel_size"] - 1) + 1
    axis = Geometry(
        row["input_size"],
        row["kernel_size"],
        row["stride"],
        PADDINGS[row["padding"]](extent),
        OUTPUT_PADDINGS[row.get("output_padding", "none")](row["stride"], row["dilation"]),
        row["dilation"],
    )
    setting = {
        "batch": row["batch"],
        "groups": row["groups"],
        "in_channels": row["groups"] * row["group_in_channels"],
        "out_channels": row["groups"] * row["group_out_channels"],
        "bias": row["bias"],
        "memory": row["memory"],
    }
    axes = placed(axis, row["input_size"] + row["kernel_size"], row["ndim"])
    problem = problem_of(axes, setting, row["dtype"], seed, kind)
    small = problem.terms <= _TERMS and problem.work <= _WORK
    return problem if problem.valid and small else None


def covered(
    kind: str, ndim: tuple[int, ...], dtypes: tuple[str, ...], seed: int, allows: Predicate
) -> tuple[int, int]:
    """How many pairs of levels stand in a problem of the array that ``allows`` accepts as it is,
    and how many there are in all."""
    kept: set[Pair] = set()
    every: set[Pair] = set()
    for number, row in enumerate(covering(kind, ndim, dtypes, seed)):
        found = set(pairs_of(row))
        every |= found
        problem = _problem(row, kind, seed + number)
        if problem is not None and allows(problem):
            kept |= found
    return len(kept), len(every)
