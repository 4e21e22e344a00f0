"""The plan of one problem: a frozen value holding every number that a backend needs.

Every error about shapes and how parameters fit together is raised here, before any array is
touched; ``arguments`` has turned each parameter into ints by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from typing import Any

from tconv._core.arguments import (
    Pairs,
    Shape,
    check_allocatable,
    check_bias,
    check_groups,
    check_nonempty,
    check_whole,
    entries_of,
    fail,
    group_count,
    is_known,
    padding_argument,
    per_axis,
    positive,
)
from tconv._core.axis import Axis, forward_axes, transposed_axes
from tconv._core.layout import Layout, layout_of

# A plan is far where a number of an axis exceeds this many times the sizes of its arrays, or the
# phases of y this many times the taps; up to ``SHORT`` and ``FEW`` neither costs much.
SIZES, SHORT = 8, 64
TAPS, FEW = 16, 1024


@dataclass(frozen=True)
class Plan:
    """One transposed convolution, and with it the convolution that is its adjoint.

    x is (batch, in_channels, *input_size), w is (in_channels, out_channels // groups,
    *kernel_size), y is (batch, out_channels, *output_size).  The transposed convolution maps
    x to y; the convolution maps y to x with the same w; the weight gradient of both maps
    x and y to w.  All three are one trilinear form, so one plan serves all, and its names are
    those of the transposed convolution whichever way it is used.

    ``channels_last`` says how x and y lie in the caller's arrays, (batch, *size, channels): it
    changes no value, and a backend may read and write them faster by it.
    """

    batch: int
    in_channels: int
    out_channels: int
    groups: int
    axes: tuple[Axis, ...]
    channels_last: bool = False

    @cached_property
    def input_size(self) -> Shape:
        return tuple(axis.input_size for axis in self.axes)

    @cached_property
    def output_size(self) -> Shape:
        return tuple(axis.output_size for axis in self.axes)

    @cached_property
    def kernel_size(self) -> Shape:
        return tuple(axis.kernel_size for axis in self.axes)

    @cached_property
    def stride(self) -> Shape:
        return tuple(axis.stride for axis in self.axes)

    @cached_property
    def dilation(self) -> Shape:
        return tuple(axis.dilation for axis in self.axes)

    @cached_property
    def x_shape(self) -> Shape:
        return (self.batch, self.in_channels, *self.input_size)

    @cached_property
    def y_shape(self) -> Shape:
        return (self.batch, self.out_channels, *self.output_size)

    @cached_property
    def w_shape(self) -> Shape:
        return (self.in_channels, self.group_out_channels, *self.kernel_size)

    @cached_property
    def group_in_channels(self) -> int:
        return self.in_channels // self.groups

    @cached_property
    def group_out_channels(self) -> int:
        return self.out_channels // self.groups

    @cached_property
    def taps(self) -> int:
        return prod(self.kernel_size)

    @cached_property
    def is_far(self) -> bool:
        """Whether numbers are so far beyond the arrays that to hold zeros, or to visit every phase
        of y, is mostly for what no tap reaches."""
        phases = prod(min(axis.stride, axis.output_size) for axis in self.axes)
        return phases > max(FEW, TAPS * self.taps) or any(map(_is_far, self.axes))


def _is_far(axis: Axis) -> bool:
    size = axis.input_size + axis.output_size + axis.kernel_size
    number = max(axis.stride, axis.dilation, axis.extent, abs(axis.lo), abs(axis.hi))
    return number > max(SHORT, SIZES * size)


@dataclass(frozen=True)
class Call:
    """A plan together with how the caller's arrays are laid out."""

    plan: Plan
    layout: Layout


def conv_transpose_call(
    x_shape: Shape,
    w_shape: Shape,
    b_shape: Shape | None = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
    output_size: Any = None,
    dimension_numbers: Any = None,
) -> Call:
    """The checked plan of a transposed convolution."""
    axes = spatial_axes(x_shape, w_shape)
    batched = len(x_shape) == axes + 2
    layout = layout_of(dimension_numbers, axes, transposed=True, batched=batched)
    plan_for = _transposed_plan if _all_known(x_shape, w_shape) else _transposed_plan.__wrapped__
    plan = plan_for(
        x_shape,
        w_shape,
        b_shape,
        layout,
        positive("stride", stride, axes, layout.letters),
        padding_argument(padding, axes, ("same", "same_lower"), layout.letters),
        per_axis("output_padding", output_padding, axes),
        positive("dilation", dilation, axes, layout.letters),
        group_count(groups),
        None if output_size is None else _wanted(output_size, axes, layout),
    )
    return Call(plan, layout)


def conv_call(
    x_shape: Shape,
    w_shape: Shape,
    b_shape: Shape | None = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
    dimension_numbers: Any = None,
) -> Call:
    """The checked plan of a convolution."""
    axes = spatial_axes(x_shape, w_shape)
    batched = len(x_shape) == axes + 2
    layout = layout_of(dimension_numbers, axes, transposed=False, batched=batched)
    plan_for = _forward_plan if _all_known(x_shape, w_shape) else _forward_plan.__wrapped__
    plan = plan_for(
        x_shape,
        w_shape,
        b_shape,
        layout,
        positive("stride", stride, axes, layout.letters),
        padding_argument(padding, axes, ("valid", "same", "same_lower"), layout.letters),
        positive("dilation", dilation, axes, layout.letters),
        group_count(groups),
    )
    return Call(plan, layout)


def _wanted(output_size: Any, axes: int, layout: Layout) -> Shape:
    """The spatial size that is wanted, or the whole shape as (batch, channels, *spatial)."""
    whole = axes + 2 if layout.batched else axes + 1
    entries = entries_of(output_size)
    if entries is not None and len(entries) == whole:
        return layout.canonical_output(per_axis("output_size", output_size, whole))
    return per_axis("output_size", output_size, axes)


def _all_known(*shapes: Shape) -> bool:
    return all(is_known(size) for shape in shapes for size in shape)


def spatial_axes(x_shape: Shape, w_shape: Shape) -> int:
    """How many spatial axes operands of these shapes have."""
    axes = len(w_shape) - 2
    if axes < 1:
        fail(
            "w",
            None,
            "must have two channel axes and at least one spatial axis",
            f"shape {w_shape}",
            "Add the missing axes with reshape.",
        )
    if len(x_shape) not in (axes + 1, axes + 2):
        fail(
            "x",
            None,
            f"must have {axes + 2} axes (batch, channels, {axes} spatial) or {axes + 1} without "
            f"a batch, to fit w of shape {w_shape}",
            f"shape {x_shape}",
            "Reshape x, or check that w belongs to it.",
        )
    return axes


@lru_cache(maxsize=4096)
def _transposed_plan(
    x_shape: Shape,
    w_shape: Shape,
    b_shape: Shape | None,
    layout: Layout,
    stride: Shape,
    padding: Pairs | str,
    output_padding: Shape,
    dilation: Shape,
    groups: int,
    output_size: Shape | None,
) -> Plan:
    batch, in_channels, *input_size = layout.input_shape(x_shape)
    leading, group_out, *kernel_size = layout.kernel_shape(w_shape)
    if in_channels != leading:
        fail(
            "w",
            None,
            f"a transposed convolution's weight is (in_channels, out_channels/groups, *kernel), "
            f"so its {layout.kernel_axis(0, 'I')} must equal the {in_channels} channels of x",
            f"w of shape {w_shape}, x of shape {x_shape}",
            "Transpose w, or name its axes with dimension_numbers.",
        )
    check_groups("in_channels", in_channels, groups)
    out_channels = group_out * groups
    check_bias(b_shape, out_channels)
    check_nonempty("x", input_size, x_shape, layout.letters)
    check_nonempty("w", kernel_size, w_shape, layout.letters)
    if output_size is not None and len(output_size) > len(kernel_size):
        check_whole(output_size[:2], batch, out_channels)
        output_size = output_size[2:]
    axes = transposed_axes(
        input_size,
        kernel_size,
        stride,
        padding,
        output_padding,
        dilation,
        output_size,
        layout.letters,
    )
    plan = Plan(batch, in_channels, out_channels, groups, axes, layout.channels_last)
    shape = layout.output_shape(plan.y_shape)
    check_allocatable("output size", shape, "Use a smaller stride, or more padding.")
    return plan


@lru_cache(maxsize=4096)
def _forward_plan(
    x_shape: Shape,
    w_shape: Shape,
    b_shape: Shape | None,
    layout: Layout,
    stride: Shape,
    padding: Pairs | str,
    dilation: Shape,
    groups: int,
) -> Plan:
    batch, in_channels, *input_size = layout.input_shape(x_shape)
    out_channels, group_in, *kernel_size = layout.kernel_shape(w_shape)
    if in_channels != group_in * groups:
        fail(
            "w",
            None,
            f"a convolution's weight is (out_channels, in_channels/groups, *kernel), so groups "
            f"times its {layout.kernel_axis(1, 'I')} must equal the {in_channels} channels of x",
            f"w of shape {w_shape}, x of shape {x_shape}, groups={groups}",
            "Transpose w, change groups, or name the axes with dimension_numbers.",
        )
    check_groups("out_channels", out_channels, groups)
    check_bias(b_shape, out_channels)
    check_nonempty("x", input_size, x_shape, layout.letters)
    check_nonempty("w", kernel_size, w_shape, layout.letters)
    axes = forward_axes(input_size, kernel_size, stride, padding, dilation, layout.letters)
    plan = Plan(batch, out_channels, in_channels, groups, axes, layout.channels_last)
    shape = layout.output_shape(plan.x_shape)
    check_allocatable("output size", shape, "Use less padding, or a larger stride.")
    return plan
