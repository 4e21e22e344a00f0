"""Pictures of the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Row
from benchmarks.report import SUBJECT, geometric_mean, ratios


def plot_ratios(path: Path, rows: Sequence[Row], reference: str, title: str) -> None:
    """A bar a layer: tconv's time over the reference's, on a logarithmic axis."""
    from matplotlib.figure import Figure

    found = ratios(rows, SUBJECT, reference)
    names = sorted(found, key=lambda name: found[name], reverse=True)
    values = [found[name] for name in names]
    figure = Figure(figsize=(8, 1.2 + 0.28 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    colors = ["tab:green" if value <= 1 else "tab:orange" for value in values]
    axes.barh(names, [value - 1 for value in values], left=1, color=colors)
    for number, value in enumerate(values):
        axes.annotate(
            f"{value:.2f}",
            (value, number),
            xytext=(3 if value >= 1 else -3, 0),
            textcoords="offset points",
            ha="left" if value >= 1 else "right",
            va="center",
            fontsize=8,
        )
    mean = geometric_mean(values)
    axes.axvline(1, color="black", linewidth=1)
    axes.axvline(mean, color="tab:blue", linestyle="--", label=f"geometric mean {mean:.2f}")
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.set_xlabel(f"time of {SUBJECT} / time of {reference} (left of 1: {SUBJECT} is faster)")
    axes.set_title(title)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)
