"""Which problems a check tries, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from tconv.testing.problems.corners import corner_problems
from tconv.testing.problems.few import few
from tconv.testing.problems.large import large_problems
from tconv.testing.problems.pairs import pair_problems
from tconv.testing.problems.problem import Problem
from tconv.testing.problems.simplify import Predicate, nearest_supported

# How many problems each profile generates, and "few" chooses.
PROFILES = {
    "table": 0, "quick": 25, "few": 100, "default": 100, "thorough": 2_000, "hours": 200_000,
}  # fmt: skip
SMALL = ("table", "quick")  # the profiles without the larger fixed problems
_DRAWS = 2  # of values, for each program of the profile "few"


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
        if profile not in SMALL:
            self.fixed += [*large_problems(*space), *pair_problems(*space)]
        self.few = profile == "few"
        count = PROFILES[profile] if max_examples is None else max_examples
        self.programs, self.generated = count, PROFILES["default"] if self.few else count

    def __len__(self) -> int:
        """How many problems there are, those that are passed over included."""
        whole = len(self.fixed) + self.generated
        return _DRAWS * min(whole, self.programs) if self.few else whole

    def __iter__(self) -> Iterator[Problem | None]:
        """Each problem or the nearest that is supported; None where there is none near it."""
        near = (nearest_supported(problem, self.allows) for problem in self._all())
        return self._chosen(near) if self.few else near

    def allows(self, problem: Problem) -> bool:
        """Whether the check is asked for problems such as this one."""
        return problem.ndim in self.ndim and (self.supports is None or bool(self.supports(problem)))

    def where(self, number: int) -> str:
        """Where the problem of this number comes from, for the report."""
        if self.few:
            return f"choice {number // _DRAWS + 1}, seed {self.seed}"
        row = number < len(self.fixed)
        place = f"row {number + 1}" if row else f"example {number + 1 - len(self.fixed)}"
        return f"{place}, seed {self.seed}"

    def _chosen(self, problems: Iterator[Problem | None]) -> Iterator[Problem | None]:
        """The profile "few": a choice among the problems, each with several draws of values."""
        alike = {problem.program: problem for problem in problems if problem is not None}
        for problem in few(list(alike.values()), self.programs):
            for draw in range(_DRAWS):
                yield replace(problem, seed=problem.seed + 1000 * draw)

    def _all(self) -> Iterator[Problem]:
        drawn: Iterator[Problem] = iter(())
        if self.generated:
            from tconv.testing.strategies.generated import generated  # needs hypothesis

            options: dict[str, Any] = {"ndim": self.ndim, "dtypes": self.dtypes}
            drawn = generated(self.kind, self.generated, self.seed, batch=(1, 2, 3), **options)
        return chain(self.fixed, drawn)
