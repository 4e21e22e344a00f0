"""Which form computes y, x and w: the one whose counts take the least time at this backend's rates,
among those that are possible, from the numbers of the plan alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import NamedTuple

from tconv._core.cost import Counts, Rates, cheapest
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy import banded, depthwise, overlap_add, space_to_depth, subpixel, windows
from tconv._numpy.space_to_depth import SPACE_TO_DEPTH, splits
from tconv._numpy.windows import WINDOWS

Compute = Callable[[Plan, AnyArray, AnyArray], AnyArray]
CotangentsForm = Callable[[Plan, AnyArray, AnyArray, AnyArray], tuple[AnyArray, AnyArray]]

# Nanoseconds in float32 on an AMD EPYC, two cores: fitted to generated problems as in ``python -m
# benchmarks rates``.  What is counted was corrected with the problems of ``benchmarks choice`` in
# view, so that its regret is no test of that.
RATES = Rates(products=0.012, convolved=0, added=0.43, moved=0.4, runs=0.3, fresh=0, calls=800)

# Columns up to which the index that adds them up, 16 bytes each and kept for every plan, is small.
SMALL = 1 << 16

# Multiply-adds of whole planes for an output, up to which they are worth trying: more take as many
# passes over memory.
FEW_PRODUCTS = 16


def _always(_: Plan) -> bool:
    return True


def _is_small(plan: Plan) -> bool:
    return plan.batch * prod(plan.input_size) * plan.out_channels * plan.taps <= SMALL


def _few_channels(plan: Plan) -> bool:
    return plan.group_in_channels * plan.group_out_channels <= FEW_PRODUCTS


def _adds_planes(plan: Plan) -> bool:
    return set(plan.stride) == {1} and _few_channels(plan)


class Form(NamedTuple):
    """A way to compute a map, what it costs, and for which plans it is possible."""

    compute: Compute
    counts: Callable[[Plan], Counts]
    possible: Callable[[Plan], bool] = _always


# By result: y from (x, w), x from (y, w), w from (x, y).
FORMS: dict[str, dict[str, Form]] = {
    "y": {
        "columns": Form(overlap_add.conv_transpose, overlap_add.conv_transpose_counts),
        "subpixel": Form(subpixel.conv_transpose, subpixel.conv_transpose_counts),
        "depthwise": Form(depthwise.conv_transpose, depthwise.conv_transpose_counts, _few_channels),
        "banded": Form(banded.conv_transpose, banded.conv_transpose_counts, _few_channels),
        "small": Form(overlap_add.small, overlap_add.small_counts, _is_small),
    },
    "x": {
        "windows": Form(WINDOWS.conv, windows.conv_counts),
        "space to depth": Form(SPACE_TO_DEPTH.conv, space_to_depth.conv_counts, splits),
        "planes": Form(depthwise.conv, depthwise.conv_counts, _adds_planes),
    },
    "w": {
        "windows": Form(WINDOWS.weight_cotangent, windows.weight_counts),
        "space to depth": Form(
            SPACE_TO_DEPTH.weight_cotangent, space_to_depth.weight_counts, splits
        ),
    },
}
# Those that compute x from (y, w) and w from (x, y) together: (x, w) from (x, w, y).
COTANGENTS: dict[str, CotangentsForm] = {
    "windows": WINDOWS.cotangents,
    "space to depth": SPACE_TO_DEPTH.cotangents,
}


@lru_cache(maxsize=4096)
def candidates(result: str, plan: Plan) -> dict[str, Counts]:
    """The forms that are possible for a plan, and their counts."""
    forms = FORMS[result].items()
    return {name: form.counts(plan) for name, form in forms if form.possible(plan)}


@lru_cache(maxsize=4096)
def choose(result: str, plan: Plan) -> str:
    """The name of the form that computes a result of this plan."""
    return cheapest(candidates(result, plan), RATES)


def compute(result: str, plan: Plan, first: AnyArray, second: AnyArray) -> AnyArray:
    """A result from its two operands, by the form chosen for it."""
    return FORMS[result][choose(result, plan)].compute(plan, first, second)


def cotangents(plan: Plan, x: AnyArray, w: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
    """x from (y, w) and w from (x, y), of one gathering of y where both have the same form."""
    form = choose("x", plan)
    if form == choose("w", plan) and form in COTANGENTS:
        return COTANGENTS[form](plan, x, w, y)
    return compute("x", plan, y, w), compute("w", plan, x, y)
