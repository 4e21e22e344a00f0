"""Whatever a problem is cut into, the pieces together are the definition."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tconv._core.plan import Plan, conv_call, conv_transpose_call
from tconv._numpy import cuts, entry, pieces
from tconv._numpy.choose import choose_together
from tconv._numpy.cuts import GROUPS, INPUTS, OUTPUTS, POSITIONS, Parts, Task
from tconv._numpy.scratch import WORKSPACE

from .exact import problems

DOUBLE = np.dtype(np.float64)
FORMS = [
    ("y", "auto"),
    ("y", "columns"),
    ("y", "subpixel"),
    ("x", "auto"),
    ("x", "exact"),
    ("w", "auto"),
    ("w", "exact"),
]


def task_of(result: str, form: str = "auto", *, copied: bool = False) -> Task:
    return Task(result, form, 8, (copied,) * 3)


def drawn_parts(draw: random.Random, task: Task, plan: Plan) -> Parts:
    """As few or as many of each as there can be."""
    parts = [draw.randint(1, max(1, size)) for size in cuts.sizes_of(task, plan)]
    if parts[GROUPS] < plan.groups:
        parts[INPUTS] = parts[OUTPUTS] = 1
    return tuple(parts)


@pytest.mark.parametrize(("result", "form"), FORMS)
def test_pieces_of_any_size_give_the_definition(result: str, form: str) -> None:
    draw, task = random.Random(f"{result} {form}"), task_of(result, form)
    for problem in problems(30, 100):
        parts = drawn_parts(draw, task, problem.plan)
        operands = problem.operands(result)
        value = pieces.by_pieces(task, problem.plan, parts, *operands, DOUBLE, DOUBLE)
        problem.check(result, value, f"{form} {parts}")


def test_the_bias_is_added_once_and_what_nothing_reaches_is_the_bias() -> None:
    draw = random.Random(0)
    for problem in problems(31, 60):
        for result, channels in (("y", problem.plan.out_channels), ("x", problem.plan.in_channels)):
            task, bias = task_of(result), np.arange(1.0, channels + 1)
            parts = drawn_parts(draw, task, problem.plan)
            operands = problem.operands(result)
            value = pieces.by_pieces(task, problem.plan, parts, *operands, DOUBLE, DOUBLE, bias)
            column = bias.reshape(-1, *[1] * (value.ndim - 2))
            np.testing.assert_array_equal(value, problem.expected(result) + column)


def test_sums_over_pieces_are_rounded_once() -> None:
    """In float16 2048 + 1 is 2048; two ones from two pieces must add up before."""
    plan = conv_transpose_call((1, 3, 1), (3, 1, 1)).plan
    x, w = np.array([2048.0, 1, 1]).reshape(plan.x_shape), np.ones(plan.w_shape)
    half = np.dtype(np.float16)
    y = pieces.by_pieces(task_of("y"), plan, (1, 1, 3, 1, 1, 1), x, w, DOUBLE, half)
    assert y.dtype == half
    assert y.item() == 2050


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A bound that small problems exceed."""
    caches = cuts.cuts, cuts.cuts_together
    monkeypatch.setattr(cuts, "WORKSPACE", 3000)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.mark.usefixtures("little_memory")
def test_both_gradients_from_the_same_pieces() -> None:
    cut = 0
    for problem in problems(32, 150):
        plan, x, w, y = problem
        both = pieces.cotangents(plan, x, w, y, sums=DOUBLE, of_x=DOUBLE, of_w=DOUBLE)
        if both is not None:
            problem.check("x", both[0])
            problem.check("w", both[1])
            task = Task("x", choose_together(plan) or "", 8, (False,) * 3)
            cut += max(cuts.cuts_together(task, plan, (False, False)) or (0,)) > 1
    assert cut > 20


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex128, np.int32])
def test_the_public_functions_in_little_memory(dtype: type) -> None:
    """Sums of small whole numbers, so exact in every dtype."""
    for problem in problems(33, 60):
        plan = problem.plan
        operands = [operand.astype(dtype) for operand in (problem.x, problem.w, problem.y)]
        x, w, y = operands
        options: dict[str, Any] = {"precision": None, "preferred": None}
        computed = {
            "y": entry.conv_transpose(plan, x, w, None, method="auto", **options),
            "x": entry.conv(plan, y, w, None, **options),
            "w": entry.weight_cotangent(plan, x, y, precision=None),
        }
        for result, value in computed.items():
            assert value.dtype == dtype
            problem.check(result, value)
        for result, value in zip(
            "xw", entry.cotangents(plan, x, w, y, precision=None), strict=True
        ):
            assert value.dtype == dtype
            problem.check(result, value)


LARGE = {
    "wide": conv_transpose_call((1, 2, 3, 2_000_000), (2, 2, 3, 3), stride=2).plan,
    "long kernel": conv_call((1, 4, 1_000_000), (4, 4, 1001)).plan,
    "square kernel": conv_call((1, 4, 512, 512), (4, 4, 64, 64)).plan,
    "many channels": conv_transpose_call((1, 4096, 8, 8), (4096, 4096, 3, 3)).plan,
    "many groups": conv_transpose_call((1, 10**5, 40), (10**5, 1, 3), groups=10**5).plan,
    "large batch": conv_transpose_call((10**5, 8, 8, 8), (8, 8, 4, 4), stride=2).plan,
    "one position": conv_transpose_call((1, 10**7, 1), (10**7, 1, 1)).plan,
}


@pytest.mark.long
@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("copied", [False, True])
def test_the_pieces_of_large_problems_fit_and_are_few(name: str, *, copied: bool) -> None:
    plan = LARGE[name]
    for result, form in FORMS:
        task = task_of(result, form, copied=copied)
        parts = cuts.cuts(task, plan)
        needed, _ = cuts.weight(task, plan, parts)
        assert needed <= WORKSPACE
        operands = 8 * sum(map(np.prod, (plan.x_shape, plan.w_shape, plan.y_shape)))
        assert np.prod(parts) <= 16 * (1 + operands / WORKSPACE) * plan.taps, (result, form, parts)


def test_both_gradients_need_what_is_copied_for_them_too() -> None:
    plan = LARGE["wide"]
    whole = (1,) * (POSITIONS + 2 * len(plan.axes))
    needed = [
        cuts._weight_together(task_of("x", "windows"), plan, copied, whole)[0]
        for copied in ((False, False), (True, False), (False, True), (True, True))
    ]
    of_x, of_w = 8 * np.prod(plan.x_shape), 8 * np.prod(plan.w_shape)
    np.testing.assert_array_equal(np.subtract(needed, needed[0]), [0, of_x, of_w, of_x + of_w])
