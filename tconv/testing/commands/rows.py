"""The table that the command prints: a line a check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tconv.testing.checks import Summary
from tconv.testing.commands.progress import Progress
from tconv.testing.failure.report import CheckFailure
from tconv.testing.problems.simplify import Predicate
from tconv.testing.problems.supports import Supports


@dataclass(frozen=True)
class Check:
    """One check that is to be run: what of, how, and with which dtype."""

    check: str
    method: str
    dtype: str
    run: Callable[[Any], Summary]


@dataclass(frozen=True)
class Target:
    """What is certified: its name, the distributions that it depends on, and its checks.

    ``allows`` is ``supports`` with what cannot be tried beside it.  ``profile`` and ``examples``
    are those of the kit's problems, "" and None where others are tried.
    """

    name: str
    packages: tuple[str, ...]
    checks: Sequence[Check]
    supports: Supports = field(default_factory=Supports)
    allows: Predicate = lambda problem: True
    note: str = ""
    profile: str = ""
    examples: int | None = None
    ndim: tuple[int, ...] = (1, 2, 3)


@dataclass
class Row:
    """One line of the table."""

    check: str
    method: str
    dtype: str
    verdict: str
    problems: int
    properties: int
    seconds: float
    report: str = ""
    skipped: int = 0


HEAD = f"{'check':22}{'method':10}{'dtype':11}{'problems':>9}{'properties':>12}{'s':>7}"


def rows(checks: Sequence[Check]) -> Iterator[Row]:
    """Run the checks one by one."""
    with Progress(len(checks)) as progress:
        for check in checks:
            progress.label(f"{check.check} {check.method} {check.dtype}".replace("  ", " "))
            row = _row(check, progress)
            progress.hide()
            yield row


def later(check: Callable[..., Summary], fn: Any, **options: Any) -> Callable[[Any], Summary]:
    """The check with all but its progress."""
    return lambda progress: check(fn, progress=progress, **options)


def line(row: Row) -> str:
    """The row in the columns of ``HEAD``."""
    return (
        f"{row.check:22}{row.method:10}{row.dtype:11}{row.problems:9}{row.properties:12}"
        f"{row.seconds:7.1f}  {row.verdict}"
    )


def _row(check: Check, progress: Progress) -> Row:
    start, about = time.monotonic(), (check.check, check.method, check.dtype)
    try:
        summary = check.run(progress.step)
    except CheckFailure as failure:
        seconds = time.monotonic() - start
        return Row(*about, "FAIL", progress.done, 0, seconds, str(failure))
    held = sum(summary.properties.values())
    return Row(*about, "pass", summary.problems, held, summary.seconds, skipped=summary.skipped)
