"""The text of a failed check, and the exception that carries it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.testing.trial import Finding, Subject

Array = NDArray[Any]
_NEAR = 3


class CheckFailure(AssertionError):  # noqa: N818 - it is a finding of the check
    """A property does not hold.  The text is the report; its parts are attributes.

    ``problem`` is the minimal failing problem, ``property_name`` what does not hold,
    ``diagnosis`` the likely cause, ``snippet`` code that shows it.
    """

    __module__ = "tconv.testing"  # in tracebacks: from where it is imported

    def __init__(self, subject: Subject, finding: Finding, diagnosis: str, found: str) -> None:
        """Take the parts and compose the text."""
        self.problem = finding.problem
        self.property_name = finding.name
        self.finding = finding
        self.diagnosis = diagnosis
        self.snippet = snippet(subject, finding)
        super().__init__(_text(subject, finding, diagnosis, self.snippet, found))


def _text(subject: Subject, finding: Finding, diagnosis: str, code: str, found: str) -> str:
    lines = [
        f"{name_of(subject.fn)} is not a correct {what(subject)}: {finding.name}",
        "",
        f"{finding.message} ({found}).",
        "",
        "Minimal failing problem:",
        f"    {finding.problem}",
        *_around_the_worst(finding),
        "",
        "Diagnosis:",
        f"    {diagnosis}.",
        "",
        "To reproduce:",
        *(f"    {line}" for line in code.splitlines()),
    ]
    return "\n".join(lines)


def what(subject: Subject) -> str:
    """The name of the map that is checked."""
    name = "transposed convolution" if subject.kind == "conv_transpose" else "convolution"
    return f"{name} with pullback" if subject.vjp else name


def name_of(fn: Callable[..., Any]) -> str:
    """A readable name for any callable."""
    if hasattr(fn, "func"):
        return name_of(fn.func)
    return str(getattr(fn, "__qualname__", type(fn).__name__))


def snippet(subject: Subject, finding: Finding) -> str:
    """Code that can be pasted and run, with ``fn`` imported where it can be."""
    problem = finding.problem
    lines = ["import numpy as np", "from tconv.testing import Problem, reference"]
    module = getattr(subject.fn, "__module__", None)
    name = getattr(subject.fn, "__name__", "fn")
    if module not in (None, "__main__") and (
        getattr(sys.modules.get(str(module)), name, None) is subject.fn
    ):
        lines.append(f"from {module} import {name} as fn")
    else:
        lines.append(f"# fn is your function, {name_of(subject.fn)}")
    lines += [f"problem = {problem}", "x, w, b = problem.arrays()"]
    if subject.vjp:
        lines += [
            "from tconv.testing.pullbacks import with_pullback",
            "y, pullback = with_pullback(fn, x, w, b, **problem.keywords)",
            "got = dict(zip(('dx', 'dw', 'db'), pullback(problem.cotangent())))",
            "from tconv.testing.expected import expected_cotangents",
            "expected = expected_cotangents(problem, x, w, b, problem.cotangent())",
            f"print(got.get({finding.result!r}, y))",
            f"print(expected[{finding.result!r}].value)" if finding.result != "y" else "",
        ]
        return "\n".join(line for line in lines if line)
    lines += [
        "got = np.asarray(fn(x, w, b, **problem.keywords))",
        f"expected = reference.{problem.kind}(x, w, b, **problem.keywords)",
        "print(got.shape, expected.shape)",
        "print(got)",
        "print(expected)",
    ]
    return "\n".join(lines)


def _around_the_worst(finding: Finding) -> list[str]:
    """Both results along the last axis, around the element that is furthest off."""
    got, expected = finding.got, finding.expected
    if got is None or expected is None or got.shape != expected.shape or got.size == 0:
        return []
    with np.errstate(all="ignore"):
        difference = np.abs(got.astype(np.complex128) - expected.astype(np.complex128))
    wrong = finding.wrong if finding.wrong is not None else got != expected
    difference = np.where(wrong, np.where(np.isnan(difference), np.inf, difference), -1.0)
    worst = np.unravel_index(int(np.argmax(difference)), got.shape)
    index = tuple(int(i) for i in worst)
    row, start = index[:-1], max(index[-1] - _NEAR, 0)
    stop = min(index[-1] + _NEAR + 1, got.shape[-1])
    where = ", ".join([*map(str, row), f"{start}:{stop}"])
    allowed = ""
    if finding.allowed is not None:
        bound = np.broadcast_to(finding.allowed, got.shape)[index]
        allowed = f", off by {difference[index]:.3g} where rounding explains {bound:.3g}"
    mark = " ".join("^" * 11 if i == index[-1] else " " * 11 for i in range(start, stop))
    return [
        "",
        f"Around the worst element, {finding.result}[{', '.join(map(str, index))}]{allowed}:",
        f"    got      [{where}]  {_row(got[row][start:stop])}",
        f"    expected [{where}]  {_row(expected[row][start:stop])}",
        f"              {' ' * len(where)}   {mark.rstrip()}",
    ]


def _row(values: Array) -> str:
    if values.dtype.kind == "c":
        return " ".join(f"{complex(value):11.4g}" for value in values)
    if values.dtype.kind in "iuO":
        return " ".join(f"{int(value):11d}" for value in values)
    return " ".join(f"{float(value):11.5g}" for value in values)
