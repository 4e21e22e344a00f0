"""The rows of the board: for each feature the problems that need it, and how they are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from tconv.testing import Problem, reference
from tconv.testing.expected import Expected
from tconv.testing.frameworks.framework import Framework, Function
from tconv.testing.measures import DIGITS, gamma
from tconv.testing.properties import examine
from tconv.testing.trial import Finding, Subject, Trial, Violated

PROBLEMS = 20  # a row at most
HALF_SUMS = "sums in half"
Judge = Callable[[Framework, Problem], Finding | None]


@dataclass(frozen=True)
class Feature:
    """A row: its problems from small to large, and the finding of one of them, if there is one.

    ``function`` is what of a framework it tries, None where the framework has nothing of the sort.
    ``shrinks`` says whether a simpler problem is one of the same row.
    """

    name: str
    problems: tuple[Problem, ...]
    judge: Judge
    function: Callable[[Framework], Function | None] = lambda framework: framework.conv_transpose
    needs: Callable[[Problem], Problem] = lambda problem: problem
    keeps: Callable[[Problem], bool] | None = None

    def offered(self, framework: Framework, problem: Problem) -> bool:
        """Whether the framework has words for the problem."""
        return self.function(framework) is not None and framework.supports(self.needs(problem))


def values(framework: Framework, problem: Problem) -> Finding | None:
    """Shape, dtype and values."""
    return examine(Subject(framework.conv_transpose), problem, until="values")[0]


def halves(framework: Framework, problem: Problem) -> Finding | None:
    """Values as of a sum in float32 rounded once; ``HALF_SUMS`` where they are only as good as a
    sum in the half kind, each of whose roundings is allowed for."""
    finding = values(framework, problem)
    if finding is None or finding.name != "values":
        return finding
    unit = 2.0 ** -DIGITS[problem.dtype]
    loose = Subject(
        framework.conv_transpose, rtol=gamma(problem.accumulation_length + 1, unit), atol=0.0
    )
    if examine(loose, problem, until="values")[0] is None:
        return replace(finding, name=HALF_SUMS)
    return finding


def gradients(framework: Framework, problem: Problem) -> Finding | None:
    """The values of the result and of its three cotangents."""
    return examine(Subject(_given(framework.vjp), vjp=True), problem, until="values")[0]


def nonfinite(framework: Framework, problem: Problem) -> Finding | None:
    """A NaN and an infinity in x show where their taps lead, and nowhere else."""
    return examine(Subject(framework.conv_transpose), problem)[0]


def same(framework: Framework, problem: Problem) -> Finding | None:
    """Values with the framework's SAME, where the problem's padding is the numbers of it."""
    return examine(Subject(_given(framework.same)), problem, until="values")[0]


def circular(framework: Framework, problem: Problem) -> Finding | None:
    """The full scatter folded onto input*stride positions, from where the framework begins."""
    trial = Trial(Subject(_given(framework.circular)), problem)
    start = framework.circular_start
    assert start is not None
    starts = [start(_extent(axis), axis.stride) for axis in problem.axes]
    absolute = [None if a is None else np.abs(a) for a in (trial.x, trial.w, trial.b)]
    value = _folded(problem, starts, trial.x, trial.w, trial.b)
    expected = Expected(
        value, _folded(problem, starts, *absolute), problem.accumulation_length, problem.dtype
    )
    try:
        got = trial.run()["y"]
    except Violated as violated:
        finding: Finding = violated.args[0]
        return finding
    if got.shape != value.shape:
        return Finding(problem, "shape", f"y has shape {got.shape}, expected {value.shape}")
    wrong = expected.wrong(got, None, None)
    if not wrong.any():
        return None
    text = f"{int(wrong.sum())} of {wrong.size} elements of y are outside the error bound"
    return Finding(problem, "values", text, got=got, expected=value, wrong=wrong)


def _given(function: Function | None) -> Function:
    assert function is not None
    return function


def _extent(axis: Any) -> int:
    return int(axis.dilation * (axis.kernel_size - 1) + 1)


def _folded(problem: Problem, starts: list[int], x: Any, w: Any, b: Any) -> Any:
    keywords = {**problem.keywords, "padding": 0, "output_padding": 0}
    full = reference.conv_transpose(x, w, None, **keywords)
    for place, (axis, start) in enumerate(zip(problem.axes, starts, strict=True)):
        along, period = place - problem.ndim, axis.input_size * axis.stride
        full = np.moveaxis(full, along, 0)
        folded = np.zeros((period, *full.shape[1:]))
        np.add.at(folded, (np.arange(len(full)) - start) % period, full)
        full = np.moveaxis(folded, 0, along)
    return full if b is None else full + b.reshape(-1, *[1] * problem.ndim)


def _same_pair(axis: Any) -> tuple[int, int]:
    lo = max(_extent(axis) - axis.stride, 0) // 2
    return lo, _extent(axis) - axis.stride - lo


def grid(
    keep: Callable[[Problem], bool] = lambda problem: True, **levels: Any
) -> tuple[Problem, ...]:
    """The valid problems of one, two and three axes with these levels, a sample of them from small
    to large."""
    every: dict[str, Any] = {
        "ndim": (1, 1, 2, 3),
        "input_size": (1, 2, 4),
        "kernel_size": (1, 2, 3, 4),
        "stride": (1, 2, 3),
        "padding": (0, 1),
        "output_padding": (0,),
        "dilation": (1,),
    } | levels
    found = []
    for axes, *numbers in product(*every.values()):
        chosen = dict(zip(list(every)[1:], numbers, strict=True))
        spatial = {name: (value,) * axes for name, value in chosen.items()}
        problem = Problem(**spatial, in_channels=2, out_channels=3, bias=True)
        if problem.valid and keep(problem):
            found.append(problem)
    found.sort(key=lambda problem: (problem.work, prod(problem.output_shape)))
    step = max(len(found) / PROBLEMS, 1)
    places = dict.fromkeys(int(step * number) for number in range(PROBLEMS))
    return tuple(replace(found[place], seed=place) for place in places if place < len(found))


def _shallow(problem: Problem) -> bool:
    return all(max(axis.padding) < _extent(axis) for axis in problem.axes)


def _features() -> Iterator[Feature]:
    plain = grid(_shallow)
    yield Feature("values", plain, values, keeps=_shallow)
    yield Feature(
        "padding beyond the kernel",
        grid(lambda p: not _shallow(p), padding=(1, 2, 3), input_size=(2, 4, 6)),
        values,
        keeps=lambda p: not _shallow(p),
    )
    yield Feature(
        "output_padding below stride",
        grid(
            lambda p: _shallow(p) and all(0 < a.output_padding < a.stride for a in p.axes),
            output_padding=(1, 2),
        ),
        values,
    )
    yield Feature(
        "output_padding of stride and above",
        grid(
            lambda p: all(a.output_padding >= a.stride for a in p.axes),
            output_padding=(1, 2),
            dilation=(2, 3),
        ),
        values,
        keeps=lambda p: any(a.output_padding >= a.stride for a in p.axes),
    )
    grouped = [
        replace(problem, groups=groups, in_channels=2 * groups, out_channels=3 * groups)
        for problem, groups in zip(grid(_shallow), (2, 3) * PROBLEMS, strict=False)
    ]
    yield Feature("groups", tuple(grouped), values, keeps=lambda p: p.groups > 1)
    dilated = grid(_shallow, kernel_size=(2, 3), dilation=(2, 3))
    yield Feature("dilation", dilated, values, keeps=lambda p: max(p.dilation) > 1)
    yield Feature(
        "asymmetric padding",
        grid(_shallow, kernel_size=(2, 3, 4), padding=((1, 0), (0, 1), (2, 1))),
        values,
        keeps=lambda p: not p.symmetric and min(map(min, p.padding)) >= 0,
    )

    def without_padding(problem: Problem) -> Problem:
        return replace(problem, padding=0)

    for name, within in (("SAME", True), ("SAME, stride above the kernel", False)):
        sames = tuple(
            replace(problem, padding=tuple(map(_same_pair, problem.axes)))
            for problem in grid(
                lambda p, within=within: within == all(_extent(a) >= a.stride for a in p.axes),
                padding=(0,),
                kernel_size=(1, 2, 3, 5),
            )
        )
        yield Feature(name, sames, same, lambda f: f.same, without_padding)
    round_trip = grid(
        lambda p: all(a.stride <= _extent(a) <= a.input_size * a.stride for a in p.axes),
        padding=(0,), ndim=(1, 2), kernel_size=(1, 2, 3, 4, 5), input_size=(2, 3, 4),
    )  # fmt: skip
    yield Feature("CIRCULAR", round_trip, circular, lambda f: f.circular, without_padding)
    below = grid(
        lambda p: _shallow(p) and all(a.output_padding < a.stride for a in p.axes),
        output_padding=(0, 1), ndim=(1, 2),
    )  # fmt: skip
    yield Feature("gradients", below, gradients, lambda f: f.vjp, keeps=_shallow)
    for dtype in ("float16", "bfloat16"):
        unbiased = tuple(replace(problem, dtype=dtype, bias=False) for problem in plain)
        yield Feature(dtype, unbiased, halves, keeps=lambda p: _shallow(p) and not p.bias)
    yield Feature("NaN and inf in x", plain, nonfinite, keeps=_shallow)
    empty = tuple(replace(problem, batch=0) for problem in plain)
    yield Feature("empty batch", empty, values, keeps=lambda p: _shallow(p) and p.batch == 0)
    alone = tuple(replace(problem, batch=None) for problem in plain)
    yield Feature("unbatched", alone, values, keeps=lambda p: _shallow(p) and p.batch is None)


FEATURES = {feature.name: feature for feature in _features()}
