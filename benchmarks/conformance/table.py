"""The board as a table, and what stands below it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.conformance.features import FEATURES
from benchmarks.conformance.findings import FINDINGS


def write_readme(path: Path, record: dict[str, Any]) -> None:
    """Refresh the board in a file."""
    report.refresh(path, "conformance", text(record))


def text(record: dict[str, Any]) -> str:
    """The table, what is wrong, and where it was found."""
    columns = record["columns"]
    table = [["", *columns]]
    for name in FEATURES:
        table.append([name, *(column["cells"][name]["verdict"] for column in columns.values())])
    return "\n".join([report.markdown(table), "", *_below(columns), *_caption(columns)])


def _below(columns: dict[str, Any]) -> list[str]:
    lines = []
    for title, column in columns.items():
        for name, cell in column["cells"].items():
            if cell["verdict"] in ("wrong", "aborts"):
                lines.append(f"- **{title}, {name}**: {cell['text']}. `{cell['problem']}`")
    if FINDINGS:
        lines += ["", "What is wrong, by the framework's own call:", ""]
    for finding in FINDINGS:
        lines += [f"{finding.title}:", "", "```python", finding.code, "```", ""]
    return lines


def _caption(columns: dict[str, Any]) -> list[str]:
    versions: dict[str, str] = {}
    machines = set()
    for column in columns.values():
        versions |= column["versions"]
        here = column["machine"]
        machines.add(f"{here['processor']}, {here['cores']} cores, Python {here['python']}")
    notes = [f"{title}: {one['note']}  " for title, one in columns.items() if "note" in one]
    return [*notes, ", ".join(f"{k} {v}" for k, v in versions.items()) + "  ", *sorted(machines)]
