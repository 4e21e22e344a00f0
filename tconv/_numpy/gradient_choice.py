"""How y is read for the convolution and the weight gradient, from the numbers of the plan."""

from __future__ import annotations

from types import ModuleType

from tconv._numpy import phase_form, window_form
from tconv._plan import Plan

# With so few x channels a group the GEMM is thinner than the copying of windows is dear.
FEW_CHANNELS = 4


def form(plan: Plan) -> ModuleType:
    """The module whose ``gather``, ``InputSum`` and ``WeightSum`` are the faster."""
    if plan.group_in_channels <= FEW_CHANNELS and all(map(phase_form.split, plan.axes)):
        return phase_form
    return window_form
