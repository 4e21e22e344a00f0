"""Products of matrices, one a group."""

from __future__ import annotations

from typing import Any

from jax import lax


def grouped_dot(left: Any, right: Any, left_summed: Any, right_summed: Any, precision: Any) -> Any:
    """(groups, *rest of left, *rest of right): products summed over the named axes."""
    if left.shape[0] != 1:
        dims: Any = ((left_summed, right_summed), ((0,), (0,)))
        return lax.dot_general(left, right, dims, precision=precision)
    inner = [[axis - 1 for axis in axes] for axes in (left_summed, right_summed)]
    dims = (inner, ((), ()))
    return lax.dot_general(left[0], right[0], dims, precision=precision)[None]
