"""``python -m benchmarks summary``: what is derived from the tables and the lists of problems.

The lists in benchmarks/README.md are written from their files; the table of means in README.md
and the picture beside it from the tables in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks import layers, report
from benchmarks.plot import plot_speed

FRONT = report.README.parents[1] / "README.md"
PICTURE = report.README.with_name("speed.png")
ARRAYS = {"numpy": "NumPy", "jax": "JAX", "jax:NHWC": "JAX, channels-last"}
COMPUTES = {
    "conv_transpose": "`conv_transpose`",
    "gradient": "value and both gradients",
    "conv": "`conv`",
}


def main(arguments: Sequence[str]) -> None:
    """Refresh both files and the picture."""
    argparse.ArgumentParser(prog="python -m benchmarks summary", description=__doc__).parse_args(
        arguments
    )
    for name in layers.SETS:
        report.refresh(report.README, name, report.markdown(layers.table(name)))
    report.refresh(FRONT, "summary", report.markdown(table(report.README)))
    plot_speed(PICTURE, {_plain(key): found for key, found in ratios(report.README).items()})


def table(tables: Path) -> list[list[str]]:
    """A line a table: the mean and the worst of tconv's times over PyTorch's, and lax's mean."""
    lines = [["arrays", "computed", "mean", "worst layer", "mean of `lax`"]]
    others = ratios(tables, "lax")
    for key, found in ratios(tables).items():
        arrays, what = key
        worst = max(found, key=lambda layer: found[layer])
        mean = f"{report.geometric_mean(list(found.values())):.2f}"
        other = f"{report.geometric_mean(list(others[key].values())):.1f}" if key in others else "-"
        lines.append([arrays, what, mean, f"{found[worst]:.2f} ({worst})", other])
    return lines


def ratios(tables: Path, subject: str = "tconv") -> dict[tuple[str, str], dict[str, float]]:
    """For each table that has this peer, by what it shows: its time over PyTorch's, by layer."""
    found = {}
    for name in re.findall(r"<!-- benchmark:((?:numpy|jax):\S+) -->", tables.read_text()):
        backend, what, *layout = name.split(":")
        rows = report.table_in(tables, name)
        if f"{subject} ms" in rows[0]:
            found[ARRAYS[":".join([backend, *layout])], COMPUTES[what]] = {
                row["layer"]: float(row[f"{subject} ms"]) / float(row["torch ms"]) for row in rows
            }
    return found


def _plain(key: tuple[str, str]) -> str:
    return "\n".join(key).replace("`", "")
