"""What is timed: the layers of published networks, drawn ones, and other problems that are in no
table of times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.layers import drawn
from benchmarks.layers.layer import Layer
from tconv.testing import Problem

__all__ = ["Layer", "load", "problem_of", "record_of", "table"]

HERE = Path(__file__).parent
SETS = ("layers", "others", "drawn")

# What whoever sets a constant of the library may look at.  The drawn layers are timed beside the
# peers alone, so that their figures are those of layers that nobody tuned for.
IN_VIEW = ("layers", "others")


def help_of(sets: Sequence[str] = SETS) -> str:
    """What the option that names layers takes."""
    return f"{', '.join(sets)}, all, or parts of names, separated by commas; default: %(default)s"


def load(which: str = "layers", sets: Sequence[str] = SETS) -> list[Layer]:
    """One of the sets, "all" of them, or all whose name contains one of the comma-separated parts.

    Layers of other sets than these are refused.
    """
    if which in SETS and which not in sets:
        raise SystemExit(f"--layers: {which} is not for this command, which has {', '.join(sets)}")
    if which in sets:
        return _read(which)
    layers = [layer for name in sets for layer in _read(name)]
    if which == "all":
        return layers
    parts = which.split(",")
    found = [layer for layer in layers if any(part in layer.name for part in parts)]
    if not found:
        known = ", ".join(layer.name for layer in layers)
        raise SystemExit(f"--layers: nothing has {which!r} in its name; there are {known}")
    return found


def _read(name: str) -> list[Layer]:
    if name == "drawn":
        return list(drawn.layers())
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
