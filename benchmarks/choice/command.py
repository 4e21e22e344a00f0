"""``python -m benchmarks choice --backend jax --layout NHWC --layers all --json --readme``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import layers, machine, report
from benchmarks.choice.measure import (
    BACKENDS,
    Choice,
    chosen_now,
    forms_of,
    load,
    measure_choice,
    to_record,
)
from benchmarks.report import geometric_mean
from benchmarks.task import OPERANDS


def main(arguments: Sequence[str]) -> None:
    """Time every form on every problem, and print what the choice among them costs."""
    options = _options(arguments)
    forms = forms_of(options.backend)
    if options.layout not in forms.LAYOUTS:
        raise SystemExit(f"--layout: {options.backend} has {', '.join(forms.LAYOUTS)} alone")
    block = ["choice", options.backend, *(["NHWC"] if options.layout == "NHWC" else [])]
    path = machine.results("-".join(block)) if options.json is True else options.json
    chosen = layers.load(options.layers, layers.IN_VIEW)
    rows = _rows(chosen, options, path)
    lines = [
        f"{', '.join(block[1:])}: float32, {forms.NOTE}",
        machine.line(forms.versions()),
        *_left_out(rows),
        machine.machine(),
    ]
    print(report.plain(means(rows)), report.plain(cells(rows)), *lines, sep="\n\n")
    if options.readme:
        tables = f"{report.markdown(means(rows))}\n\n{report.markdown(cells(rows))}"
        readme = report.README if options.readme is True else options.readme
        report.refresh(readme, ":".join(block), f"{tables}\n\n" + "  \n".join(lines))


def _rows(
    chosen: Sequence[layers.Layer], options: argparse.Namespace, path: Path | None
) -> list[Choice]:
    """A row a map and problem, those of the file kept, and each written there once it is had."""
    kept = {row.key: row for row in load(path)} if path and path.exists() else {}
    rows = []
    wanted = [(layer, result) for layer in chosen for result in OPERANDS]
    for number, (layer, result) in enumerate(wanted, start=1):
        key = (layer.problem, result, options.backend, options.layout, machine.machine())
        row = chosen_now(kept[key]) if key in kept else None
        if row is None:
            row = measure_choice(
                layer.problem,
                result,
                options.backend,
                layout=options.layout,
                seconds=options.seconds,
                name=layer.name,
            )
            print(f"{number}/{len(wanted)} {_line(row)}", file=sys.stderr, flush=True)
            kept[key] = row
            _write(path, kept.values())
        kept[key] = row
        rows.append(row)
    _write(path, kept.values())
    return rows


def _write(path: Path | None, rows: Iterable[Choice]) -> None:
    if path:
        report.write_json(path, {"rows": [to_record(row) for row in rows]})


def _line(row: Choice) -> str:
    times = sorted(row.timings.items(), key=lambda item: item[1].median)
    listed = ", ".join(f"{form} {timing.median * 1e3:.3g}" for form, timing in times)
    return f"{row.name} {row.result}: {row.chosen} {row.regret:.2f}; ms: {listed}"


def means(rows: Sequence[Choice]) -> list[list[str]]:
    """The mean regret and the worst of each map, on each set of problems."""
    compiles = any(seconds for row in rows for seconds in row.compile_seconds.values())
    header = ["problems", "gives", "number", "mean regret", "worst", "where"]
    table = [header + (["compile s, mean and worst"] if compiles else [])]
    for name, found in _sets(rows).items():
        for result in OPERANDS:
            of_map = [row for row in found if row.result == result]
            if not of_map:
                continue
            worst = max(of_map, key=lambda row: row.regret)
            line = [
                name,
                result,
                str(len(of_map)),
                f"{geometric_mean([row.regret for row in of_map]):.3f}",
                f"{worst.regret:.2f}",
                f"{worst.name}: {worst.chosen} beside {worst.fastest}",
            ]
            if compiles:
                seconds = [row.compile_seconds[row.chosen] for row in of_map]
                line.append(f"{sum(seconds) / len(seconds):.2f}, {max(seconds):.2f}")
            table.append(line)
    return table


def _sets(rows: Sequence[Choice]) -> dict[str, list[Choice]]:
    """The rows whose problems are in each set."""
    found = {}
    for name in layers.IN_VIEW:
        problems = {layer.problem for layer in layers.load(name)}
        found[name] = [row for row in rows if row.problem in problems]
    return found


def cells(rows: Sequence[Choice]) -> list[list[str]]:
    """A line a problem: for each map the chosen form, its time and its regret.

    Where another form is faster by more than a twentieth it is named.
    """
    table = [["problem", *(f"{result}: chosen form, ms, regret" for result in OPERANDS)]]
    lines: dict[str, dict[str, str]] = {}
    for row in rows:
        milliseconds = row.timings[row.chosen].median * 1e3
        text = f"{row.chosen}, {milliseconds:.2f}, {row.regret:.2f}"
        if row.regret > 1.05:
            text += f" ({row.fastest})"
        lines.setdefault(row.name, {})[row.result] = text
    table += [[name, *(of.get(result, "-") for result in OPERANDS)] for name, of in lines.items()]
    return table


def _left_out(rows: Sequence[Choice]) -> list[str]:
    timings = [timing for row in rows for timing in row.timings.values()]
    left_out = sum(timing.left_out for timing in timings)
    made = left_out + sum(timing.calls for timing in timings)
    text = f"left out, as the hypervisor took a processor: {left_out} of {made} calls"
    return [text] if left_out else []


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks choice", description=__doc__)
    parser.add_argument("--backend", choices=BACKENDS, default="numpy", help="default: numpy")
    parser.add_argument("--layout", choices=("NCHW", "NHWC"), default="NCHW", help="default: NCHW")
    parser.add_argument("--layers", default="all", help=layers.help_of(layers.IN_VIEW))
    parser.add_argument("--seconds", type=float, default=1.0, help="a map of a problem; default: 1")
    report.add_files(parser)
    return parser.parse_args(arguments)
