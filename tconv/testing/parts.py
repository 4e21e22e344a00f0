"""A check in parts, each with a name: what the pytest plugin makes a test of."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from tconv.testing.checks import raise_report
from tconv.testing.problems.corners import AXES
from tconv.testing.problems.problem import Problem
from tconv.testing.problems.selection import Selection
from tconv.testing.problems.simplify import Predicate
from tconv.testing.problems.supports import Supports
from tconv.testing.properties import examine
from tconv.testing.trial import Subject

KINDS = ("conv_transpose", "conv", "conv_transpose_vjp", "conv_vjp")
_SIGNS = str.maketrans({"=": " is ", ">": " above ", "<": " below "})


class _Problems:
    """The problems of a selection, made when the first part is run."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection

    @cached_property
    def every(self) -> list[Problem | None]:
        return list(self.selection)


@dataclass(frozen=True)
class Part:
    """Some problems of a check, from one number on up to another."""

    name: str
    first: int
    last: int
    problems: _Problems
    subject: Callable[[Callable[..., Any]], Subject]

    @np.errstate(all="ignore")
    def run(self, fn: Callable[..., Any]) -> int:
        """How many problems were tried, none where ``supports`` refuses them all.

        Raises: ``CheckFailure`` with the report of the first that fails.
        """
        subject, tried = self.subject(fn), 0
        for number in range(self.first, min(self.last, len(self.problems.every))):
            problem = self.problems.every[number]
            if problem is None:
                continue
            finding, _ = examine(subject, problem)
            tried += 1
            if finding is not None:
                raise_report(subject, finding, self.problems.selection, number)
        return tried


def parts(
    *,
    kind: str = "conv_transpose",
    adjoint: Callable[..., Any] | None = None,
    ndim: int | Collection[int] = (1, 2, 3),
    dtypes: Collection[str] = ("float32",),
    supports: str | Predicate = "",
    max_examples: int | None = None,
    profile: str = "default",
    seed: int = 0,
    batch: int = 10,
    atol: float | None = None,
    rtol: float | None = None,
    nonfinite: Collection[str] = ("x",),
) -> list[Part]:
    """A part for each corner, and one for so many others.

    Args:
        kind: "conv_transpose" or "conv", with "_vjp" for a function with a pullback.
        adjoint: the convolution or transposed convolution of the same weight, to be checked as a
            pair.
        supports: a predicate of the ``Problem``, or the text of ``Supports``.
        batch: problems a part, at least 1.
        ndim, dtypes, ...: those of ``check_conv_transpose``.

    Raises: ValueError for an argument that the check would refuse.

    >>> [part.name for part in parts(ndim=1, profile="table")][:2]
    ['1d-kernel-4-stride-2-padding-1', '1d-kernel-3-stride-2-output-padding']
    """
    if kind not in KINDS:
        raise ValueError(f"kind: must be one of {', '.join(KINDS)}; got {kind!r}.")
    if batch < 1:
        raise ValueError(f"batch: must be at least 1; got {batch}.")
    vjp, direction = kind.endswith("_vjp"), kind.removesuffix("_vjp")
    selection = Selection(
        direction,
        ndim=ndim,
        dtypes=dtypes,
        supports=Supports(supports) if isinstance(supports, str) else supports,
        max_examples=max_examples,
        profile=profile,
        seed=seed,
    )

    def subject(fn: Callable[..., Any]) -> Subject:
        return Subject(fn, direction, vjp, adjoint, atol, rtol, tuple(nonfinite))

    corners, fixed, whole = len(selection.corners), len(selection.fixed), len(selection)
    if selection.few:
        slices = _batches("chosen", 0, whole, batch)
    else:
        slices = [(name, at, at + 1) for at, name in enumerate(_corner_names(selection))]
        slices += _batches("larger", corners, fixed, batch)
        slices += _batches("generated", fixed, whole, batch)
    problems = _Problems(selection)
    return [Part(name, first, last, problems, subject) for name, first, last in slices]


def _corner_names(selection: Selection) -> list[str]:
    """In the order of the corners: the axes, the dtype where there are several, the row."""
    several = len(selection.dtypes) > 1
    return [
        f"{axes}d-{f'{dtype}-' if several else ''}{_hyphened(row)}"
        for axes, dtype, row in product(selection.ndim, selection.dtypes, AXES)
    ]


def _hyphened(row: str) -> str:
    return re.sub(r"\W+", "-", row.translate(_SIGNS))


def _batches(name: str, first: int, last: int, batch: int) -> list[tuple[str, int, int]]:
    starts = range(first, last, batch)
    return [
        (f"{name}-{number}", start, min(start + batch, last))
        for number, start in enumerate(starts, 1)
    ]
