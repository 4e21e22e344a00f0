"""Problems drawn from the hypothesis strategies, the same ones for the same seed.

hypothesis decodes bytes from a seeded generator, through its ``fuzz_one_input``.  So a draw
depends on the seed alone: not on a database, on the clock, or on constants found in the
user's modules; and nothing is written to the user's folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings

from tconv.testing.problems.problem import Problem
from tconv.testing.strategies.drawn import CORNERS, problems

_BYTES = 2048
_DRAWS_FOR_EACH = 20
_LARGE: dict[str, Any] = {
    "large": True,
    "batch": (1, 2, 4, 7),
    "max_channels": 10,
    "max_groups": 6,
    "max_positions": 4_000,
}


def generated(kind: str, count: int, seed: int, **options: Any) -> Iterator[Problem]:
    """``count`` problems of one kind; every third aims at a corner, in turn, and every third is
    drawn from larger sizes.

    ``options`` are those of ``strategies.problems``.
    """
    corners = [
        corner
        for corner in CORNERS
        if kind == "conv_transpose" or not corner.startswith("output_padding")
    ]
    plain = _drawer(problems(kind=kind, **options))
    large = _drawer(problems(kind=kind, **(options | _LARGE)))
    aimed = [_drawer(problems(kind=kind, corner=c, **options)) for c in corners]
    rng = np.random.default_rng([seed, 2023])
    for number in range(count):
        draw = (plain, large, aimed[number // 3 % len(aimed)])[number % 3]
        for _ in range(_DRAWS_FOR_EACH):
            problem = draw(rng.bytes(_BYTES))
            if problem is not None:
                yield problem
                break


def _drawer(strategy: Any) -> Any:
    drawn: list[Problem] = []

    @settings(
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def take(problem: Problem) -> None:
        drawn.append(problem)

    def draw(data: bytes) -> Problem | None:
        drawn.clear()
        take.hypothesis.fuzz_one_input(data)
        return drawn[0] if drawn else None

    return draw
