"""How many of the mutants a check catches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tconv.testing.mutants.mutant import Mutant
from tconv.testing.problems.problem import Problem
from tconv.testing.problems.selection import Selection
from tconv.testing.properties import examine
from tconv.testing.trial import Subject


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: the property that did not hold, "" if it was missed, and the number
    of problems that were tried."""

    mutant: Mutant
    seed: int
    property_name: str
    problems: int

    @property
    def caught(self) -> bool:
        """Whether a property did not hold."""
        return bool(self.property_name)


@dataclass(frozen=True)
class Score:
    """The outcomes of all mutants with all seeds."""

    outcomes: tuple[Outcome, ...]

    @property
    def caught(self) -> tuple[Outcome, ...]:
        """Those in which a property did not hold."""
        return tuple(outcome for outcome in self.outcomes if outcome.caught)

    @property
    def missed(self) -> tuple[Outcome, ...]:
        """Those in which everything held."""
        return tuple(outcome for outcome in self.outcomes if not outcome.caught)

    @property
    def rate(self) -> float:
        """The fraction that was caught: 1.0 for all of them."""
        return len(self.caught) / len(self.outcomes)

    def __str__(self) -> str:
        """So many of so many, and the percentage."""
        return f"{len(self.caught)} of {len(self.outcomes)} caught ({100 * self.rate:.1f} %)"


def score(mutants: Collection[Mutant], *, seeds: Collection[int] = (0,), **options: Any) -> Score:
    """The score of a check over mutants: each is tried with every seed until a property fails.

    Args:
        mutants: such as ``MUTANTS``.
        seeds: those of the check.
        options: ``ndim``, ``supports``, ``max_examples`` and ``profile`` of the check; a mistake
            that lies outside of what ``supports`` accepts is missed.

    Returns: a ``Score``.

    Raises: ValueError for an argument that the check refuses, or where there are no mutants.

    Source: DeMillo, Lipton and Sayward, "Hints on test data selection" (1978), who score tests
    by mutants.

    >>> from tconv.testing.mutants import MUTANTS, score
    >>> str(score(MUTANTS[:3], ndim=1, profile="table"))
    '3 of 3 caught (100.0 %)'
    """
    if not mutants or not seeds:
        raise ValueError(
            f"mutants, seeds: there must be one at least; got {len(mutants)} and {len(seeds)}. "
            f"Pass MUTANTS and (0,)."
        )
    return Score(tuple(outcomes(mutants, seeds=seeds, **options)))


def outcomes(
    mutants: Collection[Mutant], *, seeds: Collection[int] = (0,), **options: Any
) -> Iterator[Outcome]:
    """The outcomes one by one, as they are known; Args: those of ``score``."""
    alike = defaultdict(list)
    for mutant in mutants:
        alike[mutant.kind, mutant.dtypes].append(mutant)
    for (kind, dtypes), group in alike.items():
        for seed in seeds:
            chosen = Selection(kind.removesuffix("_vjp"), dtypes=dtypes, seed=seed, **options)
            problems = [problem for problem in chosen if problem is not None]
            for mutant in group:
                yield Outcome(mutant, seed, *_first(mutant, problems))


@np.errstate(all="ignore")
def _first(mutant: Mutant, problems: list[Problem]) -> tuple[str, int]:
    """The first property that fails, "" if none does, and how many problems it took."""
    kind = mutant.kind.removesuffix("_vjp")
    subject = Subject(mutant.fn, kind, mutant.kind.endswith("_vjp"))
    for number, problem in enumerate(problems, 1):
        finding, _ = examine(subject, problem)
        if finding is not None:
            return finding.name, number
    return "", len(problems)
