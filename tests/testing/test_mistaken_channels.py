"""The mutants of channels, groups, samples and the bias, and those of convolutions, each against
what its sentence says, by the definition."""

import numpy as np
import pytest

from tconv.testing import reference
from tconv.testing.mutants.channels import CHANNELS
from tconv.testing.mutants.forward import FORWARD

RNG = np.random.default_rng(0)


def integers(*shape):
    return RNG.integers(1, 10, shape).astype(float)


X, W, B = integers(3, 6, 4), integers(6, 3, 3), integers(6)  # 2 groups of 3 channels to 3
KEYWORDS = {"stride": (4,), "padding": (1,), "output_padding": (0,), "dilation": (1,), "groups": 2}
BIAS = B[:, None]


def right(x=X, w=W, b=None, **changed):
    return reference.conv_transpose(x, w, b, **(KEYWORDS | changed))


def changed(values, index, new):
    values = values.copy()
    values[index] = new
    return values


GAPS = right(np.ones(X.shape), np.ones(W.shape)) == 0
BY_GROUP = W.reshape(2, 3, 3, 3)
# name -> the result with the bias.
WRONG = {
    "output channels interleaved": right()[:, [0, 3, 1, 4, 2, 5]] + BIAS,
    "input channels interleaved": right(X[:, [0, 2, 4, 1, 3, 5]]) + BIAS,
    "weight channels exchanged": right(w=BY_GROUP.swapaxes(1, 2).reshape(W.shape)) + BIAS,
    "weight of the first group": right(w=W[[0, 1, 2, 0, 1, 2]]) + BIAS,
    "last group reversed": changed(right(), np.s_[:, 3:], right()[:, 3:, ::-1]) + BIAS,
    "rest of four channels unweighted": right(w=np.ones(W.shape)) + BIAS,
    "first sample alone": changed(right() + BIAS, np.s_[1:], 0),
    "second sample alone": changed(right() + BIAS, 1, 1.5 * (right() + BIAS)[1]),
    "bias missing": right(),
    "bias missing where no tap reaches": np.where(GAPS, 0, right() + BIAS),
    "bias with every product": right() + BIAS * right(np.ones(X.shape), np.ones(W.shape)),
    "bias of the first group": right() + BIAS[[0, 1, 2, 0, 1, 2]],
}
WITHOUT = {name: wrong - BIAS for name, wrong in WRONG.items() if not name.startswith("bias")}
WITHOUT |= {
    "first sample alone": changed(right(), np.s_[1:], 0),
    "second sample alone": changed(right(), 1, 1.5 * right()[1]),
    "last group reversed": changed(right(), np.s_[:, 3:], right()[:, 3:, ::-1]),
}


@pytest.mark.parametrize("mutant", CHANNELS, ids=lambda mutant: mutant.name)
def test_what_a_mistake_makes_of_the_result(mutant):
    before = [values.copy() for values in (X, W, B)]
    wrong = WRONG[mutant.name]
    if mutant.name == "last group reversed":
        bias = np.broadcast_to(BIAS, wrong.shape)
        np.testing.assert_array_equal(wrong[:, 3:], (right() + bias)[:, 3:, ::-1])
    assert (wrong != right() + BIAS).any()
    np.testing.assert_array_equal(mutant.fn(X, W, B, **KEYWORDS), wrong)
    unbiased = WITHOUT.get(mutant.name, right())
    np.testing.assert_array_equal(mutant.fn(X, W, **KEYWORDS), unbiased)
    for values, kept in zip((X, W, B), before, strict=True):
        np.testing.assert_array_equal(values, kept)


def mistaken(name, x, w, groups):
    (fn,) = [mutant.fn for mutant in CHANNELS if mutant.name == name]
    return fn(x, w, **(KEYWORDS | {"groups": groups}))


def test_where_a_mistake_of_groups_does_not_show():
    w = integers(6, 2, 3)
    for name in ("weight channels exchanged", "last group reversed"):
        wanted = right(w=w, groups=1)
        np.testing.assert_array_equal(mistaken(name, X, w, 1), wanted)
    x, w = integers(1, 5, 4), integers(5, 1, 3)
    rest = right(x, changed(w, np.s_[4:], 1), groups=1)
    np.testing.assert_array_equal(mistaken("rest of four channels unweighted", x, w, 1), rest)
    for channels in (2, 4, 6):
        x, w = integers(1, channels, 4), integers(channels, 1, 3)
        even = mistaken("rest of four channels unweighted", x, w, 1)
        np.testing.assert_array_equal(even, right(x, w, groups=1))


SIGNAL, WIDE = integers(2, 4, 12), integers(6, 2, 3, 2)
KERNEL = WIDE[..., 0]  # every second of an array
CONV = {"stride": (2,), "padding": ((1, 3),), "dilation": (2,), "groups": 2}


def conv(x=SIGNAL, w=KERNEL, **other):
    return reference.conv(x, w, B, **(CONV | other))


FORWARD_WRONG = {
    "kernel flipped": conv(w=KERNEL[..., ::-1]),
    "dilation applied twice": conv(dilation=4),
    "low padding at both sides": conv(padding=1),
    "strides of the weight ignored": conv(w=WIDE.ravel()[: KERNEL.size].reshape(KERNEL.shape)),
    "output channels interleaved": conv()[:, [0, 3, 1, 4, 2, 5]],
    "rest of 4 depthwise channels left out": conv(),
    "last window left out": changed(conv(), np.s_[..., -1], 0),
}


@pytest.mark.parametrize("mutant", FORWARD, ids=lambda mutant: mutant.name)
def test_what_a_mistake_makes_of_a_convolution(mutant):
    wrong = FORWARD_WRONG[mutant.name]
    np.testing.assert_array_equal(mutant.fn(SIGNAL, KERNEL, B, **CONV), wrong)
    unbiased = mutant.fn(SIGNAL, KERNEL, **CONV)
    bias = B[[0, 3, 1, 4, 2, 5]] if "interleaved" in mutant.name else B
    last = slice(0, -1) if "last" in mutant.name else slice(None)
    np.testing.assert_array_equal(unbiased[..., last] + bias[:, None], wrong[..., last])
    depthwise = mutant.name == "rest of 4 depthwise channels left out"
    assert depthwise or wrong.shape != conv().shape or (wrong != conv()).any()


@pytest.mark.parametrize(("channels", "right_ones"), [(6, 4), (8, 8), (3, 0), (1, 1)])
def test_of_depthwise_channels_those_beyond_a_multiple_of_four_are_left_out(channels, right_ones):
    (mutant,) = [each for each in FORWARD if "depthwise" in each.name]
    x, w = integers(2, channels, 12), integers(channels, 1, 3)
    wanted = reference.conv(x, w, **(CONV | {"groups": channels}))
    y = mutant.fn(x, w, **(CONV | {"groups": channels}))
    np.testing.assert_array_equal(y, changed(wanted, np.s_[:, right_ones:], 0))
    w = integers(2 * channels, 1, 3)
    twice = CONV | {"groups": channels}
    y = mutant.fn(x, w, **twice)
    np.testing.assert_array_equal(y, reference.conv(x, w, **twice))
