"""What is timed: the layers of published networks, and other problems that are in no table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tconv.testing import Problem

HERE = Path(__file__).parent
SETS = ("layers", "others")  # each is a file of its own
HELP = "layers, others, all, or parts of names, separated by commas; default: %(default)s"


@dataclass(frozen=True)
class Layer:
    """A transposed convolution with a name, and where it is from or what it stands for."""

    name: str
    source: str
    problem: Problem


def load(which: str = "layers") -> list[Layer]:
    """One of the sets, "all", or all whose name contains one of the comma-separated parts."""
    if which in SETS:
        return _read(which)
    layers = [layer for name in SETS for layer in _read(name)]
    if which == "all":
        return layers
    parts = which.split(",")
    found = [layer for layer in layers if any(part in layer.name for part in parts)]
    if not found:
        known = ", ".join(layer.name for layer in layers)
        raise SystemExit(f"--layers: nothing has {which!r} in its name; there are {known}")
    return found


def _read(name: str) -> list[Layer]:
    records = json.loads((HERE / f"{name}.json").read_text())
    return [
        Layer(record.pop("name"), record.pop("source"), problem_of(record)) for record in records
    ]


def problem_of(record: dict[str, Any]) -> Problem:
    """The problem that ``record_of`` wrote."""
    return Problem(**{name: _tuples(value) for name, value in record.items()})


def record_of(problem: Problem) -> dict[str, Any]:
    """What fixes the problem, for a JSON file."""
    return {
        "batch": problem.batch,
        "in_channels": problem.in_channels,
        "out_channels": problem.out_channels,
        "input_size": problem.input_size,
        "kernel_size": problem.kernel_size,
        **problem.keywords,
    }


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def table(which: str) -> list[list[str]]:
    """The set as a table, its header first."""
    header = ["name", "from", "x", "w", "stride", "padding", "dilation", "groups"]
    return [header, *(_cells(layer) for layer in load(which))]


def _cells(layer: Layer) -> list[str]:
    problem = layer.problem
    padding = _short(problem.plain_padding)
    if any(problem.output_padding):
        padding += f" + {_short(problem.output_padding)}"
    return [
        layer.name,
        layer.source,
        _short(problem.x_shape, " x "),
        _short(problem.w_shape, " x "),
        _short(problem.stride),
        padding,
        _short(problem.dilation),
        str(problem.groups),
    ]


def _short(values: tuple[int, ...], between: str = "") -> str:
    """One number where all are equal, unless what stands between them is given."""
    if not between and len(set(values)) == 1:
        return str(values[0])
    return (between or ", ").join(map(str, values))
