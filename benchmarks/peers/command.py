"""``python -m benchmarks numpy --what gradient --layers dcgan,fcn``, or ``jax``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import layers, machine, report
from benchmarks.peers import scaling, table
from benchmarks.peers.measure import measure
from benchmarks.plot import plot_ratios
from benchmarks.task import WHATS


def main(name: str, arguments: Sequence[str]) -> None:
    """Time every layer beside the peers of a backend, and print the table."""
    backend = import_module(f"benchmarks.peers.{name}_peers")
    options = _options(name, backend, arguments)
    peers = backend.peers(options)
    if options.what == "step":
        backend.step(options)
        return
    if options.peers:
        peers = [peer for peer in peers if peer.name in options.peers.split(",")]
    drawn = [f"{name} layers" for name in _drawn(options)]
    about = [f"{options.what} {options.dtype}", *_layout(options), *drawn, backend.NOTE]
    heading = ", ".join(about)
    versions = backend.versions()
    print(heading, machine.machine(), machine.line(versions), sep="\n", flush=True)
    if options.scaling:
        scaling.report(options.what, options.dtype, peers, options.plot)
        return
    peak = backend.gemm_rate(options.dtype)
    rows = [
        measure(layer, options.what, options.dtype, peers, backend.REFERENCE, options.seconds)
        for layer in _progress(layers.load(options.layers))
    ]
    cells = table.cells(rows, backend.REFERENCE, peak)
    if hasattr(backend, "columns"):
        cells = [[*line, *more] for line, more in zip(cells, backend.columns(rows), strict=True)]
    last = [
        *table.summary(rows, backend.REFERENCE),
        *(table.by_source(rows, backend.REFERENCE) if _drawn(options) else []),
        f"GEMM of 2048 x 2048 {options.dtype} in this run: {peak / 1e9:.0f} GFLOP/s",
    ]
    print(report.plain(cells), *last, sep="\n")
    block = [name, options.what, *_layout(options)]
    if options.json:
        file = "-".join([*block, *_drawn(options)])
        path = machine.results(file) if options.json is True else options.json
        record = {
            "machine": machine.machine(),
            "note": backend.NOTE,
            "versions": versions,
            "gemm_flops_per_second": peak,
        }
        report.write_json(path, record | table.record(rows, backend.REFERENCE))
    if options.plot:
        found = table.ratios(rows, table.SUBJECT, backend.REFERENCE)
        plot_ratios(options.plot, found, backend.REFERENCE, heading)
    if options.readme:
        lines = [heading, machine.line(versions), *last, machine.machine()]
        text = f"{report.markdown(cells)}\n\n" + "  \n".join(lines)
        path = report.tables_of(options.layers) if options.readme is True else options.readme
        report.refresh(path, ":".join(block), text)


def _layout(options: argparse.Namespace) -> list[str]:
    """The layout where it is not the default one."""
    return ["NHWC"] if getattr(options, "layout", "NCHW") == "NHWC" else []


def _drawn(options: argparse.Namespace) -> list[str]:
    """The set of layers where it is the drawn one."""
    return ["drawn"] if options.layers == "drawn" else []


def _options(name: str, backend: Any, arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {name}", description=__doc__)
    parser.add_argument(
        "--what",
        choices=getattr(backend, "WHATS", WHATS),
        default=WHATS[0],
        help=f"default: {WHATS[0]}",
    )
    parser.add_argument("--dtype", default="float32", help="default: float32")
    parser.add_argument("--layers", default="layers", help=layers.help_of())
    parser.add_argument("--peers", help="names of peers to keep, separated by commas")
    parser.add_argument("--seconds", type=float, default=1.0, help="a layer; default: 1")
    report.add_files(parser)
    parser.add_argument("--plot", type=Path, help="draw them to this file, .png or .svg")
    parser.add_argument(
        "--scaling", action="store_true", help="time against size, a small call, and memory"
    )
    backend.add_arguments(parser)
    return parser.parse_args(arguments)


def _progress(found: list[Any]) -> Iterable[Any]:
    """The layers, with a bar on a terminal if tqdm is installed."""
    if not sys.stderr.isatty():
        return found
    try:
        from tqdm import tqdm
    except ImportError:
        return found
    bar: Iterable[Any] = tqdm(found, unit="layer", leave=False)
    return bar
