"""One channel a group: multiply and add, over all channels at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from tconv._core.cost import Counts, copy
from tconv._core.lattice import Cells, cells_of
from tconv._core.plan import Plan
from tconv._jax.forms.axes import Named, Precision, added, along
from tconv._jax.forms.cells import (
    cells_by_phase,
    cells_in_place,
    in_order,
    interleaving,
    kernel_of,
    shift_spans,
    signal_of,
    sizes_of,
    summed_by_phase,
    w_from,
    x_from,
    y_from,
)

ONE = {"in": 0, "out": 0}


def conv_transpose(
    plan: Plan, x: Array, w: Array, _precision: Precision, *, fused: bool = False
) -> Array:
    """y from x and w, for a reduced plan; ``fused`` in one pass from x to y, as a GPU does best."""
    cells, ndim = cells_of(plan.axes), len(plan.axes)
    places = along("cell", ndim)
    axes = in_order(plan, along("phase", ndim), ("batch", *places))
    if plan.channels_last:
        axes = (*axes[1:], "group")
    kernel = kernel_of(plan, w).taken(ONE)
    names = dict(zip(along("position", ndim), places, strict=True))
    signal = signal_of(plan, x).taken({"in": 0}).renamed(names)
    shifted = partial(_padded_apart, cells, signal) if fused else _padded_once(cells, signal)

    def term(taps: Sequence[slice], shifts: Sequence[int]) -> Named:
        weight = kernel.taken({f"tap{n}": each for n, each in enumerate(taps)})
        weight = weight.renamed(dict(zip(along("tap", ndim), along("phase", ndim), strict=True)))
        moved = shifted(shifts).aligned(axes)
        return Named(moved.values * weight.aligned(axes).values, axes)

    total = summed_by_phase(cells, term)
    # Fused into the transposition a CPU is 4x slower with channels first (see scatter).
    total = total if plan.channels_last or fused else total.settled()
    return y_from(plan, total.split("group", {"group": plan.groups, "out": 1}))


def _padded_apart(cells: list[Cells], signal: Named, shifts: Sequence[int]) -> Named:
    """The inputs where a shift takes them."""
    return signal.padded(shift_spans(cells, shifts))


def _padded_once(cells: list[Cells], signal: Named) -> Callable[[Sequence[int]], Named]:
    """The same as a part of the inputs in the zeros of all shifts.  On a CPU a sum of terms that
    are each padded asks at every element whether it is inside: 8.7 ms beside 1.7 for kernel 7."""
    every = [[c.shift_padding(shift) for run in c.runs for _, shift in run.taps] for c in cells]
    most = [max(before for before, _ in each) for each in every]
    least, after = zip(*map(min, every), strict=True)
    spans = zip(most, after, strict=True)
    whole = signal.padded({f"cell{n}": span for n, span in enumerate(spans)}).settled()

    def shifted(shifts: Sequence[int]) -> Named:
        crops = {}
        for n, (c, shift) in enumerate(zip(cells, shifts, strict=True)):
            lead = c.shift_padding(shift)[0]
            crops[f"cell{n}"] = (lead - most[n], least[n] - lead)
        return whole.padded(crops)

    return shifted


def conv(plan: Plan, y: Array, w: Array, _precision: Precision, *, fused: bool = False) -> Array:
    """x from y and w, for a reduced plan; ``fused`` in one pass."""
    cells, ndim = cells_of(plan.axes), len(plan.axes)
    in_place = plan.channels_last or fused
    values = (cells_in_place if in_place else cells_by_phase)(plan, y).taken({"out": 0})
    kernel = kernel_of(plan, w).taken(ONE)
    names = dict(zip(along("cell", ndim), along("position", ndim), strict=True))
    terms = []
    for tap in product(*map(range, plan.kernel_size)):
        read = values.taken(_reads(cells, tap)).renamed(names)
        weight = kernel.taken({f"tap{n}": t for n, t in enumerate(tap)}).aligned(read.axes)
        terms.append(Named(read.values * weight.values, read.axes))
    return x_from(plan, added(terms).split("group", {"group": plan.groups, "in": 1}))


def weight_cotangent(plan: Plan, x: Array, y: Array, _precision: Precision) -> Array:
    """w from x and y, for a reduced plan: a loop over the taps, each a sum of products, with
    channels last whatever the plan's order.

    Outside a loop XLA keeps the products of all taps at once: 35 ms beside 11 (dw_k4s2).
    """
    last, cells = replace(plan, channels_last=True), cells_of(plan.axes)
    signal = signal_of(last, x).taken({"in": 0})
    values = cells_in_place(last, y).taken({"out": 0})
    shape = [1 if axis.startswith("phase") else None for axis in values.axes]
    sizes = dict(zip(values.axes, values.values.shape, strict=True))
    sizes |= {f"cell{n}": c.axis.input_size for n, c in enumerate(cells)}
    size = [one or sizes[axis] for one, axis in zip(shape, values.axes, strict=True)]

    def of_tap(start: Any) -> Array:
        read = lax.dynamic_slice(values.values, start, size)
        terms = signal.values * jnp.reshape(read, signal.values.shape)
        return jnp.sum(terms, range(terms.ndim - 1))

    starts = [
        [_start(parts.get(axis, 0)) for axis in values.axes]
        for tap in product(*map(range, plan.kernel_size))
        for parts in [_reads(cells, tap)]
    ]
    found = lax.map(of_tap, jnp.asarray(starts, jnp.int32))
    kernel = Named(found, ("taps", "group")).ordered(("group", "taps"))
    sizes = {f"tap{n}": size for n, size in enumerate(plan.kernel_size)}
    return w_from(plan, kernel.split("taps", {"in": 1, "out": 1, **sizes}))


def _reads(cells: list[Cells], tap: tuple[int, ...]) -> dict[str, int | slice]:
    """The part of y in cells that a tap reads."""
    parts: dict[str, int | slice] = {}
    for n, (t, c) in enumerate(zip(tap, cells, strict=True)):
        parts[f"cell{n}"], parts[f"phase{n}"] = c.read(t)
    return parts


def _start(part: int | slice) -> int:
    return part.start if isinstance(part, slice) else part


def conv_transpose_counts(plan: Plan) -> Counts:
    """The multiply-adds of every phase in one pass, which reads x from the cache, and the phases
    written side by side; channels last, a copy moves all channels."""
    sizes = sizes_of(plan)
    total = Counts(added=sizes.y * sizes.shifts / 4, moved=sizes.y, calls=sizes.shifts)
    written = copy(sizes.y, plan.groups) if plan.channels_last else interleaving(plan)
    return total + written + Counts(kept=sizes.y)


def conv_counts(plan: Plan) -> Counts:
    """The multiply-adds of every tap, and with channels first the cells."""
    sizes = sizes_of(plan)
    total = Counts(added=sizes.x * sizes.taps, moved=sizes.x, calls=sizes.taps)
    if plan.channels_last:
        return total
    return total + Counts(moved=2 * sizes.y_reached, calls=1) + Counts(kept=sizes.y_reached)


def weight_counts(plan: Plan) -> Counts:
    """A sum of products for each tap, one after the other for a channel alone; with channels
    first a copy of x and y."""
    sizes = sizes_of(plan)
    added = (16 if plan.groups == 1 else 2) * sizes.x * sizes.taps
    total = Counts(added=added, moved=sizes.x * sizes.taps, calls=3 * sizes.taps)
    if plan.channels_last:
        return total
    copies = copy(sizes.x, 1) + copy(sizes.y_reached, 1)
    return total + copies + Counts(kept=sizes.x + sizes.y_reached)
