"""Collection by phases: a small stride-1 convolution for each output residue modulo the
stride, written interleaved.  No multiplication by an inserted zero."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._geometry import Axis, Phase
from tconv._numpy import window_gemm
from tconv._plan import Plan


def conv_transpose(plan: Plan, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """Each phase gathers its own taps, flipped, from x."""
    blocks = w.reshape(
        plan.groups, plan.group_in_channels, plan.group_out_channels, *plan.kernel_size
    ).swapaxes(1, 2)
    y = np.zeros(plan.y_shape, x.dtype)
    for phases in product(*(axis.phases for axis in plan.axes)):
        if all(phase.taps for phase in phases):
            taps = tuple(
                range(p.tap, p.tap + p.taps * p.tap_step, p.tap_step)[::-1] for p in phases
            )
            picked: tuple[Any, ...] = (..., *np.ix_(*taps))
            kernel = blocks[picked].reshape(
                plan.out_channels, plan.group_in_channels, *(p.taps for p in phases)
            )
            target = tuple(
                slice(p.first, None, axis.stride) for p, axis in zip(phases, plan.axes, strict=True)
            )
            axes = tuple(
                _phase_axis(axis, phase) for axis, phase in zip(plan.axes, phases, strict=True)
            )
            small = Plan(plan.batch, plan.out_channels, plan.in_channels, plan.groups, axes)
            y[(slice(None), slice(None), *target)] = window_gemm.conv(small, x, kernel)
    return y


def _phase_axis(axis: Axis, phase: Phase) -> Axis:
    """The stride-1 convolution that computes one phase: window q starts at the input that
    the last of the phase's taps reads."""
    lowest = phase.start - (phase.taps - 1) * phase.step
    return Axis(phase.count, axis.input_size, phase.taps, 1, phase.step, -lowest)
