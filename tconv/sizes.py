"""What follows from the parameters alone: output sizes, input sizes, and how evenly the taps
cover the output."""

from __future__ import annotations

from functools import reduce
from math import gcd, prod

import numpy as np
from numpy.typing import NDArray

from tconv._core.arguments import (
    Shape,
    axis_count,
    check_allocatable,
    fail,
    nonempty,
    padding_argument,
    padding_pairs,
    per_axis,
    positive,
)
from tconv._core.axis import Axis, forward_axes, parameters_of, transposed_axes
from tconv._core.reduction import joint
from tconv._core.typing import ForwardPadding, Ints, Padding, PaddingNumbers

# Input sizes that ``conv_input_sizes`` lists along an axis.
MOST_SIZES = 1 << 20


def conv_transpose_output_size(
    input_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
) -> Shape:
    """Spatial size of a transposed convolution's output.

    Args: sizes in positions and the parameters of ``conv_transpose``, each an int or one int
        an axis; plain ints throughout mean one axis.

    Returns: one int an axis, ``(n - 1)*stride + dilation*(kernel_size - 1) + 1 - lo - hi +
        output_padding``.

    Raises: ValueError for what ``conv_transpose`` refuses; TypeError for what is no int.

    Source: the shape formula of ``torch.nn.ConvTranspose2d``.

    >>> conv_transpose_output_size((4, 4), 4, stride=2, padding=1)
    (8, 8)
    """
    axes = _checked_axes(input_size, kernel_size, stride, padding, output_padding, dilation)
    return tuple(axis.output_size for axis in axes)


def conv_output_size(
    input_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: ForwardPadding = 0,
    dilation: Ints = 1,
) -> Shape:
    """Spatial size of a convolution's output.

    Args: sizes in positions and the parameters of ``conv``, each an int or one int an axis;
        plain ints throughout mean one axis.

    Returns: one int an axis, ``floor((n + lo + hi - dilation*(kernel_size - 1) - 1) /
        stride) + 1``.

    Raises: ValueError for what ``conv`` refuses; TypeError for what is no int.

    Source: the shape formula of ``torch.nn.Conv2d``.

    >>> conv_output_size((5, 6), 3, stride=2, padding=1)
    (3, 3)
    """
    axes = axis_count(input_size, kernel_size, stride, padding, dilation)
    checked = forward_axes(
        nonempty("input_size", input_size, axes),
        nonempty("kernel_size", kernel_size, axes),
        positive("stride", stride, axes),
        padding_argument(padding, axes, ("valid", "same", "same_lower")),
        positive("dilation", dilation, axes),
    )
    return tuple(axis.input_size for axis in checked)


def output_padding_for(
    output_size: Ints,
    input_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: PaddingNumbers = 0,
    dilation: Ints = 1,
) -> Shape:
    """The output padding with which a transposed convolution gives ``output_size``.

    Args: sizes in positions and the parameters of ``conv_transpose``, each an int or one int
        an axis; plain ints throughout mean one axis.

    Returns: one int an axis, at least 0 and below ``max(stride, dilation)``.

    Raises: ValueError listing the sizes that are possible if this one is not; TypeError for
        what is no int.

    Source: ``output_size`` of ``torch.nn.ConvTranspose2d.forward``.

    >>> output_padding_for((6, 5), (3, 3), 3, stride=2, padding=1)
    (1, 0)
    """
    axes = axis_count(output_size, input_size, kernel_size, stride, padding, dilation)
    sizes = nonempty("input_size", input_size, axes)
    kernels = nonempty("kernel_size", kernel_size, axes)
    every = parameters_of(
        kernels,
        positive("stride", stride, axes),
        positive("dilation", dilation, axes),
        padding_pairs(padding, axes),
    )
    wanted = per_axis("output_size", output_size, axes)
    return tuple(
        one.solved(size, target).output_padding
        for one, size, target in zip(every, sizes, wanted, strict=True)
    )


def round_trip_size(
    input_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: PaddingNumbers = 0,
    dilation: Ints = 1,
) -> Shape:
    """Spatial size after a convolution and then its transpose, without output padding.

    It is the largest size W' of at most W that has the form ``w + s*q`` with a whole q, where
    w is the extent ``dilation*(kernel_size - 1) + 1`` less ``lo + hi``, and s the stride; so
    the round trip keeps W exactly when ``W = w + s*q``.  What is missing otherwise,
    ``W - W'``, is the output padding that restores W.

    Args: sizes in positions and numeric parameters of ``conv``, each an int or one int an
        axis; plain ints throughout mean one axis.

    Returns: one int an axis; at most the input size and above it less the stride.

    Raises: ValueError for what ``conv`` refuses, and where the round trip leaves no positions;
        TypeError for what is no int.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016),
    relationship 14.

    >>> round_trip_size((5, 6, 7), 3, stride=2)
    (5, 5, 7)
    """
    pairs = padding_pairs(padding, axis_count(input_size, kernel_size, stride, padding, dilation))
    shrunk = conv_output_size(
        input_size, kernel_size, stride=stride, padding=pairs, dilation=dilation
    )
    return conv_transpose_output_size(
        shrunk, kernel_size, stride=stride, padding=pairs, dilation=dilation
    )


def conv_input_sizes(
    output_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: PaddingNumbers = 0,
    dilation: Ints = 1,
) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The input sizes that a convolution turns into ``output_size``, with their output padding.

    Along each axis these are the s sizes ``w + s*(output_size - 1) + op`` with
    ``op = 0 ... s - 1``; a transposed convolution of the output with ``output_padding=op``
    returns to that size.

    Args: sizes in positions and numeric parameters of ``conv``, each an int or one int an
        axis; plain ints throughout mean one axis.

    Returns: for each axis a tuple of (input size, output padding), one for each of the s
        output paddings whose input size is at least 1.

    Raises: ValueError for a size, kernel size, stride or dilation below 1, for malformed padding,
        and for more than 2**20 sizes on an axis; TypeError for what is no int.

    Source: the formula and the ``floor`` of ``torch.nn.Conv2d``; the documentation of
    ``output_padding`` in ``torch.nn.ConvTranspose2d``.

    >>> conv_input_sizes((3, 4), 3, stride=(2, 3), padding=1)
    (((5, 0), (6, 1)), ((10, 0), (11, 1), (12, 2)))
    """
    axes = axis_count(output_size, kernel_size, stride, padding, dilation)
    sizes = nonempty("output_size", output_size, axes)
    kernels = nonempty("kernel_size", kernel_size, axes)
    every = parameters_of(
        kernels,
        positive("stride", stride, axes),
        positive("dilation", dilation, axes),
        padding_pairs(padding, axes),
    )
    found = []
    for one, size in zip(every, sizes, strict=True):
        smallest = one.transposed_size(size)
        first = max(0, 1 - smallest)
        if one.stride - first > MOST_SIZES:
            fail(
                "stride",
                one.name,
                f"every output padding below it has an input size; {MOST_SIZES} are listed at most",
                f"stride={one.stride}, with sizes from {smallest + first} to "
                f"{smallest + one.stride - 1}",
                "Take them from this range; each size of it is possible.",
            )
        found.append(tuple((smallest + op, op) for op in range(first, one.stride)))
    return tuple(found)


def coverage(
    input_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
) -> NDArray[np.int64]:
    """How many products ``x[i] * w[t]`` a transposed convolution adds up in each output.

    It equals ``conv_transpose`` of all ones with a kernel of ones: along each axis the number
    of pairs (i, t) with ``i*stride + t*dilation - lo == o``, multiplied over the axes.

    Args: sizes in positions and the parameters of ``conv_transpose``, each an int or one int
        an axis; plain ints throughout mean one axis.

    Returns: (*output_size) of int64, at least 0.

    Raises: ValueError for what ``conv_transpose`` refuses; TypeError for what is no int.

    Source: Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill
    (2016).

    >>> coverage(4, 3, stride=2)
    array([1, 1, 2, 1, 2, 1, 2, 1, 1])
    >>> coverage((2, 2), 3, stride=2)[2]
    array([2, 2, 4, 2, 2])
    """
    axes = _checked_axes(input_size, kernel_size, stride, padding, output_padding, dilation)
    sizes = tuple(axis.output_size for axis in axes)
    check_allocatable("output size", sizes, "Use a smaller stride, or more padding.")
    counts: NDArray[np.int64] = reduce(np.multiply.outer, [_axis_coverage(axis) for axis in axes])
    return counts


def _axis_coverage(axis: Axis) -> NDArray[np.int64]:
    counts = np.zeros(axis.output_size, np.int64)
    fewer_taps = axis if axis.kernel_size <= axis.input_size else axis.exchanged()
    taps = joint(fewer_taps).w
    for tap in range(taps.start, taps.stop):
        _, outputs = fewer_taps.landing(tap)
        counts[outputs] += 1
    return counts


def checkerboard(kernel_size: Ints, *, stride: Ints, dilation: Ints = 1) -> float:
    """How unevenly the taps cover the output away from its borders: 0 for evenly.

    Away from the borders the coverage repeats with the stride.  Over one period this is
    ``(max - min) / mean`` of it: 0 if every output gets the same number of taps, which along
    an axis means that the kernel size is divisible by the stride and that stride and dilation
    have no common factor.  The mean is ``prod(kernel_size / stride)``.

    Args:
        kernel_size: taps, at least 1; int or one int an axis.  Unevenness multiplies over the
            axes, so give as many as the layer has.
        stride: at least 1; int or one int an axis.
        dilation: at least 1; int or one int an axis.

    Returns: a float of at least 0.

    Raises: ValueError for an entry below 1; TypeError for what is no int.

    Source: Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill
    (2016).

    >>> checkerboard(4, stride=3), checkerboard((4, 4), stride=3), checkerboard((4, 4), stride=2)
    (0.75, 1.6875, 0.0)
    """
    kernels, strides, dilations = _per_axis(kernel_size, stride, dilation)
    most = least = 1
    for kernel, *rates in zip(kernels, strides, dilations, strict=True):
        common = gcd(*rates)
        reached = rates[0] // common  # phases that a tap can land in
        most *= -(-kernel // reached)
        least *= 0 if common > 1 else kernel // reached
    return (most - least) * prod(strides) / prod(kernels)


def nearest_uniform_kernel(kernel_size: Ints, *, stride: Ints, dilation: Ints = 1) -> Shape:
    """The kernel size nearest to this one that covers the output evenly.

    Along each axis it is the nearest multiple of the stride, the larger one of two that are
    equally near: ``checkerboard`` of it is 0.  A padding that grows by half of what the kernel
    grows by keeps the output size.

    Args:
        kernel_size: taps, at least 1; int or one int an axis.
        stride: at least 1; int or one int an axis.
        dilation: at least 1; int or one int an axis.

    Returns: one int an axis, at least the stride.

    Raises: ValueError for an entry below 1, and where stride and dilation have a common
        factor, as every kernel then leaves some outputs without a tap; TypeError for what is
        no int.

    Source: Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill
    (2016).

    >>> nearest_uniform_kernel((3, 4), stride=(2, 3))
    (4, 3)
    """
    kernels, strides, dilations = _per_axis(kernel_size, stride, dilation)
    for axis, rates in enumerate(zip(strides, dilations, strict=True)):
        if gcd(*rates) > 1:
            fail(
                "dilation",
                axis,
                "a kernel covers the output evenly only if stride and dilation have no common "
                "factor",
                f"stride={rates[0]}, dilation={rates[1]}",
                "Use dilation=1.",
            )
    return tuple(
        max(1, (2 * kernel + period) // (2 * period)) * period
        for kernel, period in zip(kernels, strides, strict=True)
    )


def _checked_axes(
    input_size: Ints,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    output_padding: Ints,
    dilation: Ints,
) -> tuple[Axis, ...]:
    """The axes of a transposed convolution that its parameters alone describe."""
    axes = axis_count(input_size, kernel_size, stride, padding, output_padding, dilation)
    return transposed_axes(
        nonempty("input_size", input_size, axes),
        nonempty("kernel_size", kernel_size, axes),
        positive("stride", stride, axes),
        padding_argument(padding, axes, ("same", "same_lower")),
        per_axis("output_padding", output_padding, axes),
        positive("dilation", dilation, axes),
        None,
    )


def _per_axis(kernel_size: Ints, stride: Ints, dilation: Ints) -> tuple[Shape, Shape, Shape]:
    axes = axis_count(kernel_size, stride, dilation)
    return (
        positive("kernel_size", kernel_size, axes),
        positive("stride", stride, axes),
        positive("dilation", dilation, axes),
    )
