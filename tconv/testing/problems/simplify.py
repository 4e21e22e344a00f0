"""Smaller problems of the same sort: to find the minimal failing one, and a supported one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tconv.testing.problems.problem import Problem

Predicate = Callable[[Problem], bool]
_EXAMINATIONS = 400
_SECONDS = 30.0  # far more than NumPy code takes, so that the result does not vary


def minimal(problem: Problem, fails: Predicate, allowed: Predicate) -> Problem:
    """The simplest problem found that still fails: no single step of ``simpler`` still does.

    Stops early after some seconds or examinations, with the simplest found until then.
    """
    end = time.monotonic() + _SECONDS
    budget = _EXAMINATIONS
    improved = True
    while improved:
        improved = False
        for candidate in simpler(problem):
            if budget == 0 or time.monotonic() > end:
                return problem
            if not allowed(candidate):
                continue
            budget -= 1
            if fails(candidate):
                problem, improved = candidate, True
                break
    return problem


def nearest_supported(problem: Problem, supports: Predicate) -> Problem | None:
    """The problem, or one a few simplifications away, that ``supports`` accepts."""
    if supports(problem):
        return problem
    steps = _repairs(problem)
    for step in steps:
        candidate = replace(problem, **step)
        if candidate.valid and supports(candidate):
            return candidate
    for number in range(len(steps)):
        candidate = replace(problem, **_repairs(problem)[number])
        if candidate.valid:
            problem = candidate
        if supports(problem):
            return problem
    return None


def simpler(problem: Problem) -> Iterator[Problem]:
    """Valid problems that differ in one respect and are simpler in it, the boldest first."""
    for step in _steps(problem):
        candidate = replace(problem, **step)
        if candidate != problem and candidate.valid:
            yield candidate


def _steps(p: Problem) -> Iterator[dict[str, Any]]:
    if p.ndim > 1:
        for axis in range(p.ndim):
            yield {name: _without(getattr(p, name), axis) for name in _PER_AXIS}
    yield {"memory": "contiguous"}
    yield {"spread": 0, "condition": 1}
    yield {"bias": False}
    if p.batch != 0:
        yield {"batch": 1}
    if p.batch is not None:
        for batch in _smaller(p.batch, 2):
            yield {"batch": batch}
    for groups in _smaller(p.groups, 1):
        yield {
            "groups": groups,
            "in_channels": groups * p.in_channels // p.groups,
            "out_channels": groups * p.out_channels // p.groups,
        }
    for name in ("in_channels", "out_channels"):
        for in_a_group in _smaller(getattr(p, name) // p.groups, 1):
            yield {name: p.groups * in_a_group}
    for axis in range(p.ndim):
        for name, least in (("dilation", 1), ("stride", 1), ("output_padding", 0)):
            for smaller in _smaller(getattr(p, name)[axis], least):
                yield {name: _with(getattr(p, name), axis, smaller)}
        yield from _padding_steps(p, axis)
        for name in ("kernel_size", "input_size"):
            for smaller in _smaller(getattr(p, name)[axis], 1):
                yield {name: _with(getattr(p, name), axis, smaller)}
    if p.seed:
        yield {"seed": 0}


def _smaller(value: int, least: int) -> list[int]:
    """The least, what is between it and the value by halving the way, and one less."""
    between = {value - (value - least) // part for part in (1, 2, 4, 8)}
    return sorted(n for n in {*between, value - 1} if least <= n < value)


_PER_AXIS = ("input_size", "kernel_size", "stride", "padding", "output_padding", "dilation")


def _padding_steps(p: Problem, axis: int) -> Iterator[dict[str, Any]]:
    lo, hi = p.padding[axis]
    half = int(lo / 2), int(hi / 2)
    nearer = (lo - (lo > 0) + (lo < 0), hi - (hi > 0) + (hi < 0))
    for pair in ((0, 0), (lo, lo), (hi, hi), half, nearer, (lo, nearer[1]), (nearer[0], hi)):
        # Nearer to 0: every step makes progress.
        if abs(pair[0]) + abs(pair[1]) < abs(lo) + abs(hi):
            yield {"padding": _with(p.padding, axis, pair)}


def _repairs(p: Problem) -> list[dict[str, Any]]:
    """What implementations most often leave out, one step for each."""
    pairs = zip(p.output_padding, p.stride, strict=True)
    return [
        {"memory": "contiguous"},
        {"batch": p.batch or 1},
        {"padding": tuple((max(min(pair), 0),) * 2 for pair in p.padding)},
        {"output_padding": tuple(min(op, s - 1) for op, s in pairs)},
        {"output_padding": 0},
        {
            "groups": 1,
            "in_channels": p.in_channels // p.groups,
            "out_channels": p.out_channels // p.groups,
        },
        {"dilation": 1, "output_padding": 0},
        {"bias": False},
        {"spread": 0, "condition": 1},
        {"padding": 0},
        {name: (getattr(p, name)[0],) * p.ndim for name in _PER_AXIS},
        {"stride": 1, "output_padding": 0},
    ]


def _with(entries: tuple[Any, ...], axis: int, value: Any) -> tuple[Any, ...]:
    return (*entries[:axis], value, *entries[axis + 1 :])


def _without(entries: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    return (*entries[:axis], *entries[axis + 1 :])
