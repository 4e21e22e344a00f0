"""One test body for both backends: a function of arrays, run on NumPy or compiled by JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from tconv.testing import Problem

METHODS = ("auto", "col2im", "dilated", "subpixel", "matrix")
BACKENDS = ("numpy", "jax")

# Examples of a property by what one costs: without a compilation some milliseconds, with one a
# tenth of a second and more.
cheap = settings(max_examples=3 * settings.default.max_examples)
compiled = settings(max_examples=settings.default.max_examples // 4)


def compute(backend: str, function: Callable[..., Any], *arrays: Any) -> Any:
    """``function`` of the arrays, its results as NumPy arrays; both in any containers."""
    expected: type = np.ndarray
    if backend == "jax":
        expected = jax.Array
        function = jax.jit(function)
        arrays = jax.device_put(arrays)  # jnp.asarray compiles a copy for every new shape
    results = function(*arrays)
    assert all(isinstance(leaf, expected) for leaf in jax.tree.leaves(results))
    return jax.tree.map(np.asarray, results)


def bundles(problem: st.SearchStrategy[Problem]) -> st.SearchStrategy[list[Problem]]:
    """Problems to compile together, each for half of what it would cost alone."""
    return st.lists(problem, min_size=1, max_size=5)


def compute_problems(
    backend: str,
    function: Callable[..., Any],
    problems: list[Problem],
    operands: list[Any] | None = None,
) -> list[Any]:
    """``function(x, w, b, **keywords)`` of each problem, on its own arrays unless given."""
    operands = operands or [problem.arrays() for problem in problems]

    def every(*triples: Any) -> list[Any]:
        return [
            function(*triple, **problem.keywords)
            for problem, triple in zip(problems, triples, strict=True)
        ]

    return compute(backend, every, *operands)
