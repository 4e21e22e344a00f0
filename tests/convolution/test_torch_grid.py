"""Every parameter combination of a small one-dimensional grid, compared exactly with PyTorch."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

import tconv
from tests.support import torch_oracle as oracle
from tests.support.computing import METHODS, compute

Case = tuple[int, int, int, int, int, int]
STRIDES = range(1, 5)


def grid(stride: int) -> list[Case]:
    """(size, kernel, stride, dilation, padding, output_padding) of one stride; the output
    padding runs from one below to one above its range."""
    return [
        (size, kernel, stride, dilation, padding, extra)
        for size, kernel, dilation, padding in product(range(5), range(1, 5), range(1, 4), range(5))
        for extra in range(-1, max(stride, dilation) + 1)
    ]


def parameters(case: Case, groups: int) -> dict[str, Any]:
    _, _, stride, dilation, padding, extra = case
    return {
        "stride": (stride,),
        "padding": ((padding, padding),),
        "output_padding": (extra,),
        "dilation": (dilation,),
        "groups": groups,
    }


def operands(case: Case, groups: int, batch: int = 2) -> list[np.ndarray]:
    """Integer-valued x, w and b without any symmetry."""
    size, kernel = case[:2]
    rng = np.random.default_rng(size * 100 + kernel * 10 + groups)
    shapes = (batch, 2 * groups, size), (2 * groups, 3, kernel), (3 * groups,)
    return [rng.integers(-9, 10, shape).astype(np.float64) for shape in shapes]


@cache
def torch_or_none(case: Case, groups: int, batch: int = 2) -> np.ndarray | None:
    """PyTorch's result, or None where it refuses."""
    arrays = operands(case, groups, batch)
    try:
        return oracle.evaluate(oracle.transposed, *arrays, **parameters(case, groups))
    except RuntimeError:
        return None


def tconv_or_none(arrays: list[np.ndarray], **named: Any) -> np.ndarray | None:
    """The result, or None where it is refused."""
    try:
        return tconv.conv_transpose(*arrays, **named)
    except ValueError:
        return None


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("stride", STRIDES)
def test_numpy_equals_torch_on_the_whole_grid(stride, groups):
    accepted = 0
    for case in grid(stride):
        arrays, named = operands(case, groups), parameters(case, groups)
        wanted = torch_or_none(case, groups)
        for method in METHODS:
            y = tconv_or_none(arrays, method=method, **named)
            where = f"n={case[0]} k={case[1]} {named} method={method}"
            assert (y is None) == (wanted is None), where
            if wanted is not None:
                np.testing.assert_array_equal(y, wanted, where, strict=True)
        accepted += wanted is not None
    assert accepted > 300


@pytest.mark.parametrize("stride", STRIDES)
def test_an_empty_batch_keeps_the_output_shape(stride):
    """A batch of 0 is accepted exactly where PyTorch accepts a batch of 2.  Of 0 it drops some of
    its checks: it lets sizes of 0 and an output padding out of range through."""
    for case in grid(stride):
        named = parameters(case, 1)
        full = torch_or_none(case, 1)
        empty = tconv_or_none(operands(case, 1, batch=0), **named)
        where = f"n={case[0]} k={case[1]} {named}"
        assert (empty is None) == (full is None), where
        if empty is not None:
            wanted = torch_or_none(case, 1, batch=0)
            assert empty.shape == wanted.shape == (0, *full.shape[1:]), where


@cache
def jax_cases() -> list[tuple[Case, int]]:
    """A fraction of the accepted problems.  The step has no factor in common with the lengths of
    the grid's axes, so every value of every parameter occurs."""
    accepted = [
        (case, groups)
        for stride in STRIDES
        for case in grid(stride)
        for groups in (1, 2)
        if torch_or_none(case, groups) is not None
    ]
    return accepted[::151]


@pytest.mark.parametrize("method", METHODS)
def test_jax_equals_torch_on_a_fraction_of_the_grid(method):
    """All problems in one compilation: one for each would take minutes."""
    cases = jax_cases()
    assert {case[1] for case, _ in cases} == set(range(1, 5))
    assert {case[5] for case, _ in cases} == set(range(4))

    def every(*arrays):
        return [
            tconv.conv_transpose(*arrays[3 * i : 3 * i + 3], method=method, **parameters(*problem))
            for i, problem in enumerate(cases)
        ]

    arrays = [operands(*problem) for problem in cases]
    results = compute("jax", every, *(array for triple in arrays for array in triple))
    for problem, y in zip(cases, results, strict=True):
        np.testing.assert_array_equal(y, torch_or_none(*problem), str(problem), strict=True)
