"""``python -m benchmarks limits --readme``: what this machine takes for the parts of a layer, and
what the forms of the NumPy backend add up to at these rates.

The least that a form can take is its products at the rate of a large GEMM, its copies at the rate
of contiguous ones in the cache, and the pages of its result.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from math import prod
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import machine, report
from benchmarks.layers import load
from tconv._core.plan import conv_transpose_call
from tconv._numpy.choose import candidates, choose

ITEM = 4  # bytes of float32
CACHED, MAPPED = 1 << 18, 1 << 24  # elements: 1 MB, and 64 MB
SECONDS = 0.3


def main(arguments: Sequence[str]) -> None:
    """Measure the rates, and print them and the parts of each layer."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks limits", description=__doc__)
    parser.add_argument("--readme", action="store_true", help="refresh the tables in this folder")
    options = parser.parse_args(arguments)
    found = rates()
    lines = [machine.line(machine.numpy_versions()), machine.machine()]
    tables = [rate_table(found), layer_table(found, _measured())]
    print(*map(report.plain, tables), *lines, sep="\n\n")
    if options.readme:
        text = "\n\n".join([*map(report.markdown, tables), "  \n".join(lines)])
        report.refresh(report.README, "limits", text)


def rates() -> dict[str, float]:
    """Nanoseconds: of a multiply-add in a GEMM, and of an element that is copied, written with a
    step of 2, and written for the first time."""
    source, target = np.ones(CACHED, np.float32), np.ones(2 * CACHED, np.float32)
    return {
        "product": 2e9 / machine.numpy_gemm("float32"),
        "copied": _nanoseconds(lambda: np.copyto(target[:CACHED], source), CACHED),
        "strided": _nanoseconds(lambda: np.copyto(target[::2], source), CACHED),
        "fresh": _nanoseconds(lambda: np.empty(MAPPED, np.float32).fill(1), MAPPED),
    }


def rate_table(found: dict[str, float]) -> list[list[str]]:
    """The rates as one reads them."""
    return [
        ["of float32", "ns", "rate"],
        ["multiply-add of a GEMM, all threads", f"{found['product']:.3f}",
         f"{2 / found['product']:.0f} GFLOP/s"],
        *([name, f"{found[key]:.3f}", f"{ITEM / found[key]:.1f} GB/s"] for name, key in (
            ("element copied in the cache, one thread", "copied"),
            ("element written with a step of 2, one thread", "strided"),
            ("element written to memory that is new, one thread", "fresh"),
        )),
    ]  # fmt: skip


def layer_table(found: dict[str, float], measured: dict[str, tuple[str, str]]) -> list[list[str]]:
    """The parts of y of each layer, in milliseconds, beside what tconv and PyTorch took."""
    header = ["layer", "form", "products", "copies and sums", "pages of y", "together"]
    lines = [[*header, "tconv", "PyTorch"]]
    for layer in load("layers"):
        problem = layer.problem
        plan = conv_transpose_call(problem.x_shape, problem.w_shape, **problem.keywords).plan
        form = choose("y", plan)
        counts = candidates("y", plan)[form]
        parts = [
            found["product"] * counts.products,
            found["copied"] * (counts.moved + counts.added),
            found["fresh"] * prod(plan.y_shape),
        ]
        times = (f"{nanoseconds / 1e6:.2f}" for nanoseconds in (*parts, sum(parts)))
        lines.append([layer.name, form, *times, *measured.get(layer.name, ("-", "-"))])
    return lines


def _measured() -> dict[str, tuple[str, str]]:
    """Milliseconds of tconv and of PyTorch in the table of this set, by layer."""
    rows = report.table_in(report.README, "numpy:conv_transpose")
    return {row["layer"]: (row["tconv ms"], row["torch ms"]) for row in rows}


def _nanoseconds(call: Callable[[], Any], elements: int) -> float:
    """The least of many calls, an element."""
    best, start = float("inf"), perf_counter()
    while perf_counter() - start < SECONDS:
        before = perf_counter()
        call()
        best = min(best, perf_counter() - before)
    return 1e9 * best / elements
