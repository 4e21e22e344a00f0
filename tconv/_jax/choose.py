"""Which form runs, from the plan, the platform and the dtype of the products alone.

On a CPU it is the form whose counts take the least time at this backend's rates, among those that
are possible.  On accelerators XLA's own convolutions run, but where they have no fast kernel; on
GPUs, in the shapes that it has cuDNN compute.
Plans are reduced: stride and dilation have no common factor on any axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tconv._core.arguments import is_known
from tconv._core.axis import Axis
from tconv._core.cost import Counts, Rates, cheapest
from tconv._core.lattice import Cells, cells_of
from tconv._core.plan import Plan
from tconv._jax.forms import FORMS, IN_SLABS
from tconv._jax.forms.slabs import slabs_of

# Programs grow with the combinations of shifts: a stride-1 kernel of 64 x 64 has 4096 of them, and
# with the 100 of a 10 x 10 one both gradients compile in 5.5 s.  Beyond this many a convolution is
# left, fast in float32 (81 shifts: 1.3 ms beside 4.9 for w) and slow in float64, as lax is.
MOST_SHIFTS = 64

# They grow less with the sums of overlap-add, and of depthwise layers: 343 compile in 0.9 s, 520 of
# one axis in 1.9.  So many are taken where nothing else is possible.
MOST_SUMS = 512

# Their convolutions are cuDNN's or MIOpen's.
GPUS = ("cuda", "rocm")

# What is always possible.  With groups XLA's convolutions multiply zeros between them.
ANY = {"y": "dilated", "x": "convolution", "w": "convolution"}

# Up to this many groups are problems of their own, which XLA's products and convolutions are faster
# at (grp4: 11 ms beside 24).  With 32 both gradients compile in 4 s.
GROUPS_APART = 8

# Symbolic sizes are taken for these.
TYPICAL_BATCH, TYPICAL_SIZE = 8, 32

# Nanoseconds in float32 on an AMD EPYC, two cores: fitted to generated problems as in ``python -m
# benchmarks rates``; ``products``, ``convolved`` and ``kept`` then set by hand on the problems of
# ``benchmarks choice``, so that its regret is no test of them.
RATES = Rates(
    products=0.012, convolved=0.0115, added=0.13, moved=0.085, runs=0.56, kept=1.0, calls=3100
)


def groups_apart(plan: Plan, platform: str | None) -> bool:
    """Whether each group is computed as a problem of its own."""
    return platform == "cpu" and 1 < plan.groups <= GROUPS_APART and not _is_depthwise(plan)


def undilated(result: str, plan: Plan) -> bool:
    """Whether a GPU computes the residues of the dilation as samples: cuDNN's kernels for zeros
    between inputs, and for the gradient of a weight, get no dilated kernel from XLA.

    A convolution may have stride and dilation, and y of several groups comes from such.
    """
    strided = max(plan.stride, default=1) > 1 and plan.groups == 1
    return max(plan.dilation, default=1) > 1 and (result == "w" or (result == "y" and strided))


def choose(result: str, plan: Plan, platform: str | None, dtype: np.dtype[Any]) -> str:
    """The form that computes this one of "x", "w" and "y"."""
    if platform in GPUS:
        return _on_gpus(result, plan)
    if platform != "cpu":
        return _on_accelerators(result, plan)
    return cheapest(candidates(result, plan, dtype), RATES)


def subpixel_form(plan: Plan, platform: str | None, dtype: np.dtype[Any]) -> str:
    """The form of the sub-pixel algorithm that computes y."""
    if platform != "cpu":
        return "plain subpixel convolution"
    found = candidates("y", plan, dtype)
    subpixel = {name: counts for name, counts in found.items() if name.startswith("subpixel")}
    rest = "subpixel convolution" if _many_shifts(plan) else "subpixel GEMM"
    return cheapest(subpixel or {rest: Counts()}, RATES)


def candidates(result: str, plan: Plan, dtype: np.dtype[Any]) -> dict[str, Counts]:
    """The forms that are possible for a plan on a CPU, and their counts."""
    sizes = (plan.batch, *plan.input_size, *plan.output_size)
    return _candidates(result, _of_known_sizes(plan), dtype, all(map(is_known, sizes)))


@lru_cache(maxsize=4096)
def _candidates(result: str, plan: Plan, dtype: np.dtype[Any], known: bool) -> dict[str, Counts]:
    for most_sums in (MOST_SHIFTS, MOST_SUMS):
        found = {}
        for name, form in FORMS[result].items():
            whole = name.removesuffix(IN_SLABS)
            possible = _is_possible(whole, result, plan, dtype, most_sums)
            if form.counts is None or not possible:
                continue
            if whole == name or (known and slabs_of(result, plan, FORMS[result][whole].counts)):
                found[name] = form.counts(plan)
        if found:
            return found
    return {ANY[result]: Counts()}


def _is_possible(name: str, result: str, plan: Plan, dtype: np.dtype[Any], most_sums: int) -> bool:
    """Whether XLA can compile and run the form well, and no infinity meets a zero of its own."""
    if not plan.axes:
        return name in ("columns", "windows")
    cells = cells_of(plan.axes)
    if "convolution" in name:
        # XLA's CPU convolution is fast in float32 alone, with one group and up to two axes: 846 ms
        # beside 18 of the GEMM for dcgan_l3 in float64.
        fast = dtype == np.float32 and plan.groups == 1 and len(plan.axes) <= 2
        exact = result != "y" or _is_dense(cells)
        return (fast or _many_shifts(plan)) and exact
    if name == "windows":
        return sum(len(c.pieces) for c in cells) <= MOST_SHIFTS
    if name == "depthwise":
        sums = {"y": _columns(cells), "x": plan.taps, "w": 0}[result]
        return _is_depthwise(plan) and sums <= most_sums
    if name == "columns":
        return _columns(cells) <= most_sums
    # The others put zeros in place of the taps that some phases lack: times an infinity a NaN.
    return _is_dense(cells) and not _many_shifts(plan)


def _is_dense(cells: Sequence[Cells]) -> bool:
    """Whether every phase has a tap for each shift."""
    return all(c.even and 1 in (c.axis.stride, c.axis.dilation) for c in cells)


def _columns(cells: Sequence[Cells]) -> int:
    """Sums that overlap-add consists of."""
    return prod(sum(len(run.taps) for run in c.runs) for c in cells)


def _many_shifts(plan: Plan) -> bool:
    """Whether the taps of a phase are too many to unroll."""
    return prod(len(c.shifts) for c in cells_of(plan.axes)) > MOST_SHIFTS


def _on_accelerators(result: str, plan: Plan) -> str:
    # XLA's grouped convolutions have no backward-data kernel and gather a sharded batch.
    if plan.groups == 1 or _many_shifts(plan):
        return "dilated" if result == "y" else "convolution"
    if result == "y":
        return "depthwise" if _is_depthwise(plan) else "columns"
    return "windows"


def _on_gpus(result: str, plan: Plan) -> str:
    """Each with its operands read and its result written once, where a kernel for that exists.

    XLA's matcher gives cuDNN's backward-data kernel one group alone.  Of several groups, y is
    gathered from the phases, each a forward convolution, and written twice.  Depthwise layers are
    one loop over the taps, as long as these are few.
    """
    if not plan.axes:
        return "columns" if result == "y" else "windows"
    cells = cells_of(plan.axes)
    if result == "w":
        return "backward filter"
    if result == "x":
        fused = _is_depthwise(plan) and plan.groups > 1 and plan.taps <= MOST_SHIFTS
        return "fused depthwise" if fused else "convolution"
    if plan.groups == 1:
        return "dilated"
    if _is_depthwise(plan) and _columns(cells) <= MOST_SHIFTS:
        return "fused depthwise"
    if _is_dense(cells):
        return "plain subpixel convolution"
    if all(map(is_known, plan.output_size)) and prod(plan.stride) <= MOST_SHIFTS:
        return "phases"
    return "columns" if _columns(cells) <= MOST_SUMS else "dilated"


def _is_depthwise(plan: Plan) -> bool:
    return plan.group_in_channels == plan.group_out_channels == 1


def _of_known_sizes(plan: Plan) -> Plan:
    """The plan with a typical number in place of each symbolic size."""
    batch = plan.batch if is_known(plan.batch) else TYPICAL_BATCH
    return replace(plan, batch=batch, axes=tuple(map(_of_known_size, plan.axes)))


def _of_known_size(axis: Axis) -> Axis:
    if is_known(axis.input_size) and is_known(axis.output_size):
        return axis
    full = (TYPICAL_SIZE - 1) * axis.stride + axis.extent
    return replace(axis, input_size=TYPICAL_SIZE, output_size=full - axis.lo - axis.hi)
