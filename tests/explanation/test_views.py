"""What the pictures show, cell by cell, before they are rendered."""

from __future__ import annotations

import re
from dataclasses import replace
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given, settings

import tconv
from tconv.explanation.views import ANIMATED, VIEWS, palette
from tconv.explanation.views.drawing import LIMIT, Label, grid
from tconv.explanation.views.section import Section
from tconv.testing import reference
from tconv.testing.strategies import conv_transpose_problems

MINUS, DOT = "\N{MINUS SIGN}", "\N{MIDDLE DOT}"


def why():
    x, w = np.ones((1, 1, 4, 4), int), np.arange(1, 17).reshape(1, 1, 4, 4)
    return tconv.explain(x, w, stride=2, padding=1)


def draw(explanation, view, *index):
    return VIEWS[view](explanation, (0, 0, *index) if index else None)


def numbers(drawing, grid):
    """The cells of a grid as integers by their index."""
    return {index: int(cell.text.replace(MINUS, "-")) for index, cell in drawing.grid(grid).items()}


def lit(drawing, grid):
    """The indices of the cells in focus."""
    return {index for index, cell in drawing.grid(grid).items() if cell.bold}


def labels(drawing):
    return [label.text for label in drawing.labels]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_the_sum_in_focus_below(view):
    drawing = draw(why(), view, 0, 1)
    assert "y[0, 1] = x[0, 0]*w[1, 2] + x[0, 1]*w[1, 0] = 1*7 + 1*5 = 12" in labels(drawing)


@pytest.mark.parametrize("view", ["distribution", "phases"])
def test_inputs_taps_and_output_in_focus(view):
    drawing = draw(why(), view, 0, 1)
    assert lit(drawing, "x") == {(0, 0), (0, 1)}
    assert lit(drawing, "w") == {(1, 0), (1, 2)}
    assert lit(drawing, "y") == {(0, 1)}
    assert drawing.grid("y")[0, 1].text == "12"


@pytest.mark.parametrize("index", [(0, 0, 1), (2, 1, 2), (1, 2, 5)])
def test_what_meets_in_the_focus_has_its_channels(index):
    """Samples, channels and groups apart: each output by the definition."""
    x, w = np.ones((3, 4, 3), int), np.ones((4, 2, 3), int)
    section = Section(tconv.explain(x, w, stride=2, groups=2), index)
    _, channel, o = index
    group = channel // 2
    meeting = [(i, o - 2 * i) for i in range(3) if 0 <= o - 2 * i < 3]
    channels = (2 * group, 2 * group + 1)
    assert set(section.focus_inputs) == {(c, (i,)) for c in channels for i, _ in meeting}
    assert set(section.focus_taps) == {(c, (t,)) for c in channels for _, t in meeting}
    assert (section.sample, section.channel, section.other) == (index[0], channel, channel % 2)
    assert list(section.channels) == list(channels)
    assert section.position == (o,)
    assert Section(section.sums, index, focused=False).position is None
    whole = Section(section.sums)
    assert (whole.sample, whole.channel, whole.position) == (0, 0, None)


def test_distribution_shows_the_full_scatter_and_the_crop():
    drawing = draw(why(), "distribution", 0, 1)
    full = reference.conv_transpose(
        np.ones((1, 1, 4, 4), int), np.arange(1, 17).reshape(1, 1, 4, 4), stride=2
    )
    shown = numbers(drawing, "y")
    assert {(i - 1, j - 1): full[0, 0, i, j] for i, j in np.ndindex(10, 10)} == shown
    for index, cell in drawing.grid("y").items():
        cropped = not all(0 <= o < 8 for o in index)
        assert (cell.fill == palette.OUTSIDE) == cropped
    corner = drawing.grid("y")[0, 0]
    crop = drawing.frames[0]
    assert (crop.row, crop.column, crop.rows, crop.columns) == (corner.row, corner.column, 8, 8)
    assert crop.colour == palette.CROP
    # the two stamps that meet in y[0, 1]
    assert "x[0, 0] = 1" in labels(drawing)
    stamped = [cell for cell in drawing.cells if cell.grid == "stamp" and cell.bold]
    assert [(cell.index, cell.text) for cell in stamped] == [((0, 1), "7"), ((0, 1), "5")]


def test_distribution_of_one_axis_is_a_row_a_stamp():
    explanation = tconv.explain(np.array([[[2, 3, 0, -1]]]), np.array([[[1, 2, -1]]]), stride=2)
    drawing = draw(explanation, "distribution")
    rows = {}
    for cell in drawing.cells:
        if cell.grid == "stamp":
            rows.setdefault(cell.row, {})[cell.index[0]] = cell.text
    assert [list(row) for row in rows.values()] == [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, 7, 8]]
    assert ["".join(row.values()) for row in rows.values()] == [
        f"24{MINUS}2", f"36{MINUS}3", "000", f"{MINUS}1{MINUS}21",
    ]  # fmt: skip
    assert numbers(drawing, "y") == dict(
        zip([(o,) for o in range(9)], [2, 4, 1, 6, -3, 0, -1, -2, 1], strict=True)
    )
    assert drawing.frames == ()  # nothing is cropped
    columns = {cell.index[0]: cell.column for cell in drawing.cells if cell.grid == "y"}
    for cell in drawing.cells:
        if cell.grid == "stamp":
            assert cell.column == columns[cell.index[0]]


def test_collection_is_the_spread_input_under_the_flipped_kernel():
    drawing = draw(why(), "collection", 0, 1)
    spread = numbers(drawing, "spread x")
    assert set(spread) == {(i, j) for i in range(-2, 9) for j in range(-2, 9)}
    ones = {index for index, value in spread.items() if value}
    assert ones == {(i, j) for i in (0, 2, 4, 6) for j in (0, 2, 4, 6)}
    flipped = numbers(drawing, "flipped w")
    assert [flipped[0, j] for j in range(4)] == [16, 15, 14, 13]
    over = {
        index: int(cell.corner[1:])
        for index, cell in drawing.grid("spread x").items()
        if cell.corner
    }
    assert over == {(i - 2, j - 1): value for (i, j), value in flipped.items()}
    assert sum(spread[index] * weight for index, weight in over.items()) == 12
    (window,) = [frame for frame in drawing.frames if frame.colour == palette.KERNEL]
    assert (window.rows, window.columns) == (4, 4)
    assert lit(drawing, "spread x") == {(0, 0), (0, 2)}


def test_what_a_collection_reads_is_framed_where_inputs_are_cropped():
    """5 inputs with a stride of 2 lie on 9 positions; of these a kernel of 2 with padding (3, 2)
    reads 2 to 7."""
    x, w = np.arange(1, 6).reshape(1, 1, 5), np.array([[[1, 10]]])
    drawing = draw(tconv.explain(x, w, stride=2, padding=((3, 2),)), "collection", 0)
    spread = drawing.grid("spread x")
    assert list(numbers(drawing, "spread x").values()) == [1, 0, 2, 0, 3, 0, 4, 0, 5]
    cropped = {index[0] for index, cell in spread.items() if cell.fill == palette.OUTSIDE}
    assert cropped == {0, 1, 8}
    window, y = drawing.grid("spread x")[2,], numbers(drawing, "y")
    frames = [(frame.row, frame.column, frame.rows, frame.columns, frame.colour, frame.dashed)
              for frame in drawing.frames]  # fmt: skip
    assert frames == [
        (window.row, window.column, 1, 6, palette.CROP, True),
        (window.row, window.column, 1, 2, palette.KERNEL, False),
    ]
    assert list(y.values()) == [20, 3, 30, 4, 40]
    assert "Dashed: what y reads. Grey: inputs that padding crops." in labels(drawing)


@pytest.mark.parametrize(
    ("padding", "crops"), [((0, 0), False), ((1, 0), True), ((0, 1), True), ((-1, -1), False)]
)
def test_a_collection_without_cropped_inputs_frames_the_kernel_alone(padding, crops):
    """A kernel of 1 reads as many positions as there are inputs."""
    explanation = tconv.explain.sizes(3, 1, padding=(padding,))
    drawing = draw(explanation, "collection", 1)
    wanted = [palette.CROP, palette.KERNEL] if crops else [palette.KERNEL]
    assert [frame.colour for frame in drawing.frames] == wanted
    assert any(text.startswith("Dashed") for text in labels(drawing)) == crops


@given(conv_transpose_problems(
    ndim=(1, 2), dtypes=("int64",), batch=(1, 2), max_positions=30, max_channels=2, max_groups=2,
    max_input=4, max_kernel=3, max_stride=3,
))  # fmt: skip
@settings(max_examples=20)
def test_the_kernel_over_the_spread_input_sums_to_the_element(problem):
    assume(problem.in_channels * prod(problem.input_size) <= LIMIT)  # columns of the matrix
    x, w, b = problem.arrays()
    explanation = tconv.explain(x, w, b, **problem.keywords)
    for index in list(np.ndindex(explanation.y.shape))[:5]:
        drawing = VIEWS["collection"](explanation, index)
        total = sum(
            int(cell.text.replace(MINUS, "-")) * int(cell.corner[1:].replace(MINUS, "-"))
            for cell in drawing.cells
            if cell.corner
        )
        assert total + explanation.bias(index) == explanation.y[index]
        row = VIEWS["matrix"](explanation, index)
        (frame,) = [one for one in row.frames if one.colour == palette.INK]
        vector = {cell.index: int(cell.text.replace(MINUS, "-")) for cell in row.cells
                  if cell.grid == "x"}  # fmt: skip
        product = sum(
            int(cell.text.replace(MINUS, "-")) * vector[cell.index[1:]]
            for cell in row.cells
            if cell.grid == "matrix" and cell.row == frame.row
        )
        assert product + explanation.bias(index) == explanation.y[index]


def test_matrix_is_the_transpose_of_conv_matrix():
    x = np.array([[[[0, 1], [2, 3]]]])
    drawing = draw(tconv.explain(x, x), "matrix", 1, 1)
    matrix = tconv.conv_matrix(x, (3, 3)).T
    assert numbers(drawing, "matrix") == {
        index: matrix[index] for index in np.ndindex(matrix.shape)
    }
    assert numbers(drawing, "x") == {(i,): i for i in range(4)}
    assert list(numbers(drawing, "y").values()) == [0, 0, 1, 0, 4, 6, 4, 12, 9]
    assert {index[0] for index in lit(drawing, "matrix")} == {4}
    assert "y[2, 0]" in labels(drawing)


def test_phases_join_taps_and_outputs_by_colour():
    drawing = draw(why(), "phases")
    taps, outputs = drawing.grid("w"), drawing.grid("y")
    for o, cell in outputs.items():
        same = {t for t, tap in taps.items() if tap.fill == cell.fill}
        assert same == {t for t in taps if all((t[a] - o[a] - 1) % 2 == 0 for a in (0, 1))}
    assert len({cell.fill for cell in outputs.values()}) == 4
    assert f"    y[2*q] = x[q]*w[1] + x[q {MINUS} 1]*w[3]" in labels(drawing)


def test_outputs_without_taps_have_no_colour():
    drawing = draw(tconv.explain.sizes(3, 2, stride=3), "phases")
    blank = {index for index, cell in drawing.grid("y").items() if cell.fill == palette.BLANK}
    assert blank == {(2,), (5,)}
    assert {cell.text for cell in drawing.grid("y").values() if cell.index in blank} == {"0"}


def test_letters_are_summed_line_by_line():
    drawing = draw(tconv.explain.sizes(3, 2), "distribution")
    assert drawing.grid("y")[1,].text == f"a{DOT}w1\n+b{DOT}w0"
    drawing = draw(tconv.explain.sizes((3, 3), (3, 3)), "distribution")
    assert drawing.grid("y")[2, 2].text == "9\nterms"


def test_three_axes_lie_side_by_side():
    explanation = tconv.explain.sizes((2, 2, 3), (1, 2, 2), stride=2)
    drawing = draw(explanation, "distribution", 2, 1, 3)
    x = drawing.grid("x")
    assert x[1, 0, 0].column - x[0, 0, 0].column == 4  # three cells and a gap
    assert x[1, 1, 0].row - x[1, 0, 0].row == 1
    assert lit(drawing, "x") == {(1, 0, 1)}


def test_what_is_framed_is_clipped_to_what_is_shown_of_each_block():
    """Three axes: blocks of 3 rows and 4 columns, a column apart, cut from 0 to 2, 1 to 3 and 3 to
    6."""
    shown = (range(3), range(1, 4), range(3, 7))
    blocks = replace(grid("x", shown, row=10, column=20), whole=(range(3), range(9), range(9)))
    assert (blocks.rows, blocks.columns) == (3, 14)
    framed = blocks.around([range(1, 9), range(2), range(4, 6)])
    assert list(framed) == [(10, 26, 1, 2), (10, 31, 1, 2)]
    assert list(blocks.around([range(3), range(2, 9), range(2, 5)])) == [
        (11, 20 + 5 * block, 2, 2) for block in range(3)
    ]
    assert list(blocks.around([range(3), range(1), range(9)])) == []
    row = grid("x", [range(2, 7)], row=1, column=5)
    assert list(row.around([range(4, 9)])) == [(1, 7, 1, 3)]
    assert list(row.around([range(7, 9)])) == []


def test_channels_stand_below_each_other_and_are_named():
    x, w = np.ones((2, 4, 2, 2), int), np.ones((4, 1, 2, 2), int)
    drawing = VIEWS["distribution"](tconv.explain(x, w, groups=2), (1, 1, 0, 0))
    assert {"x[1, 2]", "x[1, 3]", "w[2, 0]", "w[3, 0]", "y[1, 1]"} <= set(labels(drawing))
    assert len([cell for cell in drawing.cells if cell.grid == "x"]) == 8


def two_channels(view, axes):
    """The drawing of two input channels, with the first axis cropped before and a second behind."""
    x, w = np.ones((1, 2, *(3, 4)[:axes]), int), np.ones((2, 1, *(2, 2)[:axes]), int)
    return draw(tconv.explain(x, w, stride=2, padding=((1, 0), (0, 1))[:axes]), view)


# The first and the last cell of each grid: two input channels below each other, 1.4 cells apart,
# and what belongs to them beside them, 1.4 cells from the end of the grid or of its title.
PLACES = {
    ("distribution", 1): {
        "w": ((0, 6), (1, 7)), "stamp": ((2.6, 6), (7.6, 11)), "y": ((8.9, 6), (8.9, 11)),
    },
    ("distribution", 2): {
        "x": ((1, 0), (7.4, 3)), "w": ((1, 5.4), (6.4, 6.4)), "y": ((1, 8.8), (6, 15.8)),
    },
    ("collection", 1): {
        "spread x": ((1, 0), (3.4, 5)), "flipped w": ((1, 7.95), (3.4, 8.95)),
        "y": ((5.8, 0), (5.8, 4)),
    },
    ("collection", 2): {
        "spread x": ((1, 0), (13.4, 7)), "flipped w": ((1, 9.4), (9.4, 10.4)),
        "y": ((1, 14.83), (5, 20.83)),
    },
    ("matrix", 1): {
        "matrix": ((1, 2.46), (5, 7.46)), "x": ((1, 9.86), (6, 9.86)),
        "y": ((1, 13.82), (5, 13.82)),
    },
    ("phases", 1): {
        "x": ((1, 0), (3.4, 2)), "w": ((1, 4.4), (3.4, 5.4)), "y": ((5.8, 0), (5.8, 4)),
    },
    ("phases", 2): {
        "x": ((1, 0), (7.4, 3)), "w": ((1, 5.4), (6.4, 6.4)), "y": ((1, 8.8), (5, 14.8)),
    },
}  # fmt: skip


@pytest.mark.parametrize(("view", "axes"), PLACES)
def test_where_the_grids_lie(view, axes):
    cells = {}
    for cell in two_channels(view, axes).cells:
        cells.setdefault(cell.grid, []).append((cell.row, cell.column))
    ends = {grid: [*places[0], *places[-1]] for grid, places in cells.items()}
    wanted = {grid: [*first, *last] for grid, (first, last) in PLACES[view, axes].items()}
    assert ends == {grid: pytest.approx(places, abs=0.006) for grid, places in wanted.items()}


# Titles are 0.45 above their grid, the names of rows 0.3 beside them and in their middle; the
# middle of a line below is 0.65 under that of the line before it.
SIDE, ROWS = {"align": "right"}, {"size": 0.36, "ink": palette.FAINT}
CAPTION = "Framed: y. Grey: what padding crops."
FORMULAS = [
    "axis 0:", "    y[2*q] = x[q]*w[1]", "    y[2*q + 1] = x[q + 1]*w[0]",
    "axis 1:", "    y[2*q] = x[q]*w[0]", "    y[2*q + 1] = x[q]*w[1]",
]  # fmt: skip
LABELS = {
    ("distribution", 1): [
        Label(0.5, 5.7, "w[0, 0]", **SIDE), Label(1.5, 5.7, "w[1, 0]", **SIDE),
        *(Label(3.1 + row, 5.7, f"x[0, {row // 3}, {row % 3}] = 1", **SIDE) for row in range(6)),
        Label(9.4, 5.7, "y[0, 0]", **SIDE), Label(10.5, 0, CAPTION, ink=palette.FAINT),
    ],
    ("distribution", 2): [
        Label(0.55, 0, "x[0, 0]"), Label(0.55, 5.4, "w[0, 0]"), Label(4.95, 0, "x[0, 1]"),
        Label(4.95, 5.4, "w[1, 0]"), Label(0.55, 8.8, "y[0, 0]"),
        Label(9, 0, CAPTION, ink=palette.FAINT),
    ],
    ("collection", 1): [
        Label(0.55, 0, "x[0, 0], spread and padded"), Label(0.55, 7.95, "w[0, 0], flipped"),
        Label(2.95, 0, "x[0, 1], spread and padded"), Label(2.95, 7.95, "w[1, 0], flipped"),
        Label(5.35, 0, "y[0, 0]"),
    ],
    ("collection", 2): [
        Label(0.55, 0, "x[0, 0], spread and padded"), Label(0.55, 9.4, "w[0, 0], flipped"),
        Label(7.95, 0, "x[0, 1], spread and padded"), Label(7.95, 9.4, "w[1, 0], flipped"),
        Label(0.55, 14.83, "y[0, 0]"),
    ],
    ("matrix", 1): [
        Label(0.55, 2.46, "matrix, 5 x 6"), Label(0.55, 9.86, "x"), Label(0.55, 13.82, "y"),
        *(Label(1.5 + row, 2.16, f"y[0, 0, {row}]", **SIDE, **ROWS) for row in range(5)),
        *(Label(1.5 + row, 11.16, f"x[0, {row // 3}, {row % 3}]", **ROWS) for row in range(6)),
    ],
    ("phases", 1): [
        Label(0.55, 0, "x[0, 0]"), Label(0.55, 4.4, "w[0, 0]"), Label(2.95, 0, "x[0, 1]"),
        Label(2.95, 4.4, "w[1, 0]"), Label(5.35, 0, "y[0, 0]"),
        *map(Label, (7.55, 8.2, 8.85), (0, 0, 0), FORMULAS[:3]),
    ],
    ("phases", 2): [
        Label(0.55, 0, "x[0, 0]"), Label(0.55, 5.4, "w[0, 0]"), Label(4.95, 0, "x[0, 1]"),
        Label(4.95, 5.4, "w[1, 0]"), Label(0.55, 8.8, "y[0, 0]"),
        *map(Label, (9.15, 9.8, 10.45, 11.7, 12.35, 13), [0] * 6, FORMULAS),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("view", "axes"), LABELS)
def test_where_the_titles_and_the_lines_below_lie(view, axes):
    found = [
        replace(label, row=round(label.row, 2), column=round(label.column, 2))
        for label in two_channels(view, axes).labels
    ]
    assert found == LABELS[view, axes]


@pytest.mark.parametrize(
    ("view", "axes", "rows", "columns"),
    [
        ("distribution", 1, 11, 12),
        ("distribution", 2, 9.5, 16.8),  # of the grid of y
        ("collection", 1, 6.8, 7.95 + 0.6 * 0.42 * 16),  # of the title of w
        ("matrix", 1, 7, 14.82),
        ("phases", 1, 9.35, 0.6 * 0.42 * 30),  # of the longest line below
    ],
)
def test_how_large_a_drawing_is(view, axes, rows, columns):
    drawing = two_channels(view, axes)
    assert (drawing.rows, drawing.columns) == pytest.approx((rows, columns), abs=0.006)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("index", [(), (80, 3)])
def test_what_is_too_large_is_cut_around_the_focus_with_a_note(view, index):
    rng = np.random.default_rng(0)
    x, w = rng.integers(-3, 4, (1, 5, 40, 50)), rng.integers(-3, 4, (5, 1, 3, 3))
    drawing = draw(tconv.explain(x, w, stride=2), view, *index)
    assert any(text.startswith("Cut: input channels 0 to 2 of the 5") for text in labels(drawing))
    for name in {cell.grid for cell in drawing.cells}:
        spans = zip(*drawing.grid(name), strict=True)
        assert all(max(span) - min(span) < LIMIT for span in spans)
    if index and view != "matrix":
        assert lit(drawing, "y") == {index}


@pytest.mark.parametrize("view", VIEWS)
def test_twelve_by_twelve_is_whole(view):
    x, w = np.ones((1, 1, 6, 6)), np.ones((1, 1, 4, 4))
    drawing = draw(tconv.explain(x, w, stride=2, padding=1), view, 5, 5)
    if view != "matrix":
        cuts = [text for text in labels(drawing) if text.startswith("Cut")]
        assert all(re.fullmatch(r"Cut: stamp, .*; stamp, .*\.", text) for text in cuts)
        assert len([o for o in drawing.grid("y") if min(o) >= 0 and max(o) < 12]) == 144


def test_frames_of_a_distribution_add_one_input_each():
    x, w = np.array([[[2, 3]]]), np.array([[[1, 2, -1]]])
    frames = ANIMATED["distribution"](tconv.explain(x, w, np.array([10]), padding=((1, 0),)), None)
    sums = [list(numbers(frame, "y").values()) for frame in frames]
    assert sums == [[2, 14, 8, 10], [2, 17, 14, 7]]  # the cropped position has no bias


def test_frames_of_a_collection_fill_in_one_output_each():
    explanation = why()
    frames = ANIMATED["collection"](explanation, None)
    assert len(frames) == 64
    for number, frame in enumerate(frames):
        filled = [index for index, cell in frame.grid("y").items() if cell.text]
        assert len(filled) == number + 1
        assert lit(frame, "y") == {divmod(number, 8)}
    (window,) = [frame for frame in frames[9].frames if frame.colour == palette.KERNEL]
    spread = frames[9].grid("spread x")
    assert (window.row, window.column) == (spread[-1, -1].row, spread[-1, -1].column)


def test_cells_do_not_overlap():
    for view in VIEWS:
        for index in ((), (3, 4)):
            drawing = draw(why(), view, *index)
            places = [(cell.row, cell.column) for cell in drawing.cells if cell.grid != "stamp"]
            assert len(set(places)) == len(places)
            stamps = {(cell.row, cell.column) for cell in drawing.cells if cell.grid == "stamp"}
            assert not stamps & set(places)
