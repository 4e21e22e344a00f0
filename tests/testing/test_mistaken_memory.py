"""The mutants of memory, state, shapes and dtypes: each does what its sentence says, no more."""

import numpy as np
import pytest

from tconv import conv_transpose
from tconv.testing import Problem
from tconv.testing.mutants.memory import MEMORY
from tconv.testing.problems.problem import laid_out

FN = {mutant.name: mutant.fn for mutant in MEMORY}
PROBLEM = Problem((3, 4), (2, 3), stride=(3, 2), in_channels=2, out_channels=3, batch=2, bias=True)
X, W, B = PROBLEM.arrays()
KEYWORDS = PROBLEM.keywords
RIGHT = conv_transpose(X, W, B, **KEYWORDS)


def assert_gives(name, wanted, x=X, w=W):
    np.testing.assert_array_equal(FN[name](x, w, B, **KEYWORDS), wanted, strict=True)


def in_memory(values):
    """What lies in a row from the first of the values on, which are every second of an array."""
    return values.base.ravel()[: values.size].reshape(values.shape)


def test_each_mutant_is_here():
    assert len(FN) == len(MEMORY) == 13


def test_strides_are_ignored():
    x, w = laid_out(X, "strided"), laid_out(W, "strided")
    wrong = conv_transpose(in_memory(x), W, B, **KEYWORDS)
    assert (wrong != RIGHT).any()
    assert_gives("strides of the input ignored", wrong, x)
    wrong = conv_transpose(X, in_memory(w), B, **KEYWORDS)
    assert (wrong != RIGHT).any()
    assert_gives("strides of the weight ignored", wrong, w=w)
    for name in ("strides of the input ignored", "strides of the weight ignored"):
        assert_gives(name, RIGHT)


def test_another_order_in_memory_is_read_as_the_usual_one():
    turned = conv_transpose(np.flip(X), W, B, **KEYWORDS)
    assert_gives("negative strides read forwards", turned, laid_out(X, "reversed"))
    x = laid_out(X, "fortran")
    wrong = conv_transpose(x.ravel(order="F").reshape(X.shape), W, B, **KEYWORDS)
    assert_gives("fortran order read as c", wrong, x)
    for name in ("negative strides read forwards", "fortran order read as c"):
        assert_gives(name, RIGHT)


def test_operands_are_written_to_and_the_result_is_right():
    x, w = X.copy(), W.copy()
    assert_gives("writes into its input", RIGHT, x)
    np.testing.assert_array_equal(x, 2 * X)
    assert_gives("writes into its weight", RIGHT, w=w)
    np.testing.assert_array_equal(w, W[..., ::-1])


def test_every_third_call_is_wrong():
    fn = type(FN["wrong in one call of three"])()
    off = [fn(X, W, B, **KEYWORDS) - RIGHT for _ in range(7)]
    assert [np.unique(each.round(4)).tolist() for each in off] == [
        [0], [0], [1], [0], [0], [1], [0],
    ]  # fmt: skip


def test_a_buffer_is_used_again_for_the_same_shape_and_dtype():
    fn = type(FN["uses its buffer again"])()
    first = fn(X, W, B, **KEYWORDS)
    np.testing.assert_array_equal(first, RIGHT)
    assert fn(2 * X, W, B, **KEYWORDS) is first
    np.testing.assert_array_equal(first, conv_transpose(2 * X, W, B, **KEYWORDS))
    assert fn(X[:1], W, B, **KEYWORDS) is not first
    wide = fn(X.astype(np.float64), W, B, **KEYWORDS)
    assert wide.dtype == np.float64
    assert wide is not fn(X, W, B, **KEYWORDS)


def test_what_no_tap_reaches_is_another_value_in_each_call():
    """The third row of three is between kernels of two."""
    fn = type(FN["unreached positions uninitialised"])()
    first, second = (fn(X, W, B, **KEYWORDS) for _ in range(2))
    assert first.dtype == RIGHT.dtype
    for y in (first, second):
        np.testing.assert_array_equal(np.delete(y, [2, 5], 2), np.delete(RIGHT, [2, 5], 2))
        assert (y[:, :, [2, 5]] != RIGHT[:, :, [2, 5]]).all()
    assert (first[:, :, [2, 5]] != second[:, :, [2, 5]]).all()


def test_the_last_axis_ends_early_or_late():
    assert_gives("one position too few", RIGHT[..., :-1])
    assert_gives("one position too many", RIGHT[..., [*range(9), 8]])
    x, w = np.full((1, 1, 1), 2.0), np.full((1, 1, 1), 3.0)
    plain = {"stride": (1,), "padding": (0,), "output_padding": (0,), "dilation": (1,), "groups": 1}
    assert FN["one position too few"](x, w, **plain).tolist() == [[[6.0]]]
    assert FN["one position too many"](x, w, **plain).tolist() == [[[6.0, 6.0]]]


def test_the_dtype_is_another():
    assert RIGHT.dtype == np.float32
    assert_gives("float64 result", RIGHT.astype(np.float64))


def test_an_empty_batch_is_refused():
    assert_gives("empty batch refused", RIGHT)
    with pytest.raises(ValueError, match="zero-size array"):
        FN["empty batch refused"](X[:0], W, B, **KEYWORDS)
