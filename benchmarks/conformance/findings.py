"""What the board finds wrong, each by the framework's own call and checked by running it."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """Code that raises AssertionError as long as the framework has the error."""

    columns: tuple[str, ...]
    feature: str
    title: str
    code: str


FINDINGS: tuple[Finding, ...] = ()
