"""The two problems that every transformation is tried on, and the definition to hold it against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tconv
from tconv.testing import Problem as Geometry
from tests.support import definition


@dataclass(frozen=True)
class Problem(Geometry):
    """A problem of the kit on JAX arrays of float64."""

    def operands(self, *leading: int, seed: int = 0) -> tuple[jax.Array, jax.Array]:
        """Random x and w, with these axes in front."""
        rng = np.random.default_rng(seed)
        shapes = ((*leading, *self.x_shape), (*leading, *self.w_shape))
        x, w = (jax.device_put(rng.standard_normal(shape)) for shape in shapes)
        return x, w

    def apply(self, x: Any, w: Any, **more: Any) -> Any:
        """The transposed convolution under test."""
        return tconv.conv_transpose(x, w, **self.keywords, **more)

    @partial(jax.jit, static_argnums=0)
    def reference(self, x: Any, w: Any) -> Any:
        """The definition, which shares nothing with the primitives of tconv."""
        return definition.conv_transpose(self, x, w)

    @partial(jax.jit, static_argnums=0)
    def reference_gradients(self, x: Any, w: Any) -> Any:
        """Those of the definition, in x and w, for the loss below."""
        return jax.grad(partial(loss, self.reference), (0, 1))(x, w)

    @lru_cache  # noqa: B019  (two problems, that live as long as the tests)
    def gradients(self) -> tuple[jax.Array, jax.Array]:
        """Those of the definition at the operands."""
        dx, dw = self.reference_gradients(*self.operands())
        return dx, dw


def loss(function: Any, x: Any, w: Any) -> Any:
    """A scalar whose derivatives of every order in x and w differ from zero."""
    return jnp.sum(jnp.sin(function(x, w)))


def calls_of(function: Any, *operands: Any) -> list[Any]:
    """The equations of tconv's primitives in the program that this function traces to."""
    equations = jax.make_jaxpr(function)(*operands).eqns
    return [eqn for eqn in equations if eqn.primitive.name.startswith("tconv")]


PLAIN = Problem(
    (4,), (3,), (2,), ((1, 1),), (1,), batch=4, in_channels=3, out_channels=2, dtype="float64"
)
GROUPED = Problem(
    (3, 2), (2, 3), (3, 2), ((1, 0), (2, -1)), (1, 2), (2, 3), groups=2,
    batch=2, in_channels=4, out_channels=6, dtype="float64",
)  # fmt: skip
both_problems = pytest.mark.parametrize("problem", [PLAIN, GROUPED], ids=["plain", "grouped"])


def assert_close(got: Any, want: Any) -> None:
    """Equal structure and equal values within the rounding of a few hundred float64 additions."""
    assert jax.tree.structure(got) == jax.tree.structure(want)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-11), got, want)
