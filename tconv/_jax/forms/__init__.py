"""The forms: ways to compute the three bilinear maps from lax primitives, by what they give.

Each is a pure function ``(plan, first, second, precision)`` of traced arrays of one dtype, in
PyTorch's order of axes, and gives that dtype.  Plans are reduced: stride and dilation have no
common factor on any axis.  Their sizes may be symbolic dimensions of ``jax.export``; kernel,
stride, dilation, lo and groups are ints.  Where ``plan.channels_last``, the caller's arrays lie
channels-last, and the forms compute in that order.
"""

from functools import partial
from typing import NamedTuple

from tconv._jax.forms import (
    depthwise,
    phases,
    scatter,
    shifts,
    slabs,
    subpixel,
    taps,
    toeplitz,
    windows,
    xla,
)
from tconv._jax.forms.slabs import Compute, Count

__all__ = ["CONVOLUTIONS", "FORMS", "IN_SLABS", "Form"]


class Form(NamedTuple):
    """A way to compute a map, and what it costs on a CPU; without counts it is not chosen there."""

    compute: Compute
    counts: Count | None = None


FORMS: dict[str, dict[str, Form]] = {
    "y": {
        "columns": Form(scatter.conv_transpose, scatter.conv_transpose_counts),
        "depthwise": Form(depthwise.conv_transpose, depthwise.conv_transpose_counts),
        "dilated": Form(xla.dilated),
        "fused depthwise": Form(partial(depthwise.conv_transpose, fused=True)),
        "matrix": Form(toeplitz.conv_transpose),
        "phases": Form(phases.conv_transpose),
        "plain subpixel convolution": Form(subpixel.by_convolution),
        "subpixel convolution": Form(
            partial(subpixel.by_convolution, on_cpu=True), subpixel.convolution_counts
        ),
        "subpixel GEMM": Form(subpixel.by_gemm, subpixel.gemm_counts),
    },
    "x": {
        "channels-last convolution": Form(partial(xla.conv, channels_last=True), xla.conv_counts),
        "convolution": Form(xla.conv),
        "depthwise": Form(depthwise.conv, depthwise.conv_counts),
        "fused depthwise": Form(partial(depthwise.conv, fused=True)),
        "shifts": Form(shifts.conv, shifts.conv_counts),
        "windows": Form(windows.conv, windows.conv_counts),
    },
    "w": {
        "backward filter": Form(partial(xla.weight_cotangent, cropped=False)),
        "channels-last convolution": Form(
            partial(xla.weight_cotangent, channels_last=True), xla.weight_counts
        ),
        "convolution": Form(xla.weight_cotangent),
        "depthwise": Form(depthwise.weight_cotangent, depthwise.weight_counts),
        "shifts": Form(shifts.weight_cotangent, shifts.weight_counts),
        "taps": Form(taps.weight_cotangent),
        "windows": Form(windows.weight_cotangent, windows.weight_counts),
    },
}
# A form by slabs, for those that may keep more than fits.
IN_SLABS = " in slabs"


def _in_slabs(result: str, compute: Compute, count: Count) -> Form:
    return Form(
        partial(slabs.in_slabs, result, compute, count),
        partial(slabs.counts_in_slabs, result, count),
    )


for _result, _forms in FORMS.items():
    for _name, (_compute, _count) in list(_forms.items()):
        # The guard of w looks at what padding meets in the whole: shifts meet more of it in slabs.
        if _count is not None and (_result, _name) != ("w", "shifts"):
            _forms[_name + IN_SLABS] = _in_slabs(_result, _compute, _count)

# Each value from one lax convolution, which sums half kinds in float32 and rounds once itself.
CONVOLUTIONS = frozenset(
    {
        "backward filter",
        "dilated",
        "convolution",
        "channels-last convolution",
        "phases",
        "plain subpixel convolution",
        "subpixel convolution",
    }
)
