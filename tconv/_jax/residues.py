"""Problems without dilation: the inputs of one residue modulo the dilation become a sample.

XLA gives a convolution with zeros between its inputs, and the gradient of a weight, to cuDNN's
kernels for these only where the kernel has no dilation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import jax.numpy as jnp
from jax import Array, lax

from tconv._core.arguments import is_known
from tconv._core.axis import Axis
from tconv._core.lattice import Residue, residues
from tconv._core.plan import Plan
from tconv._jax.forms.axes import padded
from tconv._jax.rewrites import Rewrite

# A sample for each combination of residues: as many as this are joined, and no more.
MOST = 64


def undilated(plan: Plan) -> Rewrite | None:
    """The problem without dilation whose samples are the residues of the given one's, each with the
    whole kernel: it takes x or y, and gives y or w.

    Where residues land in y differs by less than a stride, so the outputs of each are a part of
    those of one axis.
    """
    known = all(map(is_known, (*plan.input_size, *plan.output_size)))
    if not known or not 1 < prod(plan.dilation) <= MOST:
        return None
    every = [residues(axis) for axis in plan.axes]
    frames = [_frame([residue.axis for residue in found]) for found in every]
    counts = [len(found) for found in every]
    inner = replace(plan, batch=plan.batch * prod(counts), axes=tuple(frames))

    def into(name: str, array: Array) -> Sequence[Array]:
        if name == "w":
            return [array]
        for number, (found, frame) in enumerate(zip(every, frames, strict=True)):
            axis = 2 + 2 * number  # behind a sample axis for each axis before it
            array = jnp.stack([_part(name, array, axis, each, frame) for each in found])
        return [jnp.reshape(array, inner.x_shape if name == "x" else inner.y_shape)]

    def out_of(name: str, arrays: Sequence[Array]) -> Array:
        (array,) = arrays
        if name == "w":
            return array
        array = jnp.reshape(array, (*reversed(counts), plan.batch, *inner.y_shape[1:]))
        for number in reversed(range(len(every))):
            array = _joined(array, 2 + 2 * number, every[number], frames[number], plan.axes[number])
        return array

    return Rewrite(inner, into, out_of)


def _frame(axes: Sequence[Axis]) -> Axis:
    """The axis of which the outputs of each of these are a part."""
    lo = min(axis.lo for axis in axes)
    output_size = max(axis.lo + axis.output_size for axis in axes) - lo
    return replace(axes[0], lo=lo, output_size=output_size)


def _part(name: str, array: Array, axis: int, residue: Residue, frame: Axis) -> Array:
    """The positions of x or y of one residue, with zeros to the size of the frame."""
    if name == "x":
        part, before, size = residue.inputs, 0, frame.input_size
    else:
        part, before, size = residue.outputs, residue.axis.lo - frame.lo, frame.output_size
    return _within(array[(*[slice(None)] * axis, part)], axis, before, size)


def _joined(array: Array, axis: int, found: Sequence[Residue], frame: Axis, whole: Axis) -> Array:
    """y from its residues, one for each place of the first axis; ``axis`` counts without it."""
    rows, shape = -(-whole.output_size // whole.dilation), list(array.shape[1:])
    shape[axis] = rows
    pieces = [jnp.zeros(shape, array.dtype)] * whole.dilation
    for number, residue in enumerate(found):
        start = residue.axis.lo - frame.lo
        stop = start + residue.axis.output_size
        if start < stop:
            piece = lax.slice_in_dim(array[number], start, stop, axis=axis)
            pieces[residue.outputs.start] = _within(piece, axis, 0, rows)
    shape[axis] = rows * whole.dilation
    y = jnp.reshape(jnp.stack(pieces, axis + 1), shape)
    return lax.slice_in_dim(y, 0, whole.output_size, axis=axis)


def _within(array: Array, axis: int, before: int, size: int) -> Array:
    """With zeros before and behind to this size."""
    config = [(0, 0, 0)] * array.ndim
    config[axis] = (before, size - before - array.shape[axis], 0)
    return padded(array, config)
