"""Channels interleaved into space, and back."""

from __future__ import annotations

from math import prod
from typing import Any

from tconv._arguments import Shape, fail, positive
from tconv._dispatch import backend_for
from tconv._typing import Array, Ints


def pixel_shuffle(x: Array, upscale_factor: Ints) -> Array:
    """Interleave channels into space: every s channels become one that is s times as large.

    Args:
        x: (..., channels * prod(s), *spatial).
        upscale_factor: at least 1; an int s means two spatial axes, as in PyTorch, and a tuple
            one spatial axis for each of its entries.

    Returns: (..., channels, *(spatial * s)) in the dtype of x: channel ``c * prod(s) + r``
        goes to the positions of channel c whose remainder modulo s is r, in row-major order.

    Raises: ValueError for too few axes, a factor below 1, or channels that its product does
        not divide; TypeError for what is no array or no int.

    Source: ``torch.nn.functional.pixel_shuffle``; Shi et al., "Real-time single image and
    video super-resolution using an efficient sub-pixel convolutional neural network" (2016).

    >>> import numpy as np
    >>> pixel_shuffle(np.array([[1, 2, 3], [10, 20, 30]]), (2,))
    array([[ 1, 10,  2, 20,  3, 30]])
    """
    backend_for(x=x)
    factors = _factors("upscale_factor", upscale_factor, x.shape)
    lead, channels, spatial = _split(x.shape, len(factors))
    if channels % prod(factors):
        fail(
            "upscale_factor",
            None,
            "its product must divide the channels",
            f"{channels} channels, upscale_factor={factors}",
            "Give x that many channels for each one wanted.",
        )
    y: Array = _interleave(x, lead, channels // prod(factors), factors, spatial)
    return y


def pixel_unshuffle(x: Array, downscale_factor: Ints) -> Array:
    """Split space into channels: the inverse of ``pixel_shuffle``.

    Args:
        x: (..., channels, *(spatial * s)).
        downscale_factor: at least 1; an int s means two spatial axes, as in PyTorch, and a
            tuple one spatial axis for each of its entries.

    Returns: (..., channels * prod(s), *spatial) in the dtype of x.

    Raises: ValueError for too few axes, a factor below 1, or a size that it does not divide;
        TypeError for what is no array or no int.

    Source: ``torch.nn.functional.pixel_unshuffle``.

    >>> import numpy as np
    >>> pixel_unshuffle(np.array([[1, 10, 2, 20, 3, 30]]), (2,))
    array([[ 1,  2,  3],
           [10, 20, 30]])
    """
    backend_for(x=x)
    factors = _factors("downscale_factor", downscale_factor, x.shape)
    lead, channels, spatial = _split(x.shape, len(factors))
    for axis, (size, factor) in enumerate(zip(spatial, factors, strict=True)):
        if size % factor:
            fail(
                "downscale_factor",
                axis,
                "must divide the size of x",
                f"size {size}, downscale_factor={factor}",
                "Pad or crop x to a multiple.",
            )
    y: Array = _gather(x, lead, channels, factors, spatial)
    return y


def _interleave(x: Any, lead: Shape, channels: int, factors: Shape, spatial: Shape) -> Any:
    axes, first = len(factors), len(lead) + 1
    order = list(range(first))
    for axis in range(first, first + axes):
        order += [axis + axes, axis]
    larger = [size * factor for size, factor in zip(spatial, factors, strict=True)]
    split = x.reshape((*lead, channels, *factors, *spatial))
    return split.transpose(order).reshape((*lead, channels, *larger))


def _gather(x: Any, lead: Shape, channels: int, factors: Shape, spatial: Shape) -> Any:
    axes, first = len(factors), len(lead) + 1
    split, smaller = [*lead, channels], []
    for size, factor in zip(spatial, factors, strict=True):
        split += [size // factor, factor]
        smaller.append(size // factor)
    places, phases = range(first, first + 2 * axes, 2), range(first + 1, first + 2 * axes, 2)
    ordered = x.reshape(split).transpose((*range(first), *phases, *places))
    return ordered.reshape((*lead, channels * prod(factors), *smaller))


def _factors(argument: str, factor: Ints, shape: Shape) -> Shape:
    """One factor a spatial axis: a bare int stands for two axes."""
    axes = len(factor) if isinstance(factor, tuple | list) else 2
    factors = positive(argument, factor, axes)
    if len(shape) < axes + 1 or axes < 1:
        fail(
            "x",
            None,
            f"must have a channel axis and {axes} spatial axes",
            f"shape {shape}",
            "Give the factor as a tuple with one entry for each spatial axis.",
        )
    return factors


def _split(shape: Shape, axes: int) -> tuple[Shape, int, Shape]:
    first = len(shape) - axes
    return shape[: first - 1], shape[first - 1], shape[first:]
