"""``python -m benchmarks summary``: what is derived from the tables and the lists of problems.

What a GPU takes at best is counted.  The lists of layers are written beside their tables, those of
the drawn ones in benchmarks/drawn.md and the others in benchmarks/README.md.  The table of means in
README.md and the picture beside it come from the tables in both.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks import layers, report, roofline
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
        report.refresh(report.tables_of(name), name, report.markdown(layers.table(name)))
    report.refresh(report.README, "roofline", report.markdown(roofline.table()))
    report.refresh(report.README, "traffic", report.markdown(roofline.traffic()))
    report.refresh(FRONT, "summary", report.markdown(table(report.README, report.DRAWN)))
    plot_speed(PICTURE, _lines(report.README) | _lines(report.DRAWN, ", drawn layers"))


def table(tables: Path, drawn: Path) -> list[list[str]]:
    """A line a table: the mean and the worst of tconv's times over PyTorch's, and lax's mean; then
    those of the drawn layers, where one of their tables has been measured."""
    of_layers, of_drawn = ratios(tables), ratios(drawn)
    others = ratios(tables, "lax")
    header = ["arrays", "computed", "mean", "worst layer", "mean of `lax`"]
    lines = [header + (["drawn layers", "worst"] if of_drawn else [])]
    for key in dict.fromkeys([*of_layers, *of_drawn]):
        mean, worst = _mean_and_worst(of_layers.get(key, {}))
        other = f"{report.geometric_mean(list(others[key].values())):.1f}" if key in others else "-"
        lines.append([*key, mean, worst, other])
        if of_drawn:
            lines[-1].extend(_mean_and_worst(of_drawn.get(key, {})))
    return lines


def _mean_and_worst(found: dict[str, float]) -> tuple[str, str]:
    if not found:
        return "-", "-"
    worst = max(found, key=lambda layer: found[layer])
    return f"{report.geometric_mean(list(found.values())):.2f}", f"{found[worst]:.2f} ({worst})"


def _lines(tables: Path, more: str = "") -> dict[str, dict[str, float]]:
    """What the picture has a line of dots for."""
    return {"\n".join(key).replace("`", "") + more: found for key, found in ratios(tables).items()}


def ratios(tables: Path, subject: str = "tconv") -> dict[tuple[str, str], dict[str, float]]:
    """For each table that has this peer, by what it shows: its time over PyTorch's, by layer."""
    found = {}
    for name in re.findall(r"<!-- benchmark:((?:numpy|jax):\S+) -->", tables.read_text()):
        backend, what, *layout = name.split(":")
        rows = report.table_in(tables, name)
        if rows and f"{subject} ms" in rows[0]:
            found[ARRAYS[":".join([backend, *layout])], COMPUTES[what]] = {
                row["layer"]: float(row[f"{subject} ms"]) / float(row["torch ms"])
                for row in rows
                if "-" not in (row[f"{subject} ms"], row["torch ms"])
            }
    return found
