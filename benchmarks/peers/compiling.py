"""``python -m benchmarks compile``: how long JAX compiles tconv's programs, and ``lax``'s own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import median

from benchmarks import layers, machine, report
from benchmarks.layers import Layer
from benchmarks.report import geometric_mean
from benchmarks.task import WHATS, Peer, make

PEERS = ("tconv", "lax")


def main(arguments: Sequence[str]) -> None:
    """Compile every layer several times in turns, and print the medians."""
    options = _options(arguments)
    from benchmarks.peers import jax_peers

    peers = [peer for peer in jax_peers.peers(options) if peer.name in PEERS]
    versions = machine.jax_versions()
    about = [options.what, options.dtype, options.layout]
    heading = f"seconds to compile, {', '.join(about)}, median of {options.repeats}"
    print(heading, machine.machine(), machine.line(versions), sep="\n", flush=True)
    found = {
        layer.name: seconds(layer, peers, options.what, options.dtype, options.repeats)
        for layer in layers.load(options.layers)
    }
    last = summary(found)
    print(report.plain(cells(found)), last, sep="\n")
    block = ["compile", options.what, *(["NHWC"] if options.layout == "NHWC" else [])]
    if options.json:
        path = machine.results("-".join(block)) if options.json is True else options.json
        record = {"machine": machine.machine(), "versions": versions, "seconds": found}
        report.write_json(path, record)
    if options.readme:
        path = report.README if options.readme is True else options.readme
        lines = [heading, machine.line(versions), last, machine.machine()]
        text = f"{report.markdown(cells(found))}\n\n" + "  \n".join(lines)
        report.refresh(path, ":".join(block), text)


def seconds(
    layer: Layer, peers: Sequence[Peer], what: str, dtype: str, repeats: int
) -> dict[str, float]:
    """The median time to trace, lower and compile a layer, by peer.

    Each time it is a new program to JAX, which finds nothing of an earlier one.
    """
    from benchmarks.peers.jax_peers import compile_seconds

    task = make(layer, what, dtype)
    times: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(repeats):
        for peer in peers:
            peer.prepare(task)
            times[peer.name].append(compile_seconds[layer.name, peer.name])
    return {name: median(each) for name, each in times.items()}


def cells(found: dict[str, dict[str, float]]) -> list[list[str]]:
    """The table, its header first."""
    lines = [["layer", *(f"{peer} s" for peer in PEERS), "ratio"]]
    for name, times in found.items():
        figures = [*(times[peer] for peer in PEERS), times["tconv"] / times["lax"]]
        lines.append([name, *(f"{figure:.2f}" for figure in figures)])
    return lines


def summary(found: dict[str, dict[str, float]]) -> str:
    """The mean of the ratios, the worst of them, and the longest time."""
    ratios = {name: times["tconv"] / times["lax"] for name, times in found.items()}
    worst = max(ratios, key=lambda name: ratios[name])
    longest = max(found, key=lambda name: found[name]["tconv"])
    return (
        f"tconv/lax: geometric mean {geometric_mean(list(ratios.values())):.2f}, worst "
        f"{ratios[worst]:.2f} ({worst}); longest {found[longest]['tconv']:.2f} s ({longest})"
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks compile", description=__doc__)
    parser.add_argument("--what", choices=WHATS, default="gradient", help="default: gradient")
    parser.add_argument("--dtype", default="float32", help="default: float32")
    parser.add_argument("--layout", choices=("NCHW", "NHWC"), default="NCHW", help="default: NCHW")
    parser.add_argument("--platform", default="cpu", help="default: cpu")
    parser.add_argument("--layers", default="layers", help=layers.help_of())
    parser.add_argument("--repeats", type=int, default=5, help="default: 5")
    report.add_files(parser)
    return parser.parse_args(arguments)
