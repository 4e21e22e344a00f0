"""One problem put to one implementation: its operands, its results, what is expected of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from tconv.testing.expected import Expected, expected_cotangents, expected_result
from tconv.testing.problems.problem import Problem

Array = NDArray[Any]


@dataclass(frozen=True)
class Subject:
    """What is being checked, and how strictly."""

    fn: Callable[..., Any]
    kind: str = "conv_transpose"
    vjp: bool = False
    adjoint: Callable[..., Any] | None = None
    atol: float | None = None
    rtol: float | None = None
    nonfinite: Collection[str] = ("x",)


@dataclass(frozen=True)
class Finding:
    """A property that does not hold: which, of which result, in words, and with what values."""

    problem: Problem
    name: str
    message: str
    result: str = "y"
    got: Array | None = None
    expected: Array | None = None
    wrong: Array | None = None
    allowed: Array | None = None


class Violated(Exception):  # noqa: N818 - it carries a finding from a property to examine
    """Carries the finding of the property that does not hold."""


@dataclass
class Trial:
    """One problem with its arrays and what is expected of them."""

    subject: Subject
    problem: Problem
    checked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the operands and the expectations."""
        self.x, self.w, self.b = self.problem.arrays()
        self.operands: dict[str, Any] = {"x": self.x, "w": self.w, "b": self.b}
        self.expected: dict[str, Expected | None] = {
            "y": expected_result(self.problem, self.x, self.w, self.b)
        }
        if self.subject.vjp:
            self.operands["dy"] = self.problem.cotangent()
            self.expected |= expected_cotangents(self.problem, **self.operands)

    def run(self, **replaced: Any) -> dict[str, Any]:
        """The results by name, for the trial's operands or for others in their place."""
        operands = self.operands | replaced  # x, w, b in this order
        dy = operands.pop("dy", None)
        with np.errstate(all="ignore"):
            try:
                result = self.subject.fn(*operands.values(), **self.problem.keywords)
                if not self.subject.vjp:
                    return {"y": np.asarray(result)}
                y, pullback = result
                results = dict(zip(("y", "dx", "dw", "db"), (y, *pullback(dy)), strict=True))
                return {k: None if v is None else np.asarray(v) for k, v in results.items()}
            except Exception as error:
                self.fail("call", f"raised {type(error).__name__}: {error}")

    def fail(self, name: str, message: str, **values: Any) -> NoReturn:
        """Raise the finding that a property does not hold."""
        raise Violated(Finding(self.problem, name, message, **values))
