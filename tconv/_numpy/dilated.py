"""Collection: zeros inserted between the inputs, then a stride-1 convolution with the kernel
flipped.  The definition most textbooks draw; it multiplies by every inserted zero."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from tconv._core.plan import Plan
from tconv._numpy import window_gemm
from tconv._numpy.columns import fractional_stride
from tconv._numpy.flipped import flipped


def conv_transpose(plan: Plan, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """Correlate the zero-inserted x with the flipped kernel whose channel axes are swapped."""
    spread = fractional_stride(x, plan.stride)
    axes = tuple(
        replace(axis, input_size=size, stride=1)
        for axis, size in zip(plan.axes, spread.shape[2:], strict=True)
    )
    stride_one, kernel = flipped(replace(plan, axes=axes), w)
    return window_gemm.conv(stride_one, spread, kernel)
