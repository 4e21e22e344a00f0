"""Which form runs, from the plan and the platform alone.

Figures are float32 on two AVX-512 cores with jaxlib 0.10.2, layers of ``benchmarks``.  Plans are
reduced (``blocks``): stride or dilation is 1 on each axis.
"""

from __future__ import annotations

from math import prod

from tconv._arguments import is_known
from tconv._jax.blocks import blocks_of
from tconv._plan import Plan

# Programs grow with the combinations of shifts: a stride-1 kernel of 64 x 64 has 4096 of them.
MOST_SHIFTS = 100


def conv_transpose_form(plan: Plan, platform: str | None) -> str:
    """The form that computes y."""
    if platform != "cpu":
        return _conv_transpose_elsewhere(plan)
    if _many_shifts(plan):
        return "subpixel convolution"
    if all(is_known(n) and n == 1 for n in plan.input_size):
        return "point"  # dcgan_l1: 1.7 ms beside 5.4 ms of columns
    phases, shifts = _phases(plan), _shifts(plan)
    if plan.group_in_channels == plan.group_out_channels == 1 and phases < 16:
        return "channels"
    # A GEMM of k*out columns, or of shifts*in inputs: fcn32s has 1000x fewer of these.
    if plan.out_channels * plan.taps > 64 * shifts * plan.in_channels:
        return "subpixel GEMM"  # fcn32s: 22 ms beside 64 ms of columns
    if plan.group_in_channels == plan.group_out_channels == 1:
        return "subpixel GEMM"  # fcn8_dw: 7.6 ms beside 17 ms of channels
    return "columns"


def conv_form(plan: Plan, platform: str | None) -> str:
    """The form that computes x."""
    if _many_shifts(plan) or (platform != "cpu" and plan.groups == 1):
        return "convolution"
    if platform != "cpu":
        return "windows"
    # Products are in*shifts a block, windows out*k a position.
    if plan.groups == 1 and _shifts(plan) * plan.in_channels > plan.out_channels * plan.taps:
        return "convolution"
    ragged = any(block.ragged != block.axis.stride for block in blocks_of(plan))
    return "windows" if ragged else "sum"


def weight_form(plan: Plan, platform: str | None) -> str:
    """The form that computes w."""
    if _many_shifts(plan) or (platform != "cpu" and plan.groups == 1):
        return "convolution"
    if platform != "cpu":
        return "windows"
    return "windows"


def _conv_transpose_elsewhere(plan: Plan) -> str:
    # XLA's grouped convolutions have no backward-data kernel and gather a sharded batch.
    if plan.groups == 1 or _many_shifts(plan):
        return "dilated"
    if plan.group_in_channels == plan.group_out_channels == 1:
        return "channels"
    return "columns"


def _shifts(plan: Plan) -> int:
    return prod(block.shifts for block in blocks_of(plan))


def _phases(plan: Plan) -> int:
    return prod(plan.stride)


def _many_shifts(plan: Plan) -> bool:
    return _shifts(plan) > MOST_SHIFTS
