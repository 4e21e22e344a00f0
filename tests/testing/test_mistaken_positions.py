"""The mutants of kernels and paddings, each against what its sentence says, by the definition."""

import numpy as np
import pytest

from tconv.testing import reference
from tconv.testing.mutants.kernel import KERNEL
from tconv.testing.mutants.padding import PADDING

KEYWORDS = {
    "stride": (3, 2), "padding": ((1, 3), (2, 1)), "output_padding": (2, 1), "dilation": (2, 1),
    "groups": 2,
}  # fmt: skip
INPUT, LO = (4, 5), (1, 2)
RNG = np.random.default_rng(0)
X, B = RNG.integers(-9, 10, (2, 4, *INPUT)), RNG.integers(1, 10, 6)
W, EVEN = (RNG.integers(-9, 10, (4, 3, taps, 3)) for taps in (3, 4))
BIAS = B.reshape(-1, 1, 1)


def window(lo=LO, size=(12, 9), *, x=X, w=W, stride=(3, 2), dilation=(2, 1)):
    """The scatter from position ``lo`` on, zero outside of it, without the bias."""
    whole = reference.conv_transpose(x, w, stride=stride, dilation=dilation, groups=2)
    y = np.zeros((*whole.shape[:2], *size), object)
    found = [
        (max(0, -first), first + max(0, -first), min(n, first + many))
        for first, many, n in zip(lo, size, whole.shape[2:], strict=True)
    ]
    target = tuple(slice(at, at + stop - start) for at, start, stop in found)
    y[(..., *target)] = whole[(..., *(slice(start, stop) for _, start, stop in found))]
    return y


def zeroed(values, *index):
    changed = values.copy()
    changed[index] = 0
    return changed


def late(y):
    return np.concatenate([np.zeros_like(y[:, :, :1]), y[:, :, :-1]], axis=2)


FIRST_3 = zeroed(zeroed(X, ..., [3], slice(None)), ..., [3, 4])
# name -> the result without the bias.  Right is ``window()``.
WRONG = {
    "kernel flipped": window(w=W[:, :, ::-1, ::-1]),
    "first axis flipped": window(w=W[:, :, ::-1]),
    "last axis flipped": window(w=W[..., ::-1]),
    "kernel axes exchanged": window(w=W.swapaxes(2, 3)),
    "stride axes exchanged": window(stride=(2, 3)),
    "dilation axes exchanged": window(dilation=(1, 2)),
    "dilation ignored": window(dilation=(1, 1)),
    "groups and dilation exchanged": window(size=(12, 11), dilation=(2, 2)),
    "offset by stride and dilation": window((0, 2)),
    "even kernels aligned otherwise": window((2, 2), (14, 9), w=EVEN),
    "positions bounded by the kernel": window(x=FIRST_3),
    "first input position left out": window(x=zeroed(X, ..., 0)),
    "last input position left out": window(x=zeroed(X, ..., 4)),
    "first tap left out": window(w=zeroed(W, ..., 0)),
    "last tap left out": window(w=zeroed(W, ..., 2)),
    "first output position left out": zeroed(window(), ..., 0),
    "last output position left out": zeroed(window(), ..., 8),
    "padding of the input": window((-3, -4), (28, 18)),
    "padding of the stuffed input": window((3, 0), (12, 11)),
    "padding sides exchanged": window((3, 1)),
    "padding axes exchanged": window((2, 1)),
    "odd padding split otherwise": window((2, 2)),
    "cropped at the high end alone": window((0, 0)),
    "low padding at both sides": window(size=(14, 8)),
    "rows late where stride misses padding": late(window()),
    "shifted low": window((1, 3)),
    "shifted high": window((0, 2)),
    "output padding ignored": window(size=(10, 8)),
    "output padding below the stride": window(size=(6, 9), stride=(1, 2), dilation=(3, 1)),
    "output padding at the low side": window((-1, 1)),
    "output padding appends zeros": np.pad(window(size=(10, 8)), [(0, 0)] * 2 + [(0, 2), (0, 1)]),
    "output padding shared by the sides": window((1, 1)),
}  # fmt: skip
# What a mistake needs to show.
CALLS = {
    "even kernels aligned otherwise": {"w": EVEN},
    "output padding below the stride": {"stride": (1, 2), "dilation": (3, 1)},
}


@pytest.mark.parametrize("mutant", KERNEL + PADDING, ids=lambda mutant: mutant.name)
def test_what_a_mistake_makes_of_the_result(mutant):
    call = KEYWORDS | {"w": W} | CALLS.get(mutant.name, {})
    w = call.pop("w")
    before = X.copy(), w.copy()
    wrong = WRONG[mutant.name]
    np.testing.assert_array_equal(mutant.fn(X, w, B, **call), wrong + BIAS)
    np.testing.assert_array_equal(mutant.fn(X, w, **call), wrong)
    right = reference.conv_transpose(X, w, **call)
    assert wrong.shape != right.shape or (wrong != right).any()
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(w, before[1])


def test_without_the_mistake_the_window_is_right():
    np.testing.assert_array_equal(window(), reference.conv_transpose(X, W, **KEYWORDS))


@pytest.mark.parametrize("mutant", KERNEL + PADDING, ids=lambda mutant: mutant.name)
def test_a_mistake_is_none_where_nothing_is_to_be_mistaken(mutant):
    """One position, one tap, no padding: but what is left out or moved there leaves zeros."""
    x, w = np.full((1, 1, 1), 2), np.full((1, 1, 1), 3)
    plain = {"stride": (1,), "padding": (0,), "output_padding": (0,), "dilation": (1,), "groups": 1}
    gone = "left out" in mutant.name or mutant.name.startswith("shifted")
    assert mutant.fn(x, w, **plain).tolist() == [[[0 if gone else 6]]]
