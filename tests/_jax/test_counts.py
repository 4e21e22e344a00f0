"""What each form counts of a call against the program that it makes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tconv._core.axis import Axis
from tconv._core.plan import Plan, conv_transpose_call
from tconv._jax.forms import FORMS, Form
from tconv._jax.forms.axes import OPERANDS
from tconv._jax.forms.cells import _phase_run, sizes_of

PLANS = {
    "two groups": conv_transpose_call(
        (2, 6, 5, 7), (6, 2, 4, 3), stride=(2, 3), padding=((1, 0), (1, 2)), groups=2
    ).plan,
    "depthwise": conv_transpose_call(
        (3, 4, 11), (4, 1, 5), stride=2, dilation=3, groups=4, padding=1
    ).plan,
}


def multiplied(jaxpr: Any) -> Counter[str]:
    """Multiply-adds of the products and of the convolutions of a program."""
    total: Counter[str] = Counter()
    for equation in jaxpr.eqns:
        name, parameters = equation.primitive.name, equation.params
        size = prod(equation.outvars[0].aval.shape)
        shapes = [each.aval.shape for each in equation.invars]
        if name == "dot_general":
            (summed, _), _ = parameters["dimension_numbers"]
            total["products"] += size * prod(shapes[0][axis] for axis in summed)
        elif name == "conv_general_dilated":
            kernel = parameters["dimension_numbers"].rhs_spec[1:]
            total["convolved"] += size * prod(shapes[1][axis] for axis in kernel)
        for inner in parameters.values():
            if hasattr(inner, "jaxpr"):
                total += multiplied(inner.jaxpr)
    return total


def computed(form: Form, plan: Plan, first: Any, second: Any) -> Any:
    return form.compute(plan, first, second, None)


MORE = [
    *PLANS.values(),
    Plan(2, 2, 3, 1, (Axis(5, 2, 3, 2, 1, 6), Axis(2, 14, 3, 2, 1, -5))),
    Plan(1, 4, 4, 2, (Axis(3, 10, 2, 4, 1, 1), Axis(3, 12, 3, 4, 3, -1))),
    Plan(3, 8, 2, 2, (Axis(3, 9, 4, 3, 1, 1), Axis(3, 5, 3, 2, 1, 1), Axis(2, 3, 2, 1, 1, 0))),
]


@pytest.mark.parametrize("plan", MORE, ids=str)
@pytest.mark.parametrize("channels_last", [False, True])
def test_products_are_those_of_the_program(plan: Plan, channels_last: bool) -> None:
    plan = replace(plan, channels_last=channels_last)
    shapes = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
    for result, forms in FORMS.items():
        operands = [jax.ShapeDtypeStruct(shapes[name], jnp.float32) for name in OPERANDS[result]]
        for name, form in forms.items():
            if form.counts is None or ("depthwise" in name and plan.groups != plan.in_channels):
                continue
            program = jax.make_jaxpr(partial(computed, form, plan))(*operands)
            counts, found = form.counts(plan), multiplied(program.jaxpr)
            found["convolved"] *= counted_for_one(result, plan)
            expected = {"products": counts.products, "convolved": counts.convolved}
            assert +found == +Counter(expected), (result, name)


def counted_for_one(result: str, plan: Plan) -> float:
    """Multiply-adds that are counted for one of a small convolution: of two axes it runs on one
    thread of two; of one axis it is as long as with 32 features."""
    sizes = sizes_of(plan)
    features = {"y": sizes.phases * sizes.outputs, "x": sizes.inputs, "w": 32}[result]
    return max(features, 32) / features if len(plan.axes) == 1 else 2


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("stride", "channels_last"),
    [
        *[(stride, False) for stride in ((2, 3), (3, 1), (1, 2), (1, 1))],
        *[(stride, True) for stride in ((2, 3), (3, 1))],
    ],
)
def test_what_lies_side_by_side_in_y_and_its_cells(
    stride: tuple[int, int], groups: int, *, channels_last: bool
) -> None:
    plan = conv_transpose_call((2, 2, 4, 5), (2, 6 // groups, 3, 3), stride=stride, groups=groups)
    plan = replace(plan.plan, channels_last=channels_last)
    channels, spatial = (groups, 6 // groups), (4, stride[0], 5, stride[1])
    if channels_last:
        places = np.arange(2 * 6 * prod(spatial)).reshape(2, *spatial, *channels)
        ordered = places.transpose(5, 0, 1, 3, 2, 4, 6)
    else:
        places = np.arange(2 * 6 * prod(spatial)).reshape(2, *channels, *spatial)
        ordered = places.transpose(1, 4, 6, 2, 0, 3, 5)
    ends = np.flatnonzero(np.diff(ordered.ravel()) != 1)
    assert _phase_run(plan, [4, 5]) == np.gcd.reduce(ends + 1)
