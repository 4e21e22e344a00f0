"""Collection: zeros inserted between the inputs, then a stride-1 convolution with the kernel
flipped.  The definition most textbooks draw; it multiplies by every inserted zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._geometry import Axis
from tconv._numpy import window_gemm
from tconv._numpy.columns import fractional_stride
from tconv._plan import Plan


def conv_transpose(plan: Plan, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """Correlate the zero-inserted x with the flipped kernel whose channel axes are swapped."""
    spread = fractional_stride(x, plan.stride)
    flipped = np.flip(w, tuple(range(2, w.ndim)))
    blocks = flipped.reshape(
        plan.groups, plan.group_in_channels, plan.group_out_channels, *plan.kernel_size
    )
    swapped = blocks.swapaxes(1, 2).reshape(
        plan.out_channels, plan.group_in_channels, *plan.kernel_size
    )
    axes = tuple(
        Axis(axis.output_size, size, axis.kernel_size, 1, axis.dilation, axis.extent - 1 - axis.lo)
        for axis, size in zip(plan.axes, spread.shape[2:], strict=True)
    )
    stride_one = Plan(plan.batch, plan.out_channels, plan.in_channels, plan.groups, axes)
    return window_gemm.conv(stride_one, spread, swapped)
