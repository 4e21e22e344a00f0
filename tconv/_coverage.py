"""How evenly the taps of a transposed convolution cover its output."""

from __future__ import annotations

from functools import reduce
from math import gcd, prod

import numpy as np
from numpy.typing import NDArray

from tconv._arguments import Shape, fail, positive
from tconv._geometry import Axis
from tconv._sizes import axis_count, checked_axes
from tconv._typing import Ints, Padding


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
    axes = checked_axes(input_size, kernel_size, stride, padding, output_padding, dilation)
    counts: NDArray[np.int64] = reduce(np.multiply.outer, [_axis_coverage(axis) for axis in axes])
    return counts


def _axis_coverage(axis: Axis) -> NDArray[np.int64]:
    counts = np.zeros(axis.output_size, np.int64)
    for tap in range(axis.kernel_size):
        start, stop, first = axis.reach(tap)
        counts[first : first + (stop - start) * axis.stride : axis.stride] += 1
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
    kernels, steps, spreads = _per_axis(kernel_size, stride, dilation)
    periods = [
        np.bincount(np.arange(kernel) * spread % step, minlength=step)
        for kernel, step, spread in zip(kernels, steps, spreads, strict=True)
    ]
    most = prod(int(period.max()) for period in periods)
    least = prod(int(period.min()) for period in periods)
    return (most - least) * prod(steps) / prod(kernels)


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
    kernels, steps, spreads = _per_axis(kernel_size, stride, dilation)
    for axis, (step, spread) in enumerate(zip(steps, spreads, strict=True)):
        if gcd(step, spread) > 1:
            fail(
                "dilation",
                axis,
                "a kernel covers the output evenly only if stride and dilation have no common "
                "factor",
                f"stride={step}, dilation={spread}",
                "Use dilation=1.",
            )
    return tuple(
        max(1, (2 * kernel + step) // (2 * step)) * step
        for kernel, step in zip(kernels, steps, strict=True)
    )


def _per_axis(kernel_size: Ints, stride: Ints, dilation: Ints) -> tuple[Shape, Shape, Shape]:
    axes = axis_count(kernel_size, stride, dilation)
    return (
        positive("kernel_size", kernel_size, axes),
        positive("stride", stride, axes),
        positive("dilation", dilation, axes),
    )
