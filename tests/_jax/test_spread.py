"""Convolutions whose rows are spread, so that XLA runs them on all threads of a CPU."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from tconv._core.plan import Plan, conv_transpose_call
from tconv._jax.forms import FORMS
from tconv._jax.forms.axes import OPERANDS
from tconv._jax.forms.xla import convolved, numbers_of
from tconv._jax.lowering import compute

# The form of each map, and problems of at least 8 million multiply-adds in each.
CONVOLUTIONS = {
    "y": "subpixel convolution",
    "x": "channels-last convolution",
    "w": "channels-last convolution",
}
PLANS = {
    "stride 1": conv_transpose_call((9, 20, 15, 14), (20, 25, 3, 4), padding=1).plan,
    "asymmetric": conv_transpose_call(
        (9, 20, 14, 14), (20, 20, 4, 4), stride=2, padding=((1, 2), (0, 3))
    ).plan,
    "dilated": conv_transpose_call((10, 24, 14, 13), (24, 24, 3, 3), dilation=(2, 3)).plan,
    "cropped": conv_transpose_call(
        (9, 21, 17, 16), (21, 24, 3, 3), stride=(1, 3), padding=((4, 0), (2, 5))
    ).plan,
    "output beyond": conv_transpose_call(
        (9, 20, 15, 14), (20, 18, 4, 4), stride=(2, 4), padding=((-3, 1), (-1, -2))
    ).plan,
}


def integers(shape: tuple[int, ...], seed: int) -> Any:
    return np.random.default_rng(seed).integers(-2, 3, shape).astype(np.float32)


def convolution(text: str) -> list[str]:
    return [line for line in text.splitlines() if "stablehlo.convolution" in line]


@pytest.mark.parametrize("result", CONVOLUTIONS)
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_spread_convolutions_are_equal_to_others(plan: Plan, result: str) -> None:
    shapes = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
    operands = [integers(shapes[name], seed) for seed, name in enumerate(OPERANDS[result])]
    static = {"platform": "cpu", "precision": None}
    spread = jax.jit(partial(compute, result, plan, form=CONVOLUTIONS[result], **static))
    (line,) = convolution(spread.lower(*operands).as_text())
    assert "lhs_dilate = [2, 1]" in line
    other = {"y": "columns", "x": "windows", "w": "windows"}[result]
    by_products = jax.jit(partial(compute, result, plan, form=other, **static))
    np.testing.assert_array_equal(spread(*operands), by_products(*operands))


def of_image(image: Array, kernel: Array, on_cpu: bool) -> Array:
    return convolved(
        image,
        kernel,
        [(1, 2), (0, 1)],
        stride=(2, 1),
        dilation=(1, 2),
        numbers=numbers_of(2, channels_last=True),
        precision=None,
        on_cpu=on_cpu,
    )


def test_zeros_between_rows_meet_no_tap() -> None:
    """An infinite weight shows where it meets x: a zero of its own would be a NaN."""
    image, kernel = integers((8, 33, 30, 16), 0), integers((4, 3, 16, 24), 1)
    image[image == 0] = 1
    kernel[1, 0, 3, 5] = np.inf
    spread, plain = of_image(image, kernel, True), of_image(image, kernel, False)
    np.testing.assert_array_equal(spread, plain)
    assert np.isinf(spread).any()


@pytest.mark.parametrize(
    ("shape", "features", "dtype", "expected"),
    [
        ((8, 33, 60, 16), 24, np.float32, True),
        ((1, 9, 30, 16), 24, np.float32, False),
        ((8, 33, 60, 7), 24, np.float32, False),
        ((8, 33, 60, 8), 24, np.float32, True),
        ((8, 33, 60, 16), 16, np.float32, False),
        ((8, 33, 60, 16), 17, np.float32, True),
        ((8, 33, 60, 16), 24, np.float64, False),
    ],
)
def test_which_are_spread(
    shape: tuple[int, ...], features: int, dtype: type[Any], expected: bool
) -> None:
    with jax.enable_x64(True):
        image = jax.ShapeDtypeStruct(shape, dtype)
        kernel = jax.ShapeDtypeStruct((4, 3, shape[-1], features), dtype)
        program = jax.jit(partial(of_image, on_cpu=True)).lower(image, kernel).as_text()
    (line,) = convolution(program)
    assert ("lhs_dilate = [2, 1]" in line) == expected


@pytest.mark.parametrize("result", CONVOLUTIONS)
@pytest.mark.parametrize("spatial", [(150,), (9, 10, 11)])
def test_images_of_one_axis_and_of_three_are_not(spatial: tuple[int, ...], result: str) -> None:
    """YNNPACK takes neither."""
    kernel = (5,) if len(spatial) == 1 else (3, 3, 3)
    plan = conv_transpose_call((9, 40, *spatial), (40, 40, *kernel)).plan
    shapes = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
    operands = [integers(shapes[name], seed) for seed, name in enumerate(OPERANDS[result])]
    static = {"platform": "cpu", "precision": None, "form": CONVOLUTIONS[result]}
    program = jax.jit(partial(compute, result, plan, **static)).lower(*operands).as_text()
    (line,) = convolution(program)
    assert "lhs_dilate = [2" not in line


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_no_rows_are_spread_on_accelerators(platform: str) -> None:
    plan = conv_transpose_call((8, 32, 15, 14), (32, 32, 4, 4), stride=2).plan
    for result, forms in FORMS.items():
        shapes = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
        operands = [jax.ShapeDtypeStruct(shapes[n], jnp.float32) for n in OPERANDS[result]]
        for method in ("auto", "subpixel") if result == "y" else ("auto",):
            function = partial(
                compute, result, plan, platform=platform, precision=None, method=method
            )
            text = jax.jit(function).lower(*operands).as_text()
            assert not [line for line in convolution(text) if "lhs_dilate = [2, 1]" in line], forms
