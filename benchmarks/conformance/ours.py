"""tconv itself as a column: on NumPy arrays, and on JAX's."""

from __future__ import annotations

from typing import Any

import tconv
from tconv.testing.frameworks.framework import Framework
from tconv.testing.problems.supports import Supports


def numpy_column() -> Framework:
    """On NumPy arrays."""
    return Framework(
        packages=("tconv", "numpy"),
        conv_transpose=tconv.conv_transpose,
        supports=Supports(),
        vjp=tconv.conv_transpose_vjp,
        same=_same(tconv.conv_transpose),
        circular=_circular,
        circular_start=_start,
    )


def jax_column() -> Framework:
    """On JAX arrays."""
    from tconv.testing.frameworks.arrays import jax as jax_arrays

    return Framework(
        packages=("tconv", "jax", "jaxlib"),
        conv_transpose=jax_arrays.on_numpy(tconv.conv_transpose),
        supports=Supports(),
        vjp=jax_arrays.vjp(tconv.conv_transpose),
        same=jax_arrays.on_numpy(_same(tconv.conv_transpose)),
        circular=jax_arrays.on_numpy(_circular),
        circular_start=_start,
    )


def _same(function: Any) -> Any:
    return lambda x, w, b=None, **keywords: function(x, w, b, **{**keywords, "padding": "same"})


def _start(extent: int, _stride: int) -> int:
    """Positions before the first that a window reads."""
    return (extent - 1) // 2


def _circular(x: Any, w: Any, b: Any, **keywords: Any) -> Any:
    pairs = []
    for size, stride, dilation in zip(
        w.shape[2:], keywords["stride"], keywords["dilation"], strict=True
    ):
        extent = dilation * (size - 1) + 1
        lo = _start(extent, stride)
        pairs.append((lo, extent - stride - lo))
    keywords |= {"padding": pairs, "padding_mode": "circular"}
    return tconv.conv_transpose(x, w, b, **keywords)


COLUMNS = {"tconv.numpy": numpy_column, "tconv.jax": jax_column}
