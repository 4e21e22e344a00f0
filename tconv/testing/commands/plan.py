"""``python -m tconv plan``: what ``method="auto"`` takes for a problem, and why."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from tconv._core.cost import Counts, Rates
from tconv._core.plan import Plan, conv_transpose_call

MAPS = {"y": "conv_transpose, y from x and w", "x": "x from y and w", "w": "w from x and y"}
OPERANDS = {"y": "xw", "x": "yw", "w": "xy"}
CALLS = 5


def add_to(commands: Any) -> None:
    """Add this command to the sub-parsers of ``python -m tconv``."""
    parser = commands.add_parser("plan", help="say which form computes a problem, and why")
    parser.add_argument(
        "--input", type=_ints, required=True, help="shape of x with a batch, such as 8,64,32,32"
    )
    parser.add_argument("--weight", type=_ints, required=True, help="shape of w, such as 64,32,4,4")
    parser.add_argument("--stride", type=_ints, default=(1,))
    parser.add_argument("--padding", type=_ints, default=(0,))
    parser.add_argument("--output-padding", type=_ints, default=(0,))
    parser.add_argument("--dilation", type=_ints, default=(1,))
    parser.add_argument("--groups", type=int, default=1)
    parser.add_argument("--backend", choices=("numpy", "jax"), default="numpy")
    parser.add_argument("--no-times", action="store_true", help="estimate and do not measure")
    parser.set_defaults(run=run)


def _ints(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def run(options: argparse.Namespace) -> int:
    """Print the forms of each map: 0, or 2 for parameters that are no transposed convolution."""
    try:
        plan = conv_transpose_call(
            options.input,
            options.weight,
            stride=options.stride,
            padding=options.padding,
            output_padding=options.output_padding,
            dilation=options.dilation,
            groups=options.groups,
        ).plan
        backend = _BACKENDS[options.backend]()
    except (ImportError, ValueError, TypeError) as error:
        print(f"tconv plan: {error}")
        return 2
    print(f"x {plan.x_shape}, w {plan.w_shape}, y {plan.y_shape}, float32, {options.backend}")
    for result, title in MAPS.items():
        chosen, candidates = backend.forms(result, plan)
        print(f"\n{title}: {chosen}")
        _print_forms(backend, result, plan, chosen, candidates, measured=not options.no_times)
    return 0


def _print_forms(
    backend: Any,
    result: str,
    plan: Plan,
    chosen: str,
    candidates: dict[str, Counts],
    *,
    measured: bool,
) -> None:
    counted = [
        name for name in asdict(Counts()) if any(asdict(c)[name] for c in candidates.values())
    ]
    headers = ["form", *counted, "estimated ms", *(["measured ms"] if measured else [])]
    rows = [headers]
    for name, counts in candidates.items():
        row = [f"* {name}" if name == chosen else f"  {name}"]
        row += [f"{asdict(counts)[each]:.3g}" for each in counted]
        row.append(f"{backend.rates.nanoseconds(counts) / 1e6:.3g}")
        if measured:
            row.append(f"{1e3 * _seconds(backend.call(result, plan, name)):.3g}")
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]))


def _seconds(call: Callable[[], Any]) -> float:
    call()
    times = []
    for _ in range(CALLS):
        before = perf_counter()
        call()
        times.append(perf_counter() - before)
    return median(times)


def _operands(result: str, plan: Plan) -> list[Any]:
    shapes = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
    return [np.ones(shapes[name], np.float32) for name in OPERANDS[result]]


class _NumPy:
    def __init__(self) -> None:
        self._choose: Any = import_module("tconv._numpy.choose")
        self._forms: Any = import_module("tconv._numpy.forms").FORMS
        self.rates: Rates = self._choose.RATES

    def forms(self, result: str, plan: Plan) -> tuple[str, dict[str, Counts]]:
        return self._choose.choose(result, plan), self._choose.candidates(result, plan)

    def call(self, result: str, plan: Plan, form: str) -> Callable[[], Any]:
        operands = _operands(result, plan)
        return lambda: self._forms[result][form].compute(plan, *operands)


class _JAX:
    """The default device; on a CPU every form, elsewhere the one that is taken."""

    def __init__(self) -> None:
        self._jax: Any = import_module("jax")
        self._lowering: Any = import_module("tconv._jax.lowering")
        self.rates: Rates = import_module("tconv._jax.choose").RATES
        name = self._jax.default_backend()
        self._platform = "cuda" if name == "gpu" else name

    def forms(self, result: str, plan: Plan) -> tuple[str, dict[str, Counts]]:
        static = (plan, self._platform, np.dtype(np.float32))
        return (
            self._lowering.chosen_form(result, *static),
            self._lowering.candidates(result, *static),
        )

    def call(self, result: str, plan: Plan, form: str) -> Callable[[], Any]:
        def program(first: Any, second: Any) -> Any:
            return self._lowering.compute(
                result, plan, first, second, platform=self._platform, precision=None, form=form
            )

        operands = [self._jax.numpy.asarray(array) for array in _operands(result, plan)]
        compiled = self._jax.jit(program).lower(*operands).compile()
        return lambda: self._jax.block_until_ready(compiled(*operands))


_BACKENDS: dict[str, Callable[[], Any]] = {"numpy": _NumPy, "jax": _JAX}
