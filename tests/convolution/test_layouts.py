"""dimension_numbers: every order of the axes equals transposing to PyTorch's order and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import lax
from jax import numpy as jnp

import tconv
from tconv.testing import Problem
from tconv.testing.strategies import conv_problems, conv_transpose_problems
from tests.support.computing import compiled, compute

SPATIAL = "DHW"
PROBLEMS = {"conv_transpose": conv_transpose_problems, "conv": conv_problems}


@st.composite
def laid_out_problems(draw: st.DrawFn, function: str) -> tuple[Problem, tuple[str, str, str]]:
    """A problem and an order for each of its arrays, with a batch or without."""
    problem = draw(PROBLEMS[function](dtypes=("int64",), batch=(1, 2, None), max_positions=60))
    spatial = SPATIAL[-problem.ndim :]
    lead = "" if problem.batch is None else "N"
    kernel = draw(st.permutations("OI" + spatial))
    # the order of the spatial axes, and so of stride and the like, is the kernel's
    orders = [draw(st.permutations(lead + "C" + spatial)) for _ in range(2)]
    names = ["".join(order) for order in (orders[0], kernel, orders[1])]
    return problem, (names[0], names[1], names[2])


def plain_orders(problem: Problem, names: tuple[str, str, str]) -> tuple[str, str, str]:
    """PyTorch's orders, with the spatial letters as the kernel names them."""
    spatial = "".join(letter for letter in names[1] if letter in SPATIAL)
    lead = "" if problem.batch is None else "N"
    kernel = "IO" if problem.transposed else "OI"
    return f"{lead}C{spatial}", kernel + spatial, f"{lead}C{spatial}"


def reordered(array: np.ndarray, now: str, wanted: str) -> np.ndarray:
    return array.transpose([now.index(letter) for letter in wanted])


def check(function: str, problem: Problem, names: tuple[str, str, str], backend: str) -> None:
    """Values, and both cotangents, in the named orders."""
    plain = plain_orders(problem, names)
    x, w, b = problem.arrays()
    dy = problem.cotangent()

    def results(x, w, b, dy, **named: Any):
        y, pullback = getattr(tconv, f"{function}_vjp")(x, w, b, **problem.keywords, **named)
        return [getattr(tconv, function)(x, w, b, **problem.keywords, **named), y, *pullback(dy)]

    wanted = results(x, w, b, dy)
    moved = reordered(x, plain[0], names[0]), reordered(w, plain[1], names[1])
    moved_dy = reordered(dy, plain[2], names[2])
    actual = compute(backend, lambda *a: results(*a, dimension_numbers=names), *moved, b, moved_dy)
    places = (2, 2, 0, 1)
    for place, here, there in zip(places, wanted, actual, strict=False):
        np.testing.assert_array_equal(there, reordered(here, plain[place], names[place]))
    if b is not None:
        np.testing.assert_array_equal(actual[4], wanted[4])


@pytest.mark.parametrize("function", PROBLEMS)
@given(data=st.data())
def test_numpy_orders(function, data):
    check(function, *data.draw(laid_out_problems(function)), "numpy")


@pytest.mark.parametrize("function", PROBLEMS)
@compiled
@given(data=st.data())
def test_jax_orders(function, data):
    check(function, *data.draw(laid_out_problems(function)), "jax")


X, W = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5), np.arange(3 * 2 * 2 * 3).reshape(3, 2, 2, 3)
NAMED = {"stride": (2, 3), "padding": (0, 1)}


@pytest.mark.parametrize("method", ["col2im", "dilated", "subpixel", "matrix"])
def test_channels_last_through_every_method(method):
    y = tconv.conv_transpose(
        X.transpose(0, 2, 3, 1),
        W.transpose(2, 3, 0, 1),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        method=method,
        **NAMED,
    )
    np.testing.assert_array_equal(y.transpose(0, 3, 1, 2), tconv.conv_transpose(X, W, **NAMED))


def test_a_list_of_strings_is_as_good_as_a_tuple():
    numbers = ["NCHW", "IOHW", "NHWC"]
    y = tconv.conv_transpose(X, W, dimension_numbers=numbers, **NAMED)
    np.testing.assert_array_equal(y.transpose(0, 3, 1, 2), tconv.conv_transpose(X, W, **NAMED))


@pytest.mark.parametrize("names", [("NHWC", "HWIO", "NHWC"), ("CWHN", "WOIH", "HNCW")])
def test_lax_dimension_numbers_object(names):
    """The object that lax makes of the strings means what the strings mean."""
    x, w = reordered(X, "NCHW", names[0]), reordered(W, "IOHW", names[1])
    numbers = lax.conv_dimension_numbers(x.shape, w.shape, names)
    spatial = "".join(letter for letter in names[1] if letter in "HW")
    named = {key: value if spatial == "HW" else value[::-1] for key, value in NAMED.items()}
    kernels = {tconv.conv_transpose: w, tconv.conv: reordered(W.swapaxes(0, 1), "OIHW", names[1])}
    for function, kernel in kernels.items():
        np.testing.assert_array_equal(
            function(x, kernel, dimension_numbers=numbers, **named),
            function(x, kernel, dimension_numbers=names, **named),
        )


def test_lax_object_of_another_number_of_axes_is_refused():
    numbers = lax.conv_dimension_numbers((1, 1, 4), (1, 1, 2), ("NCH", "OIH", "NCH"))
    with pytest.raises(ValueError, match=r"^dimension_numbers: lhs_spec must be a permutation"):
        tconv.conv_transpose(X, W, dimension_numbers=numbers)


def test_an_unbatched_input_may_keep_its_n():
    x, w = X[0].transpose(1, 2, 0), W.transpose(2, 3, 0, 1)
    short = tconv.conv_transpose(x, w, dimension_numbers=("HWC", "HWIO", "HWC"))
    long = tconv.conv_transpose(x, w, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    np.testing.assert_array_equal(short, long)
    np.testing.assert_array_equal(short.transpose(2, 0, 1), tconv.conv_transpose(X[0], W))


def test_pullback_refuses_a_cotangent_in_the_wrong_order():
    names = ("NHWC", "HWIO", "NHWC")
    y, pullback = tconv.conv_transpose_vjp(
        X.transpose(0, 2, 3, 1), W.transpose(2, 3, 0, 1), dimension_numbers=names
    )
    assert y.shape == (2, 5, 7, 2)
    with pytest.raises(ValueError, match=r"^cotangent: .*\(2, 5, 7, 2\); got shape \(2, 2, 5, 7\)"):
        pullback(y.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("names", [("NCHW", "IOHW", "NCHW"), ("NHWC", "HWIO", "CWHN")])
def test_an_output_size_is_spatial_or_the_whole_shape(names):
    """The whole shape is in the order of the result, as its ``shape`` is."""
    x, w = reordered(X, "NCHW", names[0]), reordered(W, "IOHW", names[1])
    for batch in ("N", ""):
        orders = [name if batch else name.replace("N", "") for name in names]
        operand = x if batch else x.take(0, names[0].index("N"))
        named = {"dimension_numbers": orders, **NAMED}
        wanted = tconv.conv_transpose(operand, w, output_size=(9, 14), **named)
        assert sorted(wanted.shape) == sorted((*X.shape[:1] * len(batch), 2, 9, 14))
        for size in (wanted.shape, np.array(wanted.shape), np.array([9, 14])):
            y = tconv.conv_transpose(operand, w, output_size=size, **named)
            np.testing.assert_array_equal(y, wanted, strict=True)
            again, _ = tconv.conv_transpose_vjp(operand, w, output_size=size, **named)
            np.testing.assert_array_equal(again, wanted, strict=True)
            numbered = tconv.conv_transpose2d(operand, w, output_size=size, **named)
            np.testing.assert_array_equal(numbered, wanted, strict=True)


@pytest.mark.parametrize("asarray", [np.array, jnp.array])
def test_arrays_of_ints_are_as_good_as_tuples(asarray):
    """One axis for each entry, padding as pairs included."""
    arrays = {
        "stride": asarray([2, 3]),
        "padding": asarray([[0, 1], [1, -1]]),
        "dilation": asarray([1, 2]),
        "output_padding": asarray([1]),
    }
    tuples = {"stride": (2, 3), "padding": ((0, 1), (1, -1)), "dilation": (1, 2)}
    np.testing.assert_array_equal(
        tconv.conv_transpose(X, W, **arrays),
        tconv.conv_transpose(X, W, output_padding=(1, 1), **tuples),
    )
    x = np.ones((1, 1, 4, 6))
    for function in (tconv.im2col, tconv.pixel_unshuffle):
        np.testing.assert_array_equal(function(x, asarray([2, 3])), function(x, (2, 3)))
    assert tconv.conv_output_size(asarray([4, 6]), asarray([2, 3])) == (3, 4)
    assert tconv.bilinear_kernel(1, asarray([2, 3, 4])).shape == (1, 1, 2, 3, 4)
