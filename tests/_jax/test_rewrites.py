"""Problems brought to smaller ones: what of, and that their results are those of the given one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._jax import rewrites
from tconv._jax.forms.axes import OPERANDS, on_spatial
from tests.support.definition import maps

# By the size of the GEMM's y: the taps of each axis that land inside.
POINTS = {
    12: (Axis(1, 4, 4, 1, 1, 0), Axis(1, 3, 3, 2, 1, 0)),
    3: (Axis(1, 3, 5, 2, 1, 1),),
    4: (Axis(1, 9, 4, 1, 2, -1),),
    1: (Axis(1, 1, 4, 3, 2, 4),),
    2: (Axis(1, 3, 3, 1, 2, 1), Axis(1, 5, 2, 1, 3, -1)),
}


def products(plan: Plan, result: str) -> Any:
    """A problem without axes: a product of matrices for each group."""

    def compute(one: Plan, arrays: rewrites.Arrays) -> Any:
        assert one == replace(plan, axes=(), out_channels=one.out_channels, channels_last=True)
        assert one.out_channels % plan.out_channels == 0
        of = {
            "x": (plan.batch, plan.groups, -1),
            "w": (plan.groups, plan.group_in_channels, -1),
            "y": (plan.batch, plan.groups, -1),
        }
        indices = {"x": "ngi", "w": "gio", "y": "ngo"}
        first, second = arrays
        terms = f"{indices[first]},{indices[second]}->{indices[result]}"
        shape = {
            "x": (plan.batch, plan.in_channels),
            "w": (plan.in_channels, one.group_out_channels),
            "y": (plan.batch, one.out_channels),
        }[result]
        grouped = [array.reshape(of[name]) for name, array in arrays.items()]
        return jnp.einsum(terms, *grouped).reshape(shape)

    return compute


@pytest.mark.parametrize("landing", POINTS)
def test_one_position_is_a_product_of_matrices(landing: int) -> None:
    plan = Plan(2, 4, 6, 2, POINTS[landing])
    rewrite = rewrites.point(plan)
    assert rewrite is not None
    assert rewrite.plan.out_channels == 6 * landing
    rng = np.random.default_rng(0)
    shapes = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
    arrays = {name: rng.integers(-4, 5, shape).astype(float) for name, shape in shapes.items()}
    for result, expected in maps(plan, *arrays.values())._asdict().items():
        compute = rewrites.rewritten([rewrites.point], products(plan, result), result)
        found = compute(plan, {name: jnp.asarray(arrays[name]) for name in OPERANDS[result]})
        np.testing.assert_array_equal(found, expected)


def test_what_is_no_product_of_matrices() -> None:
    assert rewrites.point(Plan(2, 4, 6, 2, ())) is None
    assert (
        rewrites.point(Plan(2, 4, 6, 2, (Axis(1, 4, 4, 1, 1, 0), Axis(2, 4, 3, 1, 1, 0)))) is None
    )
    no_tap_lands = Axis(1, 2, 2, 1, 3, 1)
    assert rewrites.point(Plan(2, 4, 6, 2, (Axis(1, 4, 4, 1, 1, 0), no_tap_lands))) is None
    (size,) = export.symbolic_shape("n")
    assert rewrites.point(Plan(2, 4, 6, 2, (Axis(1, size, 4, 1, 1, 0),))) is None


@pytest.mark.parametrize("output_size", [1, 2, 3, 8, 9])
@pytest.mark.parametrize("lo", [0, 1, 2])
@pytest.mark.parametrize("gap", [2, 3])
def test_the_lattice_of_what_is_reached_is_filled_up(gap: int, lo: int, output_size: int) -> None:
    plan = Plan(2, 1, 1, 1, (Axis(3, output_size, 4, gap, 2 * gap, lo),))
    rewrite = rewrites.reduced(plan)
    assert rewrite is not None
    reached = np.arange(-lo % gap, output_size, gap)  # those whose place in the scatter divides
    assert rewrite.plan.y_shape == (2, 1, len(reached))
    small = np.arange(1.0, 2 * len(reached) + 1).reshape(2, 1, -1)
    whole = np.zeros((2, 1, output_size))
    whole[..., reached] = small
    np.testing.assert_array_equal(rewrite.out_of("y", [jnp.asarray(small)]), whole)
    (back,) = rewrite.into("y", jnp.asarray(whole))
    np.testing.assert_array_equal(back, small)


def test_spatial_axes_are_where_an_array_has_them() -> None:
    seen = []

    def noted(array: Any, axis: int) -> Any:
        seen.append((array.shape, axis))
        return array

    array = jnp.zeros((2, 3, 4, 5))
    for name in ("x", "w"):
        for channels_last in (False, True):
            unchanged = on_spatial(noted, name, array, channels_last=channels_last)
            assert unchanged.shape == array.shape
    plain = (2, 3, 4, 5), 2
    assert seen == [plain, ((2, 4, 5, 3), 1), plain, ((4, 5, 2, 3), 0)]
