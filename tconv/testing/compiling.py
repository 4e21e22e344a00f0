"""Whether a function compiles for each shape: then its first call with one takes far longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

_LEAST = 0.02  # s; what compiles takes longer, even where little is to be compiled
_TIMES = 5  # a first call takes so many times as long as the next
_PROBLEMS = 3  # so many problems at least, and half of all, have to agree


class Stopwatch:
    """A function with its calls timed, problem by problem."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        """Take the function."""
        self.fn = fn
        self._calls: list[float] = []
        self._problems, self._compiled = 0, 0

    def __call__(self, *operands: Any, **keywords: Any) -> Any:
        """Call the function."""
        start = time.perf_counter()
        try:
            return self.fn(*operands, **keywords)
        finally:
            self._calls.append(time.perf_counter() - start)

    def next_problem(self) -> None:
        """The calls since the last time were all of one problem."""
        if len(self._calls) > 1:
            first, second = self._calls[:2]
            self._problems += 1
            self._compiled += first > max(_LEAST, _TIMES * second)
        self._calls.clear()

    @property
    def compiles(self) -> bool:
        """Whether the first calls of the problems were slow ones."""
        return self._compiled >= max(_PROBLEMS, self._problems / 2)
