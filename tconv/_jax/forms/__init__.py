"""The forms: ways to compute the three bilinear maps from lax primitives, by what they give.

Each is a pure function ``(plan, first, second, precision)`` of traced arrays of one dtype, in
PyTorch's order of axes, and gives that dtype.  Plans are reduced (stride or dilation 1 on each
axis), and their sizes may be symbolic dimensions of ``jax.export``; kernel, stride, dilation, lo
and groups are ints.  Where ``plan.channels_last``, the caller's arrays lie channels-last, and the
forms compute in that order.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from tconv._core.plan import Plan
from tconv._jax.forms import depthwise, scatter, shifts, subpixel, toeplitz, windows, xla

__all__ = ["CONVOLUTIONS", "FORMS", "Form"]

Form = Callable[[Plan, Any, Any, Any], Any]

FORMS: dict[str, dict[str, Form]] = {
    "y": {
        "columns": scatter.conv_transpose,
        "depthwise": depthwise.conv_transpose,
        "dilated": xla.dilated,
        "matrix": toeplitz.conv_transpose,
        "subpixel convolution": subpixel.by_convolution,
        "subpixel GEMM": subpixel.by_gemm,
    },
    "x": {
        "channels-last convolution": partial(xla.conv, channels_last=True),
        "convolution": xla.conv,
        "depthwise": depthwise.conv,
        "shifts": shifts.conv,
        "windows": windows.conv,
    },
    "w": {
        "channels-last convolution": partial(xla.weight_cotangent, channels_last=True),
        "convolution": xla.weight_cotangent,
        "depthwise": depthwise.weight_cotangent,
        "shifts": shifts.weight_cotangent,
        "windows": windows.weight_cotangent,
    },
}
# One lax convolution each, which sums half kinds in float32 and rounds once itself.
CONVOLUTIONS = frozenset({"dilated", "convolution", "channels-last convolution"})
