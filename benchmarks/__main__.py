"""The command line: ``python -m benchmarks numpy --what grad --layers dcgan,fcn``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import layers, report, scaling
from benchmarks.measure import Row, measure
from benchmarks.problem import WHATS

BACKENDS = ("numpy", "jax")  # each is benchmarks/BACKEND_peers.py


def main(arguments: Sequence[str] | None = None) -> None:
    """Time every layer and print the table; see ``--help``."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if not arguments or arguments[0] not in BACKENDS:
        raise SystemExit(f"usage: python -m benchmarks {{{','.join(BACKENDS)}}} [--help]")
    backend = import_module(f"benchmarks.{arguments[0]}_peers")
    options = _options(arguments[0], backend, arguments[1:])
    peers = backend.peers(options)
    if options.what == "step":
        backend.step(options)
        return
    if options.peers:
        peers = [peer for peer in peers if peer.name in options.peers.split(",")]
    about = {"machine": report.machine(), "note": backend.NOTE, "versions": backend.versions()}
    heading = ", ".join([f"{options.what} {options.dtype}", *_layout(options), backend.NOTE])
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    print(heading, report.machine(), versions, sep="\n", flush=True)
    if options.scaling:
        scaling.report(options.what, options.dtype, peers, options.plot)
        return
    peak = backend.gemm_rate(options.dtype)
    about["gemm_flops_per_second"] = peak
    rows = [
        measure(layer, options.what, options.dtype, peers, backend.REFERENCE, options.seconds)
        for layer in _progress(layers.load(options.layers))
    ]
    last = [
        *report.summary(rows, backend.REFERENCE),
        f"GEMM of 2048 x 2048 {options.dtype} in this run: {peak / 1e9:.0f} GFLOP/s",
    ]
    table = report.cells(rows, backend.REFERENCE, peak)
    if hasattr(backend, "columns"):
        table = [[*cells, *more] for cells, more in zip(table, backend.columns(rows), strict=True)]
    print(report.plain(table), *last, sep="\n")
    _write(arguments[0], backend.REFERENCE, options, about, rows, table, [heading, versions, *last])


def _write(
    name: str,
    reference: str,
    options: argparse.Namespace,
    about: dict[str, Any],
    rows: list[Row],
    table: list[list[str]],
    lines: list[str],
) -> None:
    """The files that were asked for."""
    if options.json:
        report.write_json(options.json, about, rows, reference)
    if options.plot:
        from benchmarks.plot import plot_ratios

        plot_ratios(options.plot, rows, reference, lines[0])
    if options.readme:
        text = f"{report.markdown(table)}\n\n" + "  \n".join([*lines, report.machine()])
        report.refresh_readme(
            options.readme, ":".join([name, options.what, *_layout(options)]), text
        )


def _layout(options: argparse.Namespace) -> list[str]:
    """The layout where it is not the default one."""
    return ["NHWC"] if getattr(options, "layout", "NCHW") == "NHWC" else []


def _options(name: str, backend: Any, arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {name}", description=__doc__)
    parser.add_argument(
        "--what",
        choices=getattr(backend, "WHATS", WHATS),
        default="forward",
        help="default: forward",
    )
    parser.add_argument("--dtype", default="float32", help="default: float32")
    parser.add_argument("--layers", help="parts of layer names, separated by commas")
    parser.add_argument("--peers", help="names of peers to keep, separated by commas")
    parser.add_argument("--seconds", type=float, default=1.0, help="a layer; default: 1")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--plot", type=Path, help="draw them to this file, .png or .svg")
    parser.add_argument("--readme", type=Path, help="refresh the table in this Markdown file")
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


if __name__ == "__main__":
    main()
