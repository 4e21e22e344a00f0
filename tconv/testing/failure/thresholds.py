"""Above which value of a number a failing problem fails: where a tile or a buffer ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tconv.testing.problems.problem import Problem
from tconv.testing.problems.simplify import Predicate

# Numbers up to this are what any problem has, and say nothing.
PLAIN = 3
_OF_AN_AXIS = ("input_size", "kernel_size", "stride", "dilation", "output_padding")


def thresholds(problem: Problem, fails: Predicate) -> Iterator[str]:
    """A sentence for each number of the minimal problem that is large because it has to be: with
    one less it holds."""
    for label, value, changed in _numbers(problem):
        below, above, far = (
            replace(problem, **changed(number)) for number in (value - 1, value + 1, 2 * value)
        )
        if value <= PLAIN or not below.valid or fails(below):
            continue
        if all(p.valid and fails(p) for p in (above, far)):
            yield f"It fails from {label} {value} on: with {value - 1} it holds"
        else:
            yield f"It fails at {label} {value}, and with {value - 1} it holds"


def _numbers(p: Problem) -> Iterator[tuple[str, int, Any]]:
    """Each number of a problem: its name, its value, and the fields for another value."""
    for axis in range(p.ndim):
        where = f" of spatial axis {axis}" if p.ndim > 1 else ""
        for name in _OF_AN_AXIS:
            entries = getattr(p, name)

            def changed(
                value: int, name: str = name, entries: Any = entries, axis: int = axis
            ) -> dict[str, Any]:
                return {name: (*entries[:axis], value, *entries[axis + 1 :])}

            yield f"{name}{where}", entries[axis], changed
        for side, at in enumerate(("low", "high")):

            def cropped(value: int, axis: int = axis, side: int = side) -> dict[str, Any]:
                pair = list(p.padding[axis])
                pair[side] = value
                return {"padding": (*p.padding[:axis], tuple(pair), *p.padding[axis + 1 :])}

            yield f"padding at the {at} side{where}", p.padding[axis][side], cropped
    yield "batch", p.batch or 0, lambda value: {"batch": value}
    inside, outside = p.in_channels // p.groups, p.out_channels // p.groups
    yield (
        "groups",
        p.groups,
        lambda value: {
            "groups": value,
            "in_channels": value * inside,
            "out_channels": value * outside,
        },
    )
    yield (
        "in_channels of a group",
        inside,
        lambda value: {"in_channels": value * p.groups},
    )
    yield (
        "out_channels of a group",
        outside,
        lambda value: {"out_channels": value * p.groups},
    )
