"""The strategies draw valid, bounded problems, reach their corners and shrink to small ones."""

from math import gcd, prod

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import tconv
from tconv.testing import Problem, reference
from tconv.testing.strategies import (
    CORNERS,
    arrays,
    conv_problems,
    conv_transpose_problems,
    drawn,
    generated,
    geometries,
)

NAMES = ("input", "kernel", "stride", "dilation")
QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)
HOLDS = {
    "stride > kernel": lambda a: a.stride > a.dilation * (a.kernel_size - 1) + 1,
    "padding > kernel": lambda a: min(a.padding) > a.dilation * (a.kernel_size - 1),
    "output_padding >= stride": lambda a: a.output_padding >= a.stride,
    "size 1": lambda a: a.input_size == 1,
    "gcd(stride, dilation) > 1": lambda a: gcd(a.stride, a.dilation) > 1,
    "kernel 1": lambda a: a.kernel_size == 1,
    "negative padding": lambda a: min(a.padding) < 0,
}


@QUICK
@given(st.one_of(conv_transpose_problems(), conv_problems()))
def test_problems_are_valid_bounded_and_can_be_pasted(problem):
    assert min(problem.output_size) >= 1
    assert prod(problem.output_size) <= 400
    assert eval(repr(problem)) == problem
    x, w, b = problem.arrays()
    function = tconv.conv_transpose if problem.transposed else tconv.conv
    y = function(x, w, b, **problem.keywords)
    assert y.shape == problem.output_shape
    assert y.dtype == problem.dtype


@pytest.mark.parametrize(
    ("ndim", "large", "largest"),
    [
        (1, False, (8, 5, 4, 4)), (2, False, (5, 4, 4, 4)), (3, False, (3, 3, 3, 3)),
        (1, True, (70, 24, 20, 12)), (2, True, (24, 9, 10, 9)), (3, True, (12, 4, 6, 5)),
    ],
)  # fmt: skip
def test_axes_are_drawn_up_to_the_bounds_of_their_number(monkeypatch, ndim, large, largest):
    asked = []

    def noted(**options):
        asked.append([options[f"max_{name}"] for name in NAMES if f"max_{name}" in options])
        return geometries(**options)

    monkeypatch.setattr(drawn, "geometries", noted)
    drawing = settings(QUICK, phases=[Phase.generate])
    find(conv_transpose_problems(ndim=ndim, large=large), lambda problem: True, settings=drawing)
    assert asked[0] == list(largest[: len(asked[0])])
    assert len(asked[0]) == (2 if not large and ndim < 3 else 4)


BEYOND = {  # (kernel_size, stride, dilation) of all that a corner can have
    "stride > kernel": {
        (k, d * (k - 1) + 1 + more, d) for k in (1, 2, 3) for d in (1, 2) for more in (1, 2)
    },
    "gcd(stride, dilation) > 1": {
        (k, c * s, c * d) for k in (2, 3, 4) for c in (2, 3) for s in (1, 2) for d in (1, 2)
    },
    "output_padding >= stride": {
        (k, s, s + more) for k in (1, 2, 3, 4) for s in (1, 2, 3) for more in (1, 2)
    },
}


@pytest.mark.parametrize("corner", BEYOND)
def test_a_corner_passes_the_bounds_by_little(corner):
    seen = set()

    @settings(QUICK, max_examples=500)
    @given(geometries(corner=corner))
    def drawing(axis):
        seen.add((axis.kernel_size, axis.stride, axis.dilation))

    drawing()
    assert seen == BEYOND[corner]


def test_what_cannot_be_drawn_is_given_up_after_20_draws(monkeypatch):
    drawn = []
    monkeypatch.setattr(generated, "_drawer", lambda strategy: drawn.append)
    assert list(generated.generated("conv_transpose", 7, 0)) == []
    assert len(drawn) == 7 * 20


FORWARD = set(HOLDS) - {"output_padding >= stride", "size 1"}  # a window may need a larger input


@pytest.mark.parametrize(
    ("corner", "transposed"),
    [*((corner, True) for corner in HOLDS), *((corner, False) for corner in sorted(FORWARD))],
)
def test_each_corner_is_reached_by_every_draw(corner, transposed):
    @QUICK
    @given(geometries(corner=corner, transposed=transposed))
    def reached(axis):
        assert HOLDS[corner](axis)

    reached()


def test_the_corner_of_the_groups_is_depthwise():
    @QUICK
    @given(conv_transpose_problems(corner="groups = channels"))
    def reached(problem):
        assert problem.groups == problem.in_channels == problem.out_channels > 1

    reached()
    assert set(HOLDS) | {"groups = channels"} == set(CORNERS)


@pytest.mark.parametrize("corner", HOLDS)
def test_plain_problems_reach_the_corners_too(corner):
    def holds(problem):
        return any(HOLDS[corner](axis) for axis in problem.axes)

    find(conv_transpose_problems(), holds, settings=settings(max_examples=2000, database=None))


def test_shrinks_to_a_small_readable_problem():
    smallest = find(
        conv_transpose_problems(),
        lambda p: p.stride[-1] > 1 and p.groups > 1,
        settings=settings(max_examples=2000, database=None),
    )
    assert repr(smallest) == (
        "Problem(input_size=(1,), kernel_size=(1,), stride=2, groups=2, in_channels=2, "
        "out_channels=2)"
    )


def test_options_narrow_what_is_drawn():
    @QUICK
    @given(
        conv_transpose_problems(
            ndim=2, dtypes=("float64",), symmetric=True, batch=(None,), bias=True,
            memory=("contiguous",), max_channels=1, max_groups=1, max_stride=1,
        )
    )  # fmt: skip
    def narrow(problem):
        assert problem.ndim == 2
        assert problem.dtype == "float64"
        assert problem.symmetric
        assert problem.batch is None
        assert problem.bias
        assert problem.memory == "contiguous"
        assert problem.in_channels == problem.out_channels == 1
        assert problem.stride == (1, 1)
        assert all(isinstance(entry, int) for entry in problem.keywords["padding"])

    narrow()


@pytest.mark.parametrize("memory", ["contiguous", "fortran", "reversed", "strided"])
def test_memory_layouts_hold_the_same_values(memory):
    plain = Problem((3, 4), (2, 3), in_channels=2, batch=2, bias=True)
    other = Problem((3, 4), (2, 3), in_channels=2, batch=2, bias=True, memory=memory)
    for mine, theirs in zip(plain.arrays(), other.arrays(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    x = other.arrays()[0]
    assert x.flags.c_contiguous == (memory == "contiguous")
    assert (min(x.strides) < 0) == (memory == "reversed")


def test_condition_makes_the_sums_cancel_by_that_much():
    plain = Problem((5,), (3,), stride=2, in_channels=2, out_channels=2, dtype="float64")
    ill = Problem(
        (5,), (3,), stride=2, in_channels=2, out_channels=2, dtype="float64", condition=1000
    )
    ratios = []
    for problem in (plain, ill):
        x, w, _ = problem.arrays()
        y = reference.conv_transpose(x, w, **problem.keywords)
        scale = reference.conv_transpose(abs(x), abs(w), **problem.keywords)
        ratios.append(float(np.median(scale / abs(y))))
    assert ratios[0] < 30
    assert 1000 < ratios[1] < 30_000


@QUICK
@given(arrays((4, 5), "float32", spread=6))
def test_arrays_keep_their_spread(values):
    assert values.dtype == np.float32
    assert np.abs(values).max() < 6 * 2.0**6


@pytest.mark.parametrize("dtype", ["int8", "uint16", "complex64", "float16", "bfloat16"])
def test_dtypes(dtype):
    x, _, _ = Problem((3,), (2,), dtype=dtype).arrays()
    assert x.dtype.name == dtype
