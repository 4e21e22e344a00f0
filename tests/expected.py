"""What a problem must give, by PyTorch in double precision, and how far rounding may lead off."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch_oracle as oracle

from tconv.testing import Problem, error_bound


class Expected(NamedTuple):
    """A result and the largest error of each of its elements."""

    value: np.ndarray
    bound: np.ndarray

    def check(self, actual: np.ndarray, name: str) -> None:
        assert actual.shape == self.value.shape, f"{name}: {actual.shape} != {self.value.shape}"
        error = np.abs(wide(actual) - self.value)
        worst = np.max(error - self.bound, initial=0)
        assert np.all(error <= self.bound), f"{name} is off by {worst:.3g} more than rounding"


def wide(array: np.ndarray) -> np.ndarray:
    """The same values in int64, float64 or complex128."""
    kinds = {"i": np.int64, "u": np.int64, "c": np.complex128}
    return array.astype(kinds.get(array.dtype.kind, np.float64))


def magnitude(array: np.ndarray | None) -> np.ndarray | None:
    return None if array is None else np.abs(wide(array)).astype(np.float64)


def torch_function(problem: Problem):
    return oracle.transposed if problem.transposed else oracle.forward


def torch_keywords(problem: Problem) -> dict[str, Any]:
    return {**problem.keywords, "padding": problem.padding}


def value(problem: Problem) -> Expected:
    """The result of a problem on its own arrays, in the dtype of the problem."""
    arrays = problem.arrays()
    function, named = torch_function(problem), torch_keywords(problem)
    exact = oracle.evaluate(function, *(None if a is None else wide(a) for a in arrays), **named)
    scale = oracle.evaluate(function, *map(magnitude, arrays), **named)
    return Expected(exact, error_bound(problem.dtype, problem.accumulation_length, scale, exact))


def gradients(problem: Problem, cotangent: np.ndarray) -> list[Expected]:
    """The pulled-back cotangents of x, w and, if there is one, b."""
    arrays = [array for array in problem.arrays() if array is not None]
    function, named = torch_function(problem), torch_keywords(problem)
    exact = oracle.gradients(function, wide(cotangent), *map(wide, arrays), **named)
    scales = oracle.gradients(function, magnitude(cotangent), *map(magnitude, arrays), **named)
    batch = 1 if problem.batch is None else problem.batch
    inner = problem.input_size if problem.transposed else problem.output_size
    terms = (
        problem.out_channels // problem.groups * prod(problem.kernel_size),
        batch * prod(inner),
        batch * prod(problem.output_size),
    )
    return [
        Expected(gradient, error_bound(problem.dtype, count, scale, gradient))
        for gradient, count, scale in zip(exact, terms, scales, strict=False)
    ]
