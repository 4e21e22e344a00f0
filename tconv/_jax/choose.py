"""Which form runs, from the plan and the platform alone.

Figures are float32 on an AVX-512 server with jaxlib 0.10.2, layers of ``benchmarks``; they compare
forms with each other under one load, one or two cores, and say nothing in absolute terms.  Plans
are reduced (``blocks``): stride or dilation is 1 on each axis.
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
    if _is_point(plan):
        return "point"  # dcgan_l1: 1.7 ms beside 5.4 ms of columns
    if _is_depthwise(plan) and prod(plan.stride) < 16:
        return "channels"  # dw_k4s2: 11 ms beside 15 ms of columns, 27 ms of subpixel GEMM
    if 64 * _inputs(plan) <= _columns(plan):
        # fcn32s: 22 ms beside 64 ms of columns; fcn8_dw: 7.6 ms beside 17 ms of channels
        return "subpixel GEMM"
    return "columns"


def conv_form(plan: Plan, platform: str | None) -> str:
    """The form that computes x."""
    if _many_shifts(plan) or (platform != "cpu" and plan.groups == 1):
        return "convolution"
    if platform != "cpu":
        return "windows"
    if _is_point(plan):
        return "point"
    if _is_depthwise(plan) and plan.taps <= MOST_SHIFTS:
        return "channels"  # dw_k4s2: 12 ms of one core beside 51 ms
    if plan.groups == 1 and len(plan.axes) < 3 and set(plan.stride) == {1}:
        return "convolution"  # vae_s1: 8 ms of one core beside 12 ms
    if _is_ragged(plan):
        return "windows"  # stylegan2_k3: 158 ms beside 387 ms, for 9 taps instead of 16
    # The products are shifts*in a block, the windows taps*out a position; equal where k == s.
    if _shifts(plan) == 1 or _is_small(plan) or _inputs(plan) > _columns(plan):
        return "windows"  # dcgan_l5: 8.5 ms beside 14 ms
    return "sum"  # fcn32s: 128 ms beside 587 ms; hifigan_u3: 57 ms beside 124 ms


def weight_form(plan: Plan, platform: str | None) -> str:
    """The form that computes w."""
    if _many_shifts(plan) or (platform != "cpu" and plan.groups == 1):
        return "convolution"
    if platform != "cpu":
        return "windows"
    if _is_point(plan):
        return "point"
    if 16 * _inputs(plan) <= _columns(plan):
        return "shifts"  # fcn32s: 152 ms beside 646 ms; fcn8_dw: 93 ms beside 415 ms
    if _shifts(plan) > 8:
        return "taps"  # vae_s1: 16 ms of one core beside 52 ms
    compact = len(plan.axes) > 1 and not _is_ragged(plan) and not _is_small(plan)
    if compact and 2 * _inputs(plan) <= _columns(plan):
        return "shifts"  # grp4: 21 ms of one core beside 62 ms; dcgan_l4: 18 beside 24
    return "windows"  # dcgan_l2: 18 ms of one core beside 25; cyclegan_u1: 43 beside 61


def _conv_transpose_elsewhere(plan: Plan) -> str:
    # XLA's grouped convolutions have no backward-data kernel and gather a sharded batch.
    if plan.groups == 1 or _many_shifts(plan):
        return "dilated"
    return "channels" if _is_depthwise(plan) else "columns"


def _shifts(plan: Plan) -> int:
    return prod(block.shifts for block in blocks_of(plan))


def _inputs(plan: Plan) -> int:
    """How many inputs a block of y depends on."""
    return plan.group_in_channels * _shifts(plan)


def _columns(plan: Plan) -> int:
    """How many outputs an input position contributes to."""
    return plan.group_out_channels * plan.taps


def _is_ragged(plan: Plan) -> bool:
    """Whether some phases have fewer taps than others."""
    return any(block.ragged != block.axis.stride for block in blocks_of(plan))


def _is_small(plan: Plan) -> bool:
    """Whether the inputs reach many more blocks than there are inputs."""
    return any(
        is_known(block.reached) and 4 * block.reached >= 5 * block.axis.input_size
        for block in blocks_of(plan)
    )


def _is_point(plan: Plan) -> bool:
    return all(is_known(size) and size == 1 for size in plan.input_size)


def _is_depthwise(plan: Plan) -> bool:
    return plan.group_in_channels == plan.group_out_channels == 1


def _many_shifts(plan: Plan) -> bool:
    return _shifts(plan) > MOST_SHIFTS
