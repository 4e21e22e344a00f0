"""What a GPU can do at best with the layers: their operations and bytes over an H100's rates.

Source of the rates: the data sheet of the NVIDIA H100 SXM, without sparsity.
"""

from __future__ import annotations

from math import prod

import numpy as np

from benchmarks.layers import load
from tconv._core.plan import conv_transpose_call
from tconv.testing import Problem

BYTES = 3.35e12  # a second
FLOPS = {"float32": 67e12, "bfloat16": 989e12}  # a second
SIZE = {"float32": 4, "bfloat16": 2}  # bytes

# Forms that compute the phases of y apart, and read and write it once more to interleave them.
APART = ("phases", "plain subpixel convolution")


def table() -> list[list[str]]:
    """A line a layer: the least that y of it takes, and whether products or bytes decide."""
    lines = [["layer", "GFLOP", "MB", "FLOP/byte", "float32 us", "bfloat16 us"]]
    for layer in load("layers"):
        problem = layer.problem
        flops, size = 2 * problem.work, SIZE["float32"] * _once(problem)
        times = [_least(flops, SIZE[dtype] * _once(problem), dtype) for dtype in FLOPS]
        cells = [f"{flops / 1e9:.3g}", f"{size / 1e6:.3g}", f"{flops / size:.0f}", *times]
        lines.append([layer.name, *cells])
    return lines


def traffic() -> list[list[str]]:
    """A line a map of a layer with groups: MB in float32 by the form that is taken, and by two that
    are not."""
    lines = [["layer", "gives", "form", "MB", "by products, MB", "with zeros written out, MB"]]
    for layer in load("layers"):
        if layer.problem.groups > 1:
            lines.extend([layer.name, *_traffic(layer.problem, result)] for result in "yxw")
    return lines


def _traffic(problem: Problem, result: str) -> list[str]:
    from tconv._jax.lowering import chosen_form

    plan = conv_transpose_call(problem.x_shape, problem.w_shape, **problem.keywords).plan
    form = chosen_form(result, plan, "cuda", np.dtype("float32"))
    zeros = "-" if result == "x" else _megabytes(_with_zeros(problem))
    counts = _once(problem) + (2 * prod(problem.output_shape) if form in APART else 0)
    return [result, form, _megabytes(counts), _megabytes(_by_products(problem, result)), zeros]


def _megabytes(elements: int) -> str:
    return f"{SIZE['float32'] * elements / 1e6:.1f}"


def _least(flops: float, size: float, dtype: str) -> str:
    computing, moving = 1e6 * flops / FLOPS[dtype], 1e6 * size / BYTES
    return f"{max(computing, moving):.1f} ({'products' if computing > moving else 'bytes'})"


def _once(problem: Problem) -> int:
    """Elements of x, w and y."""
    return prod(problem.x_shape) + prod(problem.w_shape) + prod(problem.output_shape)


def _by_products(problem: Problem, result: str) -> int:
    """Batched products, with a column of taps for each position of x written and read; for y its
    sums are too, before the phases lie side by side."""
    positions = (problem.batch or 1) * prod(problem.input_size)
    columns = positions * prod(problem.kernel_size) * problem.out_channels
    sums = 2 * prod(problem.output_shape) if result == "y" else 0
    return _once(problem) + 2 * columns + sums


def _with_zeros(problem: Problem) -> int:
    """A convolution of x with zeros between its elements, written and read."""
    spread = [(n - 1) * s + 1 for n, s in zip(problem.input_size, problem.stride, strict=True)]
    return _once(problem) + 2 * (problem.batch or 1) * problem.in_channels * prod(spread)
