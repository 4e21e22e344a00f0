"""Takes the steps of the walkthrough: checks each statement, then tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np


def walk(
    steps: Iterable[Callable[[Any, Any], None]],
    array: Callable[[Any], Any],
    tell: Callable[[str], None],
) -> int:
    """Take every step with the arrays that ``array`` makes; the number of statements checked.

    A step is a function of ``array`` and ``holds``; its docstring is its title and text.
    """
    count = 0

    def holds(what: str, found: Any, expected: Any, within: float = 0.0) -> None:
        """Assert that found is expected, then show it."""
        nonlocal count
        assert found.shape == np.shape(expected), (what, found.shape, np.shape(expected))
        off = np.abs(np.asarray(found) - np.asarray(expected)).max()
        assert off <= within, f"{what} off by {off}"
        count += 1
        tell(f"{what}\n{_indented(found)}")

    for number, step in enumerate(steps, start=1):
        title, *text = (step.__doc__ or "").splitlines()
        tell(f"\n{number}. {title}")
        tell("\n".join(line.strip() for line in text).strip() + "\n")
        step(array, holds)
    return count


def _indented(values: Any) -> str:
    squeezed = np.squeeze(np.asarray(values))
    text = np.array2string(squeezed, formatter={"float_kind": lambda v: f"{v + 0.0:.5g}"})
    return "\n".join("    " + line for line in text.splitlines())
