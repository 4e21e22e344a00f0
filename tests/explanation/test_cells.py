"""What a cell holds, what a grid shows, and the colours of phases."""

from __future__ import annotations

import numpy as np
import pytest

import tconv
from tconv.explanation.views import VIEWS
from tconv.explanation.views.drawing import Frame, Grid, Label, Sheet, grid, width, window
from tconv.explanation.views.matrix import _flat, _unflat
from tconv.explanation.views.palette import CROP, phase_colour
from tconv.explanation.views.section import MINUS, Section, _wrapped, cell_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-12, "-12"),
        (123456, "123456"),
        (True, "True"),
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (0.125, "0.125"),
        (-0.125, "-0.12"),
        (1 / 3, "0.333"),
        (-1 / 3, "-0.33"),
        (123.0, "123"),
        (-123.0, "-123"),
        (99.5, "99.5"),
        (1234.0, "1234"),
        (12345.0, "12345"),
        (-1234.0, "-1234"),
        (-12345.0, "-1e4"),
        (123456.0, "1e5"),
        (-123456.0, "-1e5"),
        (0.0125, "0.013"),
        (1e-5, "1e-5"),
        (-2e-12, "-2e-12"),
        (3e20, "3e20"),
        (complex(1, -2), "1\n-2j"),
        (complex(-0.5, 0.25), "-0.5\n+0.25j"),
        ("a*w0", "a·w0"),
        ("a*w1 + b*w0 + c*w2 + d*w3", "a·w1\n+b·w0\n+c·w2\n+d·w3"),
        ("a + b + c + d + e", "5\nterms"),
    ],
)
def test_a_value_in_a_cell(value, text):
    assert cell_text(value) == text.replace("-", MINUS)


@pytest.mark.parametrize(
    ("whole", "focus", "limit", "shown"),
    [
        (range(16), None, 16, range(16)),
        (range(16), 15, 16, range(16)),
        (range(-3, 14), None, 16, range(-3, 13)),
        (range(17), 16, 16, range(1, 17)),
        (range(-5, 20), -5, 4, range(-5, -1)),
        (range(-5, 20), 0, 4, range(-2, 2)),
        (range(-5, 20), 17, 4, range(15, 19)),
        (range(-5, 20), 19, 5, range(15, 20)),
    ],
)
def test_a_window_around_a_focus(whole, focus, limit, shown):
    assert window(whole, focus, limit) == shown
    assert window(range(17)) == range(16)


def test_blocks_of_four_axes_lie_side_by_side():
    one = grid("y", [range(2), range(1, 4), range(2), range(-1, 1)], row=3.0, column=5.0)
    assert (one.rows, one.columns) == (2, 17)  # six blocks of two and a gap between
    assert len(list(one.indices())) == 24
    assert one.place((0, 1, 0, -1)) == (3, 5)
    assert one.place((0, 3, 1, 0)) == (4, 12)
    assert one.place((1, 1, 1, -1)) == (4, 14)
    assert one.holds((1, 3, 1, 0))
    assert not one.holds((1, 4, 1, 0))
    around = list(one.around([range(1, 5), range(-9, 2), range(1, 2), range(-1, 9)]))
    assert around == [(4, 14, 1, 2)]
    assert list(one.around([range(2, 5), range(2), range(2), range(2)])) == []


def test_one_axis_is_a_row():
    row = Grid("y", (range(9),), (range(2, 7),), 1.5, 4.0)
    assert (row.rows, row.columns) == (1, 5)
    assert row.place((3,)) == (1.5, 5)
    assert list(row.around([range(4)])) == [(1.5, 4, 1, 2)]
    assert Grid("y", (range(9),), (range(2, 7),)).place((2,)) == (0, 0)


def test_a_sheet_grows_with_what_is_on_it():
    sheet = Sheet()
    assert (sheet.rows, sheet.columns) == (0, 0)
    assert (sheet.done().rows, sheet.done().cells) == (0, ())
    on = Grid("x", (range(3),), (range(3),), 1.0, 2.0)
    assert sheet.title(on, "x") == pytest.approx(2 + 3 + 1.4)
    assert sheet.title(on, "a title of 24 characters") == pytest.approx(2 + 24 * 0.6 * 0.42 + 1.4)
    assert sheet.rows == pytest.approx(1.05)
    assert sheet.columns == pytest.approx(2 + 24 * 0.6 * 0.42)
    sheet.below(["first", "second"])
    assert [label.row for label in sheet.labels[2:]] == pytest.approx([1.8, 2.45])
    assert sheet.labels[-1] == Label(sheet.labels[-1].row, 0, "second")
    sheet.labels.append(Label(0.0, 99.0, "to the left of it", align="right"))
    assert sheet.columns < 99
    sheet.frame(on, [range(1, 9)], CROP)
    assert sheet.frames == [Frame(1.0, 3.0, 1, 2, CROP)]
    assert width(Label(0, 0, "12345", size=0.5)) == pytest.approx(1.5)


def test_formulas_break_before_a_sign():
    assert _wrapped("y[0, 0] = a*w0 + b*w1 + c*w2 = 3", 18) == [
        "y[0, 0] = a*w0", "+ b*w1 + c*w2 = 3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "strides", "colour"),
    [
        ((0,), (2,), "#cfe4f7"),
        ((1,), (2,), "#f7e5cf"),
        ((2,), (3,), "#cff7d0"),
        ((7,), (9,), "#cfe4f7"),
        ((0, 0), (2, 2), "#cfe4f7"),
        ((0, 1), (2, 2), "#7bb5ea"),
        ((1, 0), (2, 3), "#f7e5cf"),
        ((1, 1), (2, 3), "#f0cea5"),
        ((1, 2), (2, 3), "#eab77b"),
        ((0, 0), (1, 1), "#cfe4f7"),
        ((1, 2, 0), (2, 3, 2), "#f7cfe0"),
    ],
)
def test_phases_have_a_hue_and_a_depth(phase, strides, colour):
    assert phase_colour(phase, strides) == colour


def test_positions_are_counted_row_by_row():
    size = (2, 3, 4)
    for number, position in enumerate(np.ndindex(size)):
        assert _flat(position, size) == number
        assert _unflat(number, size) == position


def test_a_section_without_a_focus():
    sums = tconv.explain.sizes((4,), (3,), stride=2, padding=((2, -1),))
    section = Section(sums, (0, 0, 3), focused=False)
    assert (section.focus_inputs, section.focus_taps) == ((), ())
    assert section.scatter_grid("y", 0, 0).whole == (range(-2, 8),)
    assert [section.inside((o,)) for o in (-1, 0, 7, 8)] == [False, True, True, False]
    assert section.so_far((0,), set()) == ""
    assert section.so_far((0,), {(0, (1,))}) == "b·w0"


@pytest.mark.parametrize(("value", "place"), [(12345678, (4.8, 29.68)), (123456789, (8.2, 0))])
def test_a_sixth_stamp_that_reaches_beyond_34_columns_begins_a_row(value, place):
    """Each is 4 columns wide and begins 1.4 cells behind the end of the title before it, of 18
    characters or of 19: the sixth ends at 33.68 or would at 34.94."""
    sums = tconv.explain(np.full((1, 1, 2, 3), value), np.ones((1, 1, 1, 2), int))
    (title,) = [one for one in VIEWS["distribution"](sums, None).labels if "x[1, 2]" in one.text]
    assert (title.row, title.column) == pytest.approx(place)


def test_a_stamp_shows_ten_positions_along_an_axis():
    for taps, cuts in ((9, []), (10, ["Cut: stamp, axis 1: 0 to 9 of 0 to 10."])):
        sums = tconv.explain(np.ones((1, 1, 1, 2), int), np.ones((1, 1, 1, taps), int))
        labels = [one.text for one in VIEWS["distribution"](sums, None).labels]
        assert [text for text in labels if text.startswith("Cut")] == cuts
