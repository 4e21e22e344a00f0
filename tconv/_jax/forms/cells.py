"""x, w and y of a reduced plan as named arrays: y in cells, w by phase, windows of y.

"Reduced" is a plan whose stride and dilation have no common factor on each axis.  The arrays of a
plan lie with channels first, (group, *features, *positions), or last, (group, *positions,
*features): channels, taps and phases are features; batch, cells and positions of x are positions.
Operands arrive in PyTorch's order; where channels are last each is brought to that order at once,
which XLA cancels against the caller's own transposition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product as product_of_all
from math import prod

import jax.numpy as jnp
from jax import Array

from tconv._core.arguments import is_known
from tconv._core.cost import Counts, copy
from tconv._core.lattice import Cells, cells_of, written_out
from tconv._core.plan import Plan
from tconv._jax.forms.axes import (
    Named,
    Names,
    Precision,
    Span,
    added,
    along,
    into_last,
    joined,
    out_of_last,
    product,
)

# Up to so many shifted arrays XLA joins in one kernel; more it writes apart first.
MOST_FUSED = 4


@dataclass(frozen=True)
class Sizes:
    """The numbers of a reduced plan that the costs of its forms depend on.

    ``positions`` are those of x, ``cells`` those that y covers and ``reached`` those that the
    inputs reach, each of all samples; ``inputs`` and ``outputs`` are the channels of a group.
    """

    positions: int
    cells: int
    reached: int
    phases: int
    shifts: int
    taps: int
    groups: int
    inputs: int
    outputs: int

    @property
    def x(self) -> int:
        """Elements of x."""
        return self.positions * self.groups * self.inputs

    @property
    def y(self) -> int:
        """Elements of y in the cells that it covers."""
        return self.cells * self.phases * self.groups * self.outputs

    @property
    def y_reached(self) -> int:
        """Elements of y in the cells that the inputs reach."""
        return self.reached * self.phases * self.groups * self.outputs

    @property
    def w(self) -> int:
        """Elements of w, with zeros for the taps that a phase lacks."""
        return self.groups * self.inputs * self.outputs * self.phases * self.shifts


def sizes_of(plan: Plan) -> Sizes:
    """The numbers of a plan of known sizes."""
    cells = cells_of(plan.axes)
    return Sizes(
        positions=plan.batch * prod(plan.input_size),
        cells=plan.batch * prod(c.count for c in cells),
        reached=plan.batch * prod(c.reached for c in cells),
        phases=prod(plan.stride),
        shifts=prod(len(c.shifts) for c in dense_cells(plan)),
        taps=plan.taps,
        groups=plan.groups,
        inputs=plan.group_in_channels,
        outputs=plan.group_out_channels,
    )


def concatenation(elements: float, run: float) -> Counts:
    """Pieces joined to one array: XLA writes each, and then all of them again."""
    return copy(elements, run) + Counts(moved=2 * elements)


def stacking(sizes: Sizes, elements: float, run: float) -> Counts:
    """Shifted inputs joined to one array, and kept: a few in one kernel, which looks for each value
    among them, more by writing each apart first."""
    joined = concatenation(elements, run) + Counts(calls=sizes.shifts)
    if sizes.shifts > MOST_FUSED:
        return joined + copy(elements, run) + Counts(kept=2 * elements)
    return joined + Counts(moved=sizes.shifts * elements, kept=elements)


def interleaving(plan: Plan) -> Counts:
    """What ``y_from`` costs: phases are read apart and written side by side."""
    sizes = sizes_of(plan)
    return copy(sizes.y, _phase_run(plan, [c.count for c in cells_of(plan.axes)]))


def deinterleaving(plan: Plan) -> Counts:
    """What ``cells_by_phase`` costs: a transposition of all axes at once."""
    sizes = sizes_of(plan)
    axes = max(len(plan.axes), 1)
    return copy(sizes.y_reached, _phase_run(plan, [c.reached for c in cells_of(plan.axes)]) / axes)


def _phase_run(plan: Plan, cells: Sequence[int]) -> int:
    """Elements that lie side by side in y and in its cells alike."""
    strides = plan.stride
    if plan.channels_last:
        outputs = plan.group_out_channels
        return outputs * strides[-1] if plan.groups == 1 and strides else outputs
    run = 1
    for size, stride in zip(reversed(cells), reversed(strides), strict=True):
        if stride > 1:
            break
        run *= size
    return run


def windowing(plan: Plan) -> Counts:
    """What ``windows_of`` costs: a copy for each axis, the last one first."""
    total, axes, outputs = Counts(), plan.axes, plan.group_out_channels
    channels = plan.batch * plan.groups * outputs
    for n in reversed(range(len(axes))):
        before = prod(axis.output_size for axis in axes[:n])
        inner = axes[n + 1 :]
        elements = channels * before * prod(a.input_size * a.kernel_size for a in axes[n:])
        if plan.channels_last:
            run = outputs * prod(a.kernel_size for a in inner)
        else:
            run = prod(a.input_size for a in inner)
            run *= axes[n].input_size if axes[n].stride == 1 else 1
        total += concatenation(elements, run)
    return total


def in_order(plan: Plan, features: Sequence[str], positions: Sequence[str]) -> Names:
    """The order of the axes of an array in a form."""
    if plan.channels_last:
        return ("group", *positions, *features)
    return ("group", *features, *positions)


def product_of(
    plan: Plan,
    features: Named,
    positions: Named,
    summed: Sequence[str],
    precision: Precision,
) -> Named:
    """The product of an array of features with one of features and positions, in order."""
    if plan.channels_last:
        return product(positions, features, summed, precision)
    return product(features, positions, summed, precision)


def summed_by_phase(
    cells: Sequence[Cells], term: Callable[[Sequence[slice], Sequence[int]], Named]
) -> Named:
    """For each run of phases that have the same number of taps, the sum of their terms.

    ``term(taps, shifts)`` is what these taps, one a phase of the run, bring to the cells of y.  No
    phase meets a zero in place of a tap that it lacks: times an infinity it would be a NaN that the
    definition does not have.
    """
    phases, sums = along("phase", len(cells)), []
    for runs in product_of_all(*(c.runs for c in cells)):
        lengths = [run.stop - run.start for run in runs]
        terms = []
        for chosen in product_of_all(*(run.taps for run in runs)):
            first, shifts = zip(*chosen, strict=True) if chosen else ((), ())
            taps = [slice(tap, tap + n) for tap, n in zip(first, lengths, strict=True)]
            terms.append(term(taps, shifts))
        if terms:
            sums.append(added(terms))
        else:  # not the first run: phase 0 has tap 0
            sizes = dict(zip(sums[0].axes, sums[0].values.shape, strict=True))
            sizes |= dict(zip(phases, lengths, strict=True))
            zeros = jnp.zeros(tuple(sizes.values()), sums[0].values.dtype)
            sums.append(Named(zeros, sums[0].axes))
    return joined(sums, [len(c.runs) for c in cells], phases)


def shift_spans(cells: Sequence[Cells], shifts: Sequence[int]) -> dict[str, Span]:
    """The zeros that take inputs, named by cell, to the cells of y that they are shifted to."""
    every = enumerate(zip(cells, shifts, strict=True))
    return {f"cell{n}": along_axis.shift_padding(j) for n, (along_axis, j) in every}


def signal_of(plan: Plan, x: Array) -> Named:
    """x with its axes named, as it lies."""
    positions = along("position", len(plan.axes))
    return named_channels(plan, "x", x, positions, "in", plan.group_in_channels)


def x_from(plan: Plan, signal: Named) -> Array:
    """The inverse of ``signal_of``, from any order."""
    positions = along("position", len(plan.axes))
    if plan.channels_last:
        lies = signal.ordered(("batch", *positions, "group", "in"))
        return out_of_last("x", lies.merged(("group", "in"), "channel").values)
    return (
        signal.ordered(("batch", "group", "in", *positions))
        .merged(("group", "in"), "channel")
        .values
    )


def kernel_of(plan: Plan, w: Array) -> Named:
    """w as (group, in, out, *taps)."""
    shape = (plan.groups, plan.group_in_channels, plan.group_out_channels, *plan.kernel_size)
    return Named(jnp.reshape(w, shape), ("group", "in", "out", *along("tap", len(plan.axes))))


def w_from(plan: Plan, kernel: Named) -> Array:
    """The inverse of ``kernel_of``, from any order."""
    taps = along("tap", len(plan.axes))
    return jnp.reshape(kernel.ordered(("group", "in", "out", *taps)).values, plan.w_shape)


def dense_cells(plan: Plan) -> list[Cells]:
    """The axes in cells, the zeros between the taps written out where stride and dilation both
    exceed 1: every phase then has the taps of the same shifts, some of them zero."""
    return [Cells(written_out(axis)) for axis in plan.axes]


def kernel_by_phase(plan: Plan, w: Array) -> Named:
    """(group, in, out, *shifts, *phases) with zeros for the taps that a phase lacks."""
    cells, ndim = dense_cells(plan), len(plan.axes)
    kernel = kernel_of(plan, w)
    spans: dict[str, Span] = {}
    for n, (c, axis) in enumerate(zip(cells, plan.axes, strict=True)):
        length = len(c.shifts) * axis.stride
        spans[f"tap{n}"] = (0, length - c.axis.kernel_size, axis.dilation // c.axis.dilation - 1)
    kernel = kernel.padded(spans)
    for n, c in enumerate(cells):
        kernel = kernel.split(f"tap{n}", {f"shift{n}": len(c.shifts), f"phase{n}": c.axis.stride})
    return kernel.ordered(("group", "in", "out", *along("shift", ndim), *along("phase", ndim)))


def w_from_phases(plan: Plan, kernel: Named) -> Array:
    """The inverse of ``kernel_by_phase``, from any order."""
    every = range(len(plan.axes))
    kernel = kernel.ordered(
        ("group", "in", "out", *(f"{kind}{n}" for n in every for kind in ("shift", "phase")))
    )
    for n in every:
        kernel = kernel.merged((f"shift{n}", f"phase{n}"), f"tap{n}")
    kept: dict[str, int | slice] = {}
    for n, (c, axis) in enumerate(zip(dense_cells(plan), plan.axes, strict=True)):
        kept[f"tap{n}"] = slice(0, c.axis.kernel_size, axis.dilation // c.axis.dilation)
    return w_from(plan, kernel.taken(kept))


def cells_in_place(plan: Plan, y: Array) -> Named:
    """y as it lies, each spatial axis as (reached cells, phases), with zeros where y ends."""
    cells = cells_of(plan.axes)
    named = named_channels(
        plan, "y", y, along("spatial", len(cells)), "out", plan.group_out_channels
    )
    named = named.padded({f"spatial{n}": c.y_padding for n, c in enumerate(cells)})
    for n, c in enumerate(cells):
        named = named.split(f"spatial{n}", {f"cell{n}": c.reached, f"phase{n}": c.axis.stride})
    return named


def cells_by_phase(plan: Plan, y: Array) -> Named:
    """(group, *phases, out, batch, *reached cells) or (group, batch, *reached cells, *phases,
    out): a pass of its own, whose phases are read in runs by what follows."""
    ndim = len(plan.axes)
    features, positions = (*along("phase", ndim), "out"), ("batch", *along("cell", ndim))
    cells = cells_in_place(plan, y).ordered(in_order(plan, features, positions))
    return cells if plan.channels_last else cells.settled()


def y_from(plan: Plan, cells: Named) -> Array:
    """y from its cells (group, out, batch, *cells, *phases) in any order."""
    found, places = cells_of(plan.axes), list(along("cell", len(plan.axes)))
    for n in reversed(range(len(found))):
        places.insert(n + 1, f"phase{n}")
    channels = ("group", "out")
    if plan.channels_last:
        y = cells.ordered(("batch", *places, *channels))
    else:
        y = cells.ordered(("batch", *channels, *places))
    y = y.merged(channels, "channel")
    for n in range(len(found)):
        y = y.merged((f"cell{n}", f"phase{n}"), f"spatial{n}")
    values = y.taken({f"spatial{n}": c.inside for n, c in enumerate(found)}).values
    return out_of_last("y", values) if plan.channels_last else values


def windows_of(plan: Plan, y: Array) -> Named:
    """(group, out, *taps, batch, *positions) or (group, batch, *positions, *taps, out): what
    each tap reads at each position.

    An axis after the other, which XLA copies in long runs: 1.9 ms beside 5.3 for all at once, where
    it writes the pieces before it concatenates them (cyclegan_u1, channels-last).
    """
    cells, ndim = cells_of(plan.axes), len(plan.axes)
    spatial = along("spatial", ndim)
    named = named_channels(plan, "y", y, spatial, "out", plan.group_out_channels)
    windows = named.ordered(in_order(plan, ("out",), ("batch", *spatial)))
    taps_at = 2 + ndim if plan.channels_last else 2
    for n, along_axis in reversed(list(enumerate(cells))):
        windows = _windows_along(windows, along_axis, n, taps_at)
    return windows


def _windows_along(values: Named, cells: Cells, number: int, taps_at: int) -> Named:
    spatial, cell, phase = f"spatial{number}", f"cell{number}", f"phase{number}"
    values = values.padded({spatial: cells.y_padding})
    values = values.split(spatial, {cell: cells.reached, phase: cells.axis.stride})
    pieces = [
        values.taken(
            {cell: cells.window(each.shift), phase: slice(each.phase, each.phase + each.count)}
        )
        .renamed({cell: f"position{number}", phase: f"tap{number}"})
        .moved(f"tap{number}", taps_at)
        for each in cells.pieces
    ]
    return joined(pieces, [len(pieces)], [f"tap{number}"])


def named_channels(
    plan: Plan, name: str, array: Array, spatial: Names, channel: str, channels: int
) -> Named:
    """An x or y as it lies, its channels as (group, channel)."""
    if plan.channels_last:
        named = Named(into_last(name, array), ("batch", *spatial, "channel"))
    else:
        named = Named(array, ("batch", "channel", *spatial))
    return named.split("channel", {"group": plan.groups, channel: channels})


def summed_over_positions(
    plan: Plan, left: Named, right: Named, positions: Names, precision: Precision
) -> Named:
    """The product of each feature of left with each of right, summed over the positions, which
    lie in the same order in both: (group, *features of left, *features of right).

    As matrices: over several summed axes XLA brings the right operand to another order first, 25 ms
    for the windows of vae_s1 beside 7 of product.
    """
    rows, others = (
        {axis: array.size(axis) for axis in array.axes if axis not in ("group", *positions)}
        for array in (left, right)
    )
    left, right = (
        array.merged(positions, "depth").merged(tuple(features), name)
        for array, features, name in ((left, rows, "rows"), (right, others, "others"))
    )
    if plan.channels_last or not _larger_on_the_left(left, right):
        result = product(left, right, ("depth",), precision)
    else:
        result = product(right, left, ("depth",), precision).ordered(("group", "rows", "others"))
    return result.split("rows", rows).split("others", others)


def _larger_on_the_left(left: Named, right: Named) -> bool:
    """Whether ``right @ left.T`` is the faster one.

    The larger operand is the better left one where the result is much the smallest: 64 and 576
    rows of 8192 take 10.7 ms, 576 and 64 rows 6.8; but 512 and 4096 rows of 256 take 9.6 and, with
    the transposition of the result, 14.4.
    """
    rows, others, depth = left.size("rows"), right.size("others"), left.size("depth")
    return bool(is_known(depth) and rows < others and 8 * rows <= depth)
