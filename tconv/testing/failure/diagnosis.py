"""From a finding to its likely cause: the suspect that fits, where it shows, and when."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.testing.expected import Expected, widened, wrapped
from tconv.testing.failure.conditions import when
from tconv.testing.failure.places import ends, where
from tconv.testing.failure.suspects import Suspect, named_axes, suspects
from tconv.testing.measures import DIGITS, error_bound, gamma, relative_error
from tconv.testing.problems.problem import Problem
from tconv.testing.properties import unreached
from tconv.testing.trial import Finding, Subject, Trial, Violated

Array = NDArray[Any]
_SECONDS = 15.0
_HALF_SUMS = "they have to be summed in float32 and rounded once"
_CHANGES = "state kept between calls, memory that is not initialised, or a race between threads"
_CAUSES = {
    "call": "the message above is the implementation's own. If it does not offer such problems, "
    "say so with supports=",
    "return value": "the function does not return what is checked",
    "inputs unchanged": "an operation in place on an array that the caller still owns",
    "calls agree": _CHANGES,
    "earlier results kept": "a buffer that is used again for every result: return a new array",
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
        cause = _CAUSES[finding.name]
        if finding.name == "calls agree":
            cause = _of_calls(subject, finding) or cause
        return cause[:1].upper() + cause[1:]
    observations = _observe(subject, finding, probes)
    named = _fitting(finding, observations) or _not_initialised(subject, finding)
    small = "" if named else _small_error(subject, finding) or _factor(subject, first)
    failing = [trial.problem for trial, _, wrong in observations[1:] if wrong.any()]
    passing = [trial.problem for trial, _, wrong in observations[1:] if not wrong.any()]
    sentences = [s for s in (named, small) if s]
    if not named:
        sentences += [*(_ends(observations) if first.result in ("y", "dx") else ()), *where(first)]
    sentences += when(failing, passing)
    if not named and not small:
        sentences.insert(0, "none of the usual suspects fits")
    return ". ".join(s[:1].upper() + s[1:] for s in sentences)


Observation = tuple[Trial, Array, Array]


def _observe(subject: Subject, finding: Finding, probes: Iterable[Problem]) -> list[Observation]:
    """(trial, result, where it is wrong) for the minimal problem and for the probes."""
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
        wrong = np.ones(got.shape, bool)
        if got.shape == expected.value.shape:
            wrong = expected.wrong(got, subject.atol, subject.rtol)
        observed.append((trial, got, wrong))
    return observed


def _fitting(finding: Finding, observations: list[Observation]) -> str:
    """The suspect that gives the minimal problem's result, and the others' where they fail."""
    fits: dict[str, dict[int, bool]] = {}  # by suspect: the problems to which it applies
    for number, observation in enumerate(observations):
        for sentence, compute in _suspects_of(observation[0], finding.result):
            if number == 0 and _explains(compute, observation, finding.result):
                fits[sentence] = {}
            if sentence in fits:
                fits[sentence][number] = _explains(compute, observation, finding.result)
    if not fits:
        return ""
    failing = [number for number, (_, _, wrong) in enumerate(observations) if wrong.any()]

    def explained(sentence: str) -> int:
        return sum(fits[sentence].get(number, False) for number in failing)

    best = max(fits, key=lambda sentence: (explained(sentence), sum(fits[sentence].values())))
    count = f"{explained(best)} of the {len(failing)} failing problems tried"
    if explained(best) < len(failing):
        return "" if 2 * explained(best) < len(failing) else f"{best}: this explains {count}"
    if all(fits[best].values()):
        return f"{best}: this gives the values seen on all {len(fits[best])} problems tried"
    return f"sometimes, {best}: this explains {count}, and the others are right"


def _explains(compute: Callable[[], Array], observation: Observation, result: str) -> bool:
    """Whether a suspect gives the values seen; where they are wrong, it has to be wrong as well."""
    trial, got, wrong = observation
    expected = trial.expected[result]
    assert expected is not None
    try:
        with np.errstate(all="ignore"):
            values = compute()
    except ValueError:  # this mistake leaves no output at all here
        return False
    if not _near(values, got, expected):
        return False
    if not wrong.any() or values.shape != expected.value.shape:
        return True
    exact = expected.value.dtype == object
    alike = wrapped(values, expected.dtype) if exact else values
    return bool(expected.wrong(alike, None, None).any())


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


def _near(values: Array, got: Array, expected: Expected) -> bool:
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
    own = DIGITS[expected.dtype]
    if own < DIGITS["float32"]:
        fits = error <= gamma(expected.length + 3, 2.0**-own)
        return f"sums in {expected.dtype}: {_HALF_SUMS}" if fits else ""
    for digits, name in ((24, "float32"), (11, "float16 or TF32"), (8, "bfloat16")):
        if error <= gamma(expected.length + 3, 2.0**-digits):
            return (
                f"lower precision: errors of up to {error:.1e} of the sum of absolute products "
                f"are what products or sums in {name} give"
            )
    return ""


def _ends(observations: list[Observation]) -> Iterator[str]:
    """An end of an axis, where it is alone wrong in several problems."""
    failing = [
        (wrong, trial.problem.ndim)
        for trial, _, wrong in observations
        if wrong.any() and wrong.ndim > trial.problem.ndim
    ]
    several = [(wrong, ndim) for wrong, ndim in failing if min(wrong.shape[-ndim:]) > 1]
    if len(several) > 1:
        yield from ends(*zip(*several, strict=True))


def _not_initialised(subject: Subject, finding: Finding) -> str:
    """Whether all that is wrong lies where no tap reaches, and holds neither 0 nor the bias."""
    wrong, got, problem = finding.wrong, finding.got, finding.problem
    if finding.result != "y" or wrong is None or got is None or problem.bias:
        return ""
    if (wrong & ~unreached(Trial(subject, problem))).any():
        return ""
    return "positions that no tap reaches are not 0: memory that is not initialised"


def _of_calls(subject: Subject, finding: Finding) -> str:
    """What differs between two calls with the same arguments."""
    got, was = finding.got, finding.expected
    if got is None or was is None or got.shape != was.shape or finding.result != "y":
        return ""
    trial = Trial(subject, finding.problem)
    expected = trial.expected["y"]
    assert expected is not None
    first, later = (expected.wrong(y, subject.atol, subject.rtol) for y in (was, got))
    if not ((first | later) & ~unreached(trial)).any():
        return (
            "only positions that no tap reaches differ between the calls: memory that is not "
            "initialised"
        )
    return f"one of the two is right: {_CHANGES}" if first.any() != later.any() else ""


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
    if _near(expected.value * factor, finding.got, expected):
        return f"every element is {factor:.6g} times what it should be"
    return ""
