"""A form applied to slabs of a problem in a loop, so that what it keeps between its steps stays in
the cache and is not mapped anew in each call.

A slab is a part of the batch, or of one sample a part of its first axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import inf, isqrt, prod

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from tconv._core.arguments import is_known
from tconv._core.cost import MAPPED, Counts, copy
from tconv._core.plan import Plan
from tconv._jax.forms.axes import OPERANDS, Precision, lying, padded
from tconv._jax.forms.parts import READS, Parts, parts_of

Compute = Callable[[Plan, Array, Array, Precision], Array]
Count = Callable[[Plan], Counts]
Arrays = Mapping[str, Array]
OfArrays = Callable[[Arrays], Array]
Reads = Mapping[str, tuple[Sequence[int], int]]

# Elements that a form may keep: 4 MB of float32.  And what slabs may compute of the whole's work:
# neighbours compute some of the same.
ROOM, MOST_WORK = 1 << 20, 1.25


@dataclass(frozen=True)
class Slabs:
    """The problem of so many samples, and the one of a slab: these, or of one sample a part of its
    first axis, which starts at one of ``starts``."""

    samples: Plan
    slab: Plan
    starts: tuple[int, ...] = (0,)
    parts: Parts | None = None

    def number(self, whole: Plan) -> int:
        """How many make the whole."""
        return whole.batch // self.samples.batch * len(self.starts)


@lru_cache(maxsize=1024)
def slabs_of(result: str, plan: Plan, counts: Count) -> Slabs | None:
    """The slabs for which what a form of these counts keeps comes nearest to the room for it, that
    do not compute too much; None where the whole fits, or there are none."""
    sizes = (plan.batch, *plan.input_size, *plan.output_size)
    if not all(map(is_known, sizes)) or counts(plan).kept <= ROOM:
        return None
    most, found, kept = MOST_WORK * _work(counts(plan)), None, inf
    for slabs in _smaller_and_smaller(result, plan):
        of_slab = counts(slabs.slab)
        too_much = slabs.number(plan) * _work(of_slab) > most
        if too_much or (found is not None and kept * of_slab.kept < ROOM**2):
            break
        found, kept = slabs, of_slab.kept
        if kept <= ROOM:
            break
    return found


def _work(counts: Counts) -> float:
    return counts.products + counts.convolved + counts.added


def _smaller_and_smaller(result: str, plan: Plan) -> Iterator[Slabs]:
    for samples in range(plan.batch // 2, 0, -1):
        if plan.batch % samples == 0:
            one = replace(plan, batch=samples)
            yield Slabs(one, one)
    one = replace(plan, batch=1)
    for axis in plan.axes[:1]:
        total, unit = axis.input_size, 1
        if result == "y":
            total, unit = axis.output_size, axis.stride
        # The last part of x and y is moved back to where it is whole.  Those of w are summed, so
        # that none may share inputs.
        numbers = _divisors(total) if result == "w" else _more_and_more(-(-total // unit))
        for number in numbers:
            size = -(-total // (number * unit)) * unit
            starts = tuple(min(start, total - size) for start in range(0, total, size))
            parts = parts_of(axis, result, starts, size)
            slab = replace(one, axes=(parts.axis, *plan.axes[1:]))
            yield Slabs(one, slab, starts, parts)


def _divisors(number: int) -> list[int]:
    """Those above 1, in their order."""
    small = [n for n in range(1, isqrt(number) + 1) if number % n == 0]
    return sorted({*small, *(number // n for n in small)} - {1})


def _more_and_more(most: int) -> Iterator[int]:
    """From 2 up to the most, in steps of at most an eighth."""
    number = 2
    while number < most:
        yield number
        number += max(1, number // 8)
    if most > 1:
        yield most


def counts_in_slabs(result: str, counts: Count, plan: Plan) -> Counts:
    """What a form of these counts costs by slabs, each of which is read and written once more.

    What does not fit the cache is read from memory for each of them.
    """
    slabs = slabs_of(result, plan, counts)
    if slabs is None:
        return counts(plan)
    slab = slabs.slab
    again = copy(prod(slab.x_shape) + prod(slab.y_shape), slab.axes[-1].input_size)
    number = slabs.number(plan)
    total = (counts(slab) + again).repeated(number)
    return total if total.kept < MAPPED else replace(total, kept=number * total.kept)


def in_slabs(
    result: str,
    compute: Compute,
    counts: Count,
    plan: Plan,
    first: Array,
    second: Array,
    precision: Precision,
) -> Array:
    """The result by slabs that a form of these counts computes."""
    slabs = slabs_of(result, plan, counts)
    if slabs is None:
        return compute(plan, first, second, precision)
    into, out_of = lying(channels_last=plan.channels_last)
    names = OPERANDS[result]

    def of_slab(arrays: Arrays) -> Array:
        first, second = (out_of(name, arrays[name]) for name in names)
        return into(result, compute(slabs.slab, first, second, precision))

    of_samples = of_slab
    if slabs.parts is not None:
        axis = 1 if plan.channels_last else 2
        of_samples = partial(_by_parts, result, slabs.starts, slabs.parts, of_slab, axis)
    arrays = {name: into(name, array) for name, array in zip(names, (first, second), strict=True)}
    samples = slabs.samples.batch
    if samples == plan.batch:
        return out_of(result, of_samples(arrays))
    every = range(0, plan.batch, samples)
    reads: Reads = {name: (every, samples) for name in names if name != "w"}
    writes = None if result == "w" else (every, [0] * len(every), samples)
    return out_of(result, _walked(of_samples, arrays, 0, reads, writes))


def _by_parts(
    result: str,
    starts: Sequence[int],
    parts: Parts,
    of_slab: OfArrays,
    axis: int,
    arrays: Arrays,
) -> Array:
    """A sample by the parts of its first axis, with zeros around what is read beyond its ends."""
    read = READS[result]
    own = "y" if read == "x" else "x"
    before = max(0, -min(parts.reads))
    behind = max(0, max(parts.reads) + parts.length - arrays[read].shape[axis])
    config = [(0, 0, 0)] * arrays[read].ndim
    config[axis] = (before, behind, 0)
    arrays = {**arrays, read: padded(arrays[read], config)}
    reads: Reads = {read: ([before + start for start in parts.reads], parts.length)}
    if result == "w":
        return _walked(of_slab, arrays, axis, {**reads, own: (starts, parts.size)}, None)
    return _walked(of_slab, arrays, axis, reads, (starts, parts.skips, parts.size))


def _walked(
    compute: OfArrays,
    arrays: Arrays,
    axis: int,
    reads: Reads,
    writes: tuple[Sequence[int], Sequence[int], int] | None,
) -> Array:
    """What ``compute`` gives of one piece of the arrays after the other.

    ``reads`` says of the arrays that are cut where on this axis the pieces start, and their length;
    ``writes`` where what they give starts in the result, where in that what counts starts, and its
    length.  Without it they are summed.
    """

    def of_piece(number: Array | int) -> Array:
        pieces = {
            name: _taken(array, axis, number, *reads[name]) if name in reads else array
            for name, array in arrays.items()
        }
        values = compute(pieces)
        return _taken(values, axis, number, *writes[1:]) if writes else values

    def step(number: Array, total: Array) -> Array:
        if writes is None:
            return lax.add(total, of_piece(number))
        start = jnp.asarray(writes[0], np.int32)[number]
        return lax.dynamic_update_slice_in_dim(total, of_piece(number), start, axis)

    one = jax.eval_shape(of_piece, 0)
    shape = list(one.shape)
    if writes is not None:
        shape[axis] = writes[0][-1] + writes[2]
    (starts, _), *_ = reads.values()
    total: Array = lax.fori_loop(0, len(starts), step, jnp.zeros(shape, one.dtype))
    return total


def _taken(
    array: Array, axis: int, number: Array | int, starts: Sequence[int], length: int
) -> Array:
    """The piece of this number."""
    if length == array.shape[axis]:
        return array
    start = jnp.asarray(starts, np.int32)[number]
    return lax.dynamic_slice_in_dim(array, start, length, axis)
