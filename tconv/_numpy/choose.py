"""Which form computes y, x and w, from the numbers of the plan alone.

Times are nanoseconds an element in float32 on two cores with AVX-512; only their proportions
matter, and float64 has much the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod

from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy import banded, depthwise, overlap_add, subpixel
from tconv._numpy.padded import gathered, plane_size, products
from tconv._numpy.space_to_depth import SPACE_TO_DEPTH, splits
from tconv._numpy.windows import WINDOWS

Form = Callable[[Plan, AnyArray, AnyArray], AnyArray]
CotangentsForm = Callable[[Plan, AnyArray, AnyArray, AnyArray], tuple[AnyArray, AnyArray]]

# By result: y from (x, w), x from (y, w), w from (x, y).
FORMS: dict[str, dict[str, Form]] = {
    "y": {
        "columns": overlap_add.conv_transpose,
        "subpixel": subpixel.conv_transpose,
        "depthwise": depthwise.conv_transpose,
        "banded": banded.conv_transpose,
        "small": overlap_add.small,
    },
    "x": {
        "windows": WINDOWS.conv,
        "space to depth": SPACE_TO_DEPTH.conv,
        "planes": depthwise.conv,
    },
    "w": {
        "windows": WINDOWS.weight_cotangent,
        "space to depth": SPACE_TO_DEPTH.weight_cotangent,
    },
}
# Those that compute x from (y, w) and w from (x, y) together: (x, w) from (x, w, y).
COTANGENTS: dict[str, CotangentsForm] = {
    "windows": WINDOWS.cotangents,
    "space to depth": SPACE_TO_DEPTH.cotangents,
}

MULTIPLY = 0.0135  # a multiply-add in a GEMM: 150 GFLOP/s

# Distribution: adding up a column, and writing an element of y; where samples are packed with
# the batch innermost, y is transposed once more.
ADD, WRITE_SUM, WRITE_PACKED = 2.0, 2.0, 5.0

# Collection: gathering an element of a slice of x, bringing an element of the weight to the order
# of a phase, and writing an element of y from a GEMM's result.
GATHER, ARRANGE, WRITE_PHASE = 0.75, 2.0, 2.5

# Columns that are added up by index, 10 ns each, in less time than NumPy's calls for the phases
# take, about 100 us; and up to which the index, 16 bytes each and kept for every plan, is small.
SMALL, SMALL_MOST = 1 << 10, 1 << 16

# Multiply-adds of whole planes for an output, up to which they cost less than GEMMs of so few
# rows: for y 3.4 ms against 29 (one channel of 512x512, 3x3, stride 2), for x at stride 1 1.2
# against 8 ms (depthwise, 3x3, 64 channels of 28x28).
FEW_PRODUCTS = 4

# The stride of the last axis from which on writing the phases one by one costs more than the
# zeros of a banded matrix: over its time, 0.26 to 0.74 from stride 3 on for kernels of 4 to 16; at
# stride 2 0.8 in two dimensions (4x4), but 0.9 to 1.2 in one, 0.7 to 2.3 in three.
BANDED, BANDED_IN_2D = 3, 2

# Channels of x a group, up to which copying a window costs more than its products.  x and w over
# PyTorch's time, space to depth against windows: 0.3 against 0.6 (depthwise, kernel 16, stride 8)
# and 0.6 against 0.8 (depthwise, kernel 4, stride 2), but 1.4 against 1.3 with 64 channels a group
# and 2.9 against 1.4 with 64 dense ones from 3.
FEW_CHANNELS = 4


def applies(result: str, plan: Plan) -> tuple[str, ...]:
    """The names of the forms that can compute a result of this plan."""
    return tuple(name for name in FORMS[result] if name not in _NEEDS or _NEEDS[name](plan))


@lru_cache(maxsize=4096)
def choose(result: str, plan: Plan) -> str:
    """The name of the form that computes a result of this plan."""
    if result == "y":
        return _choose_y(plan)
    if result == "x" and _few_products(plan) and _stride_one(plan):
        return "planes"
    few = plan.group_in_channels <= FEW_CHANNELS
    return "space to depth" if few and splits(plan) else "windows"


def compute(result: str, plan: Plan, first: AnyArray, second: AnyArray) -> AnyArray:
    """A result from its two operands, by the form chosen for it."""
    return FORMS[result][choose(result, plan)](plan, first, second)


def cotangents(plan: Plan, x: AnyArray, w: AnyArray, y: AnyArray) -> tuple[AnyArray, AnyArray]:
    """x from (y, w) and w from (x, y), of one gathering of y where both have the same form."""
    form = choose("x", plan)
    if form == choose("w", plan) and form in COTANGENTS:
        return COTANGENTS[form](plan, x, w, y)
    return compute("x", plan, y, w), compute("w", plan, x, y)


def _choose_y(plan: Plan) -> str:
    if _columns(plan) <= SMALL:
        return "small"
    if prod(plan.input_size) == 1:
        return "columns"
    if _few_products(plan):
        least = BANDED_IN_2D if len(plan.axes) == 2 else BANDED
        return "banded" if plan.axes[-1].stride >= least else "depthwise"
    return "columns" if _distribution(plan) <= _collection(plan) else "subpixel"


def _distribution(plan: Plan) -> float:
    columns, outputs = _columns(plan), prod(plan.y_shape)
    added = max(0, columns - outputs)
    write = WRITE_PACKED if overlap_add.packs(plan) else WRITE_SUM
    return MULTIPLY * columns * plan.group_in_channels + ADD * added + write * outputs


def _collection(plan: Plan) -> float:
    """The GEMMs also compute the positions between the rows."""
    positions = plan.batch * plane_size(plan.axes)
    gathers = prod(map(gathered, plan.axes))
    copied = positions * plan.in_channels * gathers if gathers > 1 else 0
    multiplied = positions * plan.in_channels * prod(map(products, plan.axes))
    weight = prod(plan.w_shape)
    return (
        MULTIPLY * plan.group_out_channels * multiplied
        + GATHER * copied
        + ARRANGE * weight
        + WRITE_PHASE * prod(plan.y_shape)
    )


def _columns(plan: Plan) -> int:
    """Values that distribution has to add up."""
    return plan.batch * prod(plan.input_size) * plan.out_channels * plan.taps


def _few_products(plan: Plan) -> bool:
    return plan.group_in_channels * plan.group_out_channels <= FEW_PRODUCTS


def _stride_one(plan: Plan) -> bool:
    return set(plan.stride) == {1}


_NEEDS: dict[str, Callable[[Plan], bool]] = {
    "small": lambda plan: _columns(plan) <= SMALL_MOST,
    "space to depth": splits,
    "planes": _stride_one,
}
