"""The rules that the parameters of one problem must keep together, and what to say if not."""

from __future__ import annotations

from collections.abc import Sequence

from tconv import _geometry as geometry
from tconv._arguments import Pairs, Shape, fail, is_known


def check_groups(name: str, channels: int, groups: int) -> None:
    """Channels must split evenly over the groups."""
    if channels % groups:
        fail(
            "groups",
            None,
            f"must divide {name}",
            f"{name}={channels}, groups={groups}",
            "Choose a divisor of the channel count.",
        )


def check_bias(shape: Shape | None, out_channels: int) -> None:
    """The bias holds one value an output channel."""
    if shape is not None and shape != (out_channels,):
        fail(
            "b",
            None,
            f"must have shape ({out_channels},), one value for each output channel",
            f"shape {shape}",
            "Reshape it, or leave it out.",
        )


def check_nonempty(argument: str, sizes: Sequence[int], shape: Shape) -> None:
    """No spatial size may be 0, as in PyTorch; an empty batch is fine."""
    for axis, size in enumerate(sizes):
        if is_known(size) and size < 1:
            what = "kernel size" if argument in ("w", "kernel_size") else "input size"
            fail(
                argument,
                axis,
                f"the {what} must be at least 1",
                f"{size} in shape {shape}",
                "Only the batch and the channels may be empty.",
            )


def check_output_padding(axis: int, output_padding: int, stride: int, dilation: int) -> None:
    """PyTorch's rule: 0 <= output_padding < max(stride, dilation)."""
    limit = max(stride, dilation)
    if not 0 <= output_padding < limit:
        fail(
            "output_padding",
            axis,
            f"must satisfy 0 <= output_padding < max(stride, dilation) = {limit}",
            f"output_padding={output_padding}, stride={stride}, dilation={dilation}",
            "To extend the output further, give padding as a pair with a smaller high side.",
        )


def same_pairs(
    padding: str,
    kernel_size: Sequence[int],
    stride: Shape,
    dilation: Shape,
    output_padding: Shape,
    output_size: Shape | None,
) -> Pairs:
    """The pairs that ``"same"`` or ``"same_lower"`` stand for in a transposed convolution."""
    if any(output_padding) or output_size is not None:
        name, value = (
            ("output_size", output_size)
            if output_size is not None
            else ("output_padding", output_padding)
        )
        fail(
            name,
            None,
            f"padding={padding!r} fixes the output size at input * stride and takes no {name}",
            value,
            "Leave it out, or give the padding as numbers.",
        )
    lower = padding == "same_lower"
    return tuple(
        geometry.same_padding(kernel, step, spread, lower)
        for kernel, step, spread in zip(kernel_size, stride, dilation, strict=True)
    )


def solve_output_padding(
    axis: int,
    wanted: int,
    size: int,
    kernel_size: int,
    stride: int,
    padding: tuple[int, int],
    output_padding: int,
    dilation: int,
) -> int:
    """The output padding with which the output has the wanted size."""
    if output_padding:
        fail(
            "output_padding",
            axis,
            "follows from output_size and cannot be given beside it",
            f"output_padding={output_padding}, output_size={wanted}",
            "Leave one of the two out.",
        )
    smallest = geometry.transposed_size(size, kernel_size, stride, padding, 0, dilation)
    solved = wanted - smallest
    limit = max(stride, dilation)
    if is_known(solved) and not 0 <= solved < limit:
        possible = [smallest + extra for extra in range(limit) if smallest + extra >= 1]
        listed = f"one of {possible}" if possible else "nothing, as every size is below 1"
        fail(
            "output_size",
            axis,
            f"with input size {size}, kernel_size {kernel_size}, stride {stride}, padding "
            f"{padding} and dilation {dilation} it can be {listed}",
            wanted,
            "Choose one of these, or change the padding.",
        )
    return solved


def check_transposed_size(
    axis: int,
    out: int,
    size: int,
    kernel_size: int,
    stride: int,
    padding: tuple[int, int],
    output_padding: int,
    dilation: int,
) -> None:
    """The output of a transposed convolution has at least one position an axis."""
    if is_known(out) and out < 1:
        lo, hi = padding
        fail(
            "output size",
            axis,
            "(input - 1)*stride + dilation*(kernel_size - 1) + 1 - lo - hi + output_padding must "
            "be at least 1",
            f"({size} - 1)*{stride} + {dilation}*({kernel_size} - 1) + 1 - {lo} - {hi} + "
            f"{output_padding} = {out}",
            "Use less padding or a larger input.",
        )


def check_forward_size(
    axis: int,
    out: int,
    size: int,
    kernel_size: int,
    stride: int,
    padding: tuple[int, int],
    dilation: int,
) -> None:
    """The output of a convolution has at least one position an axis."""
    if is_known(out) and out < 1:
        lo, hi = padding
        fail(
            "output size",
            axis,
            "floor((input + lo + hi - dilation*(kernel_size - 1) - 1) / stride) + 1 must be at "
            "least 1",
            f"floor(({size} + {lo} + {hi} - {dilation}*({kernel_size} - 1) - 1) / {stride}) + 1 "
            f"= {out}",
            "Use more padding, a larger input or a smaller kernel.",
        )
