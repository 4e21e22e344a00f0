"""``python -m benchmarks rates --backend numpy``: the rates that the counts of the forms fit best.

The problems are generated, and none is of a set of layers, so that no table reports what was fitted
to it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import layers
from benchmarks.choice.measure import BACKENDS, Choice, forms_of, measure_choice, plan_of
from benchmarks.task import OPERANDS
from tconv._core.cost import Counts
from tconv.testing import Problem

Array = NDArray[np.float64]
NAMES = [field.name for field in fields(Counts)]

# Nanoseconds between which each rate is sought: what some machine can do.
LOWEST = np.array([0.006, 0.01, 0.02, 0.03, 0.05, 0.5, 300])
HIGHEST = np.array([0.06, 0.04, 1, 1, 4, 3, 2e4])
STEPS = 1200


def main(arguments: Sequence[str]) -> None:
    """Time every form on generated problems, then print the rates of the least regret."""
    options = _options(arguments)
    rng = np.random.default_rng(options.seed)
    rows = []
    for number, problem in enumerate(generated(rng, options.count), start=1):
        for result in OPERANDS:
            for layout in forms_of(options.backend).LAYOUTS:
                row = measure_choice(
                    problem, result, options.backend, layout=layout, seconds=options.seconds
                )
                if len(row.timings) > 1:
                    rows.append(row)
        print(f"{number}/{options.count} {problem}", file=sys.stderr, flush=True)
    rates, mean, worst = fitted(rows, rng)
    print(", ".join(f"{name}={rate:.2g}" for name, rate in zip(NAMES, rates, strict=True)))
    print(f"regret on these problems: mean {mean:.3f}, worst {worst:.2f}")


def generated(rng: np.random.Generator, count: int) -> Iterator[Problem]:
    """Problems of no set of layers, of 0.3 to 30 ms at 80 GFLOP/s and 2 ns an element of x and y:
    one to three axes, dense, grouped or depthwise, with 1 to 700 channels."""
    known = {layer.problem for layer in layers.load("all")}
    while count:
        axes = int(rng.choice([1, 2, 2, 2, 2, 3]))
        stride = int(rng.choice([1, 2, 2, 2, 3, 4, 5, 8] if axes < 3 else [1, 2, 2, 3]))
        kernel = int(
            rng.choice([1, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9, 11, 16] if axes < 3 else [2, 3, 4])
        )
        dilation = int(rng.choice([1, 1, 1, 1, 1, 2, 3])) if kernel <= 5 else 1
        kind = rng.choice(["dense", "dense", "dense", "grouped", "depthwise"])
        groups, inputs, outputs = 1, *(int(2 ** rng.uniform(0, 9.5)) for _ in range(2))
        if kind == "depthwise":
            groups = inputs = outputs = int(2 ** rng.uniform(3, 9))
        elif kind == "grouped":
            groups = int(rng.choice([2, 4, 8, 16, 32]))
            inputs, outputs = (-(-channels // groups) * groups for channels in (inputs, outputs))
        size = round(2 ** rng.uniform(*{1: (4, 16), 2: (1, 8), 3: (1, 5.5)}[axes]))
        problem = Problem(
            (size,) * axes, (kernel,) * axes, stride, int(rng.integers(0, kernel)) // 2,
            dilation=dilation, groups=groups, in_channels=inputs, out_channels=outputs,
            batch=int(rng.choice([1, 1, 2, 4, 8, 16, 64])),
        )  # fmt: skip
        samples = problem.batch or 1
        elements = prod(problem.x_shape) + samples * outputs * prod(problem.output_size)
        products = prod(problem.x_shape) * prod(problem.w_shape[1:])
        right_size = 3e-4 < products / 8e10 + elements * 2e-9 < 3e-2 and elements < 1e8
        if right_size and problem not in known:
            count -= 1
            yield problem


def fitted(rows: Sequence[Choice], rng: np.random.Generator) -> tuple[Array, float, float]:
    """The rates, and the mean and the worst regret with them: a random search from where the
    times themselves fit best.  Problems of the sets of layers are refused."""
    known = {layer.problem: layer.name for layer in layers.load("all")}
    if reported := [known[row.problem] for row in rows if row.problem in known]:
        raise SystemExit(f"no rate is fitted to layers that are reported: {', '.join(reported)}")
    measured = [_counts_and_times(row) for row in rows]
    starts = [np.sqrt(LOWEST * HIGHEST), np.clip(_least_squares(measured), LOWEST, HIGHEST)]
    best = min((_searched(measured, start, rng) for start in starts), key=lambda found: found[1])
    regrets = np.exp(_log_regrets(measured, best[0]))
    return best[0], float(np.exp(np.log(regrets).mean())), float(regrets.max())


def _counts_and_times(row: Choice) -> tuple[Array, Array]:
    """(forms, counts) and the nanoseconds of each form."""
    found = forms_of(row.backend).counts(row.result, plan_of(row.problem, row.layout))
    counts = np.array([found[form].terms for form in row.timings])
    return counts, 1e9 * np.array([timing.median for timing in row.timings.values()])


def _least_squares(measured: Sequence[tuple[Array, Array]]) -> Array:
    """The rates of at least 0 with which the times are off by the least squared ratio."""
    from scipy.optimize import nnls

    scaled = np.concatenate([counts / times[:, None] for counts, times in measured])
    rates: Array = nnls(scaled, np.ones(len(scaled)))[0]
    return rates


def _log_regrets(measured: Sequence[tuple[Array, Array]], rates: Array) -> Array:
    return np.array(
        [np.log(times[np.argmin(counts @ rates)] / times.min()) for counts, times in measured]
    )


def _loss(measured: Sequence[tuple[Array, Array]], rates: Array) -> float:
    """The mean regret, what goes beyond 1.35 once more, and a little of how far off times are."""
    regrets = _log_regrets(measured, rates)
    off = np.concatenate([np.log((counts @ rates) / times) for counts, times in measured])
    beyond = np.maximum(0, regrets - np.log(1.35))
    return float(regrets.mean() + beyond.mean() / 2 + 0.06 * np.abs(off).mean())


def _searched(
    measured: Sequence[tuple[Array, Array]], rates: Array, rng: np.random.Generator
) -> tuple[Array, float]:
    loss = _loss(measured, rates)
    for step in range(STEPS):
        moves = rng.normal(0, 0.4 * (1 - step / STEPS), len(rates)) * (rng.random(len(rates)) < 0.4)
        tried = np.clip(rates * np.exp(moves), LOWEST, HIGHEST)
        if (found := _loss(measured, tried)) < loss:
            rates, loss = tried, found
    return rates, loss


def _options(arguments: Sequence[str]) -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks rates", description=__doc__)
    parser.add_argument("--backend", choices=BACKENDS, default="numpy")
    parser.add_argument("--count", type=int, default=75, help="problems; default: 75")
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--seconds", type=float, default=0.2, help="a map; default: 0.2")
    return parser.parse_args(arguments)
