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

# For properties whose every example JAX compiles: some 0.1 s each.
compiled = settings(max_examples=settings.default.max_examples // 4)

# A problem of test size runs in microseconds; compiling it is what takes the time, and three
# times less of it with LLVM's effort turned down.
QUICK_COMPILE = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
}


def compute(backend: str, function: Callable[..., Any], *arrays: np.ndarray | None) -> Any:
    """``function`` of the arrays, its results (in any container) as NumPy arrays."""
    expected: type = np.ndarray
    if backend == "jax":
        expected = jax.Array
        function = jax.jit(function, compiler_options=QUICK_COMPILE)
        arrays = tuple(None if array is None else jnp.asarray(array) for array in arrays)
    results = function(*arrays)
    assert all(isinstance(leaf, expected) for leaf in jax.tree.leaves(results))
    return jax.tree.map(np.asarray, results)
