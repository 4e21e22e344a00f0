"""Problems brought to smaller ones: a plan, with maps of x, w and y into it and out of it.

A rule gives the rewrite of a plan, or None where it has nothing to do; the rules are applied one
after the other, each to what the one before it made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.experimental.xla_metadata import set_xla_metadata

from tconv._core.arguments import is_known
from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._core.reduction import Reduction, joint, reduction
from tconv._jax.forms.axes import into_last, lying, on_spatial, out_of_last, padded

Arrays = Mapping[str, Array]
Compute = Callable[[Plan, Arrays], Array]


@dataclass(frozen=True)
class Rewrite:
    """A smaller problem, or several with the same plan.

    ``into(name, array)`` gives the operand "x", "w" or "y" of each of them, ``out_of(name,
    arrays)`` the given problem's result from theirs.
    """

    plan: Plan
    into: Callable[[str, Array], Sequence[Array]]
    out_of: Callable[[str, Sequence[Array]], Array]


Rule = Callable[[Plan], Rewrite | None]


def rewritten(rules: Sequence[Rule], compute: Compute, result: str) -> Compute:
    """``compute``, which gives ``result``, of what the rules make of a problem.

    Several problems are computed one after the other, each as a function that is called: inlined,
    both gradients of grp4 take 1.3 times as long.
    """
    if not rules:
        return compute
    inner = rewritten(rules[1:], compute, result)

    def of_problem(plan: Plan, arrays: Arrays) -> Array:
        rewrite = rules[0](plan)
        if rewrite is None:
            return inner(plan, arrays)
        pieces = {name: rewrite.into(name, array) for name, array in arrays.items()}
        problems = list(zip(*pieces.values(), strict=True))
        one: Callable[..., Array] = partial(_positional, inner, rewrite.plan, tuple(pieces))
        if len(problems) > 1:
            one = called(one, tuple(pieces), result, channels_last=plan.channels_last)
        return rewrite.out_of(result, [one(*problem) for problem in problems])

    return of_problem


def rewritten_plan(rules: Sequence[Rule], plan: Plan) -> Plan:
    """The plan of what the rules make of a problem."""
    for rule in rules:
        rewrite = rule(plan)
        plan = plan if rewrite is None else rewrite.plan
    return plan


def _positional(compute: Compute, plan: Plan, names: Sequence[str], *arrays: Array) -> Array:
    return compute(plan, dict(zip(names, arrays, strict=True)))


def called(
    function: Callable[..., Array], operands: tuple[str, ...], result: str, *, channels_last: bool
) -> Callable[..., Array]:
    """The same computation as a function that XLA calls and does not inline, whose memory is free
    once it has returned.

    Inlined, all that several keep between their steps lives at once: 46 MB for both gradients of
    hifigan_u3, 20 when called.  Beyond 32 MB the C library gives such memory back after each run,
    and bringing it in again takes longer than the products.  What lies channels-last goes in and
    comes out so: across a call XLA cancels no transpositions.

    ``operands`` and ``result`` name what it takes and gives of "x", "w" and "y".

    Source: the attribute ``inlineable`` of XLA's call inliner.
    """
    into, out_of = lying(channels_last=channels_last)

    @jax.jit
    def body(*arrays: Array) -> Array:
        return into(result, function(*map(out_of, operands, arrays)))

    def call(*arrays: Array) -> Array:
        values = body(*map(into, operands, arrays))
        return out_of(result, set_xla_metadata(values, inlineable="false"))

    return call


def framed(plan: Plan) -> Rewrite | None:
    """Where y crops a symbolic number of positions: the problem whose y is the full scatter.

    A convolution of symbolic size n with stride s reads ``floor((n + ...) / s)`` windows and leaves
    a remainder of n unread: the high padding is then no int.  Here y is padded or cropped to the
    full scatter, so that every form sees ints for ``lo`` and ``hi``.
    """
    if all(is_known(axis.hi) for axis in plan.axes):
        return None
    full = [(axis.input_size - 1) * axis.stride + axis.extent for axis in plan.axes]
    axes = (replace(axis, output_size=n, lo=0) for axis, n in zip(plan.axes, full, strict=True))
    pairs = [(axis.lo, axis.hi) for axis in plan.axes]

    def into(name: str, array: Array) -> Sequence[Array]:
        return [_extended(array, pairs) if name == "y" else array]

    def out_of(name: str, arrays: Sequence[Array]) -> Array:
        cropped = [(-lo, -hi) for lo, hi in pairs]
        return _extended(arrays[0], cropped) if name == "y" else arrays[0]

    return Rewrite(replace(plan, axes=tuple(axes)), into, out_of)


# Numbers up to this are left as they are.  XLA checks no overflow of what it makes of those of a
# convolution: with a padding of 2**32 its values were wrong, with 2**31 + 7 it aborted.
FAR = 2**16


def near(plan: Plan) -> Rewrite | None:
    """Where a number of an axis is far beyond the sizes of arrays: the problem of what takes part,
    whose numbers are not."""
    if not all(is_known(size) for size in (*plan.input_size, *plan.output_size)):
        return None
    if all(max(a.stride, a.dilation, a.extent, abs(a.lo), abs(a.hi)) <= FAR for a in plan.axes):
        return None
    return _taking_part(plan)


def within_kernel(plan: Plan) -> Rewrite | None:
    """Where a padding is negative or as large as the kernel: the problem of what takes part, whose
    x, and y but for a last part that output padding adds, are whole.

    XLA gives cuDNN no convolution whose own padding is negative, and computes inputs that reach no
    output.  Up to a stride less one of that last part cuDNN's kernels leave out by themselves.
    """
    if not all(map(is_known, (*plan.input_size, *plan.output_size))):
        return None
    if all(0 <= a.lo < a.extent and -a.stride < a.hi < a.extent for a in plan.axes):
        return None
    return _taking_part(plan)


def _taking_part(plan: Plan) -> Rewrite | None:
    """The problem of what takes part; None where everything does."""
    every = [joint(axis) for axis in plan.axes]
    if all(each.axis == axis for each, axis in zip(every, plan.axes, strict=True)):
        return None
    given = {"x": plan.input_size, "w": plan.kernel_size, "y": plan.output_size}
    parts = {
        "x": [each.x for each in every],
        "w": [each.w for each in every],
        "y": [each.y for each in every],
    }

    def into(name: str, array: Array) -> Sequence[Array]:
        return [array[(..., *parts[name])]]

    def out_of(name: str, arrays: Sequence[Array]) -> Array:
        pairs = zip(parts[name], given[name], strict=True)
        return _extended(arrays[0], [(part.start, size - part.stop) for part, size in pairs])

    return Rewrite(replace(plan, axes=tuple(each.axis for each in every)), into, out_of)


def _extended(array: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    return padded(array, [(0, 0, 0), (0, 0, 0), *((lo, hi, 0) for lo, hi in pairs)])


def groups_apart(plan: Plan) -> Rewrite:
    """Each group as a problem of its own."""
    one = replace(
        plan,
        in_channels=plan.group_in_channels,
        out_channels=plan.group_out_channels,
        groups=1,
    )
    last = plan.channels_last

    def axis_of(name: str) -> int:
        """The axis whose parts are the groups, as the array lies."""
        if name == "w":
            return len(plan.axes) if last else 0
        return len(plan.axes) + 1 if last else 1

    def into(name: str, array: Array) -> Sequence[Array]:
        lies = into_last(name, array) if last else array
        axis = axis_of(name)
        size = lies.shape[axis] // plan.groups
        pieces = [
            lax.slice_in_dim(lies, group * size, (group + 1) * size, axis=axis)
            for group in range(plan.groups)
        ]
        return [out_of_last(name, piece) for piece in pieces] if last else pieces

    def out_of(name: str, arrays: Sequence[Array]) -> Array:
        if not last:
            return lax.concatenate(arrays, axis_of(name))
        lies = [into_last(name, array) for array in arrays]
        return out_of_last(name, lax.concatenate(lies, axis_of(name)))

    return Rewrite(one, into, out_of)


def reduced(plan: Plan) -> Rewrite | None:
    """The problem whose stride and dilation have no common factor: its y is a lattice of the given
    one's."""
    found = [reduction(axis) for axis in plan.axes]
    if all(each.gap == 1 for each in found):
        return None
    lattice = [slice(each.offset, None, each.gap) for each in found]
    config = [_lattice_padding(each, n) for each, n in zip(found, plan.output_size, strict=True)]

    def read(y: Array, first_axis: int) -> Array:
        return y[(*[slice(None)] * first_axis, *lattice)]

    def written(y: Array, first_axis: int) -> Array:
        rest = y.ndim - first_axis - len(config)
        return padded(y, [*[(0, 0, 0)] * first_axis, *config, *[(0, 0, 0)] * rest])

    def into(name: str, array: Array) -> Sequence[Array]:
        if name != "y":
            return [array]
        return [on_spatial(read, name, array, channels_last=plan.channels_last)]

    def out_of(name: str, arrays: Sequence[Array]) -> Array:
        if name != "y":
            return arrays[0]
        return on_spatial(written, name, arrays[0], channels_last=plan.channels_last)

    return Rewrite(replace(plan, axes=tuple(each.axis for each in found)), into, out_of)


def _lattice_padding(found: Reduction, output_size: Any) -> tuple[Any, Any, int]:
    """Zeros (before, after, between) with which the reduced axis of y is the given one."""
    reached = found.axis.output_size
    if is_known(reached) and reached == 0:
        return output_size, 0, 0
    after = output_size - found.offset - ((reached - 1) * found.gap + 1)
    return found.offset, after, found.gap - 1


def point(plan: Plan) -> Rewrite | None:
    """Where x has one position: a problem without spatial axes, whose y has a channel for each tap
    that lands inside the given one's.

    The positions of y are the features of one GEMM, so it computes in the order that writes them
    side by side.
    """
    sizes = (*plan.input_size, *plan.output_size)
    if not plan.axes or not all(map(is_known, sizes)) or set(plan.input_size) != {1}:
        return None
    landing = [_landing(axis) for axis in plan.axes]
    size = [taps.stop - taps.start for taps, _ in landing]
    if 0 in size:
        return None
    out_channels = plan.out_channels * prod(size)
    one = replace(plan, out_channels=out_channels, axes=(), channels_last=True)
    outside = [
        (t.start, k - t.stop, 0) for k, (t, _) in zip(plan.kernel_size, landing, strict=True)
    ]
    between = [
        (o.start, axis.output_size - o.stop, axis.dilation - 1)
        for axis, (_, o) in zip(plan.axes, landing, strict=True)
    ]

    def into(name: str, array: Array) -> Sequence[Array]:
        if name != "x":
            array = array[(..., *(each["wy".index(name)] for each in landing))]
        return [jnp.reshape(array, (array.shape[0], prod(array.shape[1:])))]

    def out_of(name: str, arrays: Sequence[Array]) -> Array:
        (array,) = arrays
        if name == "x":
            return jnp.reshape(array, plan.x_shape)
        channels = plan.out_channels if name == "y" else plan.group_out_channels
        array = jnp.reshape(array, (array.shape[0], channels, *size))
        return padded(array, [(0, 0, 0), (0, 0, 0), *(between if name == "y" else outside)])

    return Rewrite(one, into, out_of)


def _landing(axis: Axis) -> tuple[slice, slice]:
    """The taps that carry the one input inside y, and where in y they land."""
    first = min(max(0, -(-axis.lo // axis.dilation)), axis.kernel_size)
    past = min(axis.kernel_size, (axis.output_size - 1 + axis.lo) // axis.dilation + 1)
    start, stop = (t * axis.dilation - axis.lo for t in (first, past - 1))
    return slice(first, max(first, past)), slice(start, stop + 1, axis.dilation)
