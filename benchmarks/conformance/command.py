"""``python -m benchmarks conformance``: every framework that is installed, feature by feature.

Nothing is timed.  A framework runs in processes of its own, so that one that ends its process
takes nothing with it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import report
from benchmarks.conformance.features import FEATURES, HALF_SUMS
from benchmarks.conformance.judge import MARK
from benchmarks.conformance.table import write_readme

RESULTS = report.README.with_name("results") / "conformance.json"
ABORTS = 3  # of a row, after which it is left


class Column(NamedTuple):
    """A column: the framework, and what its process finds in the environment."""

    framework: str
    environment: dict[str, str] = {}  # noqa: RUF012 - never changed
    note: str = ""


COLUMNS = {
    "tconv": Column("tconv.numpy"),
    "tconv on JAX": Column("tconv.jax"),
    "torch": Column("torch"),
    "jax.lax": Column("lax"),
    "flax.linen": Column("flax.linen"),
    "flax.nnx": Column("flax.nnx"),
    "equinox": Column("equinox"),
    "haiku": Column("haiku"),
    "keras on JAX": Column("keras", {"KERAS_BACKEND": "jax"}),
    "keras on torch": Column("keras", {"KERAS_BACKEND": "torch"}),
    "onnxruntime": Column("onnxruntime"),
    "onnx.reference": Column("onnx.reference"),
    "tensorflow": Column("tensorflow", {"TF_CPP_MIN_LOG_LEVEL": "3"}),
    "mlx": Column("mlx"),
    "tinygrad": Column("tinygrad", {"DEV": "PYTHON"}, "on its interpreted device"),
    "openvino": Column("openvino"),
}


def main(arguments: Sequence[str]) -> None:
    """Judge, and write the file and the table."""
    options = _options(arguments)
    record = json.loads(options.json.read_text()) if options.json.exists() else {"columns": {}}
    for title in options.frameworks:
        column = certified(title, options.seconds, options.problems, options.features)
        if column is not None:
            before = record["columns"].get(title, {"cells": {}})["cells"]
            record["columns"][title] = column | {"cells": before | column["cells"]}
            report.write_json(options.json, _ordered(record))
    if options.readme:
        write_readme(options.readme, record)


def certified(
    title: str, seconds: float, problems: int, features: Sequence[str] = tuple(FEATURES)
) -> dict[str, Any] | None:
    """The column: a cell a feature, the versions and the machine; None if it is not installed."""
    column = COLUMNS[title]
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in features}
    about: dict[str, Any] = {"note": column.note} if column.note else {}
    rows, first = list(features), 0
    while rows:
        last: dict[str, Any] = {}
        for line in _lines(column, seconds, problems, first, rows):
            if "missing" in line:
                print(f"{title}: left out, {line['missing']}", flush=True)
                return None
            if "versions" in line:
                about |= line
            elif "outcome" in line:
                told[line["row"]].append(line)
                last = {}
            elif "done" in line:
                rows = []
            else:
                last = line
        if not rows:
            break
        if not last:
            raise SystemExit(f"{title}: its process ended before or between problems")
        row = last["row"]
        ended = {"outcome": "aborts", "problem": last["trying"], "text": "the process ended"}
        told[row].append(ended)
        rows, first = rows[rows.index(row) :], last["number"] + last["every"]
        if sum(one["outcome"] == "aborts" for one in told[row]) >= ABORTS:
            rows, first = rows[1:], 0
    cells = {name: _cell(outcomes) for name, outcomes in told.items()}
    verdicts = Counter(cell["verdict"] for cell in cells.values())
    print(f"{title}: " + ", ".join(f"{n} {word}" for word, n in verdicts.items()), flush=True)
    return {**about, "cells": cells}


def _lines(
    column: Column, seconds: float, problems: int, first: int, rows: Sequence[str]
) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.conformance.judge", column.framework]
    command += [str(seconds), str(problems), str(first), *rows]
    process = subprocess.Popen(
        command, env={**os.environ, **column.environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(MARK):
            yield json.loads(line.removeprefix(MARK))
    _, errors = process.communicate()
    last = errors.strip().splitlines()[-1:] or [""]
    if last[0].startswith("ImportError"):
        yield {"missing": last[0].partition(": ")[2]}


def _cell(outcomes: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The verdict of a row: what is worst, with the problem that shows it."""
    counts = Counter(one["outcome"] for one in outcomes)
    cell: dict[str, Any] = {"verdict": "-", **counts}
    for word in ("wrong", "aborts", HALF_SUMS, "refused", "right"):
        if counts[word]:
            one = next(one for one in outcomes if one["outcome"] == word)
            cell["verdict"] = "in part" if word == "refused" and counts["right"] else word
            if word != "right":
                cell |= {"problem": one["problem"], "text": one["text"].splitlines()[0][:300]}
            break
    return cell


def _ordered(record: dict[str, Any]) -> dict[str, Any]:
    columns = record["columns"]
    return record | {"columns": {title: columns[title] for title in COLUMNS if title in columns}}


def _options(arguments: Sequence[str]) -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks conformance", description=__doc__)
    parser.add_argument(
        "--frameworks", type=_titles, default=list(COLUMNS), metavar="A,B",
        help=f"columns, or names of frameworks; the file keeps the others: {', '.join(COLUMNS)}",
    )  # fmt: skip
    parser.add_argument(
        "--features", type=_features, default=list(FEATURES), metavar="A;B",
        help=f"rows, with semicolons; the file keeps the others: {'; '.join(FEATURES)}",
    )  # fmt: skip
    parser.add_argument("--problems", type=int, default=20, help="a row at most; default: 20")
    parser.add_argument("--seconds", type=float, default=60, help="a row at most; default: 60")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE")
    parser.add_argument(
        "--readme", type=Path, nargs="?", const=report.README, metavar="FILE",
        help="refresh the table in this file; without a name, in benchmarks/README.md",
    )  # fmt: skip
    return parser.parse_args(arguments)


def _features(text: str) -> list[str]:
    chosen = [part.strip() for part in text.split(";")]
    if unknown := set(chosen) - set(FEATURES):
        raise argparse.ArgumentTypeError(
            f"must be some of {'; '.join(FEATURES)}; got {', '.join(unknown)}"
        )
    return chosen


def _titles(text: str) -> list[str]:
    chosen = []
    for part in text.split(","):
        found = [title for title, one in COLUMNS.items() if part in (title, one.framework)]
        if not found:
            raise argparse.ArgumentTypeError(f"must be some of {', '.join(COLUMNS)}; got {part!r}")
        chosen += found
    return chosen
