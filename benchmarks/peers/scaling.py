"""How the cost grows: time against batch and pixels, the cost of a small call, and memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.layers import Layer
from benchmarks.peers.measure import measure
from benchmarks.report import plain
from benchmarks.task import Peer, make
from tconv.testing import Problem

BATCH = Problem((16, 16), (4, 4), 2, 1, in_channels=16, out_channels=16)
PIXELS = Problem((16, 16), (4, 4), 2, 1, in_channels=8, out_channels=8)
SMALL = Layer("1x1x4x4", "one small call", Problem((4, 4), (4, 4), 2, 1))
BATCHES = (1, 4, 16, 64, 256, 1024)
EDGES = (8, 16, 32, 64, 128, 256)


def report(what: str, dtype: str, peers: Sequence[Peer], plot: Path | None) -> None:
    """Print the curves, the small call and the peak memory; draw the curves if asked."""
    curves = {
        "batch": [(n, _narrow(replace(BATCH, batch=n))) for n in BATCHES],
        "pixels": [(n * n, _narrow(replace(PIXELS, input_size=(n, n)))) for n in EDGES],
    }
    times: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for name, points in curves.items():
        times[name] = {peer.name: [] for peer in peers}
        for size, layer in points:
            row = measure(layer, what, dtype, peers, peers[-1].name, 0.3)
            for peer, timing in row.timings.items():
                times[name][peer].append((size, timing.median))
        print(plain(_table(name, times[name])), f"exponent: {_exponents(times[name])}", sep="\n")
    row = measure(SMALL, what, dtype, peers, peers[-1].name, 0.3)
    small = ", ".join(f"{name} {t.median * 1e6:.0f} us" for name, t in row.timings.items())
    print(f"a {SMALL.name} call: {small}")
    print("tconv's peak memory beyond operands and results, by batch (MB as NumPy allocates it):")
    print(
        ", ".join(
            f"{n}: {workspace(layer, what, dtype, peers[0]) / 1e6:.1f}"
            for n, layer in curves["batch"]
        )
    )
    if plot:
        _draw(plot, times, f"{what} {dtype}")


def _narrow(problem: Problem) -> Layer:
    return Layer("narrow", "a narrow decoder layer", problem)


def workspace(layer: Layer, what: str, dtype: str, peer: Peer) -> int:
    """Peak bytes that Python's allocators hold during a call, less those of its results."""
    call = peer.prepare(make(layer, what, dtype))
    call()
    tracemalloc.start()
    try:
        results = call()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return peak - sum(array.nbytes for array in peer.arrays(results))


def _table(name: str, times: dict[str, list[tuple[int, float]]]) -> list[list[str]]:
    sizes = [size for size, _ in next(iter(times.values()))]
    header = [name, *(f"{peer} us" for peer, found in times.items() if found)]
    columns = [[f"{t * 1e6:.0f}" for _, t in found] for found in times.values() if found]
    return [header, *([str(n), *line] for n, *line in zip(sizes, *columns, strict=True))]


def _exponents(times: dict[str, list[tuple[int, float]]]) -> str:
    """The slope of log time over log size across the upper half of the sizes: 1 is linear."""
    slopes = []
    for name, found in times.items():
        if found:
            sizes, seconds = np.log(np.array(found[len(found) // 2 - 1 :])).T
            slopes.append(f"{name} {np.polyfit(sizes, seconds, 1)[0]:.2f}")
    return ", ".join(slopes)


def _draw(path: Path, times: dict[str, dict[str, list[tuple[int, float]]]], title: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, (name, curves) in zip(figure.subplots(1, len(times)), times.items(), strict=True):
        for peer, found in curves.items():
            if found:
                sizes, seconds = np.array(found).T
                axes.loglog(sizes, seconds * 1e3, "o-", label=peer)
        axes.set_xlabel(name)
        axes.set_ylabel("milliseconds")
        axes.grid(True, which="both", alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    figure.savefig(path, dpi=120)
