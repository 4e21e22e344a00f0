"""Size arithmetic as public functions: tuples of ints in, tuples of ints out."""

from __future__ import annotations

from tconv import _checks as checks
from tconv import _geometry as geometry
from tconv._arguments import Shape, padding_argument, padding_pairs, per_axis, positive
from tconv._axes import forward_axes, transposed_axes
from tconv._geometry import Axis
from tconv._typing import Ints, Padding


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
    axes = checked_axes(input_size, kernel_size, stride, padding, output_padding, dilation)
    return tuple(axis.output_size for axis in axes)


def conv_output_size(
    input_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
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
        _nonempty("input_size", input_size, axes),
        _nonempty("kernel_size", kernel_size, axes),
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
    padding: Padding = 0,
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
    sizes = _nonempty("input_size", input_size, axes)
    kernels = _nonempty("kernel_size", kernel_size, axes)
    steps = positive("stride", stride, axes)
    spreads = positive("dilation", dilation, axes)
    pairs = padding_pairs(padding, axes)
    wanted = per_axis("output_size", output_size, axes)
    return tuple(
        checks.solve_output_padding(
            axis,
            wanted[axis],
            sizes[axis],
            kernels[axis],
            steps[axis],
            pairs[axis],
            0,
            spreads[axis],
        )
        for axis in range(axes)
    )


def round_trip_size(
    input_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
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
    padding: Padding = 0,
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

    Raises: ValueError for a size, kernel size, stride or dilation below 1 and for malformed
        padding; TypeError for what is no int.

    Source: the formula and the ``floor`` of ``torch.nn.Conv2d``; the documentation of
    ``output_padding`` in ``torch.nn.ConvTranspose2d``.

    >>> conv_input_sizes((3, 4), 3, stride=(2, 3), padding=1)
    (((5, 0), (6, 1)), ((10, 0), (11, 1), (12, 2)))
    """
    axes = axis_count(output_size, kernel_size, stride, padding, dilation)
    sizes = _nonempty("output_size", output_size, axes)
    kernels = _nonempty("kernel_size", kernel_size, axes)
    steps = positive("stride", stride, axes)
    spreads = positive("dilation", dilation, axes)
    pairs = padding_pairs(padding, axes)
    smallest = [
        geometry.transposed_size(*numbers[:-1], 0, numbers[-1])
        for numbers in zip(sizes, kernels, steps, pairs, spreads, strict=True)
    ]
    return tuple(
        tuple((first + extra, extra) for extra in range(step) if first + extra >= 1)
        for first, step in zip(smallest, steps, strict=True)
    )


def checked_axes(
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
        _nonempty("input_size", input_size, axes),
        _nonempty("kernel_size", kernel_size, axes),
        positive("stride", stride, axes),
        padding_argument(padding, axes, ("same", "same_lower")),
        per_axis("output_padding", output_padding, axes),
        positive("dilation", dilation, axes),
        None,
    )


def axis_count(*arguments: object) -> int:
    """The number of axes: the longest sequence among the arguments, or 1."""
    return max([len(a) for a in arguments if isinstance(a, tuple | list)], default=1) or 1


def _nonempty(argument: str, value: Ints, axes: int) -> Shape:
    sizes = per_axis(argument, value, axes)
    checks.check_nonempty(argument, sizes, sizes)
    return sizes
