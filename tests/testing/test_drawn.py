"""What the strategies draw: every bound is reached, and none is passed."""

from itertools import count, product
from math import prod

import numpy as np
import pytest

from tconv.testing import reference
from tconv.testing.problems.problem import Geometry, fill
from tconv.testing.strategies import (
    arrays,
    conv_problems,
    conv_transpose_problems,
    drawn,
    geometries,
    problems,
)
from tests.testing.choices import draws, every

TINY = {"max_input": 2, "max_kernel": 2, "max_stride": 2, "max_dilation": 1}


def extent(axis):
    return axis.dilation * (axis.kernel_size - 1) + 1


def output(axis):
    """The definition of the transposed convolution: where the last tap of the last input lands."""
    last = (axis.input_size - 1) * axis.stride + extent(axis)
    return last + axis.output_padding - sum(axis.padding)


def tiny(max_dilation):
    """(input_size, kernel_size, stride, dilation) within the bounds of ``TINY``."""
    return product((1, 2), (1, 2), (1, 2), range(1, max_dilation + 1))


@pytest.mark.parametrize("transposed", [True, False])
def test_sizes_reach_their_bounds(transposed):
    for bounds in ({}, {"max_input": 2, "max_kernel": 3, "max_stride": 5, "max_dilation": 6}):
        found = draws(geometries(transposed=transposed, **bounds))
        assert {axis.kernel_size for axis in found} == {*range(1, bounds.get("max_kernel", 4) + 1)}
        assert {axis.stride for axis in found} == {*range(1, bounds.get("max_stride", 4) + 1)}
        assert {axis.dilation for axis in found} == {*range(1, bounds.get("max_dilation", 4) + 1)}
        kept = {axis.input_size for axis in found if transposed or extent(axis) == 1}
        least = 1 if transposed else 2  # a pair of -1 and 0 has an input of two
        assert set(range(least, bounds.get("max_input", 6) + 1)) <= kept
        assert not transposed or max(kept) == bounds.get("max_input", 6)
        assert {axis.output_padding for axis in found if not transposed} <= {0}


def test_one_axis_in_two_is_not_dilated():
    found = draws(geometries(max_input=10_000, max_dilation=20), 200)
    assert 0.5 < sum(axis.dilation == 1 for axis in found) / len(found) < 0.8


def test_the_simplest_axis_comes_first():
    simplest = Geometry(1, 1, 1, (0, 0), 0, 1)
    assert every(geometries(**TINY))[0] == simplest
    assert every(geometries(transposed=False, **TINY))[0] == simplest


def test_every_symmetric_padding_that_leaves_an_output():
    wanted = set()
    for n, k, s, d in tiny(2):
        for op, p in product(range(max(s, d)), range(d * (k - 1) + 1 + 3)):
            axis = Geometry(n, k, s, (p, p), op, d)
            wanted |= {axis} if output(axis) >= 1 else set()
    assert set(every(geometries(symmetric=True, **TINY | {"max_dilation": 2}))) == wanted


def test_every_pair_of_paddings_that_leaves_an_output():
    wanted = set()
    for n, k, s, d in tiny(1):
        most = d * (k - 1) + 1 + 2
        for op, lo, hi in product(range(s), range(-2, most + 1), range(-2, most + 1)):
            axis = Geometry(n, k, s, (lo, hi), op, d)
            alone = axis._replace(padding=(lo, 0))
            wanted |= {axis} if output(axis) >= 1 and output(alone) >= 1 else set()
    assert set(every(geometries(symmetric=False, **TINY))) == wanted


def test_every_padding_of_a_convolution_whose_input_is_as_large_as_its_window():
    pairs, symmetric = set(), set()
    for n, k, s, d in tiny(1):
        size = d * (k - 1) + 1
        for lo, hi in product(range(-2, size + 2), repeat=2):
            axis = Geometry(max(n, size - lo - hi), k, s, (lo, hi), 0, d)
            pairs.add(axis)
            if lo == hi >= 0:
                symmetric.add(axis)
    options = {"transposed": False, **TINY}
    assert set(every(geometries(symmetric=False, **options))) == pairs
    assert set(every(geometries(symmetric=True, **options))) == symmetric
    either = {axis.padding for axis in every(geometries(**options))}
    assert either == {axis.padding for axis in pairs}


@pytest.mark.parametrize("transposed", [True, False])
def test_what_a_corner_sets(transposed):
    def corner(name, **options):
        return draws(geometries(transposed=transposed, corner=name, **options))

    wide = {"max_kernel": 6, "max_stride": 6, "max_dilation": 6}
    found = corner("stride > kernel", **wide)
    assert {(a.kernel_size, a.dilation) for a in found} == set(product((1, 2, 3), (1, 2)))
    assert {a.stride - extent(a) for a in found} == {1, 2}
    found = corner("gcd(stride, dilation) > 1")
    assert {a.kernel_size for a in found} == {2, 3, 4}
    steps = {tuple(c * one for one in pair) for c in (2, 3) for pair in product((1, 2), repeat=2)}
    assert {(a.stride, a.dilation) for a in found} == steps
    found = corner("negative padding")
    assert {a.padding[0] for a in found} == {-2, -1}
    most = 2 if transposed else 1
    assert min(a.padding[1] for a in found) == -2
    assert max(a.padding[1] - extent(a) for a in found) == most
    found = corner("padding > kernel", max_input=1)
    assert {a.padding[0] - extent(a) for a in found} == {0, 1, 2}
    assert all(lo == hi for lo, hi in (a.padding for a in found))
    for name, size in (("size 1", {1}), ("kernel 1", {*range(1, 7)})):
        found = corner(name, symmetric=True)
        if transposed:
            assert {a.input_size for a in found} == size
        assert {a.kernel_size for a in found} == ({1} if name == "kernel 1" else {1, 2, 3, 4})


def test_a_deep_padding_takes_the_smallest_input_that_has_an_output():
    for axis in draws(geometries(corner="padding > kernel", max_input=1)):
        sizes = (axis._replace(input_size=n) for n in count(2))
        assert axis == next(one for one in sizes if output(one) >= 1)
    larger = draws(geometries(corner="padding > kernel", max_input=40, max_kernel=2))
    assert max(axis.input_size for axis in larger) == 40


def test_output_padding_from_the_stride_up_to_the_dilation():
    found = draws(geometries(corner="output_padding >= stride", max_stride=6))
    steps = {(a.stride, a.dilation - a.stride, a.output_padding - a.stride) for a in found}
    assert steps == {(s, more, op) for s in (1, 2, 3) for more in (1, 2) for op in range(more)}


BOUNDS = {
    (1, False): (8, 5, 4, 4), (2, False): (5, 4, 4, 4), (3, False): (3, 3, 3, 3),
    (4, False): (3, 3, 3, 3),
    (1, True): (70, 24, 20, 12), (2, True): (24, 9, 10, 9), (3, True): (12, 4, 6, 5),
}  # fmt: skip


@pytest.mark.parametrize(("ndim", "large"), BOUNDS)
def test_axes_have_the_bounds_of_their_number(monkeypatch, ndim, large):
    """Whichever problems are too long is left aside: the largest sizes seldom meet."""
    monkeypatch.setattr(drawn, "_TERMS", float("inf"))
    options = {"ndim": ndim, "large": large, "max_groups": 1, "max_channels": 1}
    found = draws(conv_transpose_problems(max_positions=10**12, **options), 500)
    axes = [axis for problem in found for axis in problem.axes]
    names = ("input_size", "kernel_size", "stride", "dilation")
    assert tuple(max(getattr(axis, name) for axis in axes) for name in names) == BOUNDS[ndim, large]


def test_what_a_problem_is_drawn_from():
    found = draws(problems(ndim=1, spread=3, condition=4))
    assert {p.batch for p in found} == {0, 1, 2, 3}
    assert {p.groups for p in found} == {1, 2, 3}
    assert {p.in_channels // p.groups for p in found} == {1, 2, 3}
    assert {p.out_channels // p.groups for p in found} == {1, 2, 3}
    assert {p.bias for p in found} == {False, True}
    assert {p.memory for p in found} == {"contiguous", "fortran", "reversed", "strided"}
    assert {p.spread for p in found} == {0, 1, 2, 3}
    assert {p.condition for p in found} == {1, 2, 3, 4}
    assert (min(p.seed for p in found), max(p.seed for p in found)) == (0, 999)
    assert {(p.dtype, p.kind) for p in found} == {("float32", "conv_transpose")}
    assert {p.symmetric for p in found} == {False, True}
    plain = draws(conv_problems(batch=(None,), dtypes=("int8", "int32"), bias=False))
    assert {(p.dtype, p.kind) for p in plain} == {("int8", "conv"), ("int32", "conv")}
    assert {p.ndim for p in plain} == {1, 2, 3}
    assert {(p.spread, p.condition, p.bias, p.batch) for p in plain} == {(0, 1, False, None)}


def test_a_depthwise_problem_has_two_groups_or_more():
    found = draws(problems(corner="groups = channels", max_groups=4))
    assert {(p.groups, p.in_channels, p.out_channels) for p in found} == {
        (groups, groups, groups) for groups in (2, 3, 4)
    }


def test_any_axis_may_be_the_one_at_a_corner():
    found = draws(problems(corner="stride > kernel", ndim=3, max_stride=1, max_kernel=1))
    steps = [[axis.stride > 1 for axis in problem.axes] for problem in found]
    assert {one.index(True) for one in steps} == {0, 1, 2}
    assert all(sum(one) == 1 for one in steps)


LINE = {
    "ndim": 1, "symmetric": True, "max_kernel": 1, "max_stride": 1, "max_dilation": 1,
    "max_groups": 1, "max_channels": 1,
}  # fmt: skip


def test_the_positions_of_an_output_are_bounded():
    def largest(**options):
        return max(prod(p.output_size) for p in draws(problems(**LINE, **options)))

    assert largest(max_input=7, max_positions=5) == 5
    assert largest(max_input=400) == 400
    assert largest(max_input=401) < 401


def test_the_steps_of_the_reference_are_bounded():
    def largest(size):
        return max(p.terms for p in draws(problems(**LINE, max_positions=9_999, max_input=size)))

    assert largest(4_000) == 4_000
    assert largest(4_001) < 4_001


def test_arrays_are_of_any_of_ten_thousand_seeds():
    found = {float(values[0, 0]) for values in draws(arrays((1, 1)))}
    seeds = {n: float(fill(np.random.default_rng(n), (1, 1), "float32", 0)[0, 0])
             for n in (0, 9_999, 10_000)}  # fmt: skip
    assert {n for n, value in seeds.items() if value in found} == {0, 9_999}
    wide = draws(arrays((2, 50), "float64", spread=9), 30)
    assert {values.dtype.name for values in wide} == {"float64"}
    assert max(np.abs(values).max() for values in wide) > 2**8
    assert {values.dtype.name for values in draws(arrays((2,)), 5)} == {"float32"}


def test_a_drawn_problem_has_the_size_of_the_reference():
    for problem in draws(conv_transpose_problems(), 50):
        assert problem.output_size == tuple(map(output, problem.axes))
        x, w, b = problem.arrays()
        y = reference.conv_transpose(x, w, b, **problem.keywords)
        assert y.shape == problem.output_shape
