"""What a type checker must infer: NumPy in gives NumPy out, JAX in gives JAX out.

mypy reads this file along with the package (pyproject.toml); nothing runs it.
"""

from __future__ import annotations

from typing import Any, assert_type

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

import tconv


def numpy_in_numpy_out(x: NDArray[np.float32], w: NDArray[np.float32]) -> None:
    """Every function of NumPy arrays."""
    assert_type(tconv.conv_transpose(x, w, stride=2, padding=((1, 0),)), NDArray[Any])
    assert_type(tconv.conv(x, w, None, padding="same"), NDArray[Any])
    assert_type(tconv.conv_transpose1d(x, w, None, 2, 1, 0, 1, 1), NDArray[Any])
    assert_type(tconv.conv1d(x, w), NDArray[Any])
    y, pullback = tconv.conv_transpose_vjp(x, w)
    assert_type(y, NDArray[Any])
    dx, dw, db = pullback(y)
    assert_type(dx, NDArray[Any])
    assert_type(dw, NDArray[Any])
    assert_type(db, NDArray[Any] | None)
    assert_type(tconv.im2col(x, 3), NDArray[Any])
    assert_type(tconv.col2im(x, (5,), 3), NDArray[Any])
    assert_type(tconv.fractional_stride(x, 2), NDArray[Any])


def jax_in_jax_out(x: jax.Array, w: jax.Array) -> None:
    """Every function of JAX arrays, the weight being a NumPy constant or not."""
    assert_type(tconv.conv_transpose(x, w, jnp.zeros(1), stride=(2,)), jax.Array)
    assert_type(tconv.conv_transpose(x, np.ones((1, 1, 2))), jax.Array)
    assert_type(tconv.conv_transpose3d(x, w), jax.Array)
    assert_type(tconv.conv(x, w), jax.Array)
    y, pullback = tconv.conv_vjp(x, w)
    assert_type(y, jax.Array)
    assert_type(pullback(y)[0], jax.Array)
    assert_type(tconv.im2col(x, (3,), stride=2), jax.Array)


def sizes() -> None:
    """Tuples of ints."""
    assert_type(tconv.conv_output_size(5, 3), tuple[int, ...])
    assert_type(tconv.conv_transpose_output_size((5, 5), 3), tuple[int, ...])
    assert_type(tconv.output_padding_for(5, 3, 3), tuple[int, ...])
