"""Collection by phases: for each cell every phase of y is a small sum over nearby inputs."""

from __future__ import annotations

from itertools import product

from jax import Array, lax

from tconv._core.cost import Counts, copy, gemm
from tconv._core.plan import Plan
from tconv._jax.forms.axes import Named, Precision, along, into_last, joined
from tconv._jax.forms.cells import (
    dense_cells,
    in_order,
    interleaving,
    kernel_by_phase,
    product_of,
    shift_spans,
    signal_of,
    sizes_of,
    stacking,
    y_from,
)
from tconv._jax.forms.xla import convolution, convolved, numbers_of


def by_gemm(plan: Plan, x: Array, w: Array, precision: Precision) -> Array:
    """y from x and w, for a reduced plan: the inputs of a cell stacked, then one GEMM."""
    cells, ndim = dense_cells(plan), len(plan.axes)
    shift_axes, phases = along("shift", ndim), along("phase", ndim)
    outputs = (*phases, "out") if plan.channels_last else ("out", *phases)
    kernel = kernel_by_phase(plan, w).ordered(("group", *shift_axes, "in", *outputs))
    kernel = kernel.merged((*shift_axes, "in"), "stacked")
    positions = along("position", ndim)
    signal = signal_of(plan, x).ordered(in_order(plan, ("in",), ("batch", *positions)))
    signal = signal.renamed(dict(zip(positions, along("cell", ndim), strict=True)))
    stacked = [
        signal.padded(shift_spans(cells, shifts)) for shifts in product(*(c.shifts for c in cells))
    ]
    inputs = joined(stacked, [len(stacked)], ["in"]).renamed({"in": "stacked"})
    return y_from(plan, product_of(plan, kernel, inputs, ("stacked",), precision))


def by_convolution(
    plan: Plan, x: Array, w: Array, precision: Precision, *, on_cpu: bool = False
) -> Array:
    """y from x and w, for a reduced plan: a stride-1 convolution whose channels are phases, in
    the order that XLA's convolution is fast in on a CPU."""
    cells, ndim = dense_cells(plan), len(plan.axes)
    shifts, phases = along("shift", ndim), along("phase", ndim)
    kernel = kernel_by_phase(plan, w)
    kernel = Named(lax.rev(kernel.values, [kernel.place(axis) for axis in shifts]), kernel.axes)
    # Channels innermost where y lies so, but groups outermost where there are several.
    innermost = plan.channels_last and plan.groups == 1
    channels = (*phases, "group", "out") if innermost else ("group", "out", *phases)
    kernel = kernel.ordered((*shifts, "in", *channels))
    sizes = {axis: kernel.size(axis) for axis in channels}
    y = convolved(
        into_last("x", x),
        kernel.merged(channels, "channel").values,
        [c.x_padding for c in cells],
        stride=(1,) * ndim,
        dilation=[c.axis.dilation for c in cells],
        numbers=numbers_of(ndim, channels_last=True),
        groups=plan.groups,
        precision=precision,
        on_cpu=on_cpu,
    )
    named = Named(y, ("batch", *along("cell", ndim), "channel"))
    return y_from(plan, named.split("channel", sizes))


def gemm_counts(plan: Plan) -> Counts:
    """Kernel and inputs stacked, the GEMM, and the phases written side by side."""
    sizes = sizes_of(plan)
    depth, rows = sizes.shifts * sizes.inputs, sizes.phases * sizes.outputs
    stacked = sizes.cells * sizes.groups * depth
    inputs = plan.group_in_channels if plan.channels_last else plan.axes[-1].input_size
    product = gemm(rows, depth, sizes.cells, sizes.groups) + Counts(kept=sizes.y)
    return copy(sizes.w, 1) + stacking(sizes, stacked, inputs) + product + interleaving(plan)


def convolution_counts(plan: Plan) -> Counts:
    """The kernel, the convolution, and the phases written side by side."""
    sizes = sizes_of(plan)
    patches = sizes.cells * sizes.groups * sizes.shifts * sizes.inputs
    total = convolution(plan, patches, sizes.inputs, sizes.phases * sizes.outputs)
    total += copy(sizes.w, 1).repeated(2)
    if not plan.channels_last:
        turned = copy(sizes.x, 1) + copy(sizes.y, 1)
        return total + turned + Counts(kept=sizes.x + sizes.y)
    if sizes.phases == 1:
        return total
    return total + interleaving(plan) + Counts(kept=sizes.y)
