"""A product for each tap, one after the other: no element meets a zero in another one's place.

Slower than the other forms of w, which let padding stand for what a tap does not read, and exact
where they are not: times an infinity that zero is a NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from tconv._core.arguments import is_known
from tconv._core.axis import Axis
from tconv._core.lattice import cells_of
from tconv._core.plan import Plan
from tconv._jax.forms.axes import Named, Precision, along, lying
from tconv._jax.forms.axes import product as multiplied
from tconv._jax.forms.cells import in_order, named_channels, signal_of, w_from

Compute = Callable[[Plan, Array, Array, Precision], Array]


def weight_cotangent(plan: Plan, x: Array, y: Array, precision: Precision) -> Array:
    """w from x and y: for each tap the inputs that it carries inside y, all others being zero."""
    ndim = len(plan.axes)
    places = along("position", ndim)
    summed = ("batch", *places)
    signal = signal_of(plan, x).ordered(in_order(plan, ("in",), summed))
    outputs = named_channels(plan, "y", y, places, "out", plan.group_out_channels)
    outputs = outputs.ordered(in_order(plan, ("out",), summed))
    outputs = outputs.padded({f"position{n}": (a.lo, a.hi) for n, a in enumerate(plan.axes)})
    spans = {f"position{n}": (a.input_size - 1) * a.stride + 1 for n, a in enumerate(plan.axes)}
    lengths = [spans.get(axis, outputs.size(axis)) for axis in outputs.axes]
    strided: dict[str, int | slice] = {
        f"position{n}": slice(None, None, axis.stride) for n, axis in enumerate(plan.axes)
    }

    def of_tap(tap: Array) -> Array:
        starts = {f"position{n}": tap[n] * axis.dilation for n, axis in enumerate(plan.axes)}
        corner = [starts.get(axis, jnp.zeros_like(tap[0])) for axis in outputs.axes]
        read = Named(lax.dynamic_slice(outputs.values, corner, lengths), outputs.axes)
        inside = signal.values
        for n, axis in enumerate(plan.axes):
            place = signal.place(f"position{n}")
            lands = lax.broadcasted_iota(np.int32, inside.shape, place) * axis.stride
            lands = lands + (starts[f"position{n}"] - axis.lo)
            kept = (lands >= 0) & (lands < axis.output_size)
            inside = jnp.where(kept, inside, jnp.zeros_like(inside))
        carried = Named(inside, signal.axes)
        return multiplied(carried, read.taken(strided), summed, precision).values

    taps = jnp.asarray(list(product(*map(range, plan.kernel_size))), np.int32)
    kernel = Named(lax.map(of_tap, taps), ("taps", "group", "in", "out"))
    sizes = {f"tap{n}": size for n, size in enumerate(plan.kernel_size)}
    return w_from(plan, kernel.split("taps", sizes))


def guarded(compute: Compute, *, shifted: bool) -> Compute:
    """``compute``, which gives w, where all is finite that it multiplies with padding; else the
    taps one after the other.

    These are the inputs that not every tap carries inside y, and where x is ``shifted`` against the
    cells of y, the outputs that not every shift brings an input to.
    """

    def compute_w(plan: Plan, x: Array, y: Array, precision: Precision) -> Array:
        into, out_of = lying(channels_last=plan.channels_last)
        x, y, first = into("x", x), into("y", y), 1 if plan.channels_last else 2
        border = list(_outside(x, first, [_if_known(axis, axis.inside) for axis in plan.axes]))
        if shifted:
            cells = cells_of(plan.axes)
            border += _outside(y, first, [_if_known(each.axis, each.shared) for each in cells])

        def by(form: Compute, x: Array, y: Array) -> Array:
            return into("w", form(plan, out_of("x", x), out_of("y", y), precision))

        if not border:
            return out_of("w", by(compute, x, y))
        finite = jnp.stack([jnp.all(jnp.isfinite(each)) for each in border]).all()
        w: Array = lax.cond(finite, partial(by, compute), partial(by, weight_cotangent), x, y)
        return out_of("w", w)

    return compute_w


def _if_known(axis: Axis, inner: Callable[[], slice]) -> slice:
    """``inner()``, or none of the positions where a size is symbolic."""
    return inner() if is_known(axis.input_size) and is_known(axis.output_size) else slice(0, 0)


def _outside(array: Array, first_axis: int, inner: Sequence[slice]) -> Iterator[Array]:
    """What lies before and behind these positions of each spatial axis, where there is any."""
    for axis, each in enumerate(inner, first_axis):
        for start, stop in ((0, each.start), (each.stop, array.shape[axis])):
            if start != stop:
                yield lax.slice_in_dim(array, start, stop, axis=axis)
