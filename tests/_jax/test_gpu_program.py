"""The programs for GPUs, as text: what XLA needs to give each convolution to a kernel of cuDNN's
that multiplies no zeros.  Nothing here runs on one.

The conditions are those of the pass ``ConvRewriter`` of XLA's GPU compiler.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from math import gcd, prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tconv
from benchmarks import layers
from benchmarks.task import dimension_numbers
from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._jax.forms.axes import OPERANDS
from tconv._jax.lowering import compute
from tconv.testing import Problem
from tests._jax.test_forms_values import PLANS, operands, random_plan
from tests.support.definition import maps

MAPS = ("y", "x", "w", "conv")

# Those with an x no larger than the kernel: XLA takes the gradient of w for a forward convolution.
SMALL = ("dcgan_l2", "fcn32s")

# Any common divisor of stride and dilation, more dilation than inputs, groups, extensions.
CASES = [
    *PLANS,
    *(random_plan(seed) for seed in range(300, 316)),
    Plan(2, 3, 4, 1, (Axis(7, 20, 3, 2, 3, 1), Axis(5, 17, 2, 3, 2, -2))),
    Plan(1, 2, 3, 1, (Axis(2, 11, 3, 2, 5, 1),)),
    Plan(1, 4, 6, 2, (Axis(6, 18, 4, 3, 2, 2), Axis(5, 9, 3, 2, 1, 1))),
    Plan(2, 4, 4, 2, (Axis(3, 40, 9, 9, 1, 3), Axis(3, 40, 12, 8, 1, 0))),
    Plan(1, 2, 1, 1, (Axis(1, 4, 3, 2, 4, 1), Axis(9, 10, 3, 2, 1, 7))),
    Plan(2, 2, 2, 1, (Axis(1, 4, 4, 1, 1, 0), Axis(1, 3, 3, 2, 1, -1))),
]
LAYERS = {layer.name: layer.problem for layer in layers.load("layers")}


@dataclass(frozen=True)
class Convolution:
    """A convolution of a program; its windows have an entry for each spatial axis."""

    image: tuple[int, ...]
    kernel: tuple[int, ...]
    result: tuple[int, ...]
    names: tuple[list[str], list[str], list[str]]  # of the axes of the three
    stride: list[int]
    pads: list[list[int]]
    spread: list[int]  # zeros between the inputs, and one
    dilation: list[int]
    groups: int
    batch_groups: int
    kernel_from: str  # the operation that gives the kernel

    def sizes(self, which: str) -> list[int]:
        """The spatial sizes of "image", "kernel" or "result"."""
        names = self.names[("image", "kernel", "result").index(which)]
        shape = getattr(self, which)
        return [shape[names.index(str(n))] for n in range(len(self.stride))]

    @property
    def products(self) -> int:
        """Multiplications; the zeros between inputs, which backward data leaves out, in no one."""
        in_channels = self.kernel[self.names[1].index("i")]
        out_channels = self.kernel[self.names[1].index("o")]
        samples = self.image[self.names[0].index("b")] // self.batch_groups
        assert self.is_backward_data or set(self.spread) == {1}
        positions = self.sizes("image" if self.is_backward_data else "result")
        return samples * prod(positions) * prod(self.sizes("kernel")) * in_channels * out_channels

    @property
    def is_backward_data(self) -> bool:
        """Whether it is one from x to y that cuDNN computes without the zeros."""
        reverse = re.match(r"stablehlo\.reverse %\S+, dims = \[([\d, ]+)\]", self.kernel_from)
        spatial = [self.names[1].index(str(n)) for n in range(len(self.stride))]
        reversed_axes = [int(axis) for axis in reverse[1].split(",")] if reverse else []
        pointwise = set(self.sizes("kernel")) == {1} and max(self.spread) > 1
        matched = self.groups == self.batch_groups == 1
        matched &= sorted(reversed_axes) == sorted(spatial) or pointwise
        matched &= set(self.stride) == set(self.dilation) == {1}
        for size, (lo, _), n, m, s in zip(
            self.sizes("kernel"), self.pads, self.sizes("image"), self.sizes("result"),
            self.spread, strict=True,
        ):  # fmt: skip
            before = size - 1 - lo
            least = size + s * (n - 1) - m - before
            matched &= before >= 0
            matched &= _closest(before, least, least + s - 1) >= 0
        return matched

    @property
    def is_backward_filter(self) -> bool:
        """Whether it is one from y and x to w that cuDNN computes without the zeros, for some size
        of x."""
        matched = self.groups == 1 and set(self.stride) == set(self.spread) == {1}
        for k, (lo, _), n, m, s in zip(
            self.sizes("kernel"), self.pads, self.sizes("image"), self.sizes("result"),
            self.dilation, strict=True,
        ):  # fmt: skip
            least = m + (k - 1) * s - n - lo
            matched &= lo >= 0
            matched &= _closest(lo, least, least + s - 1) >= 0
        return matched

    @property
    def is_small(self) -> bool:
        """Whether XLA takes one from y and x to w for a forward convolution, by the size of x."""
        small = [k <= m for k, m in zip(self.sizes("kernel"), self.sizes("result"), strict=True)]
        return all(small) or (any(small) and set(self.dilation) == {1})

    @property
    def is_forward(self) -> bool:
        """Whether it has no zeros between its inputs, and no negative padding."""
        return set(self.spread) == {1} and min(min(pair) for pair in self.pads) >= 0


def _closest(wanted: int, least: int, most: int) -> int:
    """The padding that cuDNN gets: the same at both ends where that changes no size."""
    return min(max(wanted, least), most)


def convolutions(text: str) -> list[Convolution]:
    """Those of a program."""
    found = []
    for line in re.findall(r"stablehlo\.convolution\([^\n]*", text):
        operand = re.match(r"stablehlo\.convolution\(\S+, (%\w+)\)", line)
        source = re.search(rf"{operand[1]} = ([^\n]*)", text) if operand else None
        names = re.search(r"dim_numbers = \[(.*?)\]x\[(.*?)\]->\[(.*?)\]", line)
        assert names
        axes = tuple(each.split(", ") for each in names.groups())
        one = [1] * (len(axes[0]) - 2)
        *shapes, result = re.findall(r"tensor<((?:\d+x)+)", line)
        shape = [tuple(map(int, each.rstrip("x").split("x"))) for each in (*shapes, result)]
        pads = re.search(r"pad = \[(\[.*?\])\]", line)
        pairs = re.findall(r"\[(-?\d+), (-?\d+)\]", pads[1]) if pads else [(0, 0)] * len(one)
        found.append(
            Convolution(
                *shape, axes, _numbers("stride", line) or one, [[*map(int, p)] for p in pairs],
                _numbers("lhs_dilate", line) or one, _numbers("rhs_dilate", line) or one,
                int(re.search(r"feature_group_count = (\d+)", line)[1]),
                int(re.search(r"batch_group_count = (\d+)", line)[1]),
                source[1] if source else "",
            )
        )  # fmt: skip
    return found


def _numbers(name: str, line: str) -> list[int]:
    found = re.search(rf"\b{name} = \[(.*?)\]", line)
    return [int(number) for number in found[1].split(",")] if found else []


def lowered(problem: Problem, which: str, layout: str = "NCHW") -> str:
    """The program of y, of the gradients of x and of w, or of the convolution, for CUDA."""
    numbers = dimension_numbers(problem.ndim, layout)
    shapes = {"x": problem.x_shape, "w": problem.w_shape, "y": problem.output_shape}
    if layout == "NHWC":
        shapes = {
            name: (*s[2:], *s[:2]) if name == "w" else (s[0], *s[2:], s[1])
            for name, s in shapes.items()
        }
    x, w, y = (jax.ShapeDtypeStruct(shapes[name], jnp.float32) for name in "xwy")

    def transposed(x: Any, w: Any) -> Any:
        return tconv.conv_transpose(x, w, dimension_numbers=numbers, **problem.keywords)

    def dx(y: Any, w: Any) -> Any:
        return jax.linear_transpose(lambda x: transposed(x, w), x)(y)

    def dw(x: Any, y: Any) -> Any:
        return jax.linear_transpose(lambda w: transposed(x, w), w)(y)

    def conv(y: Any, w: Any) -> Any:
        swapped = numbers and (numbers[0], numbers[1].replace("IO", "OI"), numbers[2])
        return tconv.conv(y, w, dimension_numbers=swapped, **problem.partner_keywords)

    functions = {"y": (transposed, x, w), "x": (dx, y, w), "w": (dw, x, y), "conv": (conv, y, w)}
    function, *given = functions[which]
    return jax.jit(function).trace(*given).lower(lowering_platforms=("cuda",)).as_text()


def drawn(seed: int) -> Problem:
    """A problem of one to three axes, with any parameters."""
    rng = random.Random(seed)
    ndim, groups = rng.randint(1, 3), rng.choice([1, 1, 1, 2, 4])
    while True:
        axes = range(ndim)
        dilation, stride = ([rng.choice([1, 1, 2, 3, 4]) for _ in axes] for _ in "ds")
        lowest = rng.choice([0, 0, -3])
        depth = rng.choice([1, 2, 3])
        problem = Problem(
            tuple(rng.randint(1, 24) for _ in axes),
            tuple(rng.randint(1, 6) for _ in axes),
            tuple(stride),
            tuple((rng.randint(lowest, 7), rng.randint(lowest, 7)) for _ in axes),
            tuple(rng.randrange(max(d, s)) for d, s in zip(dilation, stride, strict=True)),
            tuple(dilation),
            groups,
            groups * depth,
            groups * rng.choice([depth, 1, 3]),
            rng.randint(1, 3),
        )
        if problem.valid:
            return problem


def assert_matched(problem: Problem, which: str, layout: str = "NCHW") -> list[Convolution]:
    """Every convolution is one that cuDNN has a kernel for, and multiplies no zeros but those with
    which an axis is filled up."""
    found = convolutions(lowered(problem, which, layout))
    for each in found:
        if which == "y":
            assert each.is_backward_data or each.is_forward, each
            assert min(min(pair) for pair in each.pads) >= 0, each
        elif which == "w":
            assert each.is_backward_filter, each
        else:
            assert each.is_forward, each
    assert sum(each.products for each in found) <= 1.0001 * problem.work * filling(problem, which)
    return found


def filling(problem: Problem, which: str) -> float:
    """How many times the products of the definition there may be."""
    if which == "conv":  # an output padding of a stride or more is another position of x
        return prod(
            (a.input_size + a.output_padding // a.stride) / a.input_size for a in problem.axes
        )
    if which == "y" and problem.groups > 1:  # whole cells of y, extended and cut ones too
        cells = [
            -(-m // a.stride) + 1 for m, a in zip(problem.output_size, problem.axes, strict=True)
        ]
        return prod(c / a.input_size for c, a in zip(cells, problem.axes, strict=True))
    whole = [-(-a.input_size // a.dilation) * a.dilation for a in problem.axes]
    gaps = [gcd(a.stride, a.dilation) for a in problem.axes]
    if which == "y" and gaps == [*problem.stride]:  # each position of y gathers all taps
        sizes = [-(-m // gap) for m, gap in zip(problem.output_size, gaps, strict=True)]
        whole = [*map(max, whole, sizes)]
    return prod(size / a.input_size for size, a in zip(whole, problem.axes, strict=True))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("which", MAPS)
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, which: str, layout: str) -> None:
    problem = LAYERS[name]
    found = assert_matched(problem, which, layout)
    if which == "y" and problem.groups == 1 and set(problem.input_size) != {1}:
        assert [each.is_backward_data for each in found] == [True]
    if which == "w" and set(problem.input_size) != {1}:
        assert [each.is_small for each in found] == [name in SMALL]


@pytest.mark.long
@pytest.mark.parametrize("which", MAPS)
@pytest.mark.parametrize("start", range(0, 200, 20))
def test_drawn_problems(start: int, which: str) -> None:
    for seed in range(start, start + 20):
        assert_matched(drawn(seed), which)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_program_for_gpus_is_the_definition(number: int) -> None:
    """Run on the CPU, on integers: every sum is exact."""
    plan = replace(CASES[number], channels_last=number % 2 == 1)
    arrays = dict(zip("xwy", operands(plan), strict=True))
    want = maps(plan, *arrays.values())

    def everything(arrays: dict[str, Any]) -> dict[str, Any]:
        static = {"platform": "cuda", "precision": None}
        return {
            result: compute(result, plan, *(arrays[name] for name in OPERANDS[result]), **static)
            for result in "yxw"
        }

    for result, got in jax.jit(everything)(arrays).items():
        np.testing.assert_array_equal(got, getattr(want, result), err_msg=result)


def test_a_padding_as_large_as_the_kernel_crops_x() -> None:
    """Kernel 2, stride 2, padding 2: the first and the last input reach no output."""
    (found,) = convolutions(lowered(Problem((5, 5), (2, 2), 2, 2), "y"))
    assert found.is_backward_data
    assert found.sizes("image") == [3, 3]
    assert found.pads[0][0] == 1


@pytest.mark.parametrize("which", ["y", "w"])
def test_stride_with_dilation_is_one_convolution_of_the_residues(which: str) -> None:
    """Four samples for each, the kernel whole and not spread with zeros."""
    problem = Problem((24, 24), (3, 3), 3, 2, dilation=2, in_channels=4, out_channels=5, batch=3)
    (found,) = convolutions(lowered(problem, which))
    assert found.is_backward_data if which == "y" else found.is_backward_filter
    assert found.image[found.names[0].index("b" if which == "y" else "f")] == 12
    assert found.sizes("kernel" if which == "y" else "result") == [3, 3]


def test_groups_are_forward_convolutions_of_phases() -> None:
    """Kernel 3, stride 2: phases of 1, 2 and 4 taps; kernel 4: all in one."""
    problem = Problem((8, 8), (3, 3), 2, 1, groups=2, in_channels=4, out_channels=4)
    taps = [prod(each.sizes("kernel")) for each in convolutions(lowered(problem, "y"))]
    assert sorted(taps) == [1, 2, 2, 4]
    even = convolutions(lowered(replace(problem, kernel_size=(4, 4)), "y"))
    assert [prod(each.sizes("kernel")) for each in even] == [4]


def test_depthwise_layers_are_one_pass() -> None:
    """Of y and x no phases or windows are kept: nothing keeps XLA from fusing all into one loop."""
    for which in ("y", "x"):
        text = lowered(LAYERS["dw_k4s2"], which)
        assert not convolutions(text)
        assert "optimization_barrier" not in text
        assert "dot_general" not in text


def test_what_makes_a_program_wrong_is_seen() -> None:
    """Conditions that XLA has, each broken once."""
    (right,) = convolutions(lowered(LAYERS["dcgan_l4"], "y"))
    assert right.is_backward_data
    for wrong in (
        {"dilation": [1, 2]},
        {"stride": [2, 1]},
        {"groups": 2},
        {"batch_groups": 2},
        {"pads": [[4, 2], [2, 2]]},
        {"kernel_from": "stablehlo.reverse %0, dims = [2]"},
        {"kernel_from": "stablehlo.transpose %0, dims = [2, 3]"},
    ):
        assert not replace(right, **wrong).is_backward_data, wrong
    (right,) = convolutions(lowered(LAYERS["dcgan_l4"], "w"))
    assert right.is_backward_filter
    assert not right.is_small
    for wrong in ({"stride": [2, 1]}, {"spread": [1, 2]}, {"groups": 2}, {"pads": [[-1, 2]] * 2}):
        assert not replace(right, **wrong).is_backward_filter, wrong
    assert replace(right, kernel=(16, 128, 4, 4)).is_small
