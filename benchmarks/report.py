"""Tables, in a terminal and in Markdown, and files that hold figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from itertools import takewhile
from math import exp, log
from pathlib import Path
from typing import Any

README = Path(__file__).with_name("README.md")
DRAWN = README.with_name("drawn.md")


def tables_of(which: str) -> Path:
    """The file with the tables of a set of layers."""
    return DRAWN if which == "drawn" else README


def geometric_mean(values: Sequence[float]) -> float:
    return exp(sum(log(value) for value in values) / len(values))


def plain(table: Sequence[Sequence[str]]) -> str:
    """The table for a terminal."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in table
    )


def markdown(table: Sequence[Sequence[str]]) -> str:
    """The table for a Markdown file, columns of figures to the right."""
    rule = ["---:" if _figures(column) else "---" for column in zip(*table[1:], strict=True)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (table[0], rule, *table[1:]))


def _figures(cells: Iterable[str]) -> bool:
    return all(cell[:1].isdigit() or cell == "-" for cell in cells)


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write a record, so that a run that is broken off leaves the file as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(record, indent=1) + "\n")
    unfinished.replace(path)


def refresh(path: Path, name: str, text: str) -> None:
    """Put text between ``<!-- benchmark:NAME -->`` and the next ``<!-- /benchmark -->``."""
    opening, closing = f"<!-- benchmark:{name} -->", "<!-- /benchmark -->"
    before, found, rest = path.read_text().partition(opening)
    _, ended, after = rest.partition(closing)
    if not (found and ended):
        raise SystemExit(f"{path}: has no {opening} ... {closing} to refresh")
    path.write_text(f"{before}{opening}\n{text}\n{closing}{after}")


def table_in(path: Path, name: str) -> list[dict[str, str]]:
    """The rows of the first table that ``refresh`` has put there, by header; none without one."""
    _, _, rest = path.read_text().partition(f"<!-- benchmark:{name} -->")
    lines = list(takewhile(lambda line: line.startswith("|"), rest.strip().splitlines()))
    if not lines:
        return []
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(header, row, strict=True)) for row in rows]


def add_files(parser: argparse.ArgumentParser) -> None:
    """The options ``--json`` and ``--readme``, which name a file or mean the usual one."""
    parser.add_argument(
        "--json",
        type=Path,
        nargs="?",
        const=True,
        metavar="FILE",
        help="write all figures to this file; without a name, in benchmarks/results",
    )
    parser.add_argument(
        "--readme",
        type=Path,
        nargs="?",
        const=True,
        metavar="FILE",
        help="refresh the table in this file; without a name, in benchmarks/README.md, "
        "that of drawn layers in benchmarks/drawn.md",
    )
