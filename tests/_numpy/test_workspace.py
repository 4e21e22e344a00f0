"""Memory beside the results is bounded: whatever the batch, the image, the kernel, the channels and
the dtype."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from math import log2, prod
from typing import Any, NamedTuple

import numpy as np
import pytest

import tconv
from tconv._numpy import scratch

WORKSPACE = 48 << 20


def peak_of(function: Callable[[], Any]) -> tuple[Any, int]:
    """What a function returns, and the bytes that were in use at most beside that."""
    tracemalloc.start()
    try:
        results = function()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    kept = results if isinstance(results, tuple) else (results,)
    return results, peak - sum(result.nbytes for result in kept if result is not None)


def peak_of_first(function: Callable[[], Any]) -> tuple[Any, int]:
    """``peak_of`` a function whose first result alone is an array."""
    later = []

    def first() -> Any:
        result, *others = function()
        later.extend(others)
        return result

    result, peak = peak_of(first)
    return (result, *later), peak


def test_what_is_not_counted_has_half_as_much_as_what_is() -> None:
    assert 2 * WORKSPACE == 3 * scratch.WORKSPACE


@pytest.mark.parametrize("method", ["auto", "col2im", "subpixel"])
@pytest.mark.parametrize(
    ("x_shape", "w_shape", "groups"),
    [
        ((96, 16, 32, 32), (16, 8, 4, 4), 1),
        ((800, 32, 8, 8), (32, 16, 4, 4), 1),
        ((1, 8, 400_000), (8, 4, 16), 1),
        ((96, 32, 32, 32), (32, 1, 4, 4), 32),
    ],
)
def test_the_transposed_convolution(
    method: str, x_shape: tuple[int, ...], w_shape: tuple[int, ...], groups: int
) -> None:
    if groups > 1 and method == "col2im":
        x_shape = (8, *x_shape[1:])  # one GEMM a channel: slow, and its scratch as small
    x, w = np.ones(x_shape, np.float32), np.ones(w_shape, np.float32)
    _, peak = peak_of(lambda: tconv.conv_transpose(x, w, stride=2, groups=groups, method=method))
    assert peak < WORKSPACE


def test_the_result_of_many_phases() -> None:
    """1024 phases of 16 channels: the result of one GEMM must not hold the whole batch."""
    x, w = np.ones((6, 4, 16, 16), np.float32), np.ones((4, 16, 64, 64), np.float32)
    _, peak = peak_of(lambda: tconv.conv_transpose(x, w, stride=32, method="subpixel"))
    assert peak < WORKSPACE


@pytest.mark.parametrize("groups", [1, 16])
@pytest.mark.parametrize("shape", [(512, 16, 16, 16), (2, 16, 2048, 32), (1, 16, 4, 8192)])
def test_the_gradients(groups: int, shape: tuple[int, ...]) -> None:
    x, w = np.ones(shape, np.float32), np.ones((16, 16 // groups, 4, 4), np.float32)
    y, pullback = tconv.conv_transpose_vjp(x, w, stride=2, padding=1, groups=groups)
    _, peak = peak_of(lambda: pullback(y))
    assert peak < WORKSPACE


class Problem(NamedTuple):
    """A call of ``function``, of operands of ones."""

    function: str
    dtype: str
    x_shape: tuple[int, ...]
    w_shape: tuple[int, ...]
    parameters: dict[str, Any]

    def operations(self) -> float:
        """Multiply-adds of one map."""
        channels = self.x_shape[1] * self.w_shape[1] if "transpose" in self.function else 0
        channels = channels or prod(self.w_shape[:2])
        positions = self.x_shape[2:]
        if "transpose" not in self.function:
            positions = self.result()[2:]
        return self.x_shape[0] * channels * prod(positions) * prod(self.w_shape[2:])

    def result(self) -> tuple[int, ...]:
        """The shape of the result."""
        transposed = "transpose" in self.function
        size = tconv.conv_transpose_output_size if transposed else tconv.conv_output_size
        named = {name: self.parameters[name] for name in ("stride", "padding", "dilation")}
        sizes = size(self.x_shape[2:], self.w_shape[2:], **named)
        groups = self.parameters["groups"]
        channels = self.w_shape[1] * groups if transposed else self.w_shape[0]
        return (self.x_shape[0], channels, *sizes)

    def peak(self) -> int:
        """Bytes beside operands and results."""
        x, w = np.ones(self.x_shape, self.dtype), np.ones(self.w_shape, self.dtype)
        call = getattr(tconv, self.function)
        if self.function.endswith("vjp"):
            y, pullback = call(x, w, **self.parameters)
            return peak_of(lambda: pullback(y))[1]
        return peak_of(lambda: call(x, w, **self.parameters))[1]


FUNCTIONS = ["conv_transpose", "conv", "conv_transpose_vjp", "conv_vjp"]
LARGEST_KERNEL = {1: 600, 2: 40, 3: 7}


def drawn(draw: random.Random) -> Problem | None:
    """A problem whose columns, planes or copies are large and whose multiply-adds are few; None
    where what was drawn is not so."""

    def up_to(most: float) -> int:
        return round(2 ** draw.uniform(0, log2(max(1, most))))

    axes, function = draw.choice([1, 1, 2, 2, 2, 3]), draw.choice(FUNCTIONS)
    dtype = draw.choice(["f", "f", "f", "d", "e", "e", "F", "D"])
    kernel_size = tuple(up_to(LARGEST_KERNEL[axes]) for _ in range(axes))
    stride = tuple(up_to(min(size, 8)) for size in kernel_size)
    dilation = tuple(draw.choice([1, 1, 1, 2, 3]) for _ in range(axes))
    groups = draw.choice([1, 1, 1, 2, 8, 64])
    inputs, outputs = (groups * draw.choice([1, 1, 2, 3, 8, 16]) for _ in range(2))
    batch = up_to(64)
    left = 2.0 ** draw.uniform(19, 22) / (batch * inputs)
    sizes = []
    for _ in range(axes - 1):
        sizes.append(up_to(left))
        left /= sizes[-1]
    sizes.append(max(1, int(left)))
    draw.shuffle(sizes)
    extents = [d * (size - 1) + 1 for d, size in zip(dilation, kernel_size, strict=True)]
    if "transpose" in function:
        w_shape = (inputs, outputs // groups, *kernel_size)
    else:
        w_shape = (outputs, inputs // groups, *kernel_size)
        sizes = [max(pair) for pair in zip(sizes, extents, strict=True)]
    parameters = {
        "stride": stride,
        "padding": tuple((extent - 1) // 2 for extent in extents),
        "dilation": dilation,
        "groups": groups,
    }
    problem = Problem(function, dtype, (batch, inputs, *sizes), w_shape, parameters)
    if function == "conv_transpose":
        parameters["method"] = draw.choice(["auto", "auto", "col2im", "subpixel"])
    largest = max(map(prod, (problem.x_shape, problem.w_shape, problem.result())))
    return problem if problem.operations() < 3e8 and largest < 1 << 24 else None


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize("seed", range(60))
def test_any_problem(seed: int) -> None:
    draw = random.Random(seed)
    problem = None
    while problem is None:
        problem = drawn(draw)
    assert problem.peak() < WORKSPACE, problem


MEASURED = [
    Problem("conv", "f", (1, 3, 512, 512), (3, 3, 7, 7), {"padding": 3}),
    Problem("conv", "f", (1, 4, 128, 128), (4, 4, 64, 64), {}),
    Problem("conv", "f", (1, 4, 50_000), (4, 4, 1001), {}),
    Problem("conv_transpose_vjp", "f", (64, 4, 64, 64), (4, 4, 9, 9), {"padding": 4}),
    Problem("conv_transpose_vjp", "f", (1, 1, 240_000), (1, 8, 255), {}),
    Problem("conv_transpose", "f", (1, 2, 3, 1_000_000), (2, 2, 3, 3), {"stride": 2}),
    Problem("conv_transpose", "f", (1, 2, 3, 1_000_000), (2, 1, 3, 3), {"stride": 2, "groups": 2}),
    Problem("conv_transpose_vjp", "f", (1, 2, 3, 1_000_000), (2, 2, 3, 3), {"stride": 2}),
    Problem("conv_transpose", "e", (16, 64, 64, 64), (64, 32, 4, 4), {"stride": 2}),
    Problem("conv_transpose_vjp", "e", (16, 64, 64, 64), (64, 32, 4, 4), {"stride": 2}),
    Problem("conv_transpose", "e", (1, 2048, 4, 4), (2048, 1024, 4, 4), {"stride": 2}),
    Problem("conv_transpose_vjp", "f", (1, 1024, 4, 4), (1024, 1024, 4, 4), {"stride": 2}),
]


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize("problem", MEASURED, ids=str)
def test_large_kernels_short_axes_half_precision_and_large_weights(problem: Problem) -> None:
    assert problem.peak() < WORKSPACE


@pytest.mark.parametrize("layout", [("NHWC", "HWIO", "NHWC"), ("HWNC", "OIHW", "CNHW")])
def test_other_orders_of_axes(layout: tuple[str, str, str]) -> None:
    sizes = {"N": 8, "H": 128, "W": 96, "C": 64}
    x = np.ones([sizes[axis] for axis in layout[0]], np.float32)
    w = np.ones([{"H": 4, "W": 4, "I": 64, "O": 32}[axis] for axis in layout[1]], np.float32)
    named = {"stride": 2, "dimension_numbers": layout}
    (y, pullback), peak = peak_of_first(lambda: tconv.conv_transpose_vjp(x, w, **named))
    assert peak < WORKSPACE
    assert peak_of(lambda: pullback(y))[1] < WORKSPACE
