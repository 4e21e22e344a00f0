"""What a form counts, by which one is chosen, against the definition."""

from __future__ import annotations

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


@pytest.mark.parametrize("name", PLANS)
def test_forms_that_add_no_zeros_multiply_as_the_definition_does(name: str) -> None:
    """Once for each position of x, tap and pair of channels."""
    plan = PLANS[name]
    least = plan.batch * prod(plan.input_size) * plan.in_channels * plan.group_out_channels
    least *= prod(plan.kernel_size)
    for result, without in (("y", ("columns", "small")), ("x", ("windows",)), ("w", ("windows",))):
        found = candidates(result, plan)
        assert [found[form].products for form in without] == [least] * len(without)
