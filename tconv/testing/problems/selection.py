"""Which problems a check tries, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from typing import Any

from tconv.testing.problems.corners import corner_problems
from tconv.testing.problems.large import large_problems
from tconv.testing.problems.pairs import pair_problems
from tconv.testing.problems.problem import Problem
from tconv.testing.problems.simplify import Predicate, nearest_supported

# How many problems each profile generates.
PROFILES = {"table": 0, "quick": 25, "default": 100, "thorough": 2_000, "hours": 200_000}
LARGER = ("default", "thorough", "hours")  # those with the larger fixed problems


class Selection:
    """The problems of a check: the corners, the larger fixed ones, then generated ones."""

    def __init__(
        self,
        kind: str,
        *,
        ndim: int | Collection[int] = (1, 2, 3),
        dtypes: Collection[str] = ("float32",),
        supports: Predicate | None = None,
        max_examples: int | None = None,
        profile: str = "default",
        seed: int = 0,
    ) -> None:
        """Args: those of ``check_conv_transpose``."""
        if profile not in PROFILES:
            raise ValueError(f"profile: must be one of {', '.join(PROFILES)}; got {profile!r}.")
        if isinstance(dtypes, str):
            raise ValueError(
                f"dtypes: must be a tuple of names; got {dtypes!r}. Write ({dtypes!r},)."
            )
        self.kind, self.seed = kind, seed
        self.ndim = (ndim,) if isinstance(ndim, int) else tuple(ndim)
        self.dtypes = tuple(dtypes)
        self.supports = supports
        space = kind, self.ndim, self.dtypes, seed
        self.corners = list(corner_problems(*space))
        self.fixed = list(self.corners)
        if profile in LARGER:
            self.fixed += [*large_problems(*space), *pair_problems(*space)]
        self.generated = PROFILES[profile] if max_examples is None else max_examples

    def __len__(self) -> int:
        """How many problems there are, those that are passed over included."""
        return len(self.fixed) + self.generated

    def __iter__(self) -> Iterator[Problem | None]:
        """Each problem or the nearest that is supported; None where there is none near it."""
        return (nearest_supported(problem, self.allows) for problem in self._all())

    def allows(self, problem: Problem) -> bool:
        """Whether the check is asked for problems such as this one."""
        return problem.ndim in self.ndim and (self.supports is None or bool(self.supports(problem)))

    def where(self, number: int) -> str:
        """Where the problem of this number comes from, for the report."""
        row = number < len(self.fixed)
        place = f"row {number + 1}" if row else f"example {number + 1 - len(self.fixed)}"
        return f"{place}, seed {self.seed}"

    def _all(self) -> Iterator[Problem]:
        drawn: Iterator[Problem] = iter(())
        if self.generated:
            from tconv.testing.strategies.generated import generated  # needs hypothesis

            options: dict[str, Any] = {"ndim": self.ndim, "dtypes": self.dtypes}
            drawn = generated(self.kind, self.generated, self.seed, batch=(1, 2, 3), **options)
        return chain(self.fixed, drawn)
