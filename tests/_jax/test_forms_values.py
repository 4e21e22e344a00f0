"""Every form of the three maps against the definition, on random small plans."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from jax import export

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._core.reduction import reduction
from tconv._jax import choose
from tconv._jax.forms import FORMS
from tconv._jax.forms.axes import OPERANDS
from tconv._jax.lowering import compute
from tests.support.definition import maps


def random_axis(rng: random.Random, small: bool) -> Axis:
    """Any axis, those with negative padding, gaps and unreached phases among them."""
    return Axis(
        input_size=rng.randint(1, 2 if small else 4),
        output_size=rng.randint(1, 5 if small else 11),
        kernel_size=rng.randint(1, 3 if small else 5),
        stride=rng.randint(1, 4),
        dilation=rng.choice([1, 1, 2, 3]),
        lo=rng.randint(-2, 5),
    )


def random_plan(seed: int) -> Plan:
    rng = random.Random(seed)
    ndim = rng.choice([1, 2, 2, 3])
    groups = rng.choice([1, 1, 2, 3])
    depth = rng.choice([(1, 1), (2, 1), (1, 3), (2, 2)])
    axes = tuple(random_axis(rng, ndim == 3) for _ in range(ndim))
    return Plan(rng.randint(1, 2), groups * depth[0], groups * depth[1], groups, axes)


DEEP_CROP = Axis(5, 2, 3, 2, 1, 6)
EXTENDED = Axis(2, 14, 3, 2, 1, -5)
NO_TAPS = Axis(3, 10, 2, 4, 1, 1)
GAPS = Axis(3, 12, 3, 4, 6, -1)
SPARSE_TAPS = Axis(3, 13, 3, 3, 2, 2)
BETWEEN = Axis(1, 1, 2, 2, 2, 1)
PLANS = [random_plan(seed) for seed in range(12)] + [
    Plan(2, 2, 3, 1, (DEEP_CROP, EXTENDED)),
    Plan(1, 4, 4, 4, (NO_TAPS, GAPS)),
    Plan(2, 4, 2, 2, (SPARSE_TAPS, NO_TAPS)),
    Plan(2, 2, 2, 1, (BETWEEN,)),
    Plan(3, 4, 6, 2, (Axis(1, 4, 4, 1, 1, 0), Axis(1, 3, 3, 2, 1, -1))),
    Plan(0, 2, 2, 1, (SPARSE_TAPS,)),
    Plan(2, 2, 0, 1, (NO_TAPS,)),
    Plan(2, 3, 3, 3, (Axis(2, 40, 17, 8, 1, 0),)),
    Plan(1, 2, 2, 2, (Axis(2, 2, 3, 3, 2, 3),)),  # a phase reads further on than the first does
]


def operands(plan: Plan) -> tuple[Any, Any, Any]:
    """x, w and y of small integers, so that every sum is exact."""
    rng = np.random.default_rng(0)
    x, w, y = (
        rng.integers(-4, 5, shape).astype(np.float64)
        for shape in (plan.x_shape, plan.w_shape, plan.y_shape)
    )
    return x, w, y


def applicable(result: str, plan: Plan) -> list[str]:
    """The forms that hold for this plan."""
    depthwise = (plan.group_in_channels, plan.group_out_channels) == (1, 1)
    return [name for name in FORMS[result] if depthwise or "depthwise" not in name]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("number", range(len(PLANS)))
def test_every_form_is_the_definition(number: int, channels_last: bool) -> None:
    plan = replace(PLANS[number], channels_last=channels_last)
    arrays = dict(zip("xwy", operands(plan), strict=True))
    want = dict(zip("yxw", maps(plan, *arrays.values()), strict=True))

    def everything(arrays: dict[str, Any]) -> Any:
        static = {"platform": "cpu", "precision": None}
        return {
            (result, name): compute(result, plan, *of(result, arrays), form=name, **static)
            for result in "yxw"
            for name in applicable(result, plan)
        }

    for (result, name), got in jax.jit(everything)(arrays).items():
        np.testing.assert_array_equal(got, want[result], err_msg=f"{result} by {name}")


def of(result: str, arrays: dict[str, Any]) -> list[Any]:
    """The operands of the map that gives ``result``."""
    return [arrays[name] for name in OPERANDS[result]]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("number", range(0, len(PLANS), 3))
@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu", None])
def test_whatever_is_chosen_holds_for_the_plan(
    number: int, platform: str | None, channels_last: bool
) -> None:
    given = replace(PLANS[number], channels_last=channels_last)
    plan = replace(given, axes=tuple(reduction(axis).axis for axis in given.axes))
    for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        for result in "yxw":
            assert choose.choose(result, plan, platform, dtype) in applicable(result, plan)
        assert choose.subpixel_form(plan, platform, dtype) in applicable("y", plan)


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_an_x_of_one_position_is_one_product(shape: tuple[int, ...]) -> None:
    plan = Plan(3, 4, 6, 2, tuple(Axis(n, 7, 3, 2, 2, 1) for n in shape))
    x, w, y = operands(plan)
    for result, want in zip("yxw", maps(plan, x, w, y), strict=True):
        first, second = of(result, {"x": x, "w": w, "y": y})
        function = partial(compute, result, plan, platform="cpu", precision=None)
        program = jax.jit(function).lower(first, second).as_text()
        assert program.count("dot_general") == 1  # in a function that each group calls
        np.testing.assert_array_equal(function(first, second), want)


@pytest.mark.parametrize("method", ["col2im", "dilated", "matrix", "subpixel"])
def test_every_method(method: str) -> None:
    plan = PLANS[4]
    x, w, y = operands(plan)
    got = compute("y", plan, x, w, platform="cpu", method=method, precision=None)
    np.testing.assert_array_equal(got, maps(plan, x, w, y)[0])


@pytest.mark.parametrize("result", ["y", "x", "w"])
def test_convolutions_are_candidates_where_xla_is_fast_at_them(result: str) -> None:
    """In float32, with one group and up to two axes; elsewhere where nothing else is possible."""
    plan = Plan(4, 64, 64, 1, (Axis(56, 62, 7, 1, 1, 0),) * 2)
    volume = replace(plan, axes=(Axis(6, 8, 3, 1, 1, 0),) * 3)
    many = replace(plan, axes=(Axis(70, 133, 64, 1, 1, 0),) * 2)
    for of, dtype, fast in [
        (plan, "float32", True),
        (plan, "float64", False),
        (replace(plan, groups=16), "float32", False),
        (volume, "float32", False),
        (many, "float64", True),
    ]:
        names = choose.candidates(result, of, np.dtype(dtype))
        assert any("convolution" in name for name in names) == fast
        assert choose.choose(result, of, "cpu", np.dtype(dtype)) in names


@pytest.mark.parametrize("result", ["y", "x", "w"])
def test_the_choice_is_the_least_time(result: str) -> None:
    for plan in PLANS:
        found = choose.candidates(result, plan, np.dtype(np.float32))
        if found:
            times = {name: choose.RATES.nanoseconds(counts) for name, counts in found.items()}
            name = choose.choose(result, plan, "cpu", np.dtype(np.float32))
            assert times[name] == min(times.values())


def test_a_symbolic_size_counts_as_a_typical_one() -> None:
    (size,) = export.symbolic_shape("n")
    axis = Axis(size, 2 * size, 4, 2, 1, 1)
    plan = Plan(2, 8, 8, 1, (axis,))
    typical = choose.TYPICAL_SIZE
    known = replace(plan, axes=(replace(axis, input_size=typical, output_size=2 * typical),))
    for result in "yxw":
        found = choose.candidates(result, plan, np.dtype(np.float64))
        assert found == choose.candidates(result, known, np.dtype(np.float64))
