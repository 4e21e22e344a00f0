"""The rows as a table, as JSON, and as the block of README.md that shows them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from math import exp, log
from pathlib import Path
from typing import Any

from benchmarks.measure import Row
from benchmarks.timing import SLOW_SECONDS

SUBJECT = "tconv"


def machine() -> str:
    """The processor and the cores that this process may use."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def geometric_mean(values: Sequence[float]) -> float:
    return exp(sum(log(value) for value in values) / len(values))


def ratios(rows: Sequence[Row], peer: str, reference: str) -> dict[str, float]:
    """Time over the reference's, by layer, where both have one."""
    return {
        row.problem.layer.name: row.ratio(peer, reference)
        for row in rows
        if peer in row.timings and reference in row.timings
    }


def summary(rows: Sequence[Row], reference: str) -> list[str]:
    """A line for each peer: the geometric mean of its ratios and the worst; then who is
    missing, and why."""
    names = list(dict.fromkeys(name for row in rows for name in (*row.timings, *row.missing)))
    lines = []
    for name in names:
        found = ratios(rows, name, reference)
        if name != reference and found:
            worst = max(found, key=lambda layer: found[layer])
            lines.append(
                f"{name}/{reference}: geometric mean {geometric_mean(list(found.values())):.2f}, "
                f"worst {found[worst]:.2f} ({worst}), {len(found)} layers"
            )
        reasons = {row.missing[name] for row in rows if name in row.missing}
        lines.extend(f"{name}: skipped: {reason}" for reason in sorted(reasons))
    slow = [
        f"{name} in {row.problem.layer.name}"
        for row in rows
        for name, timing in row.timings.items()
        if timing.calls == 1 and timing.median > SLOW_SECONDS
    ]
    if slow:
        lines.append(f"one call of more than {SLOW_SECONDS} s: {', '.join(slow)}")
    timings = [timing for row in rows for timing in row.timings.values()]
    if left_out := sum(timing.left_out for timing in timings):
        made = left_out + sum(timing.calls for timing in timings)
        lines.append(f"left out, as the hypervisor took a processor: {left_out} of {made} calls")
    return lines


def cells(rows: Sequence[Row], reference: str, peak: float) -> list[list[str]]:
    """The table, its header first.  GFLOP/s and their share of a GEMM's rate are tconv's."""
    others = [
        name
        for name in dict.fromkeys(name for row in rows for name in row.timings)
        if name not in (SUBJECT, reference)
    ]
    header = ["layer", f"{SUBJECT} ms", f"{reference} ms", "ratio", "GFLOP/s", "of GEMM"]
    table = [header + [f"{name} ms" for name in others]]
    for row in rows:
        rate = row.rate(SUBJECT) if SUBJECT in row.timings else None
        both = SUBJECT in row.timings and reference in row.timings
        table.append(
            [
                row.problem.layer.name,
                _milliseconds(row, SUBJECT),
                _milliseconds(row, reference),
                f"{row.ratio(SUBJECT, reference):.2f}" if both else "-",
                f"{rate / 1e9:.1f}" if rate else "-",
                f"{rate / peak:.0%}" if rate else "-",
                *(_milliseconds(row, name) for name in others),
            ]
        )
    return table


def _milliseconds(row: Row, name: str) -> str:
    return f"{row.timings[name].median * 1e3:.3f}" if name in row.timings else "-"


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
    """The table for a Markdown file."""
    rule = ["---", *["---:"] * (len(table[0]) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (table[0], rule, *table[1:]))


def write_json(path: Path, about: dict[str, Any], rows: Sequence[Row], reference: str) -> None:
    """Everything that was measured, seconds unrounded."""
    record = about | {
        "reference": reference,
        "rows": [
            {
                "layer": asdict(row.problem.layer),
                "what": row.problem.what,
                "dtype": row.problem.dtype,
                "flops": row.problem.flops,
                "seconds": {name: asdict(timing) for name, timing in row.timings.items()},
                "skipped": row.missing,
            }
            for row in rows
        ],
        "ratio": ratios(rows, SUBJECT, reference),
        "summary": summary(rows, reference),
    }
    path.write_text(json.dumps(record, indent=1) + "\n")


def refresh_readme(path: Path, name: str, text: str) -> None:
    """Put text between ``<!-- benchmark:NAME -->`` and the next ``<!-- /benchmark -->``."""
    opening, closing = f"<!-- benchmark:{name} -->", "<!-- /benchmark -->"
    before, found, rest = path.read_text().partition(opening)
    _, ended, after = rest.partition(closing)
    if not (found and ended):
        raise SystemExit(f"{path}: has no {opening} ... {closing} to refresh")
    path.write_text(f"{before}{opening}\n{text}\n{closing}{after}")
