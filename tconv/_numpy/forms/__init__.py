"""The forms: ways to compute the three bilinear maps, by what they give.

Each is a function ``(plan, first, second)`` of arrays of one dtype in PyTorch's order of axes, and
says what it counts and which memory it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from tconv._core.cost import Counts
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.forms import (
    banded,
    overlap_add,
    planes,
    space_to_depth,
    subpixel,
    tapwise,
    windows,
)
from tconv._numpy.forms.space_to_depth import SPACE_TO_DEPTH, splits
from tconv._numpy.forms.windows import WINDOWS

__all__ = ["COTANGENTS", "EXACT", "FORMS", "Compute", "Form", "Together"]

Compute = Callable[[Plan, AnyArray, AnyArray], AnyArray]

# Columns up to which the index that adds them up, 16 bytes each and kept for every plan, is small.
SMALL = 1 << 16

# Pairs of channels of a group, up to which passes over whole planes are worth trying, and products
# of several groups at once.
FEW_PRODUCTS, SMALL_GROUP = 16, 256


def _always(_: Plan) -> bool:
    return True


def _is_small(plan: Plan) -> bool:
    return plan.batch * prod(plan.input_size) * plan.out_channels * plan.taps <= SMALL


def _few_channels(plan: Plan) -> bool:
    return plan.group_in_channels * plan.group_out_channels <= FEW_PRODUCTS


def _small_groups(plan: Plan) -> bool:
    several = plan.groups > 1
    pairs = plan.group_in_channels * plan.group_out_channels
    return _few_channels(plan) or (several and pairs <= SMALL_GROUP)


def _adds_planes(plan: Plan) -> bool:
    return set(plan.stride) == {1} and _few_channels(plan)


class Form(NamedTuple):
    """A way to compute a map: what it costs, the bytes that it needs beside operands of so many
    bytes an element and its result, and for which plans it is possible.

    One that is ``exact`` multiplies no zero that stands for a position outside of x or y.
    """

    compute: Compute
    counts: Callable[[Plan], Counts]
    workspace: Callable[[Plan, int], int]
    possible: Callable[[Plan], bool] = _always
    exact: bool = False


class Together(NamedTuple):
    """A form of both x from (y, w) and w from (x, y): (x, w) from (x, w, y), and what it counts
    once, which each of them alone counts too."""

    compute: Callable[[Plan, AnyArray, AnyArray, AnyArray], tuple[AnyArray, AnyArray]]
    shared: Callable[[Plan], Counts]


# By result: y from (x, w), x from (y, w), w from (x, y).
FORMS: dict[str, dict[str, Form]] = {
    "y": {
        "columns": Form(
            overlap_add.conv_transpose,
            overlap_add.conv_transpose_counts,
            overlap_add.conv_transpose_workspace,
            exact=True,
        ),
        "subpixel": Form(
            subpixel.conv_transpose,
            subpixel.conv_transpose_counts,
            subpixel.conv_transpose_workspace,
        ),
        "planes": Form(
            planes.conv_transpose,
            planes.conv_transpose_counts,
            planes.conv_transpose_workspace,
            _small_groups,
        ),
        "banded": Form(
            banded.conv_transpose,
            banded.conv_transpose_counts,
            banded.conv_transpose_workspace,
            _few_channels,
        ),
        "small": Form(
            overlap_add.small,
            overlap_add.small_counts,
            overlap_add.small_workspace,
            _is_small,
            exact=True,
        ),
        "tapwise": Form(tapwise.conv_transpose, windows.conv_counts, tapwise.workspace, exact=True),
    },
    "x": {
        "windows": Form(WINDOWS.conv, windows.conv_counts, windows.conv_workspace),
        "space to depth": Form(
            SPACE_TO_DEPTH.conv,
            space_to_depth.conv_counts,
            space_to_depth.conv_workspace,
            splits,
        ),
        "planes": Form(planes.conv, planes.conv_counts, planes.conv_workspace, _adds_planes),
        "tapwise": Form(tapwise.conv, windows.conv_counts, tapwise.workspace, exact=True),
    },
    "w": {
        "windows": Form(WINDOWS.weight_cotangent, windows.weight_counts, windows.weight_workspace),
        "space to depth": Form(
            SPACE_TO_DEPTH.weight_cotangent,
            space_to_depth.weight_counts,
            space_to_depth.weight_workspace,
            splits,
        ),
        "tapwise": Form(
            tapwise.weight_cotangent, windows.weight_counts, tapwise.weight_workspace, exact=True
        ),
    },
}
# For operands that are not finite.
EXACT = {"y": "columns", "x": "tapwise", "w": "tapwise"}
COTANGENTS: dict[str, Together] = {
    "windows": Together(WINDOWS.cotangents, windows.gathering_counts),
    "space to depth": Together(SPACE_TO_DEPTH.cotangents, space_to_depth.gathering_counts),
}
