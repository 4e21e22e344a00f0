"""Which algorithm ``method="auto"`` takes, from the numbers of the plan alone.

Every figure is nanoseconds an element, measured on two cores of a server with AVX-512 in
float32; only their proportions matter, and those are much the same for float64.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

from tconv._numpy.parts import gathered, plane, products
from tconv._plan import Plan

MULTIPLY = 0.0135  # a multiply-add in a GEMM: 150 GFLOP/s
GATHER = 0.25  # an element of a window copied by one contiguous slice
SCATTER = 1.5  # an element of the columns added up and written
ARRANGE = 1.5  # an element of the weight brought to the order of a phase

# Up to this many multiply-adds of whole planes an output, one channel at a time costs less
# than GEMMs of so few rows.
FEW = 4


@lru_cache(maxsize=4096)
def choose(plan: Plan) -> str:
    """The name of the algorithm for this plan."""
    if prod(plan.input_size) == 1:
        return "col2im"
    if plan.groups > 1 and plan.group_in_channels * plan.group_out_channels <= FEW:
        return "depthwise"
    return "col2im" if _distribution(plan) <= _collection(plan) else "subpixel"


def _distribution(plan: Plan) -> float:
    columns = plan.batch * prod(plan.input_size) * plan.out_channels * plan.taps
    return columns * (MULTIPLY * plan.group_in_channels + SCATTER)


def _collection(plan: Plan) -> float:
    """Gathered windows, and GEMMs that also compute the positions between the rows."""
    positions = plan.batch * plane(plan.axes)
    windows = positions * plan.in_channels * prod(map(gathered, plan.axes))
    multiplied = positions * plan.in_channels * prod(map(products, plan.axes))
    weight = plan.in_channels * plan.group_out_channels * plan.taps
    return GATHER * windows + MULTIPLY * plan.group_out_channels * multiplied + ARRANGE * weight
