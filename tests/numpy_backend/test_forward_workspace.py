"""Scratch memory is bounded whatever the batch; the choice needs nothing but numbers."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import tconv
from tconv._core.plan import Plan, conv_transpose_call
from tconv._numpy import workers
from tconv._numpy.choose import choose

WORKSPACE = 48 << 20


def plan_of(
    x_shape: tuple[int, ...], w_shape: tuple[int, ...], stride: int = 1, groups: int = 1
) -> Plan:
    return conv_transpose_call(x_shape, w_shape, stride=stride, groups=groups).plan


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
def test_scratch_stays_within_the_workspace(
    method: str, x_shape: tuple[int, ...], w_shape: tuple[int, ...], groups: int
) -> None:
    if groups > 1 and method == "col2im":
        x_shape = (8, *x_shape[1:])  # one GEMM a channel: slow, and its scratch as small
    x, w = np.ones(x_shape, np.float32), np.ones(w_shape, np.float32)
    tracemalloc.start()
    try:
        y = tconv.conv_transpose(x, w, stride=2, groups=groups, method=method)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - y.nbytes < WORKSPACE


def test_the_result_of_many_phases_stays_within_the_workspace() -> None:
    """1024 phases of 16 channels: the result of one GEMM must not hold the whole batch."""
    x, w = np.ones((6, 4, 16, 16), np.float32), np.ones((4, 16, 64, 64), np.float32)
    tracemalloc.start()
    try:
        y = tconv.conv_transpose(x, w, stride=32, method="subpixel")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - y.nbytes < WORKSPACE


def test_the_choice_follows_the_numbers() -> None:
    assert choose(plan_of((1, 1, 4, 4), (1, 1, 4, 4), 2)) == "tiny"
    assert choose(plan_of((64, 100, 1, 1), (100, 512, 4, 4))) == "col2im"
    assert choose(plan_of((8, 64, 64, 64), (64, 64, 3, 3))) == "subpixel"
    assert choose(plan_of((1, 128, 64, 64), (128, 64, 2, 2), 2)) == "col2im"
    assert choose(plan_of((8, 64, 32, 32), (64, 1, 4, 4), 2, 64)) == "banded"
    assert choose(plan_of((8, 64, 32, 32), (64, 1, 3, 3), 1, 64)) == "depthwise"
    assert choose(plan_of((8, 64, 9, 9, 9), (64, 1, 4, 4, 4), 2, 64)) == "depthwise"
    assert choose(plan_of((1, 21, 64, 64), (21, 1, 16, 16), 8, 21)) == "banded"


def test_tasks_each_run_once_and_errors_arrive() -> None:
    done: list[int] = []
    workers.run([lambda value=value: done.append(value) for value in range(100)])
    assert sorted(done) == list(range(100))

    def fail() -> None:
        raise ValueError("from a task")

    with pytest.raises(ValueError, match="from a task"):
        workers.run([fail] * 8)
