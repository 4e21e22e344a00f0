"""Draws of the package's strategies with choices that are made here, many or all of them:
hypothesis would take seconds to try them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import UnsatisfiedAssumption

from tconv.testing.strategies import drawn, invalid

just = lru_cache(None, typed=True)(st.just)


class AtRandom:
    """Chooses at random, the first and the last more often than the others."""

    def __init__(self) -> None:
        self.rng = Random(0)

    def __call__(self, options: Sequence[Any]) -> Any:
        return self.rng.choice((options[0], options[-1], self.rng.choice(options)))


class InTurn:
    """Chooses so that one draw after the other takes another way, until all are taken."""

    def __init__(self) -> None:
        self.way: list[tuple[int, int]] = []
        self.place = 0

    def __call__(self, options: Sequence[Any]) -> Any:
        if self.place == len(self.way):
            self.way.append((0, len(options)))
        self.place += 1
        return options[self.way[self.place - 1][0]]

    def go_on(self) -> bool:
        """Whether there is another way."""
        self.place = 0
        while self.way and self.way[-1][0] + 1 == self.way[-1][1]:
            self.way.pop()
        if self.way:
            self.way[-1] = self.way[-1][0] + 1, self.way[-1][1]
        return bool(self.way)


def draws(strategy: st.SearchStrategy[Any], most: int = 150) -> list[Any]:
    """Some draws of a strategy, the same ones each time."""
    return _drawn(AtRandom(), strategy, most)


def every(strategy: st.SearchStrategy[Any]) -> list[Any]:
    """All draws of a strategy, the first options of all choices first."""
    return _drawn(InTurn(), strategy, 10_000)


def _drawn(
    choose: Callable[[Sequence[Any]], Any], strategy: st.SearchStrategy[Any], most: int
) -> list[Any]:
    choices = SimpleNamespace(
        integers=lambda least, most: just(choose(range(least, most + 1))),
        booleans=lambda: just(choose((False, True))),
        sampled_from=lambda among: just(choose(tuple(among))),
        just=just,
    )
    found: list[Any] = []

    # The first example is the simplest, also of what is chosen by hypothesis after all.
    @settings(
        max_examples=2, database=None, deadline=None, derandomize=True, phases=[Phase.generate]
    )
    @given(st.data())
    def take(data: Any) -> None:
        found.clear()
        for _ in range(most):
            with suppress(UnsatisfiedAssumption):
                found.append(data.draw(strategy))
            if isinstance(choose, InTurn) and not choose.go_on():
                break

    with patch.object(drawn, "st", choices), patch.object(invalid, "st", choices):
        take()
    return found
