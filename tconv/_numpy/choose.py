"""Which algorithm ``method="auto"`` takes, from the numbers of the plan alone.

Every figure is nanoseconds an element in float32 on two cores with AVX-512; only their proportions
matter, and float64 has much the same.  They are fitted to the times of col2im and subpixel on 46
problems, the layers of ``benchmarks`` and as many others: the faster one is chosen in each.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

from tconv._core.plan import Plan
from tconv._numpy.overlap_add import packs
from tconv._numpy.parts import gathered, plane, products

MULTIPLY = 0.0135  # a multiply-add in a GEMM: 150 GFLOP/s

# Distribution: adding up a column, and writing an element of y; with the batch innermost
# (rows of y shorter than 24) it is transposed once more.
ADD, WRITE_SUM, WRITE_PACKED = 2.0, 2.0, 5.0

# Collection: gathering an element of a window, bringing an element of the weight to the order
# of a phase, and writing an element of y from a GEMM's result.
GATHER, ARRANGE, WRITE_PHASE = 0.75, 2.0, 2.5

# Up to this many columns they are added up by index, at 10 ns each: a call on 1x1x4x4 with a
# 4x4 kernel spends 100 us in NumPy's calls for the phases otherwise.
TINY = 1024

# Up to this many multiply-adds of whole planes an output, one channel at a time costs less
# than GEMMs of so few rows: 3.4 ms against 29 (one channel of 512x512, 3x3, stride 2).
FEW = 4

# From this stride of the last axis on writing the phases one by one costs more than the zeros of a
# banded matrix: over its time, 0.26 to 0.74 from stride 3 on for kernels of 4 to 16; at stride 2
# 0.8 in two dimensions (4x4), but 0.9 to 1.2 in one, 0.7 to 2.3 in three.
BANDED, BANDED_IN_2D = 3, 2


@lru_cache(maxsize=4096)
def choose(plan: Plan) -> str:
    """The name of the algorithm for this plan."""
    columns = plan.batch * prod(plan.input_size) * plan.out_channels * plan.taps
    if columns <= TINY:
        return "tiny"
    if prod(plan.input_size) == 1:
        return "col2im"
    if plan.group_in_channels * plan.group_out_channels <= FEW:
        least = BANDED_IN_2D if len(plan.axes) == 2 else BANDED
        return "banded" if plan.axes[-1].stride >= least else "depthwise"
    return "col2im" if _distribution(plan) <= _collection(plan) else "subpixel"


def _distribution(plan: Plan) -> float:
    columns = plan.batch * prod(plan.input_size) * plan.out_channels * plan.taps
    outputs = prod(plan.y_shape)
    added = max(0, columns - outputs)
    write = WRITE_PACKED if packs(plan) else WRITE_SUM
    return MULTIPLY * columns * plan.group_in_channels + ADD * added + write * outputs


def _collection(plan: Plan) -> float:
    """The GEMMs also compute the positions between the rows."""
    positions = plan.batch * plane(plan.axes)
    gathers = prod(map(gathered, plan.axes))
    windows = positions * plan.in_channels * gathers if gathers > 1 else 0
    multiplied = positions * plan.in_channels * prod(map(products, plan.axes))
    weight = prod(plan.w_shape)
    return (
        MULTIPLY * plan.group_out_channels * multiplied
        + GATHER * windows
        + ARRANGE * weight
        + WRITE_PHASE * prod(plan.y_shape)
    )
