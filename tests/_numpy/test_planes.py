"""Whole planes in tiles of any size give the same."""

from __future__ import annotations

from itertools import product

import pytest

from tconv._core.axis import Axis
from tconv._numpy.forms.padded import padded_planes, plane_size, plane_slack
from tconv._numpy.forms.planes import Limits, conv_transpose

from .exact import problems


@pytest.mark.parametrize("fusion", [0.5, 100.0])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_tiles_of_any_size_give_the_same(size: int, fusion: float) -> None:
    limits = Limits(positions=size, elements=size, fusion=fusion)
    for problem in problems(100 + size, 40):
        problem.check("y", conv_transpose(problem.plan, problem.x, problem.w, limits))


def test_a_row_of_stride_1_has_the_zeros_that_are_read_and_no_more() -> None:
    """Output o reads inputs o + lo - (kernel_size - 1)*dilation to o + lo.  The zeros before the
    data stand after it too, as those of the next row, and behind the last row is the slack."""
    choices = (1, 2, 5), (1, 2, 3), (1, 2), (-2, 0, 1, 3), (-2, 0, 1, 3)
    for size, kernel, dilation, lo, hi in product(*choices):
        outputs = size + (kernel - 1) * dilation - lo - hi
        if outputs < 1:
            continue
        axis = Axis(size, outputs, kernel, 1, dilation, lo)
        planes = padded_planes((axis,))
        read = range(lo - (kernel - 1) * dilation, outputs + lo)
        lead = max(0, -read.start)
        pitch = max(lead + size, read.stop, outputs)
        assert planes.interior == (slice(lead, lead + size),), axis
        assert planes.pitches == (pitch,), axis
        assert planes.slack == max(0, lead + read.stop - pitch), axis


@pytest.mark.parametrize("fusion", [0.5, 100.0])
def test_planes_end_where_the_last_slice_does(fusion: float) -> None:
    for problem in problems(17, 100):
        axes = problem.plan.axes
        planes = padded_planes(axes, fusion)
        assert planes.size == plane_size(axes, fusion)
        if not planes.correlations:
            continue
        assert all(offset >= 0 for each in planes.correlations for offset in each.offsets)
        reached = max(max(each.offsets) + each.span for each in planes.correlations)
        slack = max(0, reached - planes.size)
        assert planes.slack == plane_slack(axes, fusion) == slack, axes
