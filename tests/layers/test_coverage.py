"""Coverage against the transposed convolution of ones; unevenness against that coverage."""

from math import gcd

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tconv

kernels = st.lists(st.integers(1, 6), min_size=1, max_size=2).map(tuple)
steps = st.integers(1, 4)


@given(kernels, steps, st.integers(1, 3), st.integers(0, 2), st.integers(-2, 2), st.data())
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


@given(kernels, steps, st.integers(1, 3))
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


@given(kernels, steps, st.integers(1, 3))
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
def test_errors(function, arguments, text):
    kernel, *dilation = arguments
    options = {"dilation": dilation[0]} if dilation else {}
    with pytest.raises(ValueError, match=text):
        function(kernel, stride=2, **options)
