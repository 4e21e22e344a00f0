"""The rows as a table, as lines that sum it up, and as a record for a JSON file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.layers import record_of
from benchmarks.peers.measure import Row
from benchmarks.report import geometric_mean
from benchmarks.timing import SLOW_SECONDS

SUBJECT = "tconv"


def ratios(rows: Sequence[Row], peer: str, reference: str) -> dict[str, float]:
    """Time over the reference's, by layer, where both have one."""
    return {
        row.task.layer.name: row.ratio(peer, reference)
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
        f"{name} in {row.task.layer.name}"
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


def by_source(rows: Sequence[Row], reference: str) -> list[str]:
    """A line with the geometric mean of tconv's ratios for each source of layers."""
    found = ratios(rows, SUBJECT, reference)
    sources: dict[str, list[float]] = {}
    for row in rows:
        if row.task.layer.name in found:
            sources.setdefault(row.task.layer.source, []).append(found[row.task.layer.name])
    means = [f"{source} {geometric_mean(values):.2f}" for source, values in sources.items()]
    return [f"{SUBJECT}/{reference} by family: {', '.join(means)}"] if means else []


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
                row.task.layer.name,
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


def record(rows: Sequence[Row], reference: str) -> dict[str, Any]:
    """Everything that was measured, seconds unrounded."""
    return {
        "reference": reference,
        "rows": [
            {
                "layer": row.task.layer.name,
                "problem": record_of(row.task.layer.problem),
                "what": row.task.what,
                "dtype": row.task.dtype,
                "flops": row.task.flops,
                "seconds": {name: asdict(timing) for name, timing in row.timings.items()},
                "skipped": row.missing,
            }
            for row in rows
        ],
        "ratio": ratios(rows, SUBJECT, reference),
        "summary": summary(rows, reference),
    }
