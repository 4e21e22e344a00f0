"""Products of the cells of y, each element once, for every shift: x and w by sums over shifts."""

from __future__ import annotations

from itertools import product

from jax import Array

from tconv._core.cost import Counts, copy, gemm
from tconv._core.plan import Plan
from tconv._jax.forms.axes import Precision, added, along, joined
from tconv._jax.forms.cells import (
    cells_by_phase,
    deinterleaving,
    dense_cells,
    in_order,
    kernel_by_phase,
    product_of,
    signal_of,
    sizes_of,
    stacking,
    summed_over_positions,
    w_from_phases,
    x_from,
)


def conv(plan: Plan, y: Array, w: Array, precision: Precision) -> Array:
    """x from y and w, for a reduced plan: one GEMM with the cells of y, then a sum of shifted
    products."""
    cells, ndim = dense_cells(plan), len(plan.axes)
    shifts, phases = along("shift", ndim), along("phase", ndim)
    kernel = kernel_by_phase(plan, w).ordered(("group", *shifts, "in", *phases, "out"))
    features = (*phases, "out")
    products = product_of(plan, kernel, cells_by_phase(plan, y), features, precision)
    terms = []
    for chosen in product(*(c.shifts for c in cells)):
        parts: dict[str, int | slice] = {}
        for n, (shift, c) in enumerate(zip(chosen, cells, strict=True)):
            parts |= {f"shift{n}": c.shifts.index(shift), f"cell{n}": c.window(shift)}
        terms.append(products.taken(parts))
    names = dict(zip(along("cell", ndim), along("position", ndim), strict=True))
    return x_from(plan, added(terms).renamed(names))


def weight_cotangent(plan: Plan, x: Array, y: Array, precision: Precision) -> Array:
    """w from x and y, for a reduced plan: one GEMM of shifted x with the cells of y."""
    cells, ndim = dense_cells(plan), len(plan.axes)
    positions = ("batch", *along("cell", ndim))
    names = dict(zip(along("position", ndim), along("cell", ndim), strict=True))
    signal = signal_of(plan, x).renamed(names).ordered(in_order(plan, ("in",), positions))
    stacked = []
    for chosen in product(*(c.shifts for c in cells)):
        every = enumerate(zip(chosen, cells, strict=True))
        spans = {f"cell{n}": (shift, c.shifts[-1] - shift) for n, (shift, c) in every}
        stacked.append(signal.padded(spans))
    inputs = joined(stacked, [len(stacked)], ["in"]).renamed({"in": "stacked"})
    kernel = summed_over_positions(plan, inputs, cells_by_phase(plan, y), positions, precision)
    sizes = {f"shift{n}": len(c.shifts) for n, c in enumerate(cells)}
    return w_from_phases(plan, kernel.split("stacked", {**sizes, "in": plan.group_in_channels}))


def conv_counts(plan: Plan) -> Counts:
    """The cells, the GEMM, and the sum of its shifted products."""
    sizes = sizes_of(plan)
    rows, depth = sizes.shifts * sizes.inputs, sizes.phases * sizes.outputs
    products = sizes.reached * sizes.groups * rows
    sums = Counts(added=products, calls=sizes.shifts) + Counts(kept=sizes.y_reached + products)
    product = gemm(rows, depth, sizes.reached, sizes.groups)
    return deinterleaving(plan) + copy(sizes.w, 1) + product + sums


def weight_counts(plan: Plan) -> Counts:
    """The cells, the shifted inputs, and the GEMM, for which channels-last operands are turned."""
    sizes = sizes_of(plan)
    rows, columns = sizes.shifts * sizes.inputs, sizes.phases * sizes.outputs
    stacked = sizes.reached * sizes.groups * rows
    inputs = plan.group_in_channels if plan.channels_last else plan.axes[-1].input_size
    product = gemm(rows, sizes.reached, columns, sizes.groups)
    if plan.channels_last:
        product += Counts(moved=4 * (stacked + sizes.y_reached))
    total = deinterleaving(plan) + stacking(sizes, stacked, inputs) + product + copy(sizes.w, 1)
    return total + Counts(kept=sizes.y_reached)
