"""Every algorithm, in pieces of every size, gives the integers of the definition."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import numpy as np
import pytest

import tconv
from tconv._core.plan import Plan, conv_transpose_call
from tconv._numpy import (
    banded,
    depthwise,
    flattened,
    overlap_add,
    parts,
    phase_runs,
    subpixel,
    tiny,
)

ALGORITHMS = {
    "col2im": overlap_add.conv_transpose,
    "subpixel": subpixel.conv_transpose,
    "depthwise": depthwise.conv_transpose,
    "banded": banded.conv_transpose,
    "tiny": tiny.conv_transpose,
}


def by_definition(plan: Plan, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """y[o] = sum of x[i] * w[t] over i*stride + t*dilation - lo == o, in Python loops."""
    y = np.zeros(plan.y_shape, x.dtype)
    depth, channels = plan.group_in_channels, plan.group_out_channels
    for i in product(*map(range, plan.input_size)):
        for t in product(*map(range, plan.kernel_size)):
            o = tuple(
                i_ * a.stride + t_ * a.dilation - a.lo
                for i_, t_, a in zip(i, t, plan.axes, strict=True)
            )
            if all(0 <= o_ < size for o_, size in zip(o, plan.output_size, strict=True)):
                for g in range(plan.groups):
                    inputs = slice(g * depth, (g + 1) * depth)
                    outputs = slice(g * channels, (g + 1) * channels)
                    value = x[(slice(None), inputs, *i)] @ w[(inputs, slice(None), *t)]
                    y[(slice(None), outputs, *o)] += value
    return y


def problems(seed: int, count: int) -> Any:
    """Random problems, small but of every shape: empty, cropped, extended, dilated, grouped."""
    rng = random.Random(seed)
    values = np.random.default_rng(seed)
    while count:
        axes, groups = rng.choice([1, 1, 2, 2, 3]), rng.choice([1, 1, 2, 3])
        largest = (9, 5, 3)[axes - 1]

        def draw(low: int, high: int, axes: int = axes) -> tuple[int, ...]:
            return tuple(rng.randint(low, high) for _ in range(axes))

        inputs, outputs = groups * rng.randint(0, 3), groups * rng.randint(0, 3)
        x_shape = (rng.randint(0, 3), inputs, *draw(1, largest))
        w_shape = (inputs, outputs // groups, *draw(1, largest))
        padding = tuple((rng.randint(-3, 4), rng.randint(-3, 4)) for _ in range(axes))
        stride, dilation = draw(1, 4), draw(1, 3)
        try:
            plan = conv_transpose_call(
                x_shape,
                w_shape,
                stride=stride,
                padding=padding,
                dilation=dilation,
                groups=groups,
            ).plan
        except ValueError:
            continue
        count -= 1
        yield (
            plan,
            values.integers(-5, 6, x_shape).astype(np.float64),
            values.integers(-5, 6, w_shape).astype(np.float64),
        )


@pytest.mark.parametrize("seed", range(4))
def test_random_problems_equal_the_definition(seed: int) -> None:
    for plan, x, w in problems(seed, 60):
        expected = by_definition(plan, x, w)
        for name, algorithm in ALGORITHMS.items():
            np.testing.assert_array_equal(algorithm(plan, x, w), expected, f"{name} {plan}")


@pytest.mark.parametrize("fusion", [0.5, 100.0])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_pieces_of_any_size_give_the_same(
    monkeypatch: pytest.MonkeyPatch, fusion: float, size: int
) -> None:
    """Blocks far smaller than in use, and phases always or never fused."""
    for module in (overlap_add, depthwise, banded):
        monkeypatch.setattr(module, "POSITIONS", size)
    monkeypatch.setattr(overlap_add, "COLUMNS", size)
    monkeypatch.setattr(overlap_add, "FEWEST_ROWS", 1)
    monkeypatch.setattr(overlap_add, "SHORT_ROW", 2 if size == 7 else 100)
    monkeypatch.setattr(depthwise, "ELEMENTS", size)
    monkeypatch.setattr(banded, "ELEMENTS", size)
    monkeypatch.setattr(banded, "OUTPUTS", size)
    monkeypatch.setattr(banded, "FEWEST", 1)
    monkeypatch.setattr(phase_runs, "SHORTEST", 2 if size == 7 else 4)
    monkeypatch.setattr(subpixel, "FEWEST", 1)
    monkeypatch.setattr(subpixel, "MOST", size)
    monkeypatch.setattr(parts, "FUSION_LIMIT", fusion)
    caches = (parts.parts, flattened.recipe, banded.band)
    for cached in caches:
        cached.cache_clear()
    try:
        for plan, x, w in problems(100 + size, 40):
            expected = by_definition(plan, x, w)
            for name, algorithm in ALGORITHMS.items():
                np.testing.assert_array_equal(algorithm(plan, x, w), expected, f"{name} {plan}")
    finally:
        for cached in caches:
            cached.cache_clear()


def test_operands_are_not_written_to_and_may_be_strided() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 4, 9, 8))[::-1, ::2, ::2, ::-1]
    w = np.asfortranarray(rng.standard_normal((2, 3, 4, 3)))
    x.flags.writeable = w.flags.writeable = False
    plain = np.ascontiguousarray(x), np.ascontiguousarray(w)
    for method in ("auto", "col2im", "subpixel", "dilated", "matrix"):
        strided = tconv.conv_transpose(x, w, stride=2, padding=1, method=method)
        expected = tconv.conv_transpose(*plain, stride=2, padding=1, method=method)
        np.testing.assert_allclose(strided, expected, rtol=1e-12, atol=1e-12)


def test_results_are_bit_identical_from_run_to_run() -> None:
    rng = np.random.default_rng(0)
    for groups, channels in ((1, 48), (48, 48)):
        x = rng.standard_normal((3, channels, 33, 34)).astype(np.float32)
        w = rng.standard_normal((channels, channels // groups, 4, 3)).astype(np.float32)
        for method in ("auto", "col2im", "subpixel"):
            runs = [
                tconv.conv_transpose(x, w, stride=2, groups=groups, method=method) for _ in range(4)
            ]
            assert all(np.array_equal(runs[0], other) for other in runs[1:])


@pytest.mark.parametrize("kernel_size", [3, 4, 31, 32])
def test_an_infinity_stays_where_its_taps_land(kernel_size: int) -> None:
    """Fusing phases must not multiply it by a zero that stands for a missing tap."""
    x = np.ones((1, 2, 400))
    x[0, 1, 200] = np.inf
    w = np.ones((2, 8, kernel_size))
    for name, algorithm in ALGORITHMS.items():
        plan = conv_transpose_call(x.shape, w.shape, stride=2, padding=kernel_size).plan
        y = algorithm(plan, x, w)
        reached = np.isinf(y).any(axis=(0, 1))
        first = 200 * 2 - kernel_size
        assert not np.isnan(y).any(), name
        assert reached.sum() == kernel_size, name
        assert reached[first : first + kernel_size].all(), name


def test_outputs_fewer_than_the_stride() -> None:
    rng = np.random.default_rng(1)
    for kernel_size, stride, crop in product(range(1, 8), range(1, 6), range(8)):
        x = rng.integers(-5, 6, (2, 1, 3)).astype(np.float64)
        w = rng.integers(-5, 6, (1, 2, kernel_size)).astype(np.float64)
        for size in (1, 2, 3):
            hi = 2 * stride + kernel_size - crop - size
            plan = conv_transpose_call(x.shape, w.shape, stride=stride, padding=[(crop, hi)]).plan
            expected = by_definition(plan, x, w)
            for name, algorithm in ALGORITHMS.items():
                np.testing.assert_array_equal(algorithm(plan, x, w), expected, f"{name} {plan}")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_zeros_of_the_bands_meet_no_infinity(value: float) -> None:
    plan = conv_transpose_call((2, 3, 9), (3, 1, 5), stride=3, groups=3).plan
    x, w = np.ones(plan.x_shape), np.ones(plan.w_shape)
    x[1, 0, 4] = value
    y = banded.conv_transpose(plan, x, w)
    np.testing.assert_array_equal(y, by_definition(plan, x, w))


def test_integers_and_long_doubles_take_no_bands() -> None:
    for dtype in (np.int64, np.longdouble):
        plan = conv_transpose_call((2, 3, 9), (3, 1, 5), stride=3, groups=3).plan
        x = np.arange(54, dtype=dtype).reshape(plan.x_shape)
        w = np.arange(15, dtype=dtype).reshape(plan.w_shape)
        y = banded.conv_transpose(plan, x, w)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, by_definition(plan, x, w))


@pytest.mark.parametrize("groups", [1, 6])
@pytest.mark.parametrize("stride", [1, 3])
def test_four_axes(groups: int, stride: int) -> None:
    rng = np.random.default_rng(4)
    x = rng.integers(-5, 6, (2, 6, 3, 2, 3, 3)).astype(np.float64)
    w = rng.integers(-5, 6, (6, 6 // groups, 2, 3, 2, 3)).astype(np.float64)
    call = conv_transpose_call(x.shape, w.shape, stride=stride, padding=1, groups=groups)
    expected = by_definition(call.plan, x, w)
    for method in ("auto", "col2im", "subpixel"):
        y = tconv.conv_transpose(x, w, stride=stride, padding=1, groups=groups, method=method)
        np.testing.assert_array_equal(y, expected, method)
