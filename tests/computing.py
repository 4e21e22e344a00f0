"""One test body for both backends: a function of arrays, run on NumPy or compiled by JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import settings

METHODS = ("auto", "col2im", "dilated", "subpixel", "matrix")
BACKENDS = ("numpy", "jax")

# Examples of a property by what one costs: without a compilation some milliseconds, with one a
# tenth of a second.
cheap = settings(max_examples=5 * settings.default.max_examples)
compiled = settings(max_examples=settings.default.max_examples // 2)


def compute(backend: str, function: Callable[..., Any], *arrays: np.ndarray | None) -> Any:
    """``function`` of the arrays, its results (in any container) as NumPy arrays."""
    expected: type = np.ndarray
    if backend == "jax":
        expected = jax.Array
        function = jax.jit(function)
        arrays = tuple(None if array is None else jnp.asarray(array) for array in arrays)
    results = function(*arrays)
    assert all(isinstance(leaf, expected) for leaf in jax.tree.leaves(results))
    return jax.tree.map(np.asarray, results)
