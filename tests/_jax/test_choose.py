"""The choice on a CPU, from the plan alone."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tconv._core.plan import Plan, conv_transpose_call
from tconv._jax.forms import FORMS
from tconv._jax.lowering import candidates, chosen_form

KERNELS = [1, 2, 3, 4, 5, 7, 8, 9, 16, 33, 65, 127, 130, 1100]


def plan_of(axes: int, kernel_size: int, stride: int, dilation: int, groups: int) -> Plan:
    x, w = (1, 2, *[5] * axes), (2, 2 // groups, *[kernel_size] * axes)
    return conv_transpose_call(x, w, None, stride=stride, dilation=dilation, groups=groups).plan


@pytest.mark.long
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_plan_has_a_form(axes: int, dtype: str) -> None:
    for numbers in product(KERNELS, (1, 2, 3, 8), (1, 2, 3), (1, 2)):
        plan = plan_of(axes, *numbers)
        for result in "yxw":
            chosen = chosen_form(result, plan, "cpu", np.dtype(dtype))
            assert chosen in FORMS[result], numbers
            assert chosen in candidates(result, plan, "cpu", np.dtype(dtype))


@pytest.mark.parametrize(
    ("groups", "form"), [((1, 6), "dilated"), ((6, 6), "depthwise"), ((2, 6), "columns")]
)
def test_groups_have_their_own_form_on_a_tpu(groups: tuple[int, int], form: str) -> None:
    several, channels = groups
    w = (channels, channels // several, 3, 3)
    plan = conv_transpose_call((1, channels, 5, 5), w, None, stride=2, groups=several).plan
    assert chosen_form("y", plan, "tpu", np.dtype("float32")) == form
