"""One problem put to one implementation: its operands, its results, what is expected of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from tconv.testing.expected import Expected, expected_cotangents, expected_result
from tconv.testing.problems.problem import Problem
from tconv.testing.pullbacks import with_pullback

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
                arguments, keywords = operands.values(), self.problem.keywords
                if not self.subject.vjp:
                    return {"y": self._array(self.subject.fn(*arguments, **keywords), "y")}
                result = with_pullback(self.subject.fn, *arguments, **keywords)
                y, pullback = self._several(result, ("y", "pullback"), "the function")
                cotangents = self._several(pullback(dy), ("dx", "dw", "db"), "the pullback")
            except Violated:
                raise
            except Exception as error:
                self.fail("call", f"raised {type(error).__name__}: {error}")
        results = {"y": self._array(y, "y")}
        for name, values in zip(("dx", "dw", "db"), cotangents, strict=True):
            none = values is None and name == "db"
            results[name] = None if none else self._array(values, name)
        return results

    def _array(self, value: Any, name: str) -> Any:
        """A result as an array of numbers."""
        if value is None:
            self.fail("return value", f"{name} is None: does the function return it?", result=name)
        if isinstance(value, tuple | list):
            of = "a pullback: check_vjp takes it" if any(map(callable, value)) else "the result"
            kind = type(value).__name__
            message = f"{name} is a {kind} of {len(value)}, expected one array; is one of them {of}"
            self.fail("return value", f"{message}?", result=name)
        values = np.asarray(value)
        if values.dtype == object:
            message = f"{name} is a {type(value).__name__}, which is no array of numbers"
            self.fail("return value", message, result=name)
        return values

    def _several(self, value: Any, names: tuple[str, ...], who: str) -> tuple[Any, ...]:
        """A tuple with one entry for each name."""
        if not isinstance(value, tuple | list) or len(value) != len(names):
            several = isinstance(value, tuple | list)
            kind = type(value).__name__ + (f" of {len(value)}" if several else "")
            wanted = ", ".join(names)
            self.fail("return value", f"{who} returned {kind}, expected ({wanted})")
        return tuple(value)

    def fail(self, name: str, message: str, **values: Any) -> NoReturn:
        """Raise the finding that a property does not hold."""
        raise Violated(Finding(self.problem, name, message, **values))
