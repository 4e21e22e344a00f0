"""One framework in a process of its own: ``python -m benchmarks.conformance.judge FRAMEWORK``.

Each problem is announced before it is tried and its outcome told after it, a line of JSON each
behind ``MARK``; so whoever reads knows over which problem the process ended, if it did.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.conformance.features import FEATURES, HALF_SUMS, Feature
from benchmarks.conformance.ours import COLUMNS
from tconv.testing import Problem
from tconv.testing.commands.machine import machine, versions
from tconv.testing.frameworks import load
from tconv.testing.frameworks.framework import Framework
from tconv.testing.problems.simplify import minimal
from tconv.testing.trial import Finding

MARK = "@conformance "


def main(arguments: Sequence[str]) -> None:
    """``FRAMEWORK SECONDS PROBLEMS FIRST ROW ...``: the rows, the first of them from there on."""
    name, seconds, problems, first, *names = arguments
    framework = COLUMNS[name]() if name in COLUMNS else load(name)
    _tell(versions=versions(("numpy", *framework.packages)), machine=machine())
    for row in names:
        begin = int(first) if row == names[0] else 0
        _judge(framework, FEATURES[row], begin, float(seconds), int(problems))
    _tell(done=True)


@np.errstate(all="ignore")
def _judge(
    framework: Framework, feature: Feature, first: int, seconds: float, problems: int
) -> None:
    start = time.monotonic()
    every = max(len(feature.problems) // problems, 1)
    for number in range(first, len(feature.problems), every):
        problem = feature.problems[number]
        if not feature.offered(framework, problem):
            continue
        about: dict[str, Any] = {"row": feature.name, "number": number, "every": every}
        _tell(**about, trying=repr(problem))
        outcome, text = _outcome(feature.judge(framework, problem))
        smallest = problem
        if outcome == "wrong":
            smallest = _smallest(framework, feature, problem)
            text = _outcome(feature.judge(framework, smallest))[1]
        _tell(**about, outcome=outcome, problem=repr(smallest), text=text)
        if outcome == "wrong" or time.monotonic() - start > seconds:
            break


def _outcome(finding: Finding | None) -> tuple[str, str]:
    if finding is None:
        return "right", ""
    named = {"call": "refused", HALF_SUMS: HALF_SUMS}
    return named.get(finding.name, "wrong"), finding.message


def _smallest(framework: Framework, feature: Feature, problem: Problem) -> Problem:
    keeps = feature.keeps
    if keeps is None:
        return problem

    def allowed(candidate: Problem) -> bool:
        return keeps(candidate) and feature.offered(framework, candidate)

    def fails(candidate: Problem) -> bool:
        return _outcome(feature.judge(framework, candidate))[0] == "wrong"

    return minimal(problem, fails, allowed)


def _tell(**content: Any) -> None:
    print(MARK + json.dumps(content), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
