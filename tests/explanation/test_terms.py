"""The terms of every element against the definition: sums, completeness, three directions."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import jax
import numpy as np
import pytest
from hypothesis import given, settings

import tconv
from tconv.testing import Problem, reference
from tconv.testing.strategies import CORNERS, conv_transpose_problems

SMALL = {"dtypes": ("int64",), "max_positions": 40, "max_channels": 2, "max_groups": 2}
few = settings(max_examples=settings.default.max_examples // 2)


def problems(**options):
    return conv_transpose_problems(batch=(1, 2, None, 0), **SMALL, **options)


def explained(problem: Problem):
    return tconv.explain(*problem.arrays(), **problem.keywords)


def every_term(explanation):
    """The terms of every element of y, one after the other."""
    return list(chain.from_iterable(map(explanation.terms, np.ndindex(explanation.y.shape))))


@given(problems())
@few
def test_terms_and_bias_sum_to_the_element_exactly(problem):
    x, w, b = problem.arrays()
    explanation = explained(problem)
    wanted = reference.conv_transpose(x, w, b, **problem.keywords)
    assert explanation.y.shape == wanted.shape
    for index in np.ndindex(wanted.shape):
        terms = explanation.terms(index)
        assert sum(term.product for term in terms) + explanation.bias(index) == wanted[index]
        for term in terms:
            assert (term.x, term.w) == (x[term.input_index], w[term.tap])
            assert term.product == term.x * term.w
            assert term.output_index == index


@given(problems())
@few
def test_every_product_is_in_one_element_or_cropped(problem):
    explanation = explained(problem)
    kept, cropped = every_term(explanation), explanation.cropped()
    pairs = Counter((term.input_index, term.tap) for term in [*kept, *cropped])
    assert pairs == Counter(products(problem))
    for term in cropped:
        position = landing(problem, term)
        assert term.output_index[-problem.ndim :] == position
        sizes = zip(position, problem.output_size, strict=True)
        assert not all(0 <= o < size for o, size in sizes)
        assert term.product == term.x * term.w


def products(problem: Problem):
    """Every (index of x, index of w) that a transposed convolution multiplies."""
    x_shape, w_shape = problem.x_shape, problem.w_shape
    channel = len(x_shape) - problem.ndim - 1
    taps = list(np.ndindex(w_shape))
    return ((i, t) for i in np.ndindex(x_shape) for t in taps if t[0] == i[channel])


def landing(problem: Problem, term):
    """The position of y by the definition."""
    axes = zip(
        problem.axes, term.input_index[-problem.ndim :], term.tap[-problem.ndim :], strict=True
    )
    return tuple(i * a.stride + t * a.dilation - a.padding[0] for a, i, t in axes)


@given(problems())
@few
def test_the_three_directions_hold_the_same_terms(problem):
    x, w, _ = problem.arrays()
    explanation = explained(problem)
    of_y = set(every_term(explanation))
    of_x, of_w = [], []
    for index in np.ndindex(x.shape):
        found = explanation.uses_of_input(index)
        assert {term.input_index for term in found} <= {index}
        of_x += found
    for index in np.ndindex(w.shape):
        found = explanation.uses_of_weight(index)
        assert {term.tap for term in found} <= {index}
        of_w += found
    assert len(of_x) == len(of_w) == len(of_y)
    assert set(of_x) == set(of_w) == of_y


@pytest.mark.parametrize("corner", CORNERS)
def test_corners(corner):
    @given(problems(corner=corner))
    @settings(max_examples=5)
    def check(problem):
        x, w, b = problem.arrays()
        explanation = explained(problem)
        wanted = reference.conv_transpose(x, w, b, **problem.keywords)
        for index in np.ndindex(wanted.shape):
            found = sum(term.product for term in explanation.terms(index))
            assert found + explanation.bias(index) == wanted[index]

    check()


def test_inputs_and_taps_come_in_rising_order():
    explanation = tconv.explain.sizes((4, 4), (4, 4), stride=2, padding=1)
    for terms in (explanation.terms((3, 4)), explanation.uses_of_weight((1, 2))):
        indices = [term.input_index for term in terms]
        assert indices == sorted(indices)
    taps = [term.tap for term in explanation.uses_of_input((1, 1))]
    assert taps == sorted(taps)


def test_the_footprint_of_an_input_is_what_padding_leaves_of_the_kernel():
    explanation = tconv.explain.sizes((4, 4), (4, 4), stride=2, padding=1)
    assert len(explanation.uses_of_input((0, 0))) == 9
    assert len(explanation.uses_of_input((1, 1))) == 16
    assert len(explanation.cropped()) == 256 - 196


def test_layouts_index_the_arrays_as_they_are():
    """NHWC: the same terms, by the indices of the caller's arrays."""
    problem = Problem((3, 2), (2, 3), stride=2, padding=((1, 0), (-1, 2)), groups=2,
                      in_channels=4, out_channels=2, batch=2, bias=True, dtype="int64")  # fmt: skip
    x, w, b = problem.arrays()
    plain = tconv.explain(x, w, b, **problem.keywords)
    layout = ("NHWC", "HWOI", "WNHC")
    moved = x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0)
    other = tconv.explain(*moved, b, **problem.keywords, dimension_numbers=layout)
    assert other.y.shape == tuple(plain.y.shape[axis] for axis in (3, 0, 2, 1))
    for n, c, i, j in np.ndindex(plain.y.shape):
        wanted = [(term.x, term.w) for term in plain.terms((n, c, i, j))]
        terms = other.terms((j, n, i, c))
        assert [(term.x, term.w) for term in terms] == wanted
        for term in terms:
            assert (moved[0][term.input_index], moved[1][term.tap]) == (term.x, term.w)
            assert term.output_index == (j, n, i, c)
    kept = sorted(map(repr, every_term(plain)))
    assert len(kept) + len(plain.cropped()) == 4 * 1 * 2 * 6 * 6


def test_jax_arrays_are_read_and_the_result_is_the_same():
    x, w = np.arange(6).reshape(1, 1, 2, 3), np.arange(4).reshape(1, 1, 2, 2)
    plain = tconv.explain(x, w, stride=2)
    ours = tconv.explain(*jax.device_put((x, w)), stride=2)
    assert type(ours.y) is np.ndarray
    assert every_term(ours) == every_term(plain)


def test_an_explanation_stays_as_it_is():
    x, w = np.ones((1, 1, 3)), np.ones((1, 1, 2))
    explanation = tconv.explain(x, w)
    before = str(explanation)
    x[:] = 7
    assert str(explanation) == before
    with pytest.raises(AttributeError):
        explanation.x = x
    with pytest.raises(ValueError, match="read-only"):
        explanation.x[0, 0, 0] = 7


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64", "int8", "uint8"])
def test_products_are_of_python_numbers(dtype):
    x, w = np.full((1, 1, 2), 100, dtype), np.full((1, 1, 2), 2, dtype)
    (term,) = tconv.explain(x, w).terms(0)
    assert type(term.product) in (int, float, complex)
    assert term.product == 200  # beyond int8


def test_sizes_are_solved_and_same_is_resolved():
    wanted = tconv.explain.sizes((3, 4), 3, stride=2, padding=1, output_size=(6, 7))
    assert wanted.output_padding == (1, 0)
    same = tconv.explain.sizes(3, 4, stride=3, padding="same_lower")
    assert same.padding == ((1, 0),)
    assert same.output_padding == (0,)


def test_letters_and_where_they_end():
    assert tconv.explain.sizes((2, 13), 1).terms((1, 12))[0].product == "z*w0"
    assert tconv.explain.sizes((3, 9), (1, 2)).terms((2, 9))[0].product == "x26*w1"


INDEX_ERRORS = {
    "out of range": (
        lambda e: e.terms((0, 0, 8, 0)),
        r"index, axis 2 of y: must be from -8 to 7; got 8\. y has shape \(1, 1, 8, 8\)\.",
    ),
    "below": (lambda e: e.uses_of_input((-5, 0)), r"index, axis 2 of x: must be from -4 to 3; got"),
    "too few": (
        lambda e: e.text(3),
        r"index: must have one int for each of the 4 axes of y, or for each of its 2 spatial axes; "
        r"got 3 for y of shape \(1, 1, 8, 8\)\. Count from 0\.",
    ),
    "a weight's": (lambda e: e.uses_of_weight((0, 1, 0, 0)), r"index, axis 1 of w: must be from"),
}


@pytest.mark.parametrize("name", INDEX_ERRORS)
def test_indices_are_checked(name):
    call, message = INDEX_ERRORS[name]
    with pytest.raises(ValueError, match=message):
        call(tconv.explain.sizes((4, 4), (4, 4), stride=2, padding=1))


def test_channels_may_not_be_left_out_where_there_are_several():
    explanation = tconv.explain(np.ones((1, 2, 3)), np.ones((2, 1, 2)))
    with pytest.raises(ValueError, match=r"one int for each of the 3 axes of y; got \(0,\)"):
        explanation.terms((0,))
    with pytest.raises(TypeError, match=r"index: must be an int; got 0\.5"):
        explanation.terms((0, 0, 0.5))


def test_negative_indices_count_from_the_end():
    explanation = tconv.explain.sizes((4, 4), (4, 4), stride=2, padding=1)
    assert explanation.terms((-1, -2)) == explanation.terms((7, 6))


def test_traced_arrays_are_refused():
    with pytest.raises(TypeError, match=r"x: must hold values; got .*Tracer.*outside of jit"):
        jax.jit(lambda x: tconv.explain(x, x))(jax.device_put(np.ones((1, 1, 2))))


def test_what_conv_transpose_refuses_is_refused():
    ones = np.ones((1, 1, 4))
    with pytest.raises(TypeError, match=r"strides: explain has no such argument.*Write stride\."):
        tconv.explain(ones, ones, strides=2)
    with pytest.raises(TypeError, match=r"got 4 positional arguments\. Write stride=2\.$"):
        tconv.explain(ones, ones, None, 2)
    with pytest.raises(TypeError, match=r"x: must be a numpy\.ndarray or a jax\.Array"):
        tconv.explain([1, 2], ones)
    with pytest.raises(ValueError, match="output size, spatial axis 0"):
        tconv.explain.sizes(1, 2, padding=3)
    with pytest.raises(ValueError, match=r"kernel_size, spatial axis 0: .* must be at least 1"):
        tconv.explain.sizes(3, 0)
