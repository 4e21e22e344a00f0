"""What each form counts of a call, by which one is chosen."""

from __future__ import annotations

from dataclasses import astuple
from math import prod

import pytest

from tconv._core.plan import conv_transpose_call
from tconv._numpy.choose import candidates

PLANS = {
    "two groups": conv_transpose_call(
        (2, 6, 5, 7), (6, 2, 4, 3), stride=(2, 3), padding=((1, 0), (1, 2)), groups=2
    ).plan,
    "depthwise": conv_transpose_call(
        (3, 4, 11), (4, 1, 5), stride=2, dilation=3, groups=4, padding=1
    ).plan,
    "stride 1": conv_transpose_call((3, 2, 11, 4), (2, 3, 5, 2), padding=1).plan,
}
# Products, convolved, added, moved, runs, kept, calls.
COUNTS = {
    "two groups": {
        ("y", "columns"): (10080, 0, 1776, 7701, 1824, 0, 42),
        ("y", "subpixel"): (12096, 0, 0, 6552, 1800, 0, 39),
        ("y", "planes"): (18144, 0, 0, 2700, 72, 0, 43),
        ("y", "banded"): (88704, 0, 0, 3960, 281.6, 0, 7),
        ("y", "small"): (10080, 0, 0, 981, 16800, 0, 7),
        ("x", "windows"): (10080, 0, 0, 4341, 1120, 0, 3.003204345703125),
        ("x", "space to depth"): (12096, 0, 1008, 2808, 672, 0, 3.001922607421875),
        ("w", "windows"): (10080, 0, 144, 4341, 1120, 0, 3.003204345703125),
        ("w", "space to depth"): (12096, 0, 144, 3960, 672, 0, 7.001922607421875),
    },
    "depthwise": {
        ("y", "columns"): (660, 0, 288, 1523, 392, 0, 38),
        ("y", "subpixel"): (960, 0, 0, 1885, 409.45454545454544, 0, 47),
        ("y", "planes"): (0, 0, 192.00000000000003, 378, 17.454545454545453, 0, 28),
        ("y", "banded"): (8976, 0, 0, 936, 36, 0, 6),
        ("y", "small"): (660, 0, 0, 203, 3300, 0, 9),
        ("x", "windows"): (660, 0, 0, 863, 220, 0, 5.000629425048828),
        ("w", "windows"): (660, 0, 20, 863, 220, 0, 5.000629425048828),
    },
    "stride 1": {
        ("y", "columns"): (7920, 0, 3609, 8991, 681, 0, 15),
        ("y", "subpixel"): (10080, 0, 0, 5088, 231.75, 0, 16),
        ("y", "planes"): (15120, 0, 0, 1196.5500000000002, 84, 0, 22),
        ("y", "banded"): (23400, 0, 0, 2418, 400.6363636363636, 0, 6),
        ("y", "small"): (7920, 0, 0, 1071, 19800, 0, 6),
        ("x", "windows"): (7920, 0, 0, 5031, 990, 0, 2.0037765502929688),
        ("x", "space to depth"): (13500, 0, 4500, 1983.75, 168.75, 0, 2.000643730163574),
        ("x", "planes"): (15120, 0, 0, 1645.2, 168, 0, 22),
        ("w", "windows"): (7920, 0, 60, 5031, 990, 0, 2.0037765502929688),
        ("w", "space to depth"): (13500, 0, 60, 4012.5, 168.75, 0, 21.000643730163574),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PLANS)
def test_what_each_form_counts(name: str) -> None:
    for result in "yxw":
        found = candidates(result, PLANS[name])
        expected = {form: counts for (of, form), counts in COUNTS[name].items() if of == result}
        assert list(found) == list(expected)
        for form, counts in expected.items():
            assert astuple(found[form]) == pytest.approx(counts, rel=1e-12), (result, form)


@pytest.mark.parametrize("name", PLANS)
def test_forms_that_add_no_zeros_multiply_as_the_definition_does(name: str) -> None:
    """Once for each position of x, tap and pair of channels."""
    plan = PLANS[name]
    least = plan.batch * prod(plan.input_size) * plan.in_channels * plan.group_out_channels
    least *= prod(plan.kernel_size)
    for result, without in (("y", ("columns", "small")), ("x", ("windows",)), ("w", ("windows",))):
        found = candidates(result, plan)
        assert [found[form].products for form in without] == [least] * len(without)
