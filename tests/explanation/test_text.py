"""What an explanation says, to the letter."""

from __future__ import annotations

import numpy as np

import tconv


def why():
    """The question of why 6, and why 12."""
    x, w = np.ones((1, 1, 4, 4), int), np.arange(1, 17).reshape(1, 1, 4, 4)
    return tconv.explain(x, w, stride=2, padding=1)


WHY = """\
conv_transpose: x (1, 1, 4, 4), w (1, 1, 4, 4) -> y (1, 1, 8, 8), int64
stride 2, padding 1, output_padding 0, dilation 1, groups 1

Size: (n - 1)*stride + dilation*(k - 1) + 1 - lo - hi + output_padding
    every axis: (4 - 1)*2 + 1*(4 - 1) + 1 - 1 - 1 + 0 = 8

Phases: which taps meet at which outputs, as seen after cropping (x is 0 outside)
    every axis:
        y[2*q] = x[q]*w[1] + x[q - 1]*w[3]
        y[2*q + 1] = x[q + 1]*w[0] + x[q]*w[2]

Coverage: 196 of 256 products are kept, 60 are cropped;
    taps that reach each output position:
    1  2  2  2  2  2  2  1
    2  4  4  4  4  4  4  2
    2  4  4  4  4  4  4  2
    2  4  4  4  4  4  4  2
    2  4  4  4  4  4  4  2
    2  4  4  4  4  4  4  2
    2  4  4  4  4  4  4  2
    1  2  2  2  2  2  2  1

Elements:
    y[0, 0] = x[0, 0]*w[1, 1] = 1*6 = 6
    y[0, 1] = x[0, 0]*w[1, 2] + x[0, 1]*w[1, 0] = 1*7 + 1*5 = 12
    y[0, 2] = x[0, 0]*w[1, 3] + x[0, 1]*w[1, 1] = 1*8 + 1*6 = 14
    y[0, 3] = x[0, 1]*w[1, 2] + x[0, 2]*w[1, 0] = 1*7 + 1*5 = 12
    y[0, 4] = x[0, 1]*w[1, 3] + x[0, 2]*w[1, 1] = 1*8 + 1*6 = 14
    y[0, 5] = x[0, 2]*w[1, 2] + x[0, 3]*w[1, 0] = 1*7 + 1*5 = 12
    y[0, 6] = x[0, 2]*w[1, 3] + x[0, 3]*w[1, 1] = 1*8 + 1*6 = 14
    y[0, 7] = x[0, 3]*w[1, 2] = 1*7 = 7
    and 56 more: text(index) tells of any"""

CORNER = """\
y[0, 0] = x[0, 0]*w[1, 1] = 1*6 = 6
    axis 0: 0 = 0*2 + 1*1 - 1
        outside of x: w[3] would meet x[-1]
    axis 1: 0 = 0*2 + 1*1 - 1
        outside of x: w[3] would meet x[-1]"""

NEIGHBOUR = """\
y[0, 1] = x[0, 0]*w[1, 2] + x[0, 1]*w[1, 0] = 1*7 + 1*5 = 12
    axis 0: 0 = 0*2 + 1*1 - 1
        outside of x: w[3] would meet x[-1]
    axis 1: 1 = 0*2 + 2*1 - 1 = 1*2 + 0*1 - 1"""


def test_why_6_and_why_12():
    explanation = why()
    assert str(explanation) == WHY
    assert explanation.text((0, 0)) == CORNER
    assert explanation.text((0, 1)) == NEIGHBOUR


def test_letters_gaps_and_a_side_that_extends():
    explanation = tconv.explain.sizes(3, 2, stride=3, padding=((-1, 0),))
    assert explanation.text(0) == (
        "y[0] = 0, as no tap reaches it\n    axis 0: 0 is reached by no tap of any input"
    )
    assert explanation.text(3).splitlines()[0] == "y[3] = 0, as no tap reaches it"
    assert explanation.text(1).splitlines() == [
        "y[1] = x[0]*w[0] = a*w0",
        "    axis 0: 1 = 0*3 + 0*1 + 1",
    ]
    text = str(explanation)
    assert "axis 0: (3 - 1)*3 + 1*(2 - 1) + 1 + 1 - 0 + 0 = 9" in text
    assert "stride 3, padding (-1, 0), output_padding 0" in text
    assert "        y[3*q] = 0, as no tap reaches it\n" in text
    assert "        y[3*q + 1] = x[q]*w[0]\n" in text
    assert "        y[3*q + 2] = x[q]*w[1]\n" in text


def test_channels_bias_and_negative_numbers():
    x = np.array([[[2.0, 3.0], [-1.0, 0.25]]])
    w = np.array([[[1.0, -2.0]], [[0.5, 1 / 3]]])
    explanation = tconv.explain(x, w, np.array([10.0]))
    assert explanation.text((0, 0, 1)).splitlines()[0] == (
        "y[0, 0, 1] = x[0, 0, 0]*w[0, 0, 1] + x[0, 0, 1]*w[0, 0, 0] + x[0, 1, 0]*w[1, 0, 1] + "
        "x[0, 1, 1]*w[1, 0, 0] + b[0] = 2*(-2) + 3*1 + (-1)*0.3333 + 0.25*0.5 + 10 = 8.792"
    )


def test_a_bias_alone():
    one = np.ones((1, 1, 1), int)
    explanation = tconv.explain(one, one, np.array([7]), padding=((-1, 0),))
    assert explanation.text(0).splitlines()[0] == "y[0] = b[0] = 7"


def test_integers_that_wrap_around_say_so():
    x = np.full((1, 1, 1), 100, np.int8)
    explanation = tconv.explain(x, x)
    line = explanation.text(0).splitlines()[0]
    assert line == "y[0] = x[0]*w[0] = 100*100 = 10000, which wraps around to 16 in int8"
    assert explanation.y.item() == 16


def test_long_sums_and_large_outputs_are_cut():
    x, w = np.ones((1, 40, 20, 20)), np.ones((40, 1, 3, 3))
    explanation = tconv.explain(x, w, stride=9)
    text = str(explanation)
    assert "+ ... + (34 more) = 40" in text
    assert "(the first positions of 174x174)" in text
    assert "        and 1 more" in text
    assert "and 30268 more: text(index) tells of any" in text
    assert max(map(len, text.splitlines())) < 300
    assert len(text.splitlines()) < 60


def test_axes_of_one_geometry_are_said_once():
    text = str(tconv.explain.sizes((2, 3, 2), (2, 2, 2), stride=(2, 1, 2)))
    assert "    axes 0 and 2: (2 - 1)*2" in text
    assert "    axis 1: (3 - 1)*1" in text


def test_layouts_show_the_caller_s_indices():
    x, w = np.ones((1, 2, 2, 3), int), np.ones((1, 1, 2, 3), int)
    explanation = tconv.explain(x, w, dimension_numbers=("NHWC", "HWOI", "NHWC"))
    first = explanation.text((0, 1, 0, 1)).splitlines()[0]
    assert first == (
        "y[0, 1, 0, 1] = x[0, 1, 0, 0]*w[0, 0, 1, 0] + x[0, 1, 0, 1]*w[0, 0, 1, 1] + "
        "x[0, 1, 0, 2]*w[0, 0, 1, 2] = 1*1 + 1*1 + 1*1 = 3"
    )


def test_the_repr_is_one_line():
    assert repr(why()) == (
        "<tconv.Explanation of x (1, 1, 4, 4), w (1, 1, 4, 4) -> y (1, 1, 8, 8)>"
    )
