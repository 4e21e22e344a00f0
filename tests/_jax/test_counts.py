"""What each form counts of a call, by which one is chosen on a CPU."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, replace
from functools import partial
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from tconv._core.axis import Axis
from tconv._core.plan import Plan, conv_transpose_call
from tconv._jax.forms import FORMS, Form
from tconv._jax.lowering import OPERANDS

PLANS = {
    "two groups": conv_transpose_call(
        (2, 6, 5, 7), (6, 2, 4, 3), stride=(2, 3), padding=((1, 0), (1, 2)), groups=2
    ).plan,
    "depthwise": conv_transpose_call(
        (3, 4, 11), (4, 1, 5), stride=2, dilation=3, groups=4, padding=1
    ).plan,
}
# Products, convolved, added, moved, runs, kept, calls: by plan and whether it is channels-last.
COUNTS = {
    ("two groups", False): {
        ("y", "columns"): (10080, 0, 3360, 5013, 2016, 3360, 5),
        ("y", "subpixel convolution"): (0, 12096, 0, 3588, 3588, 2436, 4),
        ("y", "subpixel GEMM"): (12096, 0, 0, 4968, 2304, 4032, 7),
        ("x", "channels-last convolution"): (0, 10080, 0, 5796, 5796, 2436, 3),
        ("x", "shifts"): (12096, 0, 1008, 2952, 4176, 3024, 6),
        ("x", "windows"): (10080, 0, 0, 11397, 2328, 6720, 4),
        ("w", "channels-last convolution"): (0, 10080, 0, 5796, 9156, 2436, 3),
        ("w", "shifts"): (12096, 0, 0, 4968, 4320, 4032, 7),
        ("w", "windows"): (10080, 0, 0, 11397, 2328, 6720, 4),
    },
    ("two groups", True): {
        ("y", "columns"): (10080, 0, 3360, 5013, 1008, 3360, 5),
        ("y", "subpixel convolution"): (0, 12096, 0, 3168, 2160, 2016, 3),
        ("y", "subpixel GEMM"): (12096, 0, 0, 4968, 1488, 4032, 7),
        ("x", "channels-last convolution"): (0, 10080, 0, 3360, 3360, 0, 1),
        ("x", "shifts"): (12096, 0, 1008, 2952, 2160, 3024, 6),
        ("x", "windows"): (10080, 0, 0, 11397, 1484, 6720, 4),
        ("w", "channels-last convolution"): (0, 10080, 0, 5796, 7938, 2436, 3),
        ("w", "shifts"): (12096, 0, 0, 4968, 2496, 4032, 7),
        ("w", "windows"): (10080, 0, 0, 11397, 1484, 6720, 4),
    },
    ("depthwise", False): {
        ("y", "columns"): (660, 0, 660, 971, 384, 660, 12),
        ("y", "depthwise"): (0, 0, 672, 768, 384, 384, 8),
        ("y", "subpixel convolution"): (0, 2688, 0, 1916, 1916, 516, 4),
        ("y", "subpixel GEMM"): (2688, 0, 0, 3574, 562.1818181818182, 3072, 14),
        ("x", "channels-last convolution"): (0, 660, 0, 1176, 1176, 516, 3),
        ("x", "depthwise"): (0, 0, 660, 948, 0, 408, 6),
        ("x", "shifts"): (2856, 0, 1428, 937, 464, 1836, 13),
        ("x", "windows"): (660, 0, 0, 1523, 660, 1320, 5),
        ("w", "channels-last convolution"): (0, 660, 0, 1176, 1396, 516, 3),
        ("w", "depthwise"): (0, 0, 1320, 1200, 540, 540, 17),
        ("w", "shifts"): (2856, 0, 0, 3793, 593.8181818181818, 3264, 14),
        ("w", "windows"): (660, 0, 0, 1523, 660, 1320, 5),
    },
    ("depthwise", True): {
        ("y", "columns"): (660, 0, 660, 971, 384, 660, 12),
        ("y", "depthwise"): (0, 0, 672, 768, 96, 384, 8),
        ("y", "subpixel convolution"): (0, 2688, 0, 1784, 1784, 384, 3),
        ("y", "subpixel GEMM"): (2688, 0, 0, 3574, 1784, 3072, 14),
        ("x", "channels-last convolution"): (0, 660, 0, 660, 660, 0, 1),
        ("x", "depthwise"): (0, 0, 660, 132, 0, 0, 5),
        ("x", "shifts"): (2856, 0, 1428, 937, 464, 1836, 13),
        ("x", "windows"): (660, 0, 0, 1523, 660, 1320, 5),
        ("w", "channels-last convolution"): (0, 660, 0, 1176, 1396, 516, 3),
        ("w", "depthwise"): (0, 0, 1320, 660, 0, 0, 15),
        ("w", "shifts"): (2856, 0, 0, 3793, 1892, 3264, 14),
        ("w", "windows"): (660, 0, 0, 1523, 660, 1320, 5),
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "channels_last"), COUNTS)
def test_what_each_form_counts(name: str, channels_last: bool) -> None:
    plan = replace(PLANS[name], channels_last=channels_last)
    for (result, form), expected in COUNTS[name, channels_last].items():
        counts = FORMS[result][form].counts
        assert counts is not None
        assert astuple(counts(plan)) == pytest.approx(expected, rel=1e-12), (result, form)


def multiplied(jaxpr: Any) -> Counter[str]:
    """Multiply-adds of the products and of the convolutions of a program."""
    total: Counter[str] = Counter()
    for equation in jaxpr.eqns:
        name, parameters = equation.primitive.name, equation.params
        size = prod(equation.outvars[0].aval.shape)
        first, second = (each.aval.shape for each in (equation.invars * 2)[:2])
        if name == "dot_general":
            (summed, _), _ = parameters["dimension_numbers"]
            total["products"] += size * prod(first[axis] for axis in summed)
        elif name == "conv_general_dilated":
            kernel = parameters["dimension_numbers"].rhs_spec[1:]
            total["convolved"] += size * prod(second[axis] for axis in kernel)
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
            expected = {"products": counts.products, "convolved": counts.convolved}
            assert found == {kind: n for kind, n in expected.items() if n}, (result, name)
