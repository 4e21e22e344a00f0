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
from tconv._jax.forms.axes import Precision, padded

Compute = Callable[[Plan, Array, Array, Precision], Array]


def weight_cotangent(plan: Plan, x: Array, y: Array, precision: Precision) -> Array:
    """w from x and y: for each tap the inputs that it carries inside y, all others being zero."""
    ndim = len(plan.axes)
    grouped, positions = (plan.batch, plan.groups), [0, *range(3, 3 + ndim)]
    x = jnp.reshape(x, (*grouped, plan.group_in_channels, *plan.input_size))
    y = jnp.reshape(y, (*grouped, plan.group_out_channels, *plan.output_size))
    y = padded(y, [*[(0, 0, 0)] * 3, *((axis.lo, axis.hi, 0) for axis in plan.axes)])
    spans = [(axis.input_size - 1) * axis.stride + 1 for axis in plan.axes]
    every = (..., *(slice(None, None, axis.stride) for axis in plan.axes))

    def of_tap(tap: Array) -> Array:
        start = [tap[n] * axis.dilation for n, axis in enumerate(plan.axes)]
        corner = [jnp.zeros_like(tap[0])] * 3 + start
        read = lax.dynamic_slice(y, corner, [*y.shape[:3], *spans])[every]
        inside = x
        for n, axis in enumerate(plan.axes):
            lands = lax.broadcasted_iota(np.int32, x.shape, 3 + n) * axis.stride
            lands = lands + (start[n] - axis.lo)
            kept = (lands >= 0) & (lands < axis.output_size)
            inside = jnp.where(kept, inside, jnp.zeros_like(inside))
        summed = ((positions, positions), ((1,), (1,)))
        return lax.dot_general(inside, read, summed, precision=precision)

    taps = jnp.asarray(list(product(*map(range, plan.kernel_size))), np.int32)
    return jnp.reshape(jnp.moveaxis(lax.map(of_tap, taps), 0, -1), plan.w_shape)


def guarded(compute: Compute, *, shifted: bool) -> Compute:
    """``compute``, which gives w, where all is finite that it multiplies with padding; else the
    taps one after the other.

    These are the inputs that not every tap carries inside y, and where x is ``shifted`` against the
    cells of y, the outputs that not every shift brings an input to.
    """

    def compute_w(plan: Plan, x: Array, y: Array, precision: Precision) -> Array:
        border = list(_outside(x, [_if_known(axis, axis.inside) for axis in plan.axes]))
        if shifted:
            cells = cells_of(plan.axes)
            border += _outside(y, [_if_known(each.axis, each.shared) for each in cells])
        if not border:
            return compute(plan, x, y, precision)
        finite = jnp.stack([jnp.all(jnp.isfinite(each)) for each in border]).all()
        forms = [
            partial(_positional, form, plan, precision) for form in (compute, weight_cotangent)
        ]
        w: Array = lax.cond(finite, *forms, x, y)
        return w

    return compute_w


def _positional(form: Compute, plan: Plan, precision: Precision, x: Array, y: Array) -> Array:
    return form(plan, x, y, precision)


def _if_known(axis: Axis, inner: Callable[[], slice]) -> slice:
    """``inner()``, or none of the positions where a size is symbolic."""
    return inner() if is_known(axis.input_size) and is_known(axis.output_size) else slice(0, 0)


def _outside(array: Array, inner: Sequence[slice]) -> Iterator[Array]:
    """What lies before and behind these positions of each spatial axis, where there is any."""
    for axis, each in enumerate(inner, 2):
        for start, stop in ((0, each.start), (each.stop, array.shape[axis])):
            if start != stop:
                yield lax.slice_in_dim(array, start, stop, axis=axis)
