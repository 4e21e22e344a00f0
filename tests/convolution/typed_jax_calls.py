"""What a type checker must infer of JAX arrays: JAX in gives JAX out, whatever lies beside it.

mypy reads this file along with the package (pyproject.toml); nothing runs it.
"""

# pyright: strict

from __future__ import annotations

from typing import assert_type

import jax
import numpy as np
from numpy.typing import NDArray

import tconv


def jax_in_jax_out(x: jax.Array, w: jax.Array, b: jax.Array) -> None:
    """Every function of JAX arrays."""
    assert_type(tconv.conv_transpose(x, w, b, stride=(2,)), jax.Array)
    assert_type(tconv.conv_transpose3d(x, w), jax.Array)
    assert_type(tconv.conv(x, w), jax.Array)
    y, pullback = tconv.conv_vjp(x, w)
    assert_type(y, jax.Array)
    assert_type(pullback(y)[0], jax.Array)
    assert_type(tconv.im2col(x, (3,), stride=2), jax.Array)
    assert_type(tconv.interpolate(x, size=2), jax.Array)


def one_operand_is_enough(x: jax.Array, constant: NDArray[np.float32]) -> None:
    """Any operand may be a NumPy constant."""
    assert_type(tconv.conv_transpose(x, np.ones((1, 1, 2))), jax.Array)
    assert_type(tconv.conv_transpose(constant, x), jax.Array)
    assert_type(tconv.conv_transpose(constant, constant, x), jax.Array)
    assert_type(tconv.conv(constant, x), jax.Array)
    assert_type(tconv.conv_transpose_vjp(constant, x)[1](constant)[0], jax.Array)
    layer = tconv.ConvTranspose2d(2, 3, 4)
    assert_type(layer.apply(layer.init(jax.random.key(0)), x), jax.Array)
