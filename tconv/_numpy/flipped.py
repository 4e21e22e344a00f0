"""At stride 1 a convolution is the transposed convolution with the kernel flipped."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core.axis import Axis
from tconv._core.plan import Plan


def flipped(plan: Plan, w: NDArray[Any]) -> tuple[Plan, NDArray[Any]]:
    """The plan whose x and y are y and x of this one, of stride 1, and its w."""
    axes = tuple(
        Axis(a.output_size, a.input_size, a.kernel_size, 1, a.dilation, a.extent - 1 - a.lo)
        for a in plan.axes
    )
    groups, depth, channels = plan.groups, plan.group_in_channels, plan.group_out_channels
    turned = np.flip(w, tuple(range(2, w.ndim))).reshape(groups, depth, channels, *w.shape[2:])
    swapped = turned.swapaxes(1, 2).reshape(plan.out_channels, depth, *w.shape[2:])
    return Plan(plan.batch, plan.out_channels, plan.in_channels, groups, axes), swapped
