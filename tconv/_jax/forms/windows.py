"""Collection of what windows of y hold: the convolution and the weight gradient as GEMMs."""

from __future__ import annotations

from jax import Array

from tconv._core.cost import Counts, gemm
from tconv._core.plan import Plan
from tconv._jax.forms.axes import Precision, along
from tconv._jax.forms.cells import (
    in_order,
    kernel_of,
    product_of,
    signal_of,
    sizes_of,
    summed_over_positions,
    w_from,
    windowing,
    windows_of,
    x_from,
)


def conv(plan: Plan, y: Array, w: Array, precision: Precision) -> Array:
    """x from y and w, for a reduced plan: one GEMM with the windows of y."""
    taps = along("tap", len(plan.axes))
    kernel = kernel_of(plan, w)
    features = (*taps, "out") if plan.channels_last else ("out", *taps)
    if plan.channels_last:
        kernel = kernel.ordered(("group", "in", *features))
    return x_from(plan, product_of(plan, kernel, windows_of(plan, y), features, precision))


def weight_cotangent(plan: Plan, x: Array, y: Array, precision: Precision) -> Array:
    """w from x and y, for a reduced plan: one GEMM with the windows of y."""
    positions = ("batch", *along("position", len(plan.axes)))
    signal = signal_of(plan, x).ordered(in_order(plan, ("in",), positions))
    kernel = summed_over_positions(plan, signal, windows_of(plan, y), positions, precision)
    return w_from(plan, kernel)


def conv_counts(plan: Plan) -> Counts:
    """The windows and the GEMM."""
    sizes = sizes_of(plan)
    depth = sizes.outputs * sizes.taps
    product = gemm(sizes.inputs, depth, sizes.positions, sizes.groups)
    return windowing(plan) + product + Counts(kept=1.5 * sizes.positions * sizes.groups * depth)


def weight_counts(plan: Plan) -> Counts:
    """The windows and the GEMM."""
    sizes = sizes_of(plan)
    rows = sizes.outputs * sizes.taps
    product = gemm(sizes.inputs, sizes.positions, rows, sizes.groups)
    return windowing(plan) + product + Counts(kept=1.5 * sizes.positions * sizes.groups * rows)
