"""The round trip of sizes, against what the arrays themselves do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tconv

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
def test_errors(function, arguments, error, text):
    sizes = (8, 8) if "dilation" in arguments else 8
    with pytest.raises(error, match=text):
        function(sizes, **{"kernel_size": 3, **arguments})
