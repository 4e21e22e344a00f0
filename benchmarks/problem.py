"""What is timed on a layer, by whom, and whether the answers agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.layers import Layer

WHATS = ("forward", "grad", "conv")
LARGEST = 2


class Unsupported(Exception):  # noqa: N818 - a fact to print, not an error
    """A peer cannot do this problem; the text says why."""


@dataclass(frozen=True)
class Problem:
    """One thing to compute, with its operands.

    ``forward`` is y from x and w; ``conv`` its adjoint, x from dy and w; ``grad`` is y, then
    dx and dw from dy.  All entries are integers of at most ``LARGEST``, so that every sum is
    exact in float32 whatever its order, and peers can be held to equality.
    """

    layer: Layer
    what: str
    dtype: str
    x: NDArray[Any] = field(repr=False)
    w: NDArray[Any] = field(repr=False)
    dy: NDArray[Any] = field(repr=False)

    @property
    def flops(self) -> int:
        """Multiplications and additions, counted apart."""
        return 2 * self.layer.multiply_adds * (3 if self.what == "grad" else 1)

    @property
    def tolerance(self) -> float:
        """The rounding of the largest sum to a dtype narrower than what sums are held in."""
        layer = self.layer
        terms = max(
            prod(layer.w_shape[1:]),
            prod(layer.w_shape) // layer.w_shape[1],
            layer.batch * prod(layer.spatial),
        )
        eps = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23}
        return eps.get(self.dtype, 2.0**-52) * terms * LARGEST**2


@dataclass(frozen=True)
class Peer:
    """A way to solve problems: ``prepare(problem)`` does what need not be timed and returns
    the call to time; ``arrays`` turns what that returned into NumPy arrays, outside of time.

    ``prepare`` raises ``Unsupported`` for problems it cannot do.
    """

    name: str
    prepare: Callable[[Problem], Callable[[], Any]]
    arrays: Callable[[Any], tuple[NDArray[Any], ...]]


def make(layer: Layer, what: str, dtype: str) -> Problem:
    """The problem with its operands, the same each time."""
    rng = np.random.default_rng(0)
    kind = "float32" if dtype == "bfloat16" else dtype  # NumPy has none; peers convert

    def draw(shape: tuple[int, ...]) -> NDArray[Any]:
        return rng.integers(-LARGEST, LARGEST + 1, shape, np.int8).astype(kind)

    return Problem(
        layer, what, dtype, draw(layer.x_shape), draw(layer.w_shape), draw(layer.y_shape)
    )


def check(problem: Problem, name: str, got: Any, reference: str, wanted: Any) -> None:
    """Stop where two peers disagree: a wrong result has no speed."""
    if len(got) != len(wanted):
        raise SystemExit(f"{problem}: {name} returned {len(got)} arrays, {reference} {len(wanted)}")
    for number, (mine, other) in enumerate(zip(got, wanted, strict=True)):
        if mine.shape != other.shape:
            raise SystemExit(
                f"{problem}: result {number} of {name} has shape {mine.shape}, "
                f"of {reference} {other.shape}"
            )
        off = np.abs(mine.astype(np.float64) - other.astype(np.float64)).max(initial=0.0)
        if not off <= problem.tolerance:
            raise SystemExit(
                f"{problem}: result {number} of {name} and {reference} differ by {off}"
            )
