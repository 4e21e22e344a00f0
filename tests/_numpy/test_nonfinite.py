"""A NaN or an infinity in any operand reaches what the definition says, and nothing else."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tconv._core.plan import Plan, conv_transpose_call
from tconv._numpy import entry
from tconv._numpy.forms import tapwise
from tconv._numpy.forms.tapwise import all_finite

from .exact import OPERANDS, Exact, exact, problems

OPTIONS: dict[str, Any] = {"precision": None, "preferred": None}


def computed(problem: Exact, method: str = "auto") -> list[tuple[str, np.ndarray]]:
    """Every map of the problem, and the gradients together."""
    plan, x, w, y = problem
    y_of = entry.conv_transpose(plan, x, w, None, method=method, **OPTIONS)
    dx, dw = entry.cotangents(plan, x, w, y, precision=None)
    return [
        ("y", y_of),
        ("x", entry.conv(plan, y, w, None, **OPTIONS)),
        ("w", entry.weight_cotangent(plan, x, y, precision=None)),
        ("x", dx),
        ("w", dw),
    ]


def check_spreading(problem: Exact, draw: random.Random, method: str = "auto") -> None:
    for name in "xwy":
        operand = getattr(problem, name).copy()
        if operand.size:
            operand.flat[draw.randrange(operand.size)] = draw.choice([np.nan, np.inf, -np.inf])
        spoilt = problem._replace(**{name: operand})
        with np.errstate(invalid="ignore"):
            for result, value in computed(spoilt, method):
                if name in OPERANDS[result]:
                    spoilt.check(result, value, f"{name} not finite:")


@pytest.mark.parametrize("method", ["auto", "col2im", "subpixel"])
def test_any_problem(method: str) -> None:
    draw = random.Random(0)
    for problem in problems(40, 120):
        check_spreading(problem, draw, method)


def layer(
    channels: tuple[int, int], kernel_size: int, stride: int, axes: int = 2, **named: int
) -> Plan:
    inputs, outputs = channels
    shapes = (2, inputs, *[5] * axes), (inputs, outputs, *[kernel_size] * axes)
    return conv_transpose_call(*shapes, stride=stride, **named).plan


# Those that a form computes which multiplies zeros beside x or y.
LAYERS = {
    "depthwise k3 s2": layer((8, 1), 3, 2, padding=1, output_padding=1, groups=8),
    "depthwise k3 s1": layer((8, 1), 3, 1, padding=1, groups=8),
    "k5 s2": layer((6, 6), 5, 2, padding=2),
    "k2 s3": layer((6, 6), 2, 3),
    "k3 s4 d2": layer((6, 6), 3, 4, dilation=2),
    "1-D k3 s2": layer((6, 6), 3, 2, axes=1),
    "k4 s2": layer((16, 16), 4, 2, padding=1),
    "k9 s4": layer((1, 32), 9, 4),
    "k16 s8": layer((3, 1), 16, 8, padding=4, groups=3),
    "3-D": layer((4, 4), 4, 2, axes=3, padding=1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    draw = random.Random(name)
    for seed in range(3):
        check_spreading(exact(LAYERS[name], seed), draw)


def test_a_tap_that_reads_only_padding_brings_nothing() -> None:
    """A NaN or an infinity of such a tap reaches neither result nor gradient."""
    y, w = np.full((1, 1, 1), 2.0), np.array([[[np.nan, 3.0, np.inf]]])
    plan = conv_transpose_call(y.shape, w.shape, padding=1).plan
    for result, value in computed(Exact(plan, y, w, y)):
        want = [0, 4, 0] if result == "w" else [6]
        np.testing.assert_array_equal(value, [[want]], result)


def test_what_is_finite_is_found_in_blocks() -> None:
    for shape in [(3,), (200_000,), (1, 1, 200_000), (100_000, 2), (2, 300, 300), ()]:
        array = np.ones(shape, np.float32)
        assert all_finite(array)
        for place in (0, -1):
            for value in (np.nan, np.inf):
                spoilt = array.copy()
                spoilt.reshape(-1)[place] = value
                assert not all_finite(spoilt)
    assert all_finite(np.ones((0, 3)))


def test_blocks_are_no_larger_than_what_a_cache_holds_and_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[int] = []

    class Counting:
        @staticmethod
        def isfinite(values: np.ndarray) -> np.ndarray:
            looked_at.append(values.size)
            return np.isfinite(values)

    monkeypatch.setattr(tapwise, "np", Counting)
    for shape, blocks in [
        ((1 << 16,), [1 << 16]),
        ((5, 1 << 14), [1 << 16, 1 << 14]),
        ((100, 1000), [65_000, 35_000]),
        ((2, 3, 1 << 15), [1 << 16, 1 << 15] * 2),
    ]:
        looked_at.clear()
        assert all_finite(np.ones(shape, np.float32))
        assert looked_at == blocks


def test_bfloat16_is_looked_at() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    plan = LAYERS["k4 s2"]
    x, w = np.ones(plan.x_shape, ml_dtypes.bfloat16), np.ones(plan.w_shape, ml_dtypes.bfloat16)
    w[0, 0, 0, 0] = np.nan
    y = entry.conv_transpose(plan, x, w, None, method="auto", **OPTIONS)
    expected = exact(plan)._replace(x=np.ones(plan.x_shape), w=w.astype(float)).expected("y")
    np.testing.assert_array_equal(np.isnan(y.astype(float)), np.isnan(expected))
