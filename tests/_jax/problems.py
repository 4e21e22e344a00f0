"""The two problems that every transformation is tried on, and the definition to hold it against.

The reference is the definition itself as one einsum with a 0/1 tensor for each spatial axis,
differentiated by JAX: it shares nothing with the primitives of tconv.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tconv


@dataclass(frozen=True)
class Problem:
    """A transposed convolution of float64 arrays with everything that defines it."""

    x_shape: tuple[int, ...]
    w_shape: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    output_padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    @property
    def arguments(self) -> dict[str, Any]:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    @property
    def forward_arguments(self) -> dict[str, Any]:
        """Those of the convolution that is the adjoint."""
        return {name: self.arguments[name] for name in self.arguments if name != "output_padding"}

    def operands(self, *leading: int, seed: int = 0) -> tuple[jax.Array, jax.Array]:
        """Random x and w, with these axes in front."""
        rng = np.random.default_rng(seed)
        shapes = ((*leading, *self.x_shape), (*leading, *self.w_shape))
        x, w = (jnp.asarray(rng.standard_normal(shape)) for shape in shapes)
        return x, w

    def apply(self, x: Any, w: Any, **more: Any) -> Any:
        """The transposed convolution under test."""
        return tconv.conv_transpose(x, w, **self.arguments, **more)

    @partial(jax.jit, static_argnums=0)
    def reference(self, x: Any, w: Any) -> Any:
        """The definition."""
        grouped = x.reshape(x.shape[0], self.groups, -1, *x.shape[2:])
        kernel = w.reshape(self.groups, -1, *w.shape[1:])
        y = jnp.einsum(
            grouped, [0, 1, 2, *_letters(0, x)], kernel, [1, 2, 3, *_letters(1, x)],
            *self._joins(x), [0, 1, 3, *_letters(2, x)],
        )  # fmt: skip
        return y.reshape(y.shape[0], -1, *y.shape[3:])

    @lru_cache  # noqa: B019  (two problems, that live as long as the tests)
    def gradients(self) -> tuple[jax.Array, jax.Array]:
        """Those of the definition, in x and w, for the loss below."""
        dx, dw = jax.jit(jax.grad(partial(loss, self.reference), (0, 1)))(*self.operands())
        return dx, dw

    def _joins(self, x: Any) -> list[Any]:
        """For each spatial axis, 1 where i*stride + t*dilation - lo == o."""
        joins: list[Any] = []
        for axis, (n, k) in enumerate(zip(x.shape[2:], self.w_shape[2:], strict=True)):
            s, d, (lo, hi) = self.stride[axis], self.dilation[axis], self.padding[axis]
            size = (n - 1) * s + d * (k - 1) + 1 - lo - hi + self.output_padding[axis]
            i, t, o = np.ogrid[:n, :k, :size]
            joins += [jnp.asarray((i * s + t * d - lo == o).astype(np.float64))]
            joins += [[letters[axis] for letters in (_letters(role, x) for role in range(3))]]
        return joins


def _letters(role: int, x: Any) -> list[int]:
    return [4 + 3 * axis + role for axis in range(x.ndim - 2)]


def loss(function: Any, x: Any, w: Any) -> Any:
    """A scalar whose derivatives of every order in x and w differ from zero."""
    return jnp.sum(jnp.sin(function(x, w)))


def calls_of(function: Any, *operands: Any) -> list[Any]:
    """The equations of tconv's primitives in the program that this function traces to."""
    equations = jax.make_jaxpr(function)(*operands).eqns
    return [eqn for eqn in equations if eqn.primitive.name.startswith("tconv")]


PLAIN = Problem((4, 3, 4), (3, 2, 3), (2,), ((1, 1),), (1,), (1,), 1)
GROUPED = Problem(
    (2, 4, 3, 2), (4, 3, 2, 3), (3, 2), ((1, 0), (2, -1)), (1, 2), (2, 3), 2
)  # fmt: skip
both_problems = pytest.mark.parametrize("problem", [PLAIN, GROUPED], ids=["plain", "grouped"])


def assert_close(got: Any, want: Any) -> None:
    """Equal structure and equal values within the rounding of a few hundred float64 additions."""
    assert jax.tree.structure(got) == jax.tree.structure(want)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-11), got, want)
