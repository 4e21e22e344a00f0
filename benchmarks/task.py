"""A layer with its operands, those who compute it, and whether their answers agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.layers import Layer
from tconv.testing import Problem

Array = NDArray[Any]
WHATS = ("conv_transpose", "gradient", "conv")
OPERANDS = {"y": ("x", "w"), "x": ("y", "w"), "w": ("x", "y")}  # of the map that gives each
LARGEST = 2


class Unsupported(Exception):  # noqa: N818 - a fact to print, not an error
    """A peer cannot do this task; the text says why."""


@dataclass(frozen=True)
class Task:
    """One thing to compute on a layer, with its operands.

    ``conv_transpose`` is y from x and w; ``conv`` its adjoint, x from y and w; ``gradient`` is
    y, then the cotangents of x and w from that of y, for which the operand y stands.
    """

    layer: Layer
    what: str
    dtype: str
    x: Array = field(repr=False)
    w: Array = field(repr=False)
    y: Array = field(repr=False)

    @property
    def flops(self) -> int:
        """Multiplications and additions, counted apart, those of cropped positions included."""
        return 2 * self.layer.problem.work * (3 if self.what == "gradient" else 1)


@dataclass(frozen=True)
class Peer:
    """A way to solve tasks: ``prepare(task)`` does what need not be timed and returns the call
    to time; ``arrays`` turns what that returned into NumPy arrays, outside of time.

    ``prepare`` raises ``Unsupported`` for tasks it cannot do.
    """

    name: str
    prepare: Callable[[Task], Callable[[], Any]]
    arrays: Callable[[Any], tuple[Array, ...]]


def make(layer: Layer, what: str, dtype: str) -> Task:
    """The task with its operands, the same each time."""
    return Task(layer, what, dtype, **operands(layer.problem, dtype))


def operands(problem: Problem, dtype: str = "float32") -> dict[str, Array]:
    """x, w and y of a problem, in PyTorch's order of axes.

    All entries are integers of at most ``LARGEST``, so that every sum is exact in float32
    whatever its order, and those who compute it can be held to equality.
    """
    rng = np.random.default_rng(0)
    kind = "float32" if dtype == "bfloat16" else dtype  # NumPy has none; peers convert
    shapes = {"x": problem.x_shape, "w": problem.w_shape, "y": problem.output_shape}
    return {
        name: rng.integers(-LARGEST, LARGEST + 1, shape, np.int8).astype(kind)
        for name, shape in shapes.items()
    }


def check(
    layer: Layer, dtype: str, name: str, got: Sequence[Array], other: str, wanted: Sequence[Array]
) -> None:
    """Stop where two answers differ: a wrong result has no speed."""
    if len(got) != len(wanted):
        raise SystemExit(f"{layer}: {name} returned {len(got)} arrays, {other} {len(wanted)}")
    for number, (mine, theirs) in enumerate(zip(got, wanted, strict=True)):
        if mine.shape != theirs.shape:
            raise SystemExit(
                f"{layer}: result {number} of {name} has shape {mine.shape}, "
                f"of {other} {theirs.shape}"
            )
        off = np.abs(mine.astype(np.float64) - theirs.astype(np.float64)).max(initial=0.0)
        if not off <= tolerance(layer.problem, dtype):
            raise SystemExit(f"{layer}: result {number} of {name} and {other} differ by {off}")


def tolerance(problem: Problem, dtype: str) -> float:
    """The rounding of the largest sum to a dtype narrower than what sums are held in."""
    in_channels, group_out, *kernel = problem.w_shape
    terms = max(
        in_channels // problem.groups * prod(kernel),
        group_out * prod(kernel),
        (problem.batch or 1) * prod(problem.input_size),
    )
    eps = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23}
    return eps.get(dtype, 2.0**-52) * terms * LARGEST**2


def channels_last(name: str, array: Any) -> Any:
    """(batch, *size, channels) of x or y, (*kernel_size, in, out) of w, NumPy's or JAX's."""
    spatial = tuple(range(2, array.ndim))
    return array.transpose((*spatial, 0, 1) if name == "w" else (0, *spatial, 1))


def channels_first(name: str, array: Any) -> Any:
    """The inverse of ``channels_last``."""
    last = array.ndim - 1
    if name == "w":
        return array.transpose(last - 1, last, *range(last - 1))
    return array.transpose(0, last, *range(1, last))


def dimension_numbers(axes: int, layout: str) -> tuple[str, str, str] | None:
    """What ``tconv`` and ``lax`` call the layout."""
    spatial = "DHW"[3 - axes :]
    return (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C") if layout == "NHWC" else None
