"""Sub-pixel convolution: a convolution at low resolution, its channels interleaved in space.

Every transposed convolution of dilation 1 is one, with as many kernels as the stride has
phases; here are the two weights turned into each other.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tconv import _checks as checks
from tconv._arguments import Pairs, Shape, fail, group_count, padding_pairs, per_axis, positive
from tconv._dispatch import backend_for
from tconv._forward import conv
from tconv._geometry import transposed_size
from tconv._shuffle import pixel_shuffle
from tconv._typing import AnyArray, Array, Ints, Padding


class _Phases(NamedTuple):
    """Along one axis: the tap that phase r reads at place t, and the way back.

    ``tap[r, t]`` is ``kernel_size`` where there is none; ``place`` holds, for each tap, its
    position in the flattened (r, t).  The convolution pads by ``before`` at its low side.
    """

    tap: NDArray[np.intp]
    place: NDArray[np.intp]
    before: int


def _phases(kernel_size: int, stride: int, lo: int) -> _Phases:
    """Output ``stride*q + r`` reads input ``q - j`` through tap ``stride*j + r + lo``."""
    last = (kernel_size - 1 - lo) // stride
    first = -((stride - 1 + lo) // stride)
    j = np.arange(last, first - 1, -1)
    tap = stride * j + np.arange(stride)[:, None] + lo
    inside = (tap >= 0) & (tap < kernel_size)
    place = np.empty(kernel_size, np.intp)
    place[tap[inside]] = np.flatnonzero(inside)
    return _Phases(np.where(inside, tap, kernel_size), place, last)


def to_subpixel_weight(w: Array, *, stride: Ints, padding: Padding = 0, groups: int = 1) -> Array:
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
    backend_for(w=w)
    axes = _spatial_axes("w", w.shape)
    steps, pairs = positive("stride", stride, axes), padding_pairs(padding, axes)
    count = group_count(groups)
    checks.check_groups("in_channels", w.shape[0], count)
    checks.check_nonempty("w", w.shape[2:], w.shape)
    v: Array = _split_by_phase(w, _all_phases(w.shape[2:], steps, pairs), count)
    return v


def from_subpixel_weight(
    v: Array, kernel_size: Ints, *, stride: Ints, padding: Padding = 0, groups: int = 1
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
    backend_for(v=v)
    kernels, steps, pairs = _parameters(v.shape, kernel_size, stride, padding)
    along, count = _all_phases(kernels, steps, pairs), group_count(groups)
    _check_subpixel_weight(v.shape, along, prod(steps), count)
    w: Array = _join_phases(v, along, count)
    return w


def subpixel_conv(
    x: Array,
    v: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding = 0,
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
    backend_for(x=x, v=v, b=b)
    kernels, steps, pairs = _parameters(v.shape, kernel_size, stride, padding)
    along, count, axes = _all_phases(kernels, steps, pairs), group_count(groups), len(steps)
    _check_subpixel_weight(v.shape, along, prod(steps), count)
    extras = per_axis("output_padding", output_padding, axes)
    margins: list[tuple[int, int]] = []
    window: list[slice] = []
    for axis in range(axes):
        size, taps, step = x.shape[axis - axes], along[axis].tap.shape[1], steps[axis]
        checks.check_output_padding(axis, extras[axis], step, 1)
        numbers = kernels[axis], step, pairs[axis], extras[axis], 1
        out = transposed_size(size, *numbers)
        checks.check_transposed_size(axis, out, size, *numbers)
        before = along[axis].before
        margins.append((before, -(-out // step) - size - before + taps - 1))
        window.append(slice(out))
    bias = None if b is None else b.__array_namespace__().repeat(b, prod(steps))
    phases = conv(x, v, bias, padding=tuple(margins), groups=count)
    y: Array = pixel_shuffle(phases, steps)[(..., *window)]
    return y


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
    steps = [len(one.tap) for one in along]
    group_in, group_out = v.shape[1], v.shape[0] // (groups * prod(steps))
    split = v.reshape((groups, group_out, *steps, *v.shape[1:]))
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
    shape: Shape, kernel_size: Ints, stride: Ints, padding: Padding
) -> tuple[Shape, Shape, Pairs]:
    axes = _spatial_axes("v", shape)
    kernels = positive("kernel_size", kernel_size, axes)
    return kernels, positive("stride", stride, axes), padding_pairs(padding, axes)


def _all_phases(kernels: Shape, steps: Shape, pairs: Pairs) -> list[_Phases]:
    parameters = zip(kernels, steps, pairs, strict=True)
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
