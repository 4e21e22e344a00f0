"""A NaN or an infinity in x, or in y of the other maps, reaches what reads it and nothing else."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tconv
from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._jax.forms.axes import OPERANDS
from tconv._jax.lowering import candidates, compute
from tests._jax.test_forms_values import PLANS, operands, random_plan
from tests.support.definition import maps

# Wide channels, for which the counts choose other forms; a single position, all taps beyond y;
# kernels whose taps are too many to write out, or do not fill every phase.
DEEP = [
    Plan(1, 16, 12, 2, (Axis(4, 8, 5, 2, 1, 2), Axis(3, 5, 2, 2, 1, 0))),
    Plan(2, 8, 24, 1, (Axis(6, 13, 3, 2, 1, 0),)),
    Plan(2, 3, 3, 3, (Axis(5, 9, 3, 2, 1, 1),)),
    Plan(2, 4, 6, 2, (Axis(1, 2, 4, 1, 2, 3), Axis(1, 2, 3, 2, 1, 1))),
    Plan(1, 2, 2, 1, (Axis(1, 1, 2, 2, 3, 4),)),
    Plan(1, 1, 2, 1, (Axis(3, 13, 9, 2, 1, 0), Axis(2, 9, 9, 2, 1, 1))),
    Plan(1, 1, 2, 1, (Axis(2, 35, 33, 2, 1, 0), Axis(2, 31, 33, 2, 1, 2))),
    Plan(2, 2, 2, 2, (Axis(3, 190, 65, 2, 3, 5),)),
    Plan(1, 1, 1, 1, (Axis(3, 1100, 1100, 3, 1, 2),)),
    Plan(1, 2, 1, 1, (Axis(2, 7, 5, 2, 1, 0), Axis(2, 6, 5, 2, 1, 1), Axis(1, 5, 5, 2, 1, 0))),
]
EVERY = [*PLANS, *(random_plan(seed) for seed in range(100, 108)), *DEEP]
# The operands whose NaN and infinity are followed; that of w is followed by no promise.
FOLLOWED = [("y", "x"), ("x", "y"), ("w", "x"), ("w", "y")]


def spoilt(array: Any, seed: int) -> Any:
    """With a NaN and an infinity in two places."""
    places = np.random.default_rng(seed).permutation(array.size)[:2]
    flat = array.ravel().copy()
    flat[places] = [np.inf, np.nan][: len(places)]
    return flat.reshape(array.shape)


def assert_same(got: Any, want: Any, message: str) -> None:
    """NaN where it is due, each infinity with its sign; finite elements as they are."""
    np.testing.assert_array_equal(np.asarray(got), want, err_msg=message)


@pytest.mark.filterwarnings("ignore:invalid value")  # NumPy's own, of the definition
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("number", range(len(EVERY)))
def test_every_form_that_may_be_chosen(number: int, channels_last: bool) -> None:
    plan = replace(EVERY[number], channels_last=channels_last)
    plain = dict(zip("xwy", operands(plan), strict=True))
    cases = {case: plain | {case[1]: spoilt(plain[case[1]], number)} for case in FOLLOWED}

    def everything(cases: Any) -> Any:
        return {
            (result, name, form or "auto"): compute(
                result, plan, *(arrays[each] for each in OPERANDS[result]),
                platform="cpu", precision=None, form=form,
            )
            for (result, name), arrays in cases.items()
            for form in (None, *_unguarded(result, plan))
        }  # fmt: skip

    for (result, name, form), got in jax.jit(everything)(cases).items():
        want = getattr(maps(plan, **cases[result, name]), result)
        assert_same(got, want, f"{result} by {form}, {name} not finite")


def _unguarded(result: str, plan: Plan) -> list[str]:
    """The forms that may be chosen; those of w are guarded together, where one is chosen."""
    return [] if result == "w" else list(candidates(result, plan, "cpu", np.dtype(np.float64)))


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("number", range(0, len(PLANS), 3))
@pytest.mark.parametrize("platform", ["cuda", None])
def test_what_other_platforms_compute_y_and_x_by(number: int, platform: str | None) -> None:
    plan = PLANS[number]
    arrays = dict(zip("xwy", operands(plan), strict=True))
    for result, name in FOLLOWED[:2]:
        given = arrays | {name: spoilt(arrays[name], number)}
        first, second = (given[each] for each in OPERANDS[result])
        function = partial(compute, result, plan, platform=platform, precision=None)
        want = getattr(maps(plan, **given), result)
        assert_same(jax.jit(function)(first, second), want, result)


def test_w_is_guarded_only_where_it_meets_padding() -> None:
    """What every tap reads needs no look: no condition in the program."""

    def program(padding: int, kernel_size: int = 2) -> str:
        def loss(w: Any) -> Any:
            return tconv.conv_transpose(x, w, stride=2, padding=padding).sum()

        x, w = jnp.ones((1, 2, 5)), jnp.ones((2, 3, kernel_size))
        return jax.jit(jax.grad(loss)).lower(w).as_text()

    assert "stablehlo.case" not in program(padding=0)
    assert "stablehlo.case" in program(padding=1)


@pytest.mark.parametrize(
    ("w", "options", "want"),
    [
        (np.ones((1, 1, 1)), {"stride": 2}, [np.nan, 0, np.inf]),
        (np.ones((1, 1, 2)), {"stride": 2, "dilation": 3}, [np.nan, 0, np.inf, np.nan, 0, np.inf]),
        (np.ones((1, 1, 3)), {"dilation": 2}, [np.nan, np.inf, np.nan, np.inf, np.nan, np.inf]),
    ],
)
def test_the_smallest_that_failed(w: Any, options: Any, want: Any) -> None:
    y = tconv.conv_transpose(jnp.array([[[np.nan, np.inf]]]), w, **options)
    np.testing.assert_array_equal(y, np.array([[want]]))


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("number", range(0, len(PLANS), 3))
def test_by_columns_w_is_followed_too(number: int) -> None:
    plan = PLANS[number]
    x, w, y = operands(plan)
    w = spoilt(w, number)
    got = compute("y", plan, x, w, platform="cpu", method="col2im", precision=None)
    assert_same(got, maps(plan, x, w, y).y, "w not finite")


def test_the_kit_passes_the_choice_with_what_it_asks_by_default() -> None:
    names = ("stride", "padding", "output_padding", "dilation", "groups")
    compiled = jax.jit(tconv.conv_transpose, static_argnames=names)

    def on_jax(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
        return compiled(*jax.device_put((x, w, b)), **options)

    assert tconv.testing.check_conv_transpose(on_jax, profile="table").problems
