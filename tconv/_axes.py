"""The axes of one problem, each checked: from parameters to ``_geometry.Axis``."""

from __future__ import annotations

from collections.abc import Sequence

from tconv import _checks as checks
from tconv import _geometry as geometry
from tconv._arguments import Pairs, Shape
from tconv._geometry import Axis


def transposed_axes(
    input_size: Sequence[int],
    kernel_size: Sequence[int],
    stride: Shape,
    padding: Pairs | str,
    output_padding: Shape,
    dilation: Shape,
    output_size: Shape | None,
) -> tuple[Axis, ...]:
    """The axes of a transposed convolution."""
    if isinstance(padding, str):
        padding = checks.same_pairs(
            padding, kernel_size, stride, dilation, output_padding, output_size
        )
    axes = []
    for number, (size, kernel, step, pair, extra, spread) in enumerate(
        zip(input_size, kernel_size, stride, padding, output_padding, dilation, strict=True)
    ):
        checks.check_output_padding(number, extra, step, spread)
        if output_size is not None:
            wanted = output_size[number]
            extra = checks.solve_output_padding(
                number, wanted, size, kernel, step, pair, extra, spread
            )
        out = geometry.transposed_size(size, kernel, step, pair, extra, spread)
        checks.check_transposed_size(number, out, size, kernel, step, pair, extra, spread)
        axes.append(Axis(size, out, kernel, step, spread, pair[0]))
    return tuple(axes)


def forward_axes(
    input_size: Sequence[int],
    kernel_size: Sequence[int],
    stride: Shape,
    padding: Pairs | str,
    dilation: Shape,
) -> tuple[Axis, ...]:
    """The axes of a convolution, seen from the transposed one that is its adjoint."""
    axes = []
    for number, (size, kernel, step, spread) in enumerate(
        zip(input_size, kernel_size, stride, dilation, strict=True)
    ):
        if padding == "valid":
            pair = (0, 0)
        elif isinstance(padding, str):
            lower = padding == "same_lower"
            pair = geometry.forward_same_padding(size, kernel, step, spread, lower)
        else:
            pair = padding[number]
        out = geometry.forward_size(size, kernel, step, pair, spread)
        checks.check_forward_size(number, out, size, kernel, step, pair, spread)
        axes.append(Axis(out, size, kernel, step, spread, pair[0]))
    return tuple(axes)
