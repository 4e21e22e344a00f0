"""Forms by slabs: their values, their geometry, what they keep, and when they are taken."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import jax
import numpy as np
import pytest

import tconv
from tconv._core.axis import Axis
from tconv._core.cost import MAPPED, Counts
from tconv._core.plan import Plan
from tconv._jax import choose
from tconv._jax.forms import FORMS, IN_SLABS
from tconv._jax.forms.slabs import ROOM, in_slabs, slabs_of
from tests._jax.test_forms_values import PLANS, of, operands
from tests.support.definition import maps

BASES = {"y": "columns", "x": "windows", "w": "windows"}
IMAGE = Plan(3, 4, 2, 2, (Axis(7, 15, 4, 2, 1, 1), Axis(3, 5, 3, 2, 1, 1)))


def keeping(elements: float, plan: Plan) -> Counts:
    """As if a form kept so many elements a sample and row of x and y."""
    rows = 1 if not plan.axes else max(plan.input_size[0], plan.output_size[0])
    return Counts(kept=elements * plan.batch * rows)


AS_SMALL_AS_CAN_BE = partial(keeping, 1e12)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("number", range(len(PLANS)))
def test_the_smallest_slabs_make_the_whole(number: int, channels_last: bool) -> None:
    plan = replace(PLANS[number], channels_last=channels_last)
    arrays = dict(zip("xwy", operands(plan), strict=True))
    for result, want in zip("yxw", maps(plan, *arrays.values()), strict=True):
        compute = FORMS[result][BASES[result]].compute
        by_slabs = jax.jit(
            partial(in_slabs, result, compute, AS_SMALL_AS_CAN_BE, plan, precision=None)
        )
        np.testing.assert_array_equal(by_slabs(*of(result, arrays)), want, err_msg=result)


@pytest.mark.parametrize("result", ["y", "x", "w"])
@pytest.mark.parametrize("most", [2, 4, 9, 20, 40])
def test_slabs_of_several_sizes_make_the_whole(result: str, most: int) -> None:
    counts = partial(keeping, ROOM / most)
    slabs = slabs_of(result, IMAGE, counts)
    assert slabs is not None
    assert counts(slabs.slab).kept < 2 * ROOM or slabs.slab.input_size[0] < 4
    arrays = dict(zip("xwy", operands(IMAGE), strict=True))
    want = dict(zip("yxw", maps(IMAGE, *arrays.values()), strict=True))[result]
    compute = FORMS[result][BASES[result]].compute
    got = in_slabs(result, compute, counts, IMAGE, *of(result, arrays), precision=None)
    np.testing.assert_array_equal(got, want)


def test_what_fits_has_no_slabs() -> None:
    assert slabs_of("y", IMAGE, partial(keeping, ROOM / 100)) is None
    assert slabs_of("y", replace(IMAGE, batch=1), partial(keeping, 1)) is None


def test_parts_of_the_batch_come_first() -> None:
    plan = replace(IMAGE, batch=12)
    rows = plan.output_size[0]
    for samples in (6, 4, 3, 2, 1):
        slabs = slabs_of("y", plan, partial(keeping, ROOM / (samples * rows)))
        assert slabs is not None
        assert (slabs.slab.batch, slabs.parts) == (samples, None)
    slabs = slabs_of("y", plan, partial(keeping, 2 * ROOM / rows))
    assert slabs is not None
    assert slabs.parts is not None
    assert slabs.slab.batch == 1


def test_of_two_the_one_nearer_to_the_room_is_taken() -> None:
    """Those of w are divisors: of 14 rows 7 or 2."""
    axis = Axis(14, 14, 3, 1, 1, 1)
    plan = replace(IMAGE, batch=1, axes=(axis, axis))
    for of_rows, expected in ((1 / 6, 7), (1 / 2, 2), (1 / 3.8, 7), (1 / 3.6, 2)):
        slabs = slabs_of(
            "w", plan, lambda plan, n=of_rows: Counts(kept=ROOM * n * plan.input_size[0])
        )
        assert slabs is not None
        assert slabs.slab.input_size[0] == expected


def test_parts_of_y_are_whole_strides_and_those_of_w_share_no_inputs() -> None:
    y = slabs_of("y", IMAGE, AS_SMALL_AS_CAN_BE)
    w = slabs_of("w", IMAGE, AS_SMALL_AS_CAN_BE)
    assert y is not None
    assert y.parts is not None
    assert y.parts.size == 2
    assert w is not None
    assert w.starts == tuple(range(7))


LARGE = {"in_channels": 16, "out_channels": 16, "kernel_size": 3, "size": 49}


def large(result: str, size: int = 49) -> Plan:
    return Plan(1, 16, 16, 1, (Axis(size, size, 3, 1, 1, 1),) * 3)


@pytest.mark.parametrize("result", ["y", "x", "w"])
def test_they_are_taken_where_memory_would_be_mapped_anew(result: str) -> None:
    dtype = np.dtype(np.float32)
    for size, taken in ((49, True), (6, False)):
        plan = large(result, size)
        name = choose.choose(result, plan, "cpu", dtype)
        found = choose.candidates(result, plan, dtype)
        assert name.endswith(IN_SLABS) == taken
        assert found[name].kept < MAPPED
        assert any(counts.kept >= MAPPED for counts in found.values()) == taken


@pytest.mark.parametrize("result", ["y", "x", "w"])
def test_the_program_holds_no_more_than_it_counts(result: str) -> None:
    """Beside operands and result: 20 MB in place of some 200."""
    plan = large(result)
    shapes = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
    arrays = {name: jax.ShapeDtypeStruct(shape, np.float32) for name, shape in shapes.items()}
    first, second = of(result, arrays)

    def program(first: Any, second: Any) -> Any:
        if result == "y":
            return tconv.conv_transpose(first, second, padding=1)
        if result == "x":
            return tconv.conv(first, second, padding=1)
        _, pullback = jax.vjp(
            lambda w: tconv.conv(second, w, padding=1), np.zeros(plan.w_shape, np.float32)
        )
        return pullback(first)

    analysis = jax.jit(program).lower(first, second).compile().memory_analysis()
    padded = prod(plan.y_shape) * (51 / 49) * 4
    assert analysis.temp_size_in_bytes < padded + 3 * MAPPED


@pytest.mark.long
@pytest.mark.parametrize("place", [0, 24, 48])
def test_what_is_not_finite_stays_where_taps_carry_it(place: int) -> None:
    """In x of y, and in both operands of w, at an edge between slabs as elsewhere."""
    plan = large("y", 49)
    x = np.ones(plan.x_shape, np.float32)
    x[0, 3, place, 5, 7] = np.nan
    w = np.ones(plan.w_shape, np.float32)
    y = np.asarray(jax.jit(partial(tconv.conv_transpose, padding=1))(x, w))
    reached = np.zeros(plan.output_size, bool)
    reached[max(0, place - 1) : place + 2, 4:7, 6:9] = True
    np.testing.assert_array_equal(np.isnan(y), np.broadcast_to(reached, y.shape))
    cotangent = np.ones(plan.y_shape, np.float32)
    cotangent[0, 2, place, 0, 0] = np.nan  # tap (., 2, 2) carries nothing there
    _, pullback = jax.vjp(lambda w: tconv.conv_transpose(np.ones_like(x), w, padding=1), w)
    (dw,) = pullback(cotangent)
    taps = np.ones(plan.kernel_size, bool)
    taps[:, 2, :] = taps[:, :, 2] = False
    if place == 0:
        taps[2] = False
    if place == 48:
        taps[0] = False
    want = np.zeros(plan.w_shape, bool)
    want[:, 2] = taps
    np.testing.assert_array_equal(np.isnan(np.asarray(dw)), want)
