"""Arrays that arrive channels-last: the values of every form chosen for them, and its program."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import tconv
from tconv._core.layout import layout_of
from tconv._core.plan import conv_transpose_call
from tconv._jax.forms.axes import OPERANDS
from tconv._jax.lowering import compute
from tconv._jax.rewrites import called


class Case(NamedTuple):
    """Shapes in PyTorch's order, and parameters."""

    x_shape: tuple[int, ...]
    w_shape: tuple[int, ...]
    parameters: dict[str, Any]


CASES = {
    "windows": Case(
        (2, 6, 5, 4),
        (6, 3, 4, 4),
        {"stride": 2, "padding": 1},
    ),
    "ragged": Case(
        (1, 3, 4, 3, 2),
        (3, 2, 3, 3, 2),
        {"stride": 2, "output_padding": (1, 0, 1), "padding": (1, 0, 1)},
    ),
    "sum and shifts": Case(
        (2, 3, 9),
        (3, 5, 8),
        {"stride": 4, "padding": 2},
    ),
    "dilated": Case(
        (2, 3, 5, 6),
        (3, 2, 3, 2),
        {"stride": (1, 2), "dilation": (3, 2), "padding": 2},
    ),
    "strided convolution": Case(
        (1, 16, 300, 300),
        (16, 8, 4, 4),
        {"stride": 2, "padding": 1},
    ),
    "large": Case(
        (1, 16, 360, 360),
        (16, 8, 3, 3),
        {"stride": 2, "padding": 1},
    ),
    "many shifts": Case(
        (1, 12, 150, 150),
        (12, 16, 5, 5),
        {"padding": 1},
    ),
    "depthwise": Case(
        (2, 6, 5, 4),
        (6, 1, 4, 3),
        {"stride": (2, 1), "padding": 1, "groups": 6},
    ),
    "many groups": Case(
        (2, 24, 5, 4),
        (24, 2, 3, 3),
        {"stride": 2, "padding": 1, "groups": 12},
    ),
}


def numbers_of(case: Case) -> tuple[str, str, str]:
    spatial = "DHW"[5 - len(case.x_shape) :]
    return f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"


def ordered(channels_last: bool, x: Any, w: Any, dy: Any) -> tuple[Any, Any, Any]:
    """Arrays like x, w and y in the caller's order."""
    if channels_last:
        x, w, dy = np.moveaxis(x, 1, -1), np.moveaxis(w, (0, 1), (-2, -1)), np.moveaxis(dy, 1, -1)
    return jax.device_put((x, w, dy))


def problem(case: Case, channels_last: bool) -> tuple[Any, Any]:
    """(x, w, dy), and (dx, dw, y) by NumPy.

    Integers small enough that every sum is exact in float32."""
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-2, 3, shape).astype(np.float32) for shape in case[:2])
    y, pullback = tconv.conv_transpose_vjp(x, w, **case.parameters)
    dy = rng.integers(-2, 3, y.shape).astype(np.float32)
    dx, dw, _ = pullback(dy)
    return ordered(channels_last, x, w, dy), ordered(channels_last, dx, dw, y)


def forward(case: Case, channels_last: bool, x: Any, w: Any) -> Any:
    numbers = numbers_of(case) if channels_last else None
    return tconv.conv_transpose(x, w, dimension_numbers=numbers, **case.parameters)


def gradients(case: Case, channels_last: bool, x: Any, w: Any, dy: Any) -> Any:
    """(dx, dw, y)."""
    y, pull = jax.vjp(partial(forward, case, channels_last), x, w)
    return *pull(dy), y


@pytest.mark.parametrize("name", CASES)
def test_values(name: str) -> None:
    case = CASES[name]
    arrays, want = problem(case, channels_last=True)
    np.testing.assert_array_equal(jax.jit(partial(forward, case, True))(*arrays[:2]), want[2])
    for mine, theirs in zip(jax.jit(partial(gradients, case, True))(*arrays), want, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("name", ["windows", "ragged", "sum and shifts", "dilated", "depthwise"])
@pytest.mark.parametrize("function", [forward, gradients])
def test_nothing_is_brought_to_channels_first(name: str, function: Any) -> None:
    case = CASES[name]
    arrays, (*_, y) = problem(case, channels_last=True)
    operands = arrays if function is gradients else arrays[:2]
    program = jax.jit(partial(function, case, True)).lower(*operands).compile().as_text()
    for array in (arrays[0], y):
        batch, *spatial, channels = array.shape
        assert f"f32[{','.join(map(str, array.shape))}]" in program
        assert f"f32[{','.join(map(str, (batch, channels, *spatial)))}]" not in program


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("result", ["x", "w"])
def test_convolutions_that_are_called_have_the_order_that_xla_is_fast_at(
    result: str, channels_last: bool
) -> None:
    """XLA brings others to it in the entry computation alone."""
    case = CASES["many shifts"]
    plan = conv_transpose_call(case.x_shape, case.w_shape, **case.parameters).plan
    plan = replace(plan, channels_last=channels_last)
    shapes = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
    static = {"platform": "cpu", "precision": None, "form": "channels-last convolution"}
    function = called(
        partial(compute, result, plan, **static),
        OPERANDS[result],
        result,
        channels_last=channels_last,
    )
    operands = [jax.ShapeDtypeStruct(shapes[name], np.float32) for name in OPERANDS[result]]
    program = jax.jit(function).lower(*operands).compile().as_text()
    assert program.count(" convolution(") == program.count("dim_labels=b01f_01io->b01f") == 1


@pytest.mark.parametrize(
    ("channels_last", "moved"),
    [
        (False, ("2x6x8x1x4x2x2", "0, 3, 4, 1, 5, 2, 6")),
        (True, ("2x6x8x2x2x1x4", "0, 1, 3, 2, 4, 5, 6")),
    ],
)
def test_phases_are_written_in_runs_of_what_lies_innermost(
    channels_last: bool, moved: tuple[str, str]
) -> None:
    """6 x 8 cells of 2 x 2 phases with 4 channels: the channels stay in place where y ends in
    them."""
    plan = conv_transpose_call((2, 6, 5, 7), (6, 4, 4, 4), stride=2, padding=1).plan
    plan = replace(plan, channels_last=channels_last)
    static = {"platform": "cpu", "precision": None, "form": "subpixel convolution"}
    operands = [jax.ShapeDtypeStruct(shape, np.float32) for shape in (plan.x_shape, plan.w_shape)]
    text = jax.jit(partial(compute, "y", plan, **static)).lower(*operands).as_text()
    shape, dims = moved
    assert re.findall(rf"dims = \[([\d, ]+)\] : \(tensor<{shape}xf32>\)", text) == [dims]


@pytest.mark.parametrize("channels_last", [False, True])
def test_few_groups_are_called_one_by_one(channels_last: bool) -> None:
    case = Case((2, 9, 5, 4), (9, 4, 3, 4), {"stride": 2, "padding": 1, "groups": 3})
    arrays, want = problem(case, channels_last)
    compiled = jax.jit(partial(gradients, case, channels_last)).lower(*arrays).compile()
    assert compiled.as_text().count(" call(") == 3 + 3 * 3
    for mine, theirs in zip(compiled(*arrays), want, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("numbers", "batched", "expected"),
    [
        (("NHWC", "HWIO", "NHWC"), True, True),
        (("HWC", "HWOI", "HWC"), False, True),
        (("NHWC", "HWIO", "NHWC"), False, True),
        (("NWHC", "HWIO", "NHWC"), True, True),
        (("NCHW", "OIHW", "NCHW"), True, False),
        (("NHWC", "HWIO", "NCHW"), True, False),
        (("NCHW", "HWIO", "NHWC"), True, False),
        (("HWCN", "HWIO", "HWCN"), True, False),
    ],
)
def test_what_counts_as_channels_last(numbers: Any, batched: bool, expected: bool) -> None:
    layout = layout_of(numbers, 2, transposed=True, batched=batched)
    assert layout.channels_last is expected


@pytest.mark.parametrize("name", ["windows", "sum and shifts", "depthwise", "many groups"])
def test_symbolic_sizes(name: str) -> None:
    case = CASES[name]
    (x, w, _), _ = problem(case, channels_last=True)
    names = "b, " + ", ".join("hwd"[: x.ndim - 2])
    shape = (*export.symbolic_shape(names), x.shape[-1])

    def pullback(x: Any, w: Any) -> Any:
        return jax.value_and_grad(lambda x, w: jnp.sum(forward(case, True, x, w) ** 2), (0, 1))(
            x, w
        )

    exported = export.export(jax.jit(pullback))(jax.ShapeDtypeStruct(shape, x.dtype), w)
    got, want = map(jax.tree.leaves, (exported.call(x, w), jax.jit(pullback)(x, w)))
    for mine, theirs in zip(got, want, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("in_axes", [(0, 0), (0, None), (None, 0)])
def test_vmap(in_axes: tuple[Any, Any]) -> None:
    case = CASES["windows"]
    (x, w, _), _ = problem(case, channels_last=True)
    x, w = np.asarray(x), np.asarray(w)
    operands = [
        array if axis is None else np.stack([array, 2 * array, -array])
        for array, axis in zip((x, w), in_axes, strict=True)
    ]
    got = np.asarray(jax.jit(jax.vmap(partial(forward, case, True), in_axes))(*operands))
    want = forward(case, True, x, w)
    for row, factor in zip(got, (1, 2, -1), strict=True):
        mapped = sum(axis is not None for axis in in_axes)
        np.testing.assert_array_equal(row, factor**mapped * want)
