"""Size arithmetic: output sizes and their round trip, output padding, coverage."""

from __future__ import annotations

from itertools import product
from math import gcd

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tconv
from tconv.testing.strategies import conv_problems, conv_transpose_problems

SMALL = list(product(range(1, 6), range(1, 5), range(1, 5), range(1, 4)))  # n, k, s, d


def sizing(problem):
    return {name: value for name, value in problem.keywords.items() if name != "groups"}


@given(conv_transpose_problems(bias=False))
def test_transposed_size_is_the_formula_and_the_shape(problem):
    size = tconv.conv_transpose_output_size(
        problem.input_size, problem.kernel_size, **sizing(problem)
    )
    assert size == problem.output_size
    x, w, _ = problem.arrays()
    assert size == tconv.conv_transpose(x, w, **problem.keywords).shape[2:]


@given(conv_problems(bias=False))
def test_forward_size_is_the_formula_and_the_shape(problem):
    size = tconv.conv_output_size(problem.input_size, problem.kernel_size, **sizing(problem))
    assert size == problem.output_size
    x, w, _ = problem.arrays()
    assert size == tconv.conv(x, w, **problem.keywords).shape[2:]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "forward"),
    [(5, 3, 2, 1, 3), (16, 5, 3, 2, 6)],
)
def test_printed_sizes(size, kernel, stride, padding, forward):
    """A convolution and its transpose back, as lectures print them."""
    named = {"stride": stride, "padding": padding}
    assert tconv.conv_output_size(size, kernel, **named) == (forward,)
    assert tconv.conv_transpose_output_size(forward, kernel, **named) == (size,)


def test_round_trip_needs_an_output_padding_below_the_stride():
    """A convolution and its transpose keep the size w + s*q; the s sizes from there on share one
    forward size, and the output padding tells them apart."""
    for kernel, stride, steps in product(range(1, 6), range(1, 5), range(4)):
        for rest in range(stride):
            size = kernel + stride * steps + rest
            forward = tconv.conv_output_size(size, kernel, stride=stride)
            assert forward == (steps + 1,)
            assert tconv.output_padding_for(size, forward, kernel, stride=stride) == (rest,)
            assert tconv.conv_transpose_output_size(
                forward, kernel, stride=stride, output_padding=rest
            ) == (size,)


def test_output_padding_for_undoes_the_output_size():
    for (size, kernel, stride, dilation), padding in product(SMALL, [0, 2, ((-1, 3),)]):
        named = {"stride": stride, "dilation": dilation, "padding": padding}
        for extra in range(max(stride, dilation)):
            try:
                out = tconv.conv_transpose_output_size(size, kernel, output_padding=extra, **named)
            except ValueError:
                continue  # below 1, for which test_torch_grid checks the refusal
            assert tconv.output_padding_for(out, size, kernel, **named) == (extra,)


def test_ints_mean_one_axis_and_tuples_are_repeated():
    assert tconv.conv_output_size(5, 3) == (3,)
    assert tconv.conv_output_size((5, 6), 3, stride=2) == (2, 2)
    assert tconv.conv_output_size(5, (3, 2)) == (3, 4)
    assert tconv.conv_transpose_output_size((4,), 3, stride=(2, 1)) == (9, 6)
    assert tconv.conv_transpose_output_size(4, 3, padding=((1, 0), (0, 1))) == (5, 5)
    assert tconv.output_padding_for((6, 5), (3, 3), 3, stride=2, padding=1) == (1, 0)
    assert tconv.conv_output_size(np.int64(5), np.int32(3), stride=np.uint8(2)) == (2,)
    assert all(type(n) is int for n in tconv.conv_output_size(np.int64(5), 3))


parameters = st.fixed_dictionaries(
    {
        "stride": st.integers(1, 4),
        "padding": st.tuples(st.integers(-1, 3), st.integers(-1, 3)).map(lambda pair: [pair]),
        "dilation": st.integers(1, 3),
    }
)


@given(st.integers(1, 30), st.integers(1, 5), parameters)
def test_the_round_trip_is_the_largest_w_plus_a_multiple_of_s(size, kernel, options):
    x, w = np.zeros((1, 1, size)), np.zeros((1, 1, kernel))
    try:
        back = tconv.conv_transpose(tconv.conv(x, w, **options), w, **options).shape[2]
    except ValueError:
        with pytest.raises(ValueError, match="output size"):
            tconv.round_trip_size(size, kernel, **options)
        return
    assert tconv.round_trip_size(size, kernel, **options) == (back,)
    ((lo, hi),) = options["padding"]
    smallest = options["dilation"] * (kernel - 1) + 1 - lo - hi
    reachable = [smallest + options["stride"] * q for q in range(size + 10)]  # smallest >= -5
    assert back == max(reached for reached in reachable if reached <= size)


@given(st.integers(1, 12), st.integers(1, 5), parameters)
def test_the_input_sizes_of_an_output_are_all_of_them(output, kernel, options):
    (pairs,) = tconv.conv_input_sizes(output, kernel, **options)
    found = []
    for size in range(1, 80):
        try:
            if tconv.conv_output_size(size, kernel, **options) == (output,):
                found.append(size)
        except ValueError:
            continue
    assert [size for size, _ in pairs] == found
    for size, extra in pairs:
        assert tconv.output_padding_for(size, output, kernel, **options) == (extra,)
        back = tconv.conv_transpose_output_size(output, kernel, output_padding=extra, **options)
        assert back == (size,)


def test_lecture_sizes():
    """Of W = w + s*q the round trip keeps all; s sizes share one output size."""
    for q in range(4):
        assert tconv.round_trip_size(3 + 2 * q, 3, stride=2) == (3 + 2 * q,)
        assert tconv.round_trip_size(4 + 2 * q, 3, stride=2) == (3 + 2 * q,)
    assert tconv.conv_input_sizes((3, 6), (3, 5), stride=(2, 3), padding=(1, 2)) == (
        ((5, 0), (6, 1)),
        ((16, 0), (17, 1), (18, 2)),
    )


@pytest.mark.parametrize("function", [tconv.round_trip_size, tconv.conv_input_sizes])
@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"kernel_size": 0}, ValueError, "kernel_size, spatial axis 0"),
        ({"stride": 0}, ValueError, "stride, spatial axis 0: must be at least 1"),
        ({"dilation": (1, 2, 3)}, ValueError, "must be one value, or one for each of the 3"),
        ({"padding": -1}, ValueError, "padding, spatial axis 0: a plain int must be at least 0"),
        ({"padding": "same"}, TypeError, "padding"),
        ({"stride": 1.5}, TypeError, "stride: must be an int"),
    ],
)
def test_refused_round_trips(function, arguments, error, text):
    sizes = (8, 8) if "dilation" in arguments else 8
    with pytest.raises(error, match=text):
        function(sizes, **{"kernel_size": 3, **arguments})


FAR = pytest.mark.parametrize("far", [10**9, 2**62, 2**70])


@FAR
def test_sizes_of_huge_parameters_are_exact(far):
    assert tconv.conv_transpose_output_size(3, 2, stride=far) == (2 * far + 2,)
    assert tconv.conv_output_size(far, 3, stride=far, padding=far) == (3,)
    assert tconv.round_trip_size(5 * far + 1, 2, stride=far) == (4 * far + 2,)
    assert tconv.output_padding_for(far + 1, 2, 1, stride=far - 1, dilation=far) == (1,)
    assert tconv.nearest_uniform_kernel(far + 1, stride=far) == (far,)
    assert tconv.conv_input_sizes(2, 3, stride=far, padding=((far + 2, far - 3),)) == (
        ((1, far - 3), (2, far - 2), (3, far - 1)),
    )


@FAR
def test_the_possible_sizes_of_a_huge_stride_are_said_as_a_range(far):
    text = rf"it can be anything from {far + 1} to {2 * far}; got 5\. Choose one of these"
    with pytest.raises(ValueError, match=text):
        tconv.output_padding_for(5, 2, 1, stride=far)
    text = (
        r"^stride, spatial axis 0: every output padding below it has an input size; 1048576 are "
        rf"listed at most; got stride={far}, with sizes from {far + 3} to {2 * far + 2}\. Take"
    )
    with pytest.raises(ValueError, match=text):
        tconv.conv_input_sizes(2, 3, stride=far)


def test_up_to_sixteen_possible_sizes_are_listed():
    for stride, text in ((16, r"one of \[17, .* 32\];"), (17, "anything from 18 to 34;")):
        with pytest.raises(ValueError, match=text):
            tconv.output_padding_for(5, 2, 1, stride=stride)


@FAR
def test_coverage_and_checkerboard_of_huge_parameters(far):
    assert tconv.coverage(2, 2, stride=far, padding=((0, far - 3),)).tolist() == [1, 1, 0, 0, 0]
    crop = {"padding": ((4, far - 12),)}
    assert tconv.coverage(2, far, **crop).tolist() == [2] * 9  # two inputs, far taps
    assert tconv.coverage(far, 2, **crop).tolist() == [2] * 9
    assert tconv.checkerboard(far, stride=far) == 0
    assert tconv.checkerboard(1, stride=far) == far
    assert tconv.checkerboard(far, stride=2, dilation=2) == 2
    if far > 2**57:
        text = r"^output size: an array has fewer than 2\*\*57 elements; got shape \(\d+,\)"
        with pytest.raises(ValueError, match=text):
            tconv.coverage(2, 2, stride=far)


kernels = st.lists(st.integers(1, 6), min_size=1, max_size=2).map(tuple)
strides = st.integers(1, 4)


@given(kernels, strides, st.integers(1, 3), st.integers(0, 2), st.integers(-2, 2), st.data())
def test_coverage_is_the_transposed_convolution_of_ones(kernel, stride, dilation, lo, hi, data):
    size = data.draw(st.tuples(*[st.integers(1, 5)] * len(kernel)))
    extra = data.draw(st.integers(0, max(stride, dilation) - 1))
    options = {
        "stride": stride,
        "padding": [(lo, hi)] * len(kernel),
        "output_padding": extra,
        "dilation": dilation,
    }
    try:
        y = tconv.conv_transpose(
            np.ones((1, 1, *size), np.int64), np.ones((1, 1, *kernel), np.int64), **options
        )
    except ValueError:
        with pytest.raises(ValueError, match="output size"):
            tconv.coverage(size, kernel, **options)
        return
    counts = tconv.coverage(size, kernel, **options)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, y[0, 0])


@given(kernels, strides, st.integers(1, 3))
def test_checkerboard_is_the_unevenness_of_one_period_away_from_the_borders(
    kernel, stride, dilation
):
    size = max(kernel) * dilation // stride + stride * dilation + 3
    counts = tconv.coverage((size,) * len(kernel), kernel, stride=stride, dilation=dilation)
    border = dilation * (max(kernel) - 1) + 1
    middle = counts[tuple(slice(border, border + stride) for _ in kernel)]
    assert middle.shape == (stride,) * len(kernel)
    value = tconv.checkerboard(kernel, stride=stride, dilation=dilation)
    assert value == pytest.approx((middle.max() - middle.min()) / middle.mean(), rel=1e-15)
    even = all(k % stride == 0 for k in kernel) and (gcd(stride, dilation) == 1 or stride == 1)
    assert (value == 0) == even


@given(kernels, strides, st.integers(1, 3))
def test_nearest_uniform_kernel_is_the_nearest_with_no_checkerboard(kernel, stride, dilation):
    assume(gcd(stride, dilation) == 1)
    found = tconv.nearest_uniform_kernel(kernel, stride=stride, dilation=dilation)
    assert tconv.checkerboard(found, stride=stride, dilation=dilation) == 0
    for size, chosen in zip(kernel, found, strict=True):
        good = [k for k in range(1, 30) if tconv.checkerboard(k, stride=stride) == 0]
        assert chosen == min(good, key=lambda k: (abs(k - size), -k))


def test_kernel_4_at_stride_3_is_uneven():
    assert tconv.coverage(4, 4, stride=3).tolist() == [1, 1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 1]
    assert tconv.checkerboard(4, stride=3) == 0.75
    assert tconv.nearest_uniform_kernel(4, stride=3) == (3,)


@pytest.mark.parametrize(
    ("function", "arguments", "text"),
    [
        (tconv.checkerboard, (0,), "kernel_size, spatial axis 0: must be at least 1"),
        (tconv.nearest_uniform_kernel, (-1,), "kernel_size, spatial axis 0: must be at least 1"),
        (tconv.nearest_uniform_kernel, (4, 2), "no common factor; got stride=2, dilation=2"),
    ],
)
def test_refused_kernels(function, arguments, text):
    kernel, *dilation = arguments
    options = {"dilation": dilation[0]} if dilation else {}
    with pytest.raises(ValueError, match=text):
        function(kernel, stride=2, **options)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: tconv.conv_output_size(0, 3), ValueError,
         r"^input_size, spatial axis 0: .*at least 1; got 0"),
        (lambda: tconv.conv_output_size((4, 4), (3, 0)), ValueError,
         r"^kernel_size, spatial axis 1: .*at least 1; got 0"),
        (lambda: tconv.conv_output_size(2, 3), ValueError,
         r"^output size, spatial axis 0: floor.*; got floor\(\(2 \+ 0 \+ 0 - 1\*\(3 - 1\)"),
        (lambda: tconv.conv_output_size((2, 2), (1, 1), stride=(1, 1, 1)), ValueError,
         r"^input_size: must be one value, or one for each of the 3 spatial axes; got 2 values"),
        (lambda: tconv.conv_output_size(4.0, 3), TypeError, r"^input_size: .*4.0 of type float"),
        (lambda: tconv.conv_transpose_output_size(1, 1, padding=1), ValueError,
         r"^output size, spatial axis 0: .*\(1 - 1\)\*1 \+ 1\*\(1 - 1\) \+ 1 - 1 - 1 \+ 0 = -1"),
        (lambda: tconv.conv_transpose_output_size(4, 3, stride=2, output_padding=2), ValueError,
         r"^output_padding, spatial axis 0: .*max\(stride, dilation\) = 2; got output_padding=2"),
        (lambda: tconv.conv_transpose_output_size(4, 3, padding="valid"), ValueError,
         r"^padding: a string must be one of 'same', 'same_lower'; got 'valid'"),
        (lambda: tconv.output_padding_for(13, 5, 3, stride=2), ValueError,
         r"^output_size, spatial axis 0: .*one of \[11, 12\]; got 13\. Choose"),
        (lambda: tconv.output_padding_for(5, 5, 3, padding="same"), (ValueError, TypeError),
         r"^padding: "),
    ],
)  # fmt: skip
def test_refused_sizes(call, error, text):
    with pytest.raises(error, match=text) as caught:
        call()
    assert str(caught.value).endswith(".")
