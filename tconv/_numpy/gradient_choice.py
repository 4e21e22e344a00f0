"""How y is read for the convolution and the weight gradient, from the numbers of the plan."""

from __future__ import annotations

from types import ModuleType

from tconv._core.lattice import rectangle
from tconv._core.plan import Plan
from tconv._numpy import phase_form, window_form

# With so few x channels a group a window is copied for few products.  dx and dw over PyTorch's
# time, phases against windows: 0.3 against 0.6 (depthwise, kernel 16, stride 8) and 0.6 against
# 0.8 (depthwise, kernel 4, stride 2), but 1.4 against 1.3 with 64 channels a group and 2.9
# against 1.4 with 64 dense ones from 3.
FEW_CHANNELS = 4


# Up to this many multiply-adds of whole planes for an output of a stride-1 convolution they cost
# less than GEMMs: 1.2 against 8 ms (depthwise, 3x3, 64 channels of 28x28).
FEW_PRODUCTS = 4


def adds_planes(plan: Plan) -> bool:
    """Whether the convolution runs as the transposed one with the kernel flipped."""
    few = plan.group_in_channels * plan.group_out_channels <= FEW_PRODUCTS
    return few and set(plan.stride) == {1}


def form(plan: Plan) -> ModuleType:
    """The module whose ``gather``, ``InputSum`` and ``WeightSum`` are the faster."""
    if plan.group_in_channels <= FEW_CHANNELS and all(map(rectangle, plan.axes)):
        return phase_form
    return window_form
