"""Which form runs, from the plan, the platform and the dtype of the products alone.

Figures are milliseconds in float32 on two cores with AVX-512, jaxlib 0.10.2, lower quartiles of
the forms in alternation on layers of ``benchmarks``.  Plans are reduced (``blocks``): stride or
dilation is 1 on each axis.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tconv._core.arguments import is_known
from tconv._core.lattice import cells_of
from tconv._core.plan import Plan

# Programs grow with the combinations of shifts: a stride-1 kernel of 64 x 64 has 4096 of them, and
# with the 100 of a 10 x 10 one both gradients compiled in 5.5 s.  Beyond this many a convolution is
# as fast in float32 (81 shifts: 1.3 ms beside 4.9 for w) and slow in float64, as lax is.
MOST_SHIFTS = 64

# With more shifts than these XLA's own float32 convolution of one group in one or two dimensions is
# the fastest, once what the others keep between their steps has more elements than this.  32
# channels, 7x7 (26 million): y 22 beside 62 of columns, x 21 beside 85 of the sum, w 34 beside 88
# of a GEMM a shift; 64 channels, 16 in one dimension: 14 by 37, 17 by 44, 34 by 103.  But 2.4
# million (64 channels to 3, 7x7): 7.2 by 3.9; in three dimensions (32 channels, 3x3x3) 12 by 2.8.
XLA_SHIFTS, MUCH = 9, 1 << 22

# Up to this many groups are problems of their own: y of grp4 takes 11 beside 24 of a GEMM with a
# batch of groups, channels-last 9 beside 20.  With 32 both gradients compiled in 4 s.
GROUPS_APART = 8

# From this many input channels on, bringing the kernel and the stacked inputs to the order of a
# GEMM costs more than XLA's own float32 convolution: GEMM and convolution take 10.9 and 8.2 with
# 256 (dcgan_l3), 8.3 and 8.2 with 128 (dcgan_l4), 4.8 and 5.4 with 64, 3.9 and 8.6 with 32 in 3-D.
DEEP = 128


def groups_apart(plan: Plan, platform: str | None) -> bool:
    """Whether each group is computed as a problem of its own."""
    return platform == "cpu" and 1 < plan.groups <= GROUPS_APART and not _is_depthwise(plan)


def choose(result: str, plan: Plan, platform: str | None, dtype: np.dtype[Any]) -> str:
    """The form that computes this one of "x", "w" and "y"."""
    rules = {"y": conv_transpose_form, "x": conv_form, "w": weight_form}
    return rules[result](plan, platform, dtype)


def conv_transpose_form(plan: Plan, platform: str | None, dtype: np.dtype[Any]) -> str:
    """The form that computes y."""
    if platform != "cpu":
        return _conv_transpose_elsewhere(plan)
    if _many_shifts(plan):
        return "subpixel convolution"
    if not plan.axes:
        return "columns"
    if plan.channels_last and _is_depthwise(plan):
        return "depthwise"  # fcn8_dw: 1.9 beside 6.4 of subpixel GEMM
    if _is_depthwise(plan) and prod(plan.stride) < 16:
        return "depthwise"  # dw_k4s2: 5.9 beside 7.1 of columns, 23 of subpixel GEMM
    if _suits_xla(plan, dtype) and _columns(plan) * _positions(plan) > MUCH:
        return "subpixel convolution"
    if plan.channels_last and 64 * _inputs(plan) > _columns(plan):
        fast = _is_fast(plan, dtype) and _shifts(plan) > 1 and not _is_ragged(plan)
        if fast and _columns(plan) * _positions(plan) >= 2 * MUCH:
            return "subpixel convolution"  # 64 channels to 32, 64x64, k4s2: 6.8 beside 22
        return "columns"
    compact = not _is_ragged(plan) and not _is_small(plan)
    if plan.groups == 1 and compact and 2 * _inputs(plan) <= _columns(plan):
        # Columns take 63 beside 41 of the GEMM (voxgan_l3), 11.6 beside 3.4 (8 channels, 8x8,
        # stride 4); with 4 groups 8.7 beside 12.4 (grp4).
        return subpixel_form(plan, platform, dtype)
    if 64 * _inputs(plan) <= _columns(plan):
        return "subpixel GEMM"  # fcn8_dw: 7.7 beside 13 of columns and of channels
    return "columns"


def subpixel_form(plan: Plan, platform: str | None, dtype: np.dtype[Any]) -> str:
    """The form of the sub-pixel algorithm that computes y.  XLA's CPU convolution is fast in
    float32 alone: 846 beside 18 of the GEMM for dcgan_l3 in float64."""
    fast = dtype == np.float32 and plan.group_in_channels >= DEEP
    if platform != "cpu" or _many_shifts(plan) or fast:
        return "subpixel convolution"
    return "subpixel GEMM"


def conv_form(plan: Plan, platform: str | None, dtype: np.dtype[Any]) -> str:
    """The form that computes x."""
    if platform != "cpu":
        by_lax = _many_shifts(plan) or plan.groups == 1
        return "convolution" if by_lax else "windows"
    if _many_shifts(plan):
        return "channels-last convolution"
    if not plan.axes:
        return "windows"
    if _is_depthwise(plan) and plan.taps <= MOST_SHIFTS:
        if plan.channels_last:
            return "depthwise"  # dw_k4s2: 1.8 beside 9.5 of channels
        return "depthwise"  # dw_k4s2: 4.3 beside 17 of the sum, 44 of windows
    gathers = _gathers(plan, dtype)
    if _suits_xla(plan, dtype) and (gathers or _inputs(plan) * _positions(plan) > MUCH):
        # 32 channels to 16, 10x10, stride 3: 7.2 beside 8.9 and 49
        return "channels-last convolution"
    if not plan.channels_last:
        return "windows" if gathers else "shifts"
    kept = min(_columns(plan), _inputs(plan)) * _positions(plan)
    if _is_fast(plan, dtype) and set(plan.stride) != {1} and kept > MUCH // 2:
        return "channels-last convolution"  # unet_up1: 20 beside 33 of both others
    return "windows" if gathers else "shifts"


def weight_form(plan: Plan, platform: str | None, dtype: np.dtype[Any]) -> str:
    """The form that computes w."""
    if platform != "cpu":
        by_lax = _many_shifts(plan) or plan.groups == 1
        return "convolution" if by_lax else "windows"
    if _many_shifts(plan):
        return "channels-last convolution"
    if not plan.axes:
        return "windows"
    if _suits_xla(plan, dtype):
        return "channels-last convolution"
    # dw_k4s2: 15 beside 25 of shifts, channels-last 11 beside 32; 7x7, stride 1: 6 beside 46; but
    # 8x8, stride 4: 10 beside 6, and 16x16, stride 8, channels-last: 22 beside 11 (fcn8_dw)
    most = MOST_SHIFTS if plan.channels_last or set(plan.stride) == {1} else 16
    if _is_depthwise(plan) and plan.taps <= most:
        return "depthwise"
    gathers = _gathers(plan, dtype)
    return "windows" if gathers else "shifts"


def _conv_transpose_elsewhere(plan: Plan) -> str:
    # XLA's grouped convolutions have no backward-data kernel and gather a sharded batch.
    if plan.groups == 1 or _many_shifts(plan):
        return "dilated"
    return "depthwise" if _is_depthwise(plan) else "columns"


def _shifts(plan: Plan) -> int:
    return prod(cells.shifts for cells in cells_of(plan.axes))


def _inputs(plan: Plan) -> int:
    """How many inputs a block of y depends on."""
    return plan.group_in_channels * _shifts(plan)


def _columns(plan: Plan) -> int:
    """How many outputs an input position contributes to."""
    return plan.group_out_channels * plan.taps


def _is_ragged(plan: Plan) -> bool:
    """Whether some phases have fewer taps than others."""
    return any(cells.ragged != cells.axis.stride for cells in cells_of(plan.axes))


def _is_small(plan: Plan) -> bool:
    """Whether the inputs reach many more blocks than there are inputs."""
    return any(
        is_known(cells.reached) and 4 * cells.reached >= 5 * cells.axis.input_size
        for cells in cells_of(plan.axes)
    )


def _suits_xla(plan: Plan, dtype: np.dtype[Any]) -> bool:
    """Whether XLA has a fast convolution for the plan, and it has many shifts for the others."""
    return _is_fast(plan, dtype) and _shifts(plan) > XLA_SHIFTS and not _is_depthwise(plan)


def _is_fast(plan: Plan, dtype: np.dtype[Any]) -> bool:
    """Whether XLA has a fast convolution for the plan."""
    return dtype == np.float32 and plan.groups == 1 and len(plan.axes) <= 2


def _gathers(plan: Plan, dtype: np.dtype[Any]) -> bool:
    """Whether windows of y, taps*out a position, are better kept than shifted inputs or products,
    shifts*in a block: dcgan_l2 11 beside 20 for x, but fcn32s 77 beside 23."""
    if _is_ragged(plan):
        return True  # stylegan2_k3, for 9 taps instead of 16: 32 beside 65
    columns, inputs = _columns(plan), _inputs(plan)
    if plan.groups > 1 or columns > 2 * inputs:
        return False
    return inputs >= columns or not _is_large(plan, columns, dtype)


def _is_large(plan: Plan, kept: int, dtype: np.dtype[Any]) -> bool:
    """Whether so many values a position fill more memory than the C library keeps: what is larger
    it brings in again in each call, 30 ms beside 15 (64 channels to 32, 64x64, k4s2)."""
    return kept * _positions(plan) * dtype.itemsize >= 1 << 25


def _positions(plan: Plan) -> float:
    """Inputs of a channel; unbounded where a size is symbolic."""
    sizes = (plan.batch, *plan.input_size)
    return prod(sizes) if all(map(is_known, sizes)) else float("inf")


def _is_depthwise(plan: Plan) -> bool:
    return plan.group_in_channels == plan.group_out_channels == 1


def _many_shifts(plan: Plan) -> bool:
    return _shifts(plan) > MOST_SHIFTS
