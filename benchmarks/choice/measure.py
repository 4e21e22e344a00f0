"""One problem and one of its three maps: every form that applies, checked, then timed in turns."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.layers import Layer, problem_of, record_of
from benchmarks.task import OPERANDS, Array, check, dimension_numbers, operands
from benchmarks.timing import SLOW_SECONDS, Timing, alternate, timed
from tconv._core.plan import Plan, conv_transpose_call
from tconv.testing import Problem

BACKENDS = ("numpy", "jax")  # each is BACKEND_forms.py
DTYPE = "float32"

# A form this many times slower than the fastest is not called again: its time decides nothing.
HOPELESS = 20

# Forms of one library have the same threads, which sleep or spin alike for each.
SETTLE_SECONDS = 0.05


@dataclass(frozen=True)
class Choice:
    """The times of every form that computes ``result`` of "y", "x" and "w", and the chosen one."""

    name: str
    problem: Problem
    result: str
    backend: str
    layout: str
    chosen: str
    timings: dict[str, Timing]
    compile_seconds: dict[str, float]
    machine: str
    versions: dict[str, str]

    @property
    def fastest(self) -> str:
        """The form of the smallest median."""
        return min(self.timings, key=lambda form: self.timings[form].median)

    @property
    def regret(self) -> float:
        """The time of the chosen form over that of the fastest."""
        return self.timings[self.chosen].median / self.timings[self.fastest].median

    @property
    def key(self) -> tuple[Any, ...]:
        """What was measured, and where."""
        return self.problem, self.result, self.backend, self.layout, self.machine


def measure_choice(
    problem: Problem,
    result: str,
    backend: str,
    *,
    layout: str = "NCHW",
    seconds: float = 1.0,
    name: str = "",
) -> Choice:
    """The times of all forms of one map, their results held to equality."""
    forms = forms_of(backend)
    plan = plan_of(problem, layout)
    arrays = operands(problem, DTYPE)
    first, second = (arrays[role] for role in OPERANDS[result])
    calls: dict[str, Callable[[], Any]] = {}
    once: dict[str, Timing] = {}
    compile_seconds: dict[str, float] = {}
    agreed: tuple[str, Array] | None = None
    for form in forms.names(result, plan):
        calls[form], compile_seconds[form] = forms.prepare(result, plan, form, first, second)
        answer, once[form] = timed(calls[form])
        if once[form].median <= SLOW_SECONDS:  # without what only a first call does
            once[form] = timed(calls[form])[1]
        got = forms.array(result, plan, answer)
        agreed = agreed or (form, got)
        check(Layer(name, result, problem), DTYPE, form, [got], agreed[0], [agreed[1]])
    limit = HOPELESS * min(timing.median for timing in once.values())
    quick = {form: call for form, call in calls.items() if once[form].median <= limit}
    turns = dict(zip(quick, alternate(list(quick.values()), seconds, SETTLE_SECONDS), strict=True))
    return Choice(
        name,
        problem,
        result,
        backend,
        layout,
        _chosen(backend, result, plan),
        once | turns,
        compile_seconds,
        machine.machine(),
        forms.versions(),
    )


def chosen_now(row: Choice) -> Choice | None:
    """The row with the form that "auto" takes now; None where a form has no time yet."""
    plan = plan_of(row.problem, row.layout)
    if not set(forms_of(row.backend).names(row.result, plan)) <= set(row.timings):
        return None
    return replace(row, chosen=_chosen(row.backend, row.result, plan))


def forms_of(backend: str) -> Any:
    """The module of a backend's forms."""
    return import_module(f"benchmarks.choice.{backend}_forms")


def plan_of(problem: Problem, layout: str) -> Plan:
    """The plan of the problem with its arrays in this layout."""
    x_shape, w_shape = problem.x_shape, problem.w_shape
    if layout == "NHWC":
        x_shape = (x_shape[0], *x_shape[2:], x_shape[1])
        w_shape = (*w_shape[2:], *w_shape[:2])
    numbers = dimension_numbers(problem.ndim, layout)
    return conv_transpose_call(x_shape, w_shape, dimension_numbers=numbers, **problem.keywords).plan


def _chosen(backend: str, result: str, plan: Plan) -> str:
    forms = forms_of(backend)
    form: str = forms.chosen(result, plan)
    if form not in (known := forms.names(result, plan)):
        raise SystemExit(f"{plan}: {form!r} is chosen for {result}; there are {', '.join(known)}")
    return form


def to_record(row: Choice) -> dict[str, Any]:
    """The row for a JSON file."""
    return {
        "layer": row.name,
        "problem": record_of(row.problem),
        "map": row.result,
        "backend": row.backend,
        "layout": row.layout,
        "chosen": row.chosen,
        "seconds": {form: asdict(timing) for form, timing in row.timings.items()},
        "compile_seconds": row.compile_seconds,
        "machine": row.machine,
        "versions": row.versions,
    }


def load(path: Path | str) -> list[Choice]:
    """The rows that a run has written."""
    return [
        Choice(
            record["layer"],
            problem_of(record["problem"]),
            record["map"],
            record["backend"],
            record["layout"],
            record["chosen"],
            {form: Timing(**timing) for form, timing in record["seconds"].items()},
            record["compile_seconds"],
            record["machine"],
            record["versions"],
        )
        for record in json.loads(Path(path).read_text())["rows"]
    ]
