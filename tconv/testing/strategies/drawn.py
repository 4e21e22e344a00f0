"""Problems that are valid by construction and bounded in size: one axis, a whole call, arrays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray

from tconv.testing.problems.problem import MEMORY, Geometry, Problem, fill

Array = NDArray[Any]
CORNERS = {
    "stride > kernel": "some outputs are reached by no tap",
    "padding > kernel": "padding deeper than dilation*(kernel_size - 1): a crop of the input",
    "output_padding >= stride": "allowed by PyTorch where the dilation exceeds the stride",
    "size 1": "an input of one position",
    "gcd(stride, dilation) > 1": "taps and phases share a factor",
    "kernel 1": "a kernel of one tap",
    "negative padding": "a (lo, hi) pair that extends the output",
    "groups = channels": "depthwise",
}
_TERMS = 4_000  # of a problem; the reference takes some 3 us for one
_BOUNDS = {
    1: {"max_input": 8, "max_kernel": 5},
    2: {"max_input": 5, "max_kernel": 4},
    3: {"max_input": 3, "max_kernel": 3, "max_stride": 3, "max_dilation": 3},
}
_LARGE_BOUNDS = {
    1: {"max_input": 70, "max_kernel": 24, "max_stride": 20, "max_dilation": 12},
    2: {"max_input": 24, "max_kernel": 9, "max_stride": 10, "max_dilation": 9},
    3: {"max_input": 12, "max_kernel": 4, "max_stride": 6, "max_dilation": 5},
}


@st.composite
def geometries(
    draw: st.DrawFn,
    *,
    transposed: bool = True,
    corner: str | None = None,
    symmetric: bool | None = None,
    max_input: int = 6,
    max_kernel: int = 4,
    max_stride: int = 4,
    max_dilation: int = 4,
) -> Geometry:
    """One spatial axis, with an output of at least one position.

    Args:
        transposed: for a transposed convolution, or for a convolution.
        corner: one of ``CORNERS`` (those of one axis) to aim at.
        symmetric: True for one padding at both sides, False for a (lo, hi) pair of any sign,
            None for either.
        max_input, max_kernel, max_stride, max_dilation: bounds; a corner may pass them a bit.
    """
    n = draw(st.integers(1, max_input))
    k = draw(st.integers(1, max_kernel))
    s = draw(st.integers(1, max_stride))
    d = draw(st.integers(1, max_dilation)) if draw(st.booleans()) else 1
    if corner == "size 1":
        n = 1
    elif corner == "kernel 1":
        k = 1
    elif corner == "stride > kernel":
        k, d = min(k, 3), min(d, 2)
        s = d * (k - 1) + 1 + draw(st.integers(1, 2))
    elif corner == "gcd(stride, dilation) > 1":
        common = draw(st.integers(2, 3))
        k, s = max(k, 2), common * draw(st.integers(1, 2))
        d = common * draw(st.integers(1, 2))
    elif corner == "output_padding >= stride":
        s = min(s, 3)
        d = s + draw(st.integers(1, 2))
    if symmetric is None:
        symmetric = corner != "negative padding" and not draw(st.booleans())
    if not transposed:
        return _forward(draw, Geometry(n, k, s, (0, 0), 0, d), corner, symmetric)
    least = s if corner == "output_padding >= stride" else 0
    op = draw(st.integers(least, max(s, d) - 1))
    extent = d * (k - 1) + 1
    if corner == "padding > kernel":
        p = extent + draw(st.integers(0, 2))
        n = max(n, -((-max(2 * p - extent - op, 0) - 1) // s) + 1)
        return Geometry(n, k, s, (p, p), op, d)
    room = (n - 1) * s + extent + op - 1
    if symmetric:
        p = draw(st.integers(0, min(room // 2, extent + 2)))
        return Geometry(n, k, s, (p, p), op, d)
    below = -1 if corner == "negative padding" else min(room, extent + 2)
    lo = draw(st.integers(-2, below))
    hi = draw(st.integers(-2, min(room - lo, extent + 2)))
    return Geometry(n, k, s, (lo, hi), op, d)


def _forward(draw: st.DrawFn, axis: Geometry, corner: str | None, symmetric: bool) -> Geometry:
    """The axis of a convolution: its input made large enough for the window."""
    n, k, d = axis.input_size, axis.kernel_size, axis.dilation
    extent = d * (k - 1) + 1
    if corner == "padding > kernel":
        p = extent + draw(st.integers(0, 2))
        return axis._replace(padding=(p, p))
    if symmetric:
        p = draw(st.integers(0, extent + 1))
        return axis._replace(input_size=n + max(extent - n - 2 * p, 0), padding=(p, p))
    lo = draw(st.integers(-2, -1 if corner == "negative padding" else extent + 1))
    hi = draw(st.integers(-2, extent + 1))
    return axis._replace(input_size=n + max(extent - n - lo - hi, 0), padding=(lo, hi))


@st.composite
def problems(
    draw: st.DrawFn,
    /,
    *,
    kind: str = "conv_transpose",
    ndim: int | Collection[int] = (1, 2, 3),
    dtypes: Collection[str] = ("float32",),
    corner: str | None = None,
    symmetric: bool | None = None,
    batch: Sequence[int | None] = (1, 2, 0, 3),
    memory: Sequence[str] = MEMORY,
    bias: bool | None = None,
    spread: int = 0,
    condition: int = 1,
    max_channels: int = 3,
    max_groups: int = 3,
    max_positions: int = 400,
    large: bool = False,
    **bounds: int,
) -> Problem:
    """Problems over the whole valid range of one kind.

    Args:
        kind: "conv_transpose" or "conv".
        ndim: number of spatial axes, or several to draw from.
        dtypes: names of dtypes to draw from; all arrays of a problem have the same.
        corner: one of ``CORNERS``, which one axis (or the groups) then has.
        symmetric: True for padding as ints, False for (lo, hi) pairs, None for either.
        batch: batch sizes to draw from, simplest first; None stands for an unbatched x.
        memory: layouts in memory to draw from: see ``Problem``.
        bias: with or without; None for either.
        spread, condition: the largest to draw: see ``Problem``.
        max_channels: the most channels in a group, of x as of the result.
        max_groups: the most groups.
        max_positions: bound on the positions of the spatial output.
        large: whether the axes are drawn from sizes beyond the first tile of most kernels.
        bounds: the size bounds of ``geometries``.
    """
    axes = draw(st.sampled_from((ndim,) if isinstance(ndim, int) else tuple(ndim)))
    options: dict[str, Any] = {"transposed": kind == "conv_transpose", "symmetric": symmetric}
    of_axes = _LARGE_BOUNDS if large else _BOUNDS
    options |= of_axes[min(axes, 3)] | bounds
    aimed = draw(st.integers(0, axes - 1))
    drawn = [
        draw(geometries(corner=corner if axis == aimed else None, **options))
        for axis in range(axes)
    ]
    depthwise = corner == "groups = channels"
    groups = draw(st.integers(2 if depthwise else 1, max_groups))
    group_in = 1 if depthwise else draw(st.integers(1, max_channels))
    group_out = 1 if depthwise else draw(st.integers(1, max_channels))
    columns = zip(*drawn, strict=True)
    problem = Problem(
        **dict(zip(Geometry._fields, columns, strict=True)),
        groups=groups,
        in_channels=groups * group_in,
        out_channels=groups * group_out,
        batch=draw(st.sampled_from(batch)),
        bias=draw(st.booleans()) if bias is None else bias,
        dtype=draw(st.sampled_from(tuple(dtypes))),
        memory=draw(st.sampled_from(memory)),
        spread=draw(st.integers(0, spread)),
        condition=draw(st.integers(1, condition)),
        seed=draw(st.integers(0, 999)),
        kind=kind,
    )
    assume(prod(problem.output_size) <= max_positions and problem.terms <= _TERMS)
    return problem


def conv_transpose_problems(**options: Any) -> st.SearchStrategy[Problem]:
    """Problems of the transposed convolution; Args: those of ``problems``."""
    return problems(kind="conv_transpose", **options)


def conv_problems(**options: Any) -> st.SearchStrategy[Problem]:
    """Problems of the convolution; Args: those of ``problems``."""
    return problems(kind="conv", **options)


@st.composite
def arrays(
    draw: st.DrawFn, shape: Sequence[int], dtype: str = "float32", *, spread: int = 0
) -> Array:
    """Arrays of random values whose magnitudes reach from 2**-spread to 2**spread around 1.

    Floats are normal, integers small (of any size where spread > 0); no two draws of the same
    seed differ.  For operands that cancel to a chosen degree see ``Problem.condition``.
    """
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    return fill(rng, shape, dtype, spread)
