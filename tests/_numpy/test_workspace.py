"""Memory beside the results is bounded whatever the batch."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tconv
from tconv._numpy.tiles import WINDOW_LIMITS

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
    assert peak < 8 * WINDOW_LIMITS.workspace
