"""What a problem must give, by PyTorch in double precision, and how far rounding may lead off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tconv.testing import Problem
from tconv.testing.expected import Expected, cotangent_lengths
from tests.support import torch_oracle as oracle


def check(expected: Expected, actual: np.ndarray, name: str) -> None:
    """The shape, and every element within the bound of its rounding errors."""
    assert actual.shape == expected.value.shape, f"{name}: {actual.shape} != {expected.value.shape}"
    error = np.abs(wide(actual) - expected.value)
    bound = expected.allowed(None, None)
    worst = np.max(error - bound, initial=0)
    assert np.all(error <= bound), f"{name} is off by {worst:.3g} more than rounding"


def wide(array: np.ndarray) -> np.ndarray:
    """The same values in int64, float64 or complex128: PyTorch has no exact integers."""
    kinds = {"i": np.int64, "u": np.int64, "c": np.complex128}
    return array.astype(kinds.get(array.dtype.kind, np.float64))


def magnitude(array: np.ndarray | None) -> np.ndarray | None:
    """The absolute values in float64."""
    return None if array is None else np.abs(wide(array)).astype(np.float64)


def torch_function(problem: Problem) -> Callable[..., Any]:
    """The function of tensors that the problem is a call of."""
    return oracle.transposed if problem.transposed else oracle.forward


def torch_keywords(problem: Problem) -> dict[str, Any]:
    """The keyword arguments of that call, with padding as (lo, hi) pairs."""
    return {**problem.keywords, "padding": problem.padding}


def value(problem: Problem) -> Expected:
    """The result of a problem on its own arrays, in the dtype of the problem."""
    arrays = problem.arrays()
    function, named = torch_function(problem), torch_keywords(problem)
    exact = oracle.evaluate(function, *(None if a is None else wide(a) for a in arrays), **named)
    scale = oracle.evaluate(function, *map(magnitude, arrays), **named)
    return Expected(exact, scale, problem.accumulation_length, problem.dtype)


def gradients(problem: Problem, cotangent: np.ndarray) -> dict[str, Expected]:
    """The pulled-back cotangents dx, dw and, if there is a bias, db."""
    arrays = [array for array in problem.arrays() if array is not None]
    function, named = torch_function(problem), torch_keywords(problem)
    exact = oracle.gradients(function, wide(cotangent), *map(wide, arrays), **named)
    scales = oracle.gradients(function, magnitude(cotangent), *map(magnitude, arrays), **named)
    lengths = cotangent_lengths(problem)
    return {
        name: Expected(gradient, scale, lengths[name], problem.dtype)
        for name, gradient, scale in zip(lengths, exact, scales, strict=False)
    }
