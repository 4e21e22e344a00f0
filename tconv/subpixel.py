"""Sub-pixel convolution: a convolution at low resolution, its channels interleaved in space.

Every transposed convolution of dilation 1 is one, with as many kernels as the stride has
phases; here are the two weights turned into each other, and the channels into space.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tconv._core.arguments import (
    Pairs,
    Shape,
    check_groups,
    check_nonempty,
    entries_of,
    fail,
    group_count,
    padding_pairs,
    per_axis,
    positive,
)
from tconv._core.axis import Axis, parameters_of
from tconv._core.lattice import phases
from tconv._core.typing import AnyArray, Array, Ints, PaddingNumbers
from tconv._dispatch import received
from tconv.convolution import conv


def to_subpixel_weight(
    w: Array | AnyArray, *, stride: Ints, padding: PaddingNumbers = 0, groups: int = 1
) -> Array:
    """The weight of the sub-pixel convolution that equals a transposed convolution.

    ``subpixel_conv`` computes with it.  Where the transposed convolution multiplies the size
    by the stride, that is ``pixel_shuffle(conv(x, v, padding=...), stride)``: kernel 4, stride
    2 and padding 1 become kernel 3 and padding 1.

    Args:
        w: weight, (in_channels, out_channels/groups, *kernel_size), of dilation 1; dilate it
            with ``fractional_stride`` otherwise.
        stride: of the transposed convolution; int or one int an axis.
        padding: of the transposed convolution: an int of at least 0, one int an axis, or one
            (lo, hi) pair an axis.
        groups: divides in_channels.

    Returns: (out_channels * prod(stride), in_channels/groups, *taps) in the dtype of w, zero
        where no tap of w belongs.  Output channel c of phase r, in the order of
        ``pixel_shuffle``, is ``c * prod(stride) + r``.

    Raises: ValueError for a weight without spatial axes, a stride below 1, groups that do not
        divide the channels, or malformed padding; TypeError for what is no array or no int.

    Source: Shi et al., "Is the deconvolution layer the same as a convolutional layer?" (2016).

    >>> import numpy as np
    >>> w = np.array([[[1.0, 2.0, 3.0, 4.0]]])
    >>> to_subpixel_weight(w, stride=2, padding=1)[:, 0]
    array([[4., 2., 0.],
           [0., 3., 1.]])
    """
    _, w = received(w=w)
    axes = _spatial_axes("w", w.shape)
    strides, pairs = positive("stride", stride, axes), padding_pairs(padding, axes)
    count = group_count(groups)
    check_groups("in_channels", w.shape[0], count)
    check_nonempty("w", w.shape[2:], w.shape)
    v: Array = _split_by_phase(w, _all_phases(w.shape[2:], strides, pairs), count)
    return v


def from_subpixel_weight(
    v: Array | AnyArray,
    kernel_size: Ints,
    *,
    stride: Ints,
    padding: PaddingNumbers = 0,
    groups: int = 1,
) -> Array:
    """The weight of the transposed convolution that equals a sub-pixel convolution.

    It undoes ``to_subpixel_weight`` of the same parameters.  Entries of v that stand for no
    tap of the kernel are left out; a sub-pixel convolution of k taps at stride s, padded by
    ``(k - 1)/2``, is in full the transposed convolution of kernel ``k*s`` and padding
    ``s*(k - 1)/2``.

    Args:
        v: weight, (out_channels * prod(stride), in_channels/groups, *taps).
        kernel_size: of the transposed convolution; int or one int an axis.
        stride: of the transposed convolution; int or one int an axis.
        padding: of the transposed convolution, as for ``to_subpixel_weight``.
        groups: divides out_channels.

    Returns: (in_channels, out_channels/groups, *kernel_size) in the dtype of v.

    Raises: ValueError for a v whose taps or channels are not what ``to_subpixel_weight`` gives
        for these parameters, and what that function raises.

    Source: Shi et al., "Is the deconvolution layer the same as a convolutional layer?" (2016).

    >>> import numpy as np
    >>> v = np.array([[[4.0, 2.0, 0.0]], [[0.0, 3.0, 1.0]]])
    >>> from_subpixel_weight(v, 4, stride=2, padding=1)
    array([[[1., 2., 3., 4.]]])
    """
    _, v = received(v=v)
    kernels, strides, pairs = _parameters(v.shape, kernel_size, stride, padding)
    along, count = _all_phases(kernels, strides, pairs), group_count(groups)
    _check_subpixel_weight(v.shape, along, prod(strides), count)
    w: Array = _join_phases(v, along, count)
    return w


def subpixel_conv(
    x: Array | AnyArray,
    v: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    kernel_size: Ints,
    stride: Ints,
    padding: PaddingNumbers = 0,
    output_padding: Ints = 0,
    groups: int = 1,
) -> Array:
    """A transposed convolution, computed as a convolution and a pixel shuffle.

    Args:
        x: input, (batch, in_channels, *spatial) or (in_channels, *spatial).
        v: weight that ``to_subpixel_weight`` gives for the same parameters,
            (out_channels * prod(stride), in_channels/groups, *taps).
        b: bias, (out_channels,).
        kernel_size: of the transposed convolution; int or one int an axis.
        stride: of the transposed convolution; int or one int an axis.
        padding: of the transposed convolution, as for ``to_subpixel_weight``.
        output_padding: as in ``conv_transpose``.
        groups: divides both channel counts.

    Returns: what ``conv_transpose(x, w, b, ...)`` returns for ``v = to_subpixel_weight(w)``.

    Raises: ValueError for a v that does not fit the parameters, and what ``conv_transpose``
        raises.

    Source: Shi et al., "Real-time single image and video super-resolution using an efficient
    sub-pixel convolutional neural network" (2016).

    >>> import numpy as np
    >>> v = to_subpixel_weight(np.array([[[1.0, 2.0, 3.0]]]), stride=2)
    >>> subpixel_conv(np.array([[[1.0, 10.0]]]), v, kernel_size=3, stride=2)
    array([[[ 1.,  2., 13., 20., 30.]]])
    """
    _, x, v, b = received(x=x, v=v, b=b)
    kernels, strides, pairs = _parameters(v.shape, kernel_size, stride, padding)
    along, count, axes = _all_phases(kernels, strides, pairs), group_count(groups), len(strides)
    _check_subpixel_weight(v.shape, along, prod(strides), count)
    ends = per_axis("output_padding", output_padding, axes)
    every = parameters_of(kernels, strides, (1,) * axes, pairs, ends)
    margins: list[tuple[int, int]] = []
    window: list[slice] = []
    for one, phases_along, size in zip(every, along, x.shape[-axes:], strict=True):
        one.check_output_padding()
        out, before = one.transposed_axis(size).output_size, phases_along.before
        taps = phases_along.tap.shape[1]
        margins.append((before, -(-out // one.stride) - size - before + taps - 1))
        window.append(slice(out))
    bias = None if b is None else b.__array_namespace__().repeat(b, prod(strides))
    split = conv(x, v, bias, padding=tuple(margins), groups=count)
    y: Array = pixel_shuffle(split, strides)[(..., *window)]
    return y


def pixel_shuffle(x: Array | AnyArray, upscale_factor: Ints) -> Array:
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
    _, x = received(x=x)
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


def pixel_unshuffle(x: Array | AnyArray, downscale_factor: Ints) -> Array:
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
    _, x = received(x=x)
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


class _Phases(NamedTuple):
    """Along one axis: the tap that phase r reads at place t, and the way back.

    ``tap[r, t]`` is ``kernel_size`` where there is none; ``place`` holds, for each tap, its
    position in the flattened (r, t).  The convolution pads by ``before`` at its low side.
    """

    tap: NDArray[np.intp]
    place: NDArray[np.intp]
    before: int


def _phases(kernel_size: int, stride: int, lo: int) -> _Phases:
    """Output ``stride*q + r`` is output q of phase r, which reads input ``q - before + t``."""
    axis = Axis(1, stride, kernel_size, stride, 1, lo)
    low, stop = axis.inputs_of(0, stride)
    tap = np.full((stride, stop - low), kernel_size, np.intp)
    place = np.empty(kernel_size, np.intp)
    for phase in phases(axis):
        for j in range(phase.taps):
            number, t = phase.tap + j * phase.tap_step, phase.start - j - low
            tap[phase.first, t] = number
            place[number] = phase.first * (stop - low) + t
    return _Phases(tap, place, -low)


def _split_by_phase(w: Any, along: list[_Phases], groups: int) -> Any:
    """(in, out/groups, *kernel) to (out * phases, in/groups, *taps)."""
    xp, axes = w.__array_namespace__(), len(along)
    group_in, group_out = w.shape[0] // groups, w.shape[1]
    split = xp.pad(w, [(0, 0), (0, 0)] + [(0, 1)] * axes)
    for axis, one in enumerate(along):
        split = xp.take(split, one.tap.ravel(), axis=axis + 2, mode="clip")
    sizes = [size for one in along for size in one.tap.shape]
    split = split.reshape((groups, group_in, group_out, *sizes))
    phases, taps = range(3, 3 + 2 * axes, 2), range(4, 4 + 2 * axes, 2)
    ordered = split.transpose((0, 2, *phases, 1, *taps))
    channels = groups * group_out * prod(sizes[::2])
    return ordered.reshape((channels, group_in, *sizes[1::2]))


def _join_phases(v: Any, along: list[_Phases], groups: int) -> Any:
    """(out * phases, in/groups, *taps) to (in, out/groups, *kernel)."""
    xp, axes = v.__array_namespace__(), len(along)
    strides = [len(one.tap) for one in along]
    group_in, group_out = v.shape[1], v.shape[0] // (groups * prod(strides))
    split = v.reshape((groups, group_out, *strides, *v.shape[1:]))
    interleaved = [axis for one in range(axes) for axis in (2 + one, 3 + axes + one)]
    ordered = split.transpose((0, 2 + axes, 1, *interleaved))
    w = ordered.reshape((groups * group_in, group_out, *[one.tap.size for one in along]))
    for axis, one in enumerate(along):
        w = xp.take(w, one.place, axis=axis + 2, mode="clip")
    return w


def _spatial_axes(argument: str, shape: Shape) -> int:
    if len(shape) < 3:
        fail(
            argument,
            None,
            "must have two channel axes and at least one spatial axis",
            f"shape {shape}",
            "Add the missing axes with reshape.",
        )
    return len(shape) - 2


def _parameters(
    shape: Shape, kernel_size: Ints, stride: Ints, padding: PaddingNumbers
) -> tuple[Shape, Shape, Pairs]:
    axes = _spatial_axes("v", shape)
    kernels = positive("kernel_size", kernel_size, axes)
    return kernels, positive("stride", stride, axes), padding_pairs(padding, axes)


def _all_phases(kernels: Shape, strides: Shape, pairs: Pairs) -> list[_Phases]:
    parameters = zip(kernels, strides, pairs, strict=True)
    return [_phases(kernel, step, lo) for kernel, step, (lo, _) in parameters]


def _check_subpixel_weight(shape: Shape, along: list[_Phases], phases: int, groups: int) -> None:
    taps = tuple(one.tap.shape[1] for one in along)
    if shape[2:] != taps or shape[0] % (phases * groups):
        fail(
            "v",
            None,
            f"must be (out_channels * {phases}, in_channels/groups, *{taps}) for these "
            f"parameters, with groups={groups} dividing out_channels",
            f"shape {shape}",
            "Give the parameters that to_subpixel_weight was given.",
        )


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
    entries = entries_of(factor)
    axes = 2 if entries is None else len(entries)
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
