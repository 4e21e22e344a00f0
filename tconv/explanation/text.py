"""An explanation to read in a terminal: sizes, phases, coverage, and sums with their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import islice, product
from typing import Any

import numpy as np

from tconv._core.arguments import Shape
from tconv._core.axis import Axis
from tconv._core.lattice import Phase, phases
from tconv.explanation.sums import Sums
from tconv.explanation.terms import counts, onto
from tconv.explanation.values import table
from tconv.sizes import coverage

ELEMENTS, PHASES, POSITIONS, PLANES = 8, 8, 12, 2  # how many of each are listed


def summary(sums: Sums) -> str:
    """The whole call: what ``str`` of an explanation gives."""
    return "\n".join([
        *_head(sums), "", *_sizes(sums), "", *_phases(sums), "", *_coverage(sums), "", *_first(sums)
    ])  # fmt: skip


def shapes(sums: Sums) -> str:
    """The shapes of the arrays."""
    return f"x {sums.x.shape}, w {sums.w.shape} -> y {sums.orders.y.shape}"


def element(sums: Sums, index: Shape) -> str:
    """One element of y by its canonical index: its sum, and the positions that meet there."""
    lines = [sums.formula(index, most=32)]
    for number, (axis, o) in enumerate(zip(sums.plan.axes, index[2:], strict=True)):
        lo = _minus(axis.lo)
        meet = [f"{i}*{axis.stride} + {t}*{axis.dilation} {lo}" for i, t, _ in onto(axis, o)]
        lines.append(f"    axis {number}: " + " = ".join([str(o), *meet]))
        if not meet:
            lines[-1] += " is reached by no tap of any input"
        beyond = _beyond(axis, o)
        if beyond:
            lines.append(f"        outside of x: {', '.join(beyond)}")
    return "\n".join(lines)


def phase_formula(axis: Axis, phase: Phase) -> str:
    """The sum of the outputs of one phase along one axis, as seen after cropping:
    ``y[2*q + 1] = x[q + 1]*w[0] + x[q]*w[2]``."""
    out = _linear(axis.stride, phase.first)
    parts = [f"x[{_linear(1, shift)}]*w[{tap}]" for tap, shift in phase.reads]
    if len(parts) > PHASES:
        parts = [*parts[: PHASES - 1], "..."]
    return f"y[{out}] = {' + '.join(parts) or '0, as no tap reaches it'}"


def phase_formulas(axis: Axis) -> list[str]:
    """The sums of the phases along one axis, the first ones where there are many."""
    found = phases(axis)
    more = [f"and {len(found) - PHASES} more"] if len(found) > PHASES else []
    return [phase_formula(axis, phase) for phase in found[:PHASES]] + more


def alike_axes(sums: Sums) -> Iterator[tuple[str, int]]:
    """Axes of one geometry under one name, and one of them."""
    axes = sums.plan.axes
    facts = list(zip(axes, sums.padding, sums.output_padding, strict=True))
    for number, fact in enumerate(facts):
        same = [other for other in range(len(axes)) if facts[other] == fact]
        if same[0] == number:
            yield ("every axis" if len(same) == len(axes) > 1 else _axes(same)), number


def _head(sums: Sums) -> Iterator[str]:
    plan = sums.plan
    kind = "letters for values" if sums.y is None else str(sums.y.dtype)
    yield f"conv_transpose: {shapes(sums)}, {kind}"
    padding: Any = sums.padding
    if all(lo == hi >= 0 for lo, hi in padding):
        padding = tuple(lo for lo, _ in padding)
    named = {
        "stride": plan.stride,
        "padding": padding,
        "output_padding": sums.output_padding,
        "dilation": plan.dilation,
    }
    listed = [f"{name} {_one(value)}" for name, value in named.items()]
    yield ", ".join([*listed, f"groups {plan.groups}"])


def _one(values: tuple[Any, ...]) -> Any:
    """Values that are all the same as the one that they are."""
    return values[0] if len(set(values)) == 1 else values


def _sizes(sums: Sums) -> Iterator[str]:
    yield "Size: (n - 1)*stride + dilation*(k - 1) + 1 - lo - hi + output_padding"
    for name, number in alike_axes(sums):
        axis, (lo, hi) = sums.plan.axes[number], sums.padding[number]
        n, k, op = axis.input_size, axis.kernel_size, sums.output_padding[number]
        filled = f"({n} - 1)*{axis.stride} + {axis.dilation}*({k} - 1) + 1"
        yield f"    {name}: {filled} {_minus(lo)} {_minus(hi)} + {op} = {axis.output_size}"


def _phases(sums: Sums) -> Iterator[str]:
    yield "Phases: which taps meet at which outputs, as seen after cropping (x is 0 outside)"
    for name, number in alike_axes(sums):
        yield f"    {name}:"
        yield from ("        " + line for line in phase_formulas(sums.plan.axes[number]))


def _coverage(sums: Sums) -> Iterator[str]:
    plan = sums.plan
    kept, whole = counts(plan)
    yield f"Coverage: {kept} of {whole} products are kept, {whole - kept} are cropped;"
    yield "    taps that reach each output position:"
    along = [_axis_coverage(sums, number) for number in range(len(plan.axes))]
    covered = reduce(np.multiply.outer, along)
    for leading in np.ndindex(covered.shape[:-2]):
        if leading:
            yield f"    {', '.join(map(str, leading))}:"
        yield from ("    " + line for line in table(covered[leading].astype(str)))
    if covered.shape < plan.output_size:
        yield f"    (the first positions of {'x'.join(map(str, plan.output_size))})"


def _axis_coverage(sums: Sums, number: int) -> Any:
    """How many taps reach each of the first outputs along one axis."""
    axis, axes = sums.plan.axes[number], len(sums.plan.axes)
    most = POSITIONS if axes - number <= 2 else PLANES
    return coverage(
        axis.input_size,
        axis.kernel_size,
        stride=axis.stride,
        padding=(sums.padding[number],),
        output_padding=sums.output_padding[number],
        dilation=axis.dilation,
    )[:most]


def _first(sums: Sums) -> Iterator[str]:
    yield "Elements:"
    plan = sums.plan
    every = product(*map(range, plan.y_shape))
    for index in islice(every, ELEMENTS):
        yield "    " + sums.formula(index, most=6)
    rest = int(np.prod(plan.y_shape)) - ELEMENTS
    if rest > 0:
        yield f"    and {rest} more: text(index) tells of any"


def _beyond(axis: Axis, o: int) -> list[str]:
    """What an output would read outside of x."""
    phase = phases(axis)[o % axis.stride]
    reads = [(tap, o // axis.stride + shift) for tap, shift in phase.reads]
    return [f"w[{tap}] would meet x[{i}]" for tap, i in reads if not 0 <= i < axis.input_size]


def _minus(amount: int) -> str:
    """A number that is subtracted: ``- 1``, and ``+ 1`` for -1."""
    return f"+ {-amount}" if amount < 0 else f"- {amount}"


def _linear(slope: int, offset: int) -> str:
    """``2*q + 1``."""
    text = "q" if slope == 1 else f"{slope}*q"
    return f"{text} {_minus(-offset)}" if offset else text


def _axes(numbers: list[int]) -> str:
    listed = " and ".join(map(str, numbers))
    return f"axes {listed}" if len(numbers) > 1 else f"axis {listed}"
