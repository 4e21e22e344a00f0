"""Collection by phases: for each cell every phase of y is a small sum over nearby inputs."""

from __future__ import annotations

from typing import Any

from jax import lax

from tconv._core.lattice import cells_of, shifts_of
from tconv._core.plan import Plan
from tconv._jax.forms.axes import Named, along, into_last, joined
from tconv._jax.forms.cells import (
    in_order,
    kernel_by_phase,
    product_of,
    shift_spans,
    signal_of,
    y_from,
)
from tconv._jax.forms.xla import convolved, numbers_of


def by_gemm(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """y from x and w, for a reduced plan: the inputs of a cell stacked, then one GEMM."""
    cells, ndim = cells_of(plan.axes), len(plan.axes)
    shift_axes, phases = along("shift", ndim), along("phase", ndim)
    outputs = (*phases, "out") if plan.channels_last else ("out", *phases)
    kernel = kernel_by_phase(plan, w).ordered(("group", *shift_axes, "in", *outputs))
    kernel = kernel.merged((*shift_axes, "in"), "stacked")
    positions = along("position", ndim)
    signal = signal_of(plan, x).ordered(in_order(plan, ("in",), ("batch", *positions)))
    signal = signal.renamed(dict(zip(positions, along("cell", ndim), strict=True)))
    stacked = [signal.padded(shift_spans(cells, shifts)) for shifts in shifts_of(cells)]
    inputs = joined(stacked, [len(stacked)], ["in"]).renamed({"in": "stacked"})
    return y_from(plan, product_of(plan, kernel, inputs, ("stacked",), precision))


def by_convolution(plan: Plan, x: Any, w: Any, precision: Any) -> Any:
    """y from x and w, for a reduced plan: a stride-1 convolution whose channels are phases, in
    the order that XLA's convolution is fast in on a CPU."""
    cells, ndim = cells_of(plan.axes), len(plan.axes)
    shifts, phases = along("shift", ndim), along("phase", ndim)
    kernel = kernel_by_phase(plan, w)
    kernel = Named(lax.rev(kernel.values, [kernel.place(axis) for axis in shifts]), kernel.axes)
    kernel = kernel.ordered((*shifts, "in", "group", "out", *phases))
    sizes = {axis: kernel.size(axis) for axis in ("group", "out", *phases)}
    y = convolved(
        into_last("x", x),
        kernel.merged(tuple(sizes), "channel").values,
        [c.x_padding for c in cells],
        stride=(1,) * ndim,
        dilation=plan.dilation,
        numbers=numbers_of(ndim, channels_last=True),
        groups=plan.groups,
        precision=precision,
    )
    named = Named(y, ("batch", *along("cell", ndim), "channel"))
    return y_from(plan, named.split("channel", sizes))
