"""Which inputs some outputs need, through one map and through a stack of layers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from tconv._core.arguments import (
    Shape,
    axis_count,
    entries_of,
    fail,
    integer,
    nonempty,
    padding_pairs,
    positive,
)
from tconv._core.axis import Axis, AxisParameters, parameters_of
from tconv._core.boundary import check_zeros
from tconv._core.typing import Ints, PaddingNumbers
from tconv.layers import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d

Range = tuple[int, int]


def input_range_of(
    output_range: Range | Sequence[Range],
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: PaddingNumbers = 0,
    dilation: Ints = 1,
) -> tuple[Range, ...]:
    """The inputs that reach some outputs of a transposed convolution.

    They are also the outputs of a ``conv`` with these parameters that some inputs reach.

    Args:
        output_range: (start, stop), or one such pair an axis.
        kernel_size, stride, padding, dilation: as of ``conv_transpose``.

    Returns: one (start, stop) an axis, which may reach beyond the input; ``start >= stop`` where
        no tap reaches the outputs.

    Raises: ValueError for an entry below 1; TypeError for what is no int.

    Source: the relation at the head of ``tconv.tiles``.

    >>> input_range_of((4, 8), 4, stride=2, padding=1)
    ((1, 5),)
    """
    every = _ranged("output_range", output_range, kernel_size, stride, padding, dilation)
    return tuple(axis.inputs_of(start, stop) for axis, start, stop in every)


def output_range_of(
    input_range: Range | Sequence[Range],
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: PaddingNumbers = 0,
    dilation: Ints = 1,
) -> tuple[Range, ...]:
    """The outputs of a transposed convolution that some inputs reach.

    They are also the inputs that a ``conv`` with these parameters reads for some outputs.

    Args:
        input_range: (start, stop), or one such pair an axis.
        kernel_size, stride, padding, dilation: as of ``conv_transpose``.

    Returns: one (start, stop) an axis, from the first to past the last; it may reach beyond the
        output, and holds outputs of no tap where the stride exceeds the kernel.

    Raises: ValueError for an entry below 1; TypeError for what is no int.

    Source: the relation at the head of ``tconv.tiles``.

    >>> output_range_of((1, 5), 4, stride=2, padding=1)
    ((1, 11),)
    """
    every = _ranged("input_range", input_range, kernel_size, stride, padding, dilation)
    return tuple(axis.outputs_of(start, stop) for axis, start, stop in every)


def conv_transpose_halo(
    kernel_size: Ints, *, stride: Ints = 1, dilation: Ints = 1
) -> tuple[Range, ...]:
    """How many inputs before and behind its own a chunk of x needs for the outputs over it.

    Args: those of ``conv_transpose``; the padding takes no part.

    Returns: one (before, behind) an axis, for the tiles that ``input_chunks`` gives.

    Raises: ValueError for an entry below 1; TypeError for what is no int.

    Source: the relation at the head of ``tconv.tiles``.

    >>> conv_transpose_halo(4, stride=2), conv_transpose_halo(2, stride=2)
    (((1, 1),), ((0, 0),))
    """
    return _halo(kernel_size, stride, dilation, True)


def conv_halo(kernel_size: Ints, *, stride: Ints = 1, dilation: Ints = 1) -> tuple[Range, ...]:
    """How many inputs before and behind its own a chunk of x needs at most for the outputs over it.

    Args: those of ``conv``; the padding takes no part.

    Returns: one (before, behind) an axis, for the tiles that ``input_chunks`` gives, whether the
        stride divides the chunks or not.

    Raises: ValueError for an entry below 1; TypeError for what is no int.

    Source: the relation at the head of ``tconv.tiles``.

    >>> conv_halo(3), conv_halo(4, stride=2)
    (((1, 1),), ((1, 2),))
    """
    return _halo(kernel_size, stride, dilation, False)


def context(layers: Sequence[Any]) -> tuple[Range, ...]:
    """How many inputs before and behind its own a chunk needs at most, through all layers.

    A chunk that is fed with so many of its neighbours' inputs, where there are such, gives the
    outputs over it as the whole input does.

    Args:
        layers: ``tconv.Conv1d``, ``tconv.ConvTranspose1d``, ... in the order that they are
            applied in, all of one number of axes.  What is between them acts on each element
            alone.  A convolution's ``"same"`` is that of sizes which its stride divides.

    Returns: one (before, behind) an axis, in inputs of the first layer.

    Raises: ValueError for no layers, or of several numbers of axes; TypeError for what is no
        layer of tconv.

    Source: the relation at the head of ``tconv.tiles``, from the last layer to the first.

    >>> from tconv import Conv1d, ConvTranspose1d
    >>> context([Conv1d(1, 8, 7, padding=3), ConvTranspose1d(8, 1, 16, stride=8, padding=4)])
    ((4, 4),)
    """
    return tuple(_context(stack) for stack in _stacks(layers))


def receptive_field(layers: Sequence[Any]) -> Shape:
    """How many inputs at most take part in one output, through all layers.

    Args: those of ``context``.

    Returns: one int an axis, in inputs of the first layer, holes of dilated kernels included.

    Raises: ValueError for no layers, or of several numbers of axes; TypeError for what is no
        layer of tconv.

    Source: the relation at the head of ``tconv.tiles``, from the last layer to the first.

    >>> from tconv import Conv1d, ConvTranspose1d
    >>> receptive_field([Conv1d(1, 1, 3), Conv1d(1, 1, 3, dilation=2)])
    (7,)
    >>> receptive_field([ConvTranspose1d(1, 1, 4, stride=2)])
    (2,)
    """
    return tuple(_field(stack) for stack in _stacks(layers))


# An axis of a layer, and whether the layer is a transposed convolution.
Stack = list[tuple[Axis, bool]]


def _context(stack: Stack) -> Range:
    before = behind = 0
    # Layers repeat themselves as the edge moves by the strides of all convolutions.
    for edge in range(prod(axis.stride for axis, transposed in stack if not transposed)):
        last = edge
        for axis, transposed in stack:
            last = axis.output_edge(last) if transposed else axis.input_edge(last)
        before = max(before, edge - _needed(stack, last, last)[0])
        behind = max(behind, _needed(stack, last, last)[1] - edge)
    return before, behind


def _field(stack: Stack) -> int:
    period = prod(axis.stride for axis, transposed in stack if transposed)
    ranges = [_needed(stack, output, output + 1) for output in range(period)]
    return max(0, *(stop - start for start, stop in ranges))


def _needed(stack: Stack, start: int, stop: int) -> Range:
    """The first input that the outputs from ``start`` on need, and past the last that those before
    ``stop`` do."""
    for axis, transposed in reversed(stack):
        start, stop = (axis.inputs_of if transposed else axis.outputs_of)(start, stop)
    return start, stop


def _stacks(layers: Sequence[Any]) -> list[Stack]:
    """The layers along each spatial axis."""
    found = []
    for number, layer in enumerate(layers):
        if not hasattr(layer, "padding_strings"):
            raise TypeError(
                f"layers: must hold layers of tconv; got {layer!r} at place {number}. Describe it "
                f"by one, such as tconv.Conv1d(1, 1, kernel_size)."
            )
        found.append(_axes_of(layer))
    if len({len(axes) for axes in found}) != 1:
        fail(
            "layers",
            None,
            "must be at least one, all of one number of spatial axes",
            f"{[len(axes) for axes in found]} axes",
            "Describe each by a layer of the same number of axes.",
        )
    return [list(along) for along in zip(*found, strict=True)]


def _axes_of(layer: Any) -> Stack:
    check_zeros(
        layer.padding_mode,
        "the border reads what may lie at the other end of the image",
        "Describe the layer without its mode, for all but the border.",
    )
    transposed = isinstance(layer, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d)
    numbers = layer.kernel_size, layer.stride, layer.dilation
    if not isinstance(layer.padding, str):
        every = parameters_of(*numbers, padding_pairs(layer.padding, layer.axes))
    else:
        every = tuple(_padded(one, layer.padding) for one in parameters_of(*numbers))
    return [(_axis(one), transposed) for one in every]


def _padded(one: AxisParameters, padding: str) -> AxisParameters:
    """With the padding of a mode: before the input it is that of a transposed convolution and
    that of a convolution of whole strides alike."""
    return one if padding == "valid" else one.same(padding == "same_lower")


def _axis(one: AxisParameters) -> Axis:
    """The axis where its sizes take no part."""
    return Axis(1, 1, one.kernel_size, one.stride, one.dilation, one.padding[0])


def _sizeless(
    kernel_size: Ints, stride: Ints, dilation: Ints, padding: PaddingNumbers, axes: int
) -> list[Axis]:
    every = parameters_of(
        nonempty("kernel_size", kernel_size, axes),
        positive("stride", stride, axes),
        positive("dilation", dilation, axes),
        padding_pairs(padding, axes),
    )
    return [_axis(one) for one in every]


def _halo(kernel_size: Ints, stride: Ints, dilation: Ints, transposed: bool) -> tuple[Range, ...]:
    axes = axis_count(kernel_size, stride, dilation)
    every = _sizeless(kernel_size, stride, dilation, 0, axes)
    return tuple(_context([(axis, transposed)]) for axis in every)


def _ranged(
    name: str,
    given: Range | Sequence[Range],
    kernel_size: Ints,
    stride: Ints,
    padding: PaddingNumbers,
    dilation: Ints,
) -> list[tuple[Axis, int, int]]:
    """Each axis with its range."""
    entries = entries_of(given) or ()
    axes = axis_count(kernel_size, stride, padding, dilation)
    pairs = [entries_of(entry) or () for entry in entries]
    if () in pairs:
        pairs = [entries] * axes
    elif axes == 1:
        axes = len(pairs)
    if len(pairs) != axes or any(len(pair) != 2 for pair in pairs):
        fail(
            name,
            None,
            f"must be (start, stop), or one such pair for each of the {axes} spatial axes",
            repr(given),
            "Give two ints an axis.",
        )
    every = _sizeless(kernel_size, stride, dilation, padding, axes)
    return [
        (axis, integer(name, start), integer(name, stop))
        for axis, (start, stop) in zip(every, pairs, strict=True)
    ]
