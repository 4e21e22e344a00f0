"""Scratch memory is reused between calls and never reaches a result."""

from __future__ import annotations

import sys
import threading
from math import prod
from types import FrameType
from typing import Any

import numpy as np
import pytest

import tconv
from tconv._numpy import scratch, threads
from tconv._numpy.forms import banded, overlap_add, planes, subpixel

from .exact import problems

FLOAT, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def kept() -> np.ndarray:
    """The buffer that the thread keeps."""
    assert scratch._kept.buffer is not None
    return scratch._kept.buffer


def test_the_memory_of_one_call_is_lent_to_the_next() -> None:
    seen = []
    for _ in range(2):
        with scratch.lent(1 << 16) as memory:
            first, second = memory.empty((100,), FLOAT), memory.zeros((3, 5), DOUBLE)
            assert not np.shares_memory(first, second)
            assert not second.any()
            seen.append((address(first), address(second)))
    assert seen[0] == seen[1]


def test_the_rest_is_handed_out_again() -> None:
    with scratch.lent(1 << 16) as memory:
        outer = memory.empty((10,), DOUBLE)
        inner = memory.rest().empty((10,), DOUBLE)
        again = memory.empty((10,), DOUBLE)
        assert address(again) == address(inner) != address(outer)


def test_what_is_lent_is_not_lent_twice() -> None:
    with scratch.lent(1 << 10) as memory, scratch.lent(1 << 10) as other:
        assert not np.shares_memory(memory.empty((10,), DOUBLE), other.empty((10,), DOUBLE))


def test_beyond_what_is_lent_arrays_have_memory_of_their_own() -> None:
    scratch._kept.buffer = None
    with scratch.lent(100) as memory:
        inside, beyond = memory.empty((100,), np.dtype(np.uint8)), memory.empty((10,), DOUBLE)
    assert np.shares_memory(inside, kept())
    assert not np.shares_memory(beyond, kept())


def test_what_is_kept_is_bounded() -> None:
    with scratch.lent(1 << 10):
        pass
    assert len(kept()) <= scratch.WORKSPACE
    with scratch.lent(2 * scratch.WORKSPACE):
        pass
    assert scratch._kept.buffer is None


def test_threads_do_not_share() -> None:
    other: list[int] = []

    def work() -> None:
        with scratch.lent(1 << 16) as memory:
            other.append(address(memory.empty((100,), FLOAT)))

    with scratch.lent(1 << 16) as memory:
        mine = address(memory.empty((100,), FLOAT))
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert other != [mine]


def test_an_interrupt_anywhere_leaves_nothing_wrong() -> None:
    """At each instruction in turn of what lends memory and takes it back."""
    x, w = np.ones((1, 8, 9, 9), np.float32), np.ones((8, 8, 3, 3), np.float32)

    def call() -> np.ndarray:
        return tconv.conv_transpose(x, w, stride=2, method="subpixel")

    expected = call()
    interrupted = 0
    while interrupt_at(interrupted, call):
        interrupted += 1
        np.testing.assert_array_equal(call(), expected)
        buffer = kept()
        np.testing.assert_array_equal(call(), expected)
        assert kept() is buffer
    assert interrupted > 50


def interrupt_at(instruction: int, call: Any) -> bool:
    """Raise at this instruction of the module of scratch memory; whether there was one."""
    left = instruction

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != scratch.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


# What each form lends by, and how many of 200 problems at least use all of that, to the last byte;
# others have no phase or tile that needs the most of everything.  Of what the bands are lent a part
# is for a copy that NumPy makes.
FORMS = [
    (overlap_add, overlap_add.LIMITS, 75),
    (overlap_add, overlap_add.Limits(positions=7, columns=7, fewest_rows=1, long_row=2), 32),
    (overlap_add, overlap_add.Limits(positions=40, columns=40, fewest_rows=1, long_row=99), 41),
    (subpixel, subpixel.LIMITS, 36),
    (subpixel, subpixel.Limits(fewest=1, most=7, shortest_run=2, fusion=100.0), 30),
    (subpixel, subpixel.Limits(fewest=1, most=40, shortest_run=9, fusion=0.5), 37),
    (planes, planes.LIMITS, 28),
    (planes, planes.Limits(positions=7, elements=50, fusion=0.5), 26),
    (planes, planes.Limits(positions=40, elements=400, fusion=100.0), 29),
    (banded, banded.LIMITS, 0),
    (banded, banded.Limits(positions=7, elements=40, outputs=7, fewest_inputs=1), 0),
]


@pytest.mark.parametrize(("form", "limits", "exact"), FORMS)
def test_a_form_lends_what_it_uses(
    form: Any, limits: Any, exact: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is kept from call to call, so that each buffer is as long as was asked for."""
    monkeypatch.setattr(scratch, "WORKSPACE", -1)
    monkeypatch.setattr(scratch, "_kept", scratch._Kept())
    monkeypatch.setattr(threads, "count", lambda: 1)
    empty, ends = scratch.Scratch.empty, []

    def noted(self: scratch.Scratch, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        size = scratch.aligned(prod(shape) * dtype.itemsize)
        ends.append((self._used + size, len(self._buffer)))
        return empty(self, shape, dtype)

    monkeypatch.setattr(scratch.Scratch, "empty", noted)
    used_up = 0
    for problem in problems(3, 200):
        plan, x, w, _ = problem
        if plan.in_channels and plan.out_channels and plan.batch:
            ends.clear()
            problem.check("y", form.conv_transpose(plan, x, w, limits))
            assert all(end <= length for end, length in ends), plan
            used_up += any(end == length for end, length in ends)
    assert used_up >= exact


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

    outlived = results()
    before = [array.copy() for array in outlived]
    tconv.conv_transpose(-x, w, method=method, **keywords)
    results()
    for array, copy in zip(outlived, before, strict=True):
        np.testing.assert_array_equal(array, copy)
        assert scratch._kept.buffer is None or not np.shares_memory(array, kept())
