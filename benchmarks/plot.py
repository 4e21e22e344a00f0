"""Pictures of the figures."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report import geometric_mean


def plot_ratios(path: Path, found: dict[str, float], reference: str, title: str) -> None:
    """A bar a layer: tconv's time over the reference's, on a logarithmic axis."""
    from matplotlib.figure import Figure

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
    axes.set_xlabel(f"time of tconv / time of {reference} (left of 1: tconv is faster)")
    axes.set_title(title)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)


def plot_speed(path: Path, tables: dict[str, dict[str, float]]) -> None:
    """A line of dots a table: each layer's time over PyTorch's, and their geometric mean."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.9 + 0.58 * len(tables)), layout="constrained")
    axes = figure.add_subplot()
    lines = range(len(tables), 0, -1)
    for line, found in zip(lines, tables.values(), strict=True):
        values = sorted(found.values())
        mean = geometric_mean(values)
        colors = ["tab:green" if value <= 1 else "tab:orange" for value in values]
        axes.scatter(values, [line] * len(values), color=colors, alpha=0.7, edgecolors="none")
        axes.plot([mean, mean], [line - 0.3, line + 0.3], color="black", linewidth=2)
        axes.text(mean, line + 0.42, f"{mean:.2f}", ha="center", va="center", fontsize=8)
    axes.axvline(1, color="gray", linewidth=1)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks(list(lines), list(tables))
    axes.set_ylim(0.5, len(tables) + 0.75)
    axes.set_xlabel("time of tconv / time of PyTorch: a dot a layer, a bar for the geometric mean")
    figure.savefig(path, dpi=80)
