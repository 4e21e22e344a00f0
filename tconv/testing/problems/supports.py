"""What an implementation offers, written as rules that a command takes and a certificate holds."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from tconv.testing.problems.problem import MEMORY, Geometry, Problem

Rule = Callable[[Problem], bool]
_WORDS: dict[str, Rule] = {
    "symmetric": lambda problem: problem.symmetric,
    "batched": lambda problem: problem.batch is not None,
}
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_PER_AXIS = Geometry._fields
_NAMES = (*(field.name for field in fields(Problem) if field.name not in ("seed", "kind")), "ndim")
_TERM = re.compile(r"(\w+)\s*(<=|>=|!=|=|<|>)\s*(-?\w+)")
_VALUES = {"true": True, "false": False} | {name: name for name in MEMORY}


@dataclass(frozen=True)
class Supports:
    """The problems that keep all rules of a text such as ``"symmetric, groups=1, padding>=0"``.

    A rule is ``symmetric`` (the padding is the same at both sides, and not negative), ``batched``,
    or a comparison of a field of ``Problem`` or ``ndim`` with a number, a name, or the field of
    another axis parameter: ``output_padding<stride``.  A comparison of spatial parameters is one
    on every axis, and of ``padding`` on both sides.

    Raises: ValueError for a text that is no such list.

    >>> plain = Supports("symmetric, groups=1, output_padding<stride")
    >>> plain(Problem((4,), (3,), padding=1)), plain(Problem((4,), (3,), padding=((1, 0),)))
    (True, False)
    """

    text: str = ""

    def __post_init__(self) -> None:
        """Read the rules, so that a wrong one is refused here."""
        assert self._rules is not None

    def __call__(self, problem: Problem) -> bool:
        """Whether the problem keeps every rule."""
        return all(rule(problem) for rule in self._rules)

    def __and__(self, other: Supports) -> Supports:
        """The problems that keep the rules of both."""
        return Supports(", ".join(text for text in (self.text, other.text) if text))

    @cached_property
    def _rules(self) -> tuple[Rule, ...]:
        return tuple(_rule(part.strip()) for part in self.text.split(",") if part.strip())


def _rule(text: str) -> Rule:
    if text in _WORDS:
        return _WORDS[text]
    match = _TERM.fullmatch(text)
    if match is None or match[1] not in _NAMES:
        raise ValueError(
            f"supports: a rule must be one of {', '.join(_WORDS)}, or NAME=VALUE with "
            f"=, !=, <, <=, > or >= and one of the names {', '.join(_NAMES)}; got {text!r}. "
            f"Write such as symmetric,groups=1,output_padding<stride."
        )
    name, sign, value = match.groups()
    compare, read = _SIGNS[sign], _reader(name, value)

    def rule(problem: Problem) -> bool:
        if name not in _PER_AXIS:
            left = getattr(problem, name)
            comparable = left is not None or sign in ("=", "!=")
            return comparable and compare(left, read(problem, 0))
        return all(
            compare(entry, read(problem, axis))
            for axis, given in enumerate(getattr(problem, name))
            for entry in _sides(given)
        )

    return rule


def _reader(name: str, value: str) -> Callable[[Problem, int], Any]:
    """What a rule compares with: a number, a word, or a field of the same axis."""
    if value in _PER_AXIS and value != "padding" and name in _PER_AXIS:
        return lambda problem, axis: getattr(problem, value)[axis]
    if name in ("dtype", "memory", "bias"):
        return lambda problem, axis: _VALUES.get(value, value)
    try:
        number = int(value)
    except ValueError:
        raise ValueError(
            f"supports: {name} must be compared with an int"
            f"{' or a parameter of the axis' if name in _PER_AXIS else ''}; got {value!r}. "
            f"Write such as {name}<=4."
        ) from None
    return lambda problem, axis: number


def _sides(entry: Any) -> Collection[int]:
    return entry if isinstance(entry, tuple) else (entry,)
