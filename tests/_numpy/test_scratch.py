"""Scratch memory is reused between calls and never reaches a result."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tconv
from tconv._numpy import scratch


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def grow(size: int) -> None:
    """A frame that wants so many bytes, so that the next one has them."""
    with scratch.frame():
        scratch.empty((size,), np.uint8)


def test_a_frame_gives_the_memory_of_the_last_one_again() -> None:
    grow(1 << 16)
    seen = []
    for _ in range(2):
        with scratch.frame():
            first, second = scratch.empty((100,), np.float32), scratch.zeros((3, 5), np.float64)
            assert not np.shares_memory(first, second)
            assert not second.any()
            seen.append((address(first), address(second)))
    assert seen[0] == seen[1]


def test_an_inner_frame_gives_back_only_its_own() -> None:
    grow(1 << 16)
    with scratch.frame():
        outer = scratch.empty((10,), np.float64)
        with scratch.frame():
            inner = scratch.empty((10,), np.float64)
        again = scratch.empty((10,), np.float64)
        assert address(again) == address(inner) != address(outer)


def test_an_error_ends_its_frame() -> None:
    @scratch.frame()
    def fail() -> None:
        scratch.empty((10,), np.float64)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert scratch._arena.used == scratch._arena.depth == 0


def test_outside_of_a_frame_nothing_is_taken() -> None:
    array = scratch.empty((10,), np.float64)
    assert not np.shares_memory(array, scratch._arena.buffer)
    assert scratch._arena.used == 0


def test_what_is_kept_is_bounded() -> None:
    grow(2 * scratch.KEPT)
    assert len(scratch._arena.buffer) <= scratch.KEPT
    with scratch.frame():
        assert scratch.empty((2 * scratch.KEPT,), np.uint8).size == 2 * scratch.KEPT


def test_threads_do_not_share() -> None:
    grow(1 << 16)
    other: list[int] = []

    def work() -> None:
        grow(1 << 16)
        with scratch.frame():
            other.append(address(scratch.empty((100,), np.float32)))

    with scratch.frame():
        mine = address(scratch.empty((100,), np.float32))
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert other != [mine]


@pytest.mark.parametrize("method", ["auto", "col2im", "dilated", "subpixel", "matrix"])
@pytest.mark.parametrize("groups", [1, 16])
def test_results_outlive_the_scratch_memory(method: str, groups: int) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 16, 9, 9)), rng.standard_normal((16, 2, 5, 5))
    keywords = {"stride": 2, "padding": 1, "groups": groups}

    def results() -> list[np.ndarray]:
        y, pullback = tconv.conv_transpose_vjp(x, w, method=method, **keywords)
        dx, dw, _ = pullback(y)
        return [y, dx, dw, tconv.conv(y, w, **keywords)]

    kept = results()
    before = [array.copy() for array in kept]
    tconv.conv_transpose(-x, w, method=method, **keywords)
    results()
    for array, copy in zip(kept, before, strict=True):
        np.testing.assert_array_equal(array, copy)
        assert not np.shares_memory(array, scratch._arena.buffer)
