"""From a finding to its likely cause: the suspect that fits, where it shows, and when."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.testing.expected import Expected, widened, wrapped
from tconv.testing.failure.suspects import Suspect, named_axes, suspects
from tconv.testing.measures import error_bound, gamma, relative_error
from tconv.testing.problems.problem import Geometry, Problem
from tconv.testing.trial import Finding, Subject, Trial, Violated

Array = NDArray[Any]
_SECONDS = 15.0
_CAUSES = {
    "call": "the message above is the implementation's own. If it does not offer such problems, "
    "say so with supports=",
    "inputs unchanged": "an operation in place on an array that the caller still owns",
    "calls agree": "state kept between calls, memory that is not initialised, a buffer that is "
    "used again, or a race between threads",
    "dtype": "a conversion on the way in or out, or the promotion of a constant",
    "adjoint": "the two maps differ in geometry or in the kernel's orientation: check each of "
    "them alone",
    "NaN and inf in x": "zeros are multiplied where nothing should be (a kernel padded with "
    "zeros, a dense matrix): 0 * inf is NaN",
    "NaN and inf in w": "zeros are multiplied where nothing should be (inserted or padded zeros "
    "of the input): 0 * inf is NaN",
}


def diagnose(subject: Subject, finding: Finding, first: Finding, probes: Iterable[Problem]) -> str:
    """What explains the minimal finding, in a sentence or two.

    ``first`` is the finding before simplification; ``probes`` are further problems on which a
    suspect must fit, and by which the conditions of the failure are told.
    """
    if finding.name in _CAUSES:
        return _CAUSES[finding.name]
    observations = _observe(subject, finding, probes)
    named = _fitting(finding, observations)
    small = "" if named else _small_error(subject, finding) or _factor(subject, first)
    sentences = [s for s in (named, small) if s] + [*_where(first), *_when(observations)]
    if not named and not small:
        sentences.insert(0, "none of the usual suspects fits")
    return ". ".join(s[:1].upper() + s[1:] for s in sentences)


Observation = tuple[Trial, Array, bool]


def _observe(subject: Subject, finding: Finding, probes: Iterable[Problem]) -> list[Observation]:
    """(trial, result, is it wrong) for the minimal problem and for the probes."""
    observed: list[Observation] = []
    end = time.monotonic() + _SECONDS
    for problem in (finding.problem, *probes):
        if observed and time.monotonic() > end:
            break
        trial = Trial(subject, problem)
        expected = trial.expected[finding.result]
        try:
            got = trial.run()[finding.result]
        except Violated:
            continue
        if expected is None or got is None:
            continue
        wrong = got.shape != expected.value.shape or bool(
            expected.wrong(got, subject.atol, subject.rtol).any()
        )
        observed.append((trial, got, wrong))
    return observed


def _fitting(finding: Finding, observations: list[Observation]) -> str:
    """The suspect that gives the minimal problem's result, and the others' where they fail."""
    fits: dict[str, list[bool]] = {}
    for number, (trial, got, _) in enumerate(observations):
        expected = trial.expected[finding.result]
        assert expected is not None
        for sentence, compute in _suspects_of(trial, finding.result):
            if number == 0 and _fits(compute, got, expected):
                fits[sentence] = [True]
            elif number > 0 and sentence in fits:
                # A suspect that does not apply to some problem says nothing about it.
                fits[sentence] += [False] * (number - len(fits[sentence]))
                fits[sentence].append(_fits(compute, got, expected))
    if not fits:
        return ""
    failing = [number for number, (_, _, wrong) in enumerate(observations) if wrong]

    def explained(sentence: str) -> int:
        return sum(fits[sentence][n] for n in failing if n < len(fits[sentence]))

    best = max(fits, key=lambda sentence: (explained(sentence), sum(fits[sentence])))
    count = f"{explained(best)} of the {len(failing)} failing problems tried"
    if explained(best) < len(failing):
        return "" if 2 * explained(best) < len(failing) else f"{best}: this explains {count}"
    if sum(fits[best]) == len(observations):
        return f"{best}: this gives the values seen on all {len(observations)} problems tried"
    return f"sometimes, {best}: this explains {count}, and the others are right"


def _suspects_of(trial: Trial, result: str) -> Iterator[Suspect]:
    problem, x, w = trial.problem, trial.x, trial.w
    if result == "y":
        yield from suspects(problem, x, w, trial.b)
        return
    expected = trial.expected[result]
    assert expected is not None
    dy = trial.operands["dy"]
    if result == "dx" and all(a.output_padding < a.stride for a in problem.axes):
        partner = replace(
            problem,
            kind="conv" if problem.transposed else "conv_transpose",
            input_size=problem.output_size,
            output_padding=problem.partner_keywords.get("output_padding", 0),
            in_channels=problem.out_channels,
            out_channels=problem.in_channels,
            bias=False,
        )
        yield from suspects(partner, dy, w, None)
    if result == "dw":
        for name, flipped in named_axes(problem.ndim):
            spatial = tuple(axis + 2 for axis in flipped)
            yield f"it is flipped on {name}", partial(np.flip, expected.value, spatial)
        if expected.value.shape[0] == expected.value.shape[1]:
            yield "its channel axes are exchanged", lambda: expected.value.swapaxes(0, 1)
    batch = problem.batch or 1
    if batch > 1:
        yield "it is averaged over the batch, not summed", lambda: expected.value / batch
    yield "it is zero", lambda: np.zeros_like(expected.value)


def _fits(compute: Callable[[], Array], got: Array, expected: Expected) -> bool:
    try:
        with np.errstate(all="ignore"):
            values = compute()
    except ValueError:  # this mistake leaves no output at all here
        return False
    if values.shape != got.shape:
        return False
    if expected.value.dtype == object:
        return bool((wrapped(values, expected.dtype) == got).all())
    scale = np.max(expected.scale, initial=0.0)
    bound = error_bound(expected.dtype, 4 * expected.length, 4 * scale, scale)
    return bool((np.abs(values - widened(got)) <= bound).all())


def _small_error(subject: Subject, finding: Finding) -> str:
    """A lower precision than the operands', or a constant factor."""
    trial = Trial(subject, finding.problem)
    expected = trial.expected[finding.result]
    if finding.got is None or expected is None or finding.got.shape != expected.value.shape:
        return ""
    if expected.value.dtype == object:
        return ""
    got = widened(finding.got)
    error = relative_error(got, expected.value, expected.scale)
    for digits, name in ((24, "float32"), (11, "float16 or TF32"), (8, "bfloat16")):
        if error <= gamma(expected.length + 3, 2.0**-digits):
            return (
                f"lower precision: errors of up to {error:.1e} of the sum of absolute products "
                f"are what products or sums in {name} give"
            )
    return ""


def _factor(subject: Subject, finding: Finding) -> str:
    """One factor between all results and what they should be, the bias included."""
    trial = Trial(subject, finding.problem)
    expected = trial.expected[finding.result]
    if finding.got is None or expected is None or finding.got.shape != expected.value.shape:
        return ""
    if expected.value.dtype == object or finding.got.size < 2:
        return ""
    exact = expected.value.ravel()
    with np.errstate(all="ignore"):
        factor = np.vdot(exact, widened(finding.got).ravel()) / np.vdot(exact, exact)
    if _fits(lambda: expected.value * factor, finding.got, expected):
        return f"every element is {factor:.6g} times what it should be"
    return ""


def _where(finding: Finding) -> Iterator[str]:
    """Which samples, channels and positions are wrong, where it is not all of them."""
    wrong, problem = finding.wrong, finding.problem
    if wrong is None or finding.result not in ("y", "dx") or wrong.size == 0:
        return
    labels = [f"position {{}} of spatial axis {axis}" for axis in range(problem.ndim)]
    labels = ["sample {}"] * (wrong.ndim - 1 - problem.ndim) + ["channel {}", *labels]
    places = []
    for axis, label in enumerate(labels):
        others = tuple(i for i in range(wrong.ndim) if i != axis)
        hit = np.flatnonzero(wrong.any(axis=others))
        if len(hit) < wrong.shape[axis] and len(hit) <= max(2, wrong.shape[axis] // 2):
            places.append(f"{label.format(_list(hit))} of {wrong.shape[axis]}")
    if places:
        yield f"in {problem} it is wrong only at {', '.join(places)}"


def _list(numbers: Any) -> str:
    return " and ".join(str(int(number)) for number in numbers)


def _any_axis(holds: Callable[[Geometry], bool]) -> Callable[[Problem], bool]:
    return lambda problem: any(holds(axis) for axis in problem.axes)


_CONDITIONS: dict[str, Callable[[Problem], bool]] = {
    "output_padding >= stride": _any_axis(lambda a: a.output_padding >= a.stride),
    "stride > dilation*(kernel_size - 1) + 1": _any_axis(
        lambda a: a.stride > a.dilation * (a.kernel_size - 1) + 1
    ),
    "padding deeper than dilation*(kernel_size - 1)": _any_axis(
        lambda a: max(a.padding) > a.dilation * (a.kernel_size - 1)
    ),
    "negative padding": _any_axis(lambda a: min(a.padding) < 0),
    "different padding at the two sides": _any_axis(lambda a: a.padding[0] != a.padding[1]),
    "an input size of 1": _any_axis(lambda a: a.input_size == 1),
    "gcd(stride, dilation) > 1": _any_axis(lambda a: gcd(a.stride, a.dilation) > 1),
    "output padding": _any_axis(lambda a: a.output_padding > 0),
    "dilation > 1": _any_axis(lambda a: a.dilation > 1),
    "stride > 1": _any_axis(lambda a: a.stride > 1),
    "padding": _any_axis(lambda a: a.padding != (0, 0)),
    "groups > 1": lambda p: p.groups > 1,
    "several samples": lambda p: (p.batch or 1) > 1,
    "a bias": lambda p: p.bias,
    "non-contiguous arrays": lambda p: p.memory != "contiguous",
    "several input channels in a group": lambda p: p.in_channels > p.groups,
    "several output channels in a group": lambda p: p.out_channels > p.groups,
    **{f"{n} spatial axes": lambda p, n=n: p.ndim == n for n in (1, 2, 3)},  # type: ignore[misc]
}


def _when(observations: list[Observation]) -> Iterator[str]:
    """The condition that tells the failing problems of the table from the others."""
    table = observations[1:]
    failing = [trial.problem for trial, _, wrong in table if wrong]
    passing = [trial.problem for trial, _, wrong in table if not wrong]
    if not failing or not passing:
        return
    count = f"{len(failing)} of the {len(table)} problems of the table"
    shared = [name for name, holds in _CONDITIONS.items() if all(map(holds, failing))]
    exact = [name for name in shared if not any(map(_CONDITIONS[name], passing))]
    if exact:
        yield f"it fails on exactly those problems that have {exact[0]}: {count}"
    elif shared:
        fewest = min(shared, key=lambda name: sum(map(_CONDITIONS[name], passing)))
        yield f"all problems on which it fails have {fewest}: {count}"
    else:
        yield f"it fails on {count}"
