"""Inside ``jax.shard_map``: the map of the whole image, of which each device holds a shard.

Outside of it ``tconv.conv_transpose`` finds sharded operands by itself.  Inside, where arrays are
shards, these functions are told which mesh axes the image lies along.  Each device fetches the rows
that its outputs read beyond its own: of the neighbours by one ``ppermute`` a side, and by one more
for each device further that the kernel reaches.  Nothing is gathered, and what is computed is one
tile of the output (``tconv.tiles``).  The gradient of an exchange is the exchange back, and that of
a weight that is replicated is summed over the mesh by ``shard_map`` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from tconv import convolution
from tconv._core import dtypes
from tconv._core.arguments import fail
from tconv._core.axis import Axis
from tconv._core.boundary import check_zeros
from tconv._core.layout import layout_of
from tconv._core.plan import Call, conv_call, conv_transpose_call, spatial_axes
from tconv._jax.halos import Part, divided, exchanged, from_each

__all__ = ["conv", "conv_transpose"]

Names = str | tuple[str, ...]
MeshAxes = Mapping[str, Names]


def conv_transpose(
    x: Array, w: Array, b: Array | None = None, *, mesh_axes: MeshAxes, **parameters: Any
) -> Array:
    """This device's shard of ``tconv.conv_transpose`` of the whole image.

    Args:
        x: this device's shard of the image, (batch, in_channels, *spatial).
        w: weight, (in_channels, out_channels/groups, *kernel_size).
        b: bias, (out_channels,), or None.
        mesh_axes: the mesh axis, or axes, that each divided axis of the image lies along, by its
            letter in ``dimension_numbers``, without which they are W, HW or DHW; ``"I"``, the
            channels of x and the first axis of w, makes y a sum over its mesh axis.  Batch and
            output channels are sharded freely, by the specs of ``shard_map`` alone.
        **parameters: those of ``tconv.conv_transpose``, of the whole image.

    Returns: this device's shard of y, divided as x is.

    Raises: ValueError for what ``tconv.conv_transpose`` refuses of the whole image, for a mesh axis
        that is not there, and for a size of y that the devices do not divide.

    Source: the relation at the head of ``tconv.tiles``.

    >>> import jax
    >>> from functools import partial
    >>> from jax.sharding import PartitionSpec as P
    >>> mesh, rows = jax.sharding.Mesh(jax.devices()[:1], ("rows",)), P(None, None, "rows")
    >>> up = partial(conv_transpose, mesh_axes={"W": "rows"}, stride=2, padding=1)
    >>> sharded = jax.shard_map(up, mesh=mesh, in_specs=(rows, P()), out_specs=rows)
    >>> jax.jit(sharded)(jax.numpy.ones((1, 1, 4)), jax.numpy.ones((1, 1, 4))).shape
    (1, 1, 8)
    """
    return _sharded("y", x, w, b, mesh_axes, parameters)


def conv(
    x: Array, w: Array, b: Array | None = None, *, mesh_axes: MeshAxes, **parameters: Any
) -> Array:
    """This device's shard of ``tconv.conv`` of the whole image.

    Args:
        x, b, mesh_axes: as of ``conv_transpose``.
        w: weight, (out_channels, in_channels/groups, *kernel_size).
        **parameters: those of ``tconv.conv``, of the whole image.

    Returns: this device's shard of y, divided as x is.

    Raises: ValueError for what ``tconv.conv`` refuses of the whole image, for a mesh axis that is
        not there, and for a size of y that the devices do not divide.

    Source: the relation at the head of ``tconv.tiles``.

    >>> import jax
    >>> from functools import partial
    >>> from jax.sharding import PartitionSpec as P
    >>> mesh, rows = jax.sharding.Mesh(jax.devices()[:1], ("rows",)), P(None, None, "rows")
    >>> blur = partial(conv, mesh_axes={"W": "rows"}, padding=1)
    >>> sharded = jax.shard_map(blur, mesh=mesh, in_specs=(rows, P()), out_specs=rows)
    >>> jax.jit(sharded)(jax.numpy.ones((1, 1, 4)), jax.numpy.ones((1, 1, 3)))[0, 0].tolist()
    [2.0, 3.0, 3.0, 2.0]
    """
    return _sharded("x", x, w, b, mesh_axes, parameters)


# How each map, by the operand of the plan that it gives, is planned and computed; and the
# parameters that take no part in the plan, and those that a shard has of its own.
_MAPS: dict[str, tuple[Callable[..., Call], Callable[..., Any]]] = {
    "y": (conv_transpose_call, convolution.conv_transpose),
    "x": (conv_call, convolution.conv),
}
_COMPUTING = ("padding_mode", "method", "precision", "preferred_element_type")
_SIZING = ("padding", "output_padding", "output_size")


class _Divided(NamedTuple):
    """A divided spatial axis: its part, its mesh axes, and where it is in x and in y."""

    part: Part
    names: Names
    in_x: int
    in_y: int


def _sharded(
    result: str, x: Array, w: Array, b: Array | None, mesh_axes: MeshAxes, parameters: Any
) -> Array:
    check_zeros(
        parameters.get("padding_mode", "zeros"),
        "a shard reads its neighbours, and none lies beyond the border",
        "Call the function of tconv itself on the whole image, outside of shard_map.",
    )
    planned, function = _MAPS[result]
    geometry = {name: value for name, value in parameters.items() if name not in _COMPUTING}
    kept = {name: value for name, value in parameters.items() if name not in _SIZING}
    axes = spatial_axes(x.shape, w.shape)
    numbers, batched = parameters.get("dimension_numbers"), x.ndim == axes + 2
    layout = layout_of(numbers, axes, transposed=result == "y", batched=batched)
    letters = layout.letters or "DHW"[-axes:]
    _check_letters(mesh_axes, letters, axes)
    order = layout.permutations
    in_x = tuple(range(x.ndim)) if order is None else order.input
    in_y = tuple(range(x.ndim)) if order is None else order.output_back

    counts = {letter: _devices(letter, names) for letter, names in mesh_axes.items()}
    shape = list(x.shape)
    for letter, place in zip(letters, in_x[-axes:], strict=True):
        shape[place] *= counts.get(letter, 1)
    plan = planned(tuple(shape), w.shape, None if b is None else b.shape, **geometry).plan
    _check_groups(mesh_axes, plan.groups)
    padding, every = [], []
    for letter, axis, *places in zip(letters, plan.axes, in_x[-axes:], in_y[-axes:], strict=True):
        own = axis
        if letter in mesh_axes:
            part = _part(letter, axis, result, counts[letter])
            every.append(_Divided(part, mesh_axes[letter], *places))
            own = part.axis
        padding.append((own.lo, own.hi))

    for each in every:
        x = exchanged(x, each.in_x, each.part.rows, each.names)
    if "I" in mesh_axes:
        dtype = kept.pop("preferred_element_type", None) or jnp.result_type(x, w)
        wide = dtypes.accumulator(jnp.dtype(dtype))
        y: Array = function(x, w, padding=padding, preferred_element_type=wide, **kept)
        y = _biased(lax.psum(y, mesh_axes["I"]), b, in_y[-axes - 1]).astype(dtype)
    else:
        y = function(x, w, b, padding=padding, **kept)
    for each in every:
        y = from_each(y, each.in_y, each.part.skips, each.part.size, each.names)
    return y


def _check_letters(mesh_axes: MeshAxes, letters: str, axes: int) -> None:
    if len(letters) != axes:
        fail(
            "mesh_axes",
            None,
            "more than three spatial axes have no letters of their own",
            f"{axes} axes",
            "Name them with dimension_numbers.",
        )
    for letter in mesh_axes:
        if letter not in {*letters, "I"}:
            fail(
                "mesh_axes",
                None,
                f"its keys must be among the letters of the spatial axes, {', '.join(letters)}, "
                f"and I",
                repr(letter),
                "Shard batch and output channels by the specs of shard_map alone.",
            )


def _check_groups(mesh_axes: MeshAxes, groups: int) -> None:
    if "I" in mesh_axes and groups > 1:
        fail(
            "mesh_axes",
            None,
            "I is summed over, which grouped channels are not",
            f"{dict(mesh_axes)} with groups={groups}",
            "Leave I out, shard x and w by whole groups, and give the groups of a shard.",
        )


def _biased(y: Array, b: Array | None, channels: int) -> Array:
    """y with the bias added along this axis."""
    if b is None:
        return y
    shape = [1] * y.ndim
    shape[channels] = -1
    return y + b.astype(y.dtype).reshape(shape)


def _devices(letter: str, names: Names) -> int:
    every = (names,) if isinstance(names, str) else tuple(names)
    try:
        return prod(lax.axis_size(name) for name in every)
    except NameError:
        fail(
            "mesh_axes",
            None,
            "must name axes of the mesh of the shard_map around",
            f"{letter!r}: {names!r}",
            "Call it inside jax.shard_map over a mesh with such an axis.",
        )


def _part(letter: str, axis: Axis, result: str, devices: int) -> Part:
    part = divided(axis, result, devices)
    if part is None:
        size, step = (axis.output_size, 1) if result == "y" else (axis.input_size, -axis.stride)
        more = -size % devices
        fail(
            "output size",
            letter,
            f"must be divisible by the {devices} devices along it",
            size,
            f"Make it {size + more}, with a high side of padding of {axis.hi - more * step}, or "
            f"{size + more - devices}, with {axis.hi - (more - devices) * step}.",
        )
    return part
