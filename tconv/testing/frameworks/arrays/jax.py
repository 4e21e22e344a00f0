"""A function of JAX arrays as the checks take it, with a pullback by ``jax.vjp``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from tconv.testing.frameworks.framework import Array, Framework, Function
from tconv.testing.problems.problem import Problem
from tconv.testing.problems.supports import Supports

WHY = (
    "XLA's CPU convolution ends the process over some kernels of 2 with stride 2, which it takes "
    "for groups (jaxlib 0.10.2)"
)


def framework_on(
    packages: Sequence[str],
    conv_transpose: Function,
    supports: str,
    *,
    same: Function,
    circular: Function | None = None,
    circular_start: Callable[[int, int], int] | None = None,
) -> Framework:
    """A framework on JAX, by its functions of JAX arrays."""
    return Framework(
        packages=(*packages, "jax", "jaxlib"),
        conv_transpose=on_numpy(conv_transpose),
        supports=Supports(supports),
        vjp=vjp(conv_transpose),
        same=on_numpy(same),
        circular=None if circular is None else on_numpy(circular),
        circular_start=circular_start,
        aborts=aborts,
        why=WHY,
    )


def on_numpy(function: Function) -> Function:
    """The function on NumPy arrays."""

    def conv_transpose(x: Array, w: Array, b: Array | None = None, **keywords: Any) -> Array:
        return np.asarray(function(*_operands(x, w, b), **keywords))

    return conv_transpose


def vjp(function: Function) -> Function:
    """The function and its pullback on NumPy arrays."""
    jax = import_module("jax")

    def with_pullback(x: Array, w: Array, b: Array | None = None, **keywords: Any) -> Any:
        y, back = jax.vjp(lambda *operands: function(*operands, **keywords), *_operands(x, w, b))
        return y, lambda dy: back(*_operands(dy))

    return with_pullback


def aborts(problem: Problem) -> bool:
    """Whether XLA would take the spread kernel for groups and end the process."""
    return any(
        axis.kernel_size == axis.stride == 2
        and axis.dilation == axis.padding[0] == axis.padding[1] - axis.output_padding == 1
        and axis.input_size != 2
        for axis in problem.axes
    )


def _operands(*arrays: Array | None) -> list[Any]:
    """Copies on JAX's default device; None stays None."""
    jnp = import_module("jax.numpy")
    return [None if array is None else jnp.array(array) for array in arrays]


def add_bias(y: Any, b: Any) -> Any:
    """(batch, channels, *spatial) with a bias, or without one."""
    return y if b is None else y + b.reshape(1, -1, *[1] * (y.ndim - 2))
