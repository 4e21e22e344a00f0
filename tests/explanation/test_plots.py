"""Pictures and animations by matplotlib: what was to be drawn is on the axes and in the file."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from PIL import Image

import tconv
from tconv.explanation import animation, plots
from tconv.explanation.views import VIEWS, palette
from tconv.explanation.views.drawing import Cell, Drawing, Frame, Label


def small():
    return tconv.explain(np.array([[[2, 3]]]), np.array([[[1, 2, -1]]]), stride=2, padding=1)


@pytest.mark.parametrize("view", VIEWS)
def test_every_cell_and_label_is_on_the_axes(view):
    explanation = small()
    axes = explanation.plot(1, view)
    drawing = VIEWS[view](explanation, (0, 0, 1))
    wanted = [cell.text for cell in drawing.cells] + [cell.corner for cell in drawing.cells]
    wanted += [label.text for label in drawing.labels]
    assert sorted(text.get_text() for text in axes.texts) == sorted(filter(None, wanted))
    squares = axes.collections[0]
    assert len(squares.get_paths()) == len(drawing.cells)
    corners = sorted(tuple(path.vertices.min(axis=0)[::-1]) for path in squares.get_paths())
    assert corners == sorted((cell.row, cell.column) for cell in drawing.cells)


@pytest.mark.parametrize("view", VIEWS)
def test_no_text_leaves_its_cell_or_the_figure(view):
    x, w = np.ones((1, 1, 6, 6)) / 3, np.arange(16.0).reshape(1, 1, 4, 4) * -1.234
    axes = tconv.explain(x, w, stride=2, padding=1).plot((5, 5), view)
    figure = axes.figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    cell = axes.transData.transform([[0, 0], [1, 1]])
    side = abs(cell[1] - cell[0]).min()
    for text in axes.texts:
        box = text.get_window_extent(renderer)
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, text.get_text()
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, text.get_text()
        if text.get_ha() == "center":
            assert box.width <= side, text.get_text()
            assert box.height <= 1.05 * side, text.get_text()


def test_text_in_a_cell_is_at_least_seven_points_at_twelve_by_twelve():
    x, w = np.ones((1, 1, 6, 6)), np.arange(16.0).reshape(1, 1, 4, 4)
    axes = tconv.explain(x, w, stride=2, padding=1).plot(view="distribution")
    assert min(text.get_fontsize() for text in axes.texts) >= 7


def sizes(axes):
    """The sizes of the texts in cells."""
    return {
        text.get_text(): text.get_fontsize() for text in axes.texts if text.get_ha() == "center"
    }


def test_the_texts_of_a_grid_have_one_size_and_those_of_several_lines_their_own():
    """A cell has room for 1.4/n of n characters, 0.8/n of n lines, and 0.44 at most."""
    x, w = np.array([[[3, 40000]]]), np.array([[[1, 2]]])
    found = sizes(tconv.explain(x, w).plot(view="phases"))
    assert found["1"] == found["2"]
    for text in ("3", "40000", "80000"):
        assert found[text] == pytest.approx(found["1"] * 0.28 / 0.44)
    found = sizes(tconv.explain.sizes(3, 2).plot(view="phases"))
    assert found["a"] == found["w1"]
    for text, size in (("a.w0", 0.35), ("c.w1", 0.35), ("a.w1\n+b.w0", 0.28)):
        dotted = text.replace(".", "\N{MIDDLE DOT}")
        assert found[dotted] == pytest.approx(found["a"] * size / 0.44)


def test_given_axes_are_used_and_cleared():
    axes = Figure().add_subplot()
    axes.set_title("before")
    assert small().plot(ax=axes) is axes
    assert axes.get_title() == ""
    small().plot(view="phases", ax=axes)
    assert len(axes.collections) == 2


@pytest.mark.parametrize("view", VIEWS)
def test_a_figure_is_as_large_as_its_drawing(view):
    explanation = tconv.explain(np.ones((1, 1, 2, 5)), np.ones((1, 1, 1, 2)), stride=2)
    drawing = VIEWS[view](explanation, None)
    width, height = explanation.plot(view=view).figure.get_size_inches()
    side = min(0.42, 15 / max(drawing.rows + 1, drawing.columns + 1))
    assert (width, height) == pytest.approx(
        ((drawing.columns + 1) * side, (drawing.rows + 1) * side)
    )


def test_a_large_figure_has_15_inches():
    for rows, columns, size in [(3, 74, (15, 0.8)), (99, 49, (7.5, 15)), (9, 4, (2.1, 4.2))]:
        axes = plots.new_axes(rows, columns)
        assert tuple(axes.figure.get_size_inches()) == pytest.approx(size)
        assert axes.get_position().bounds == (0, 0, 1, 1)


DRAWING = Drawing(
    cells=(
        Cell("y", (0,), 0, 0, "7", "#ff0000"),
        Cell("y", (1,), 2, 3.5, "1.25", "#00ff00", ink="#0000ff", corner="ab", bold=True),
        Cell("x", (0,), 5, 1, "a\nlong one", "#0000ff", corner="123456"),
        Cell("w", (0,), 5, 2, "", "#ffffff"),
    ),
    frames=(Frame(1, 2, 3, 4, "#123456"), Frame(0, 0.5, 1, 2, "#654321", dashed=True)),
    labels=(Label(6, 0.25, "left"), Label(7, 9, "right $1", "right", 0.3, "#111111")),
    rows=9,
    columns=9,
)


def test_what_is_drawn_where():
    """10 by 10 cells on 5 by 5 inches: one has 36 points, and a line has 0.8 at most."""
    axes = Figure(figsize=(5, 5)).add_axes((0, 0, 1, 1))
    plots.render(DRAWING, axes)
    assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 9.5), (9.5, -0.5))
    assert not axes.axison
    squares, lit = axes.collections
    corners = [path.vertices[:4].tolist() for path in squares.get_paths()]
    assert corners == [
        [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]]
        for row, column in ((0, 0), (2, 3.5), (5, 1), (5, 2))
    ]
    fills = ["#ff0000", "#00ff00", "#0000ff", "#ffffff"]
    np.testing.assert_array_equal(squares.get_facecolors(), to_rgba_array(fills))
    np.testing.assert_array_equal(squares.get_edgecolors(), to_rgba_array([palette.EDGE]))
    assert [path.vertices[:4].tolist() for path in lit.get_paths()] == corners[1:2]
    np.testing.assert_array_equal(lit.get_edgecolors(), to_rgba_array([palette.INK]))
    assert lit.get_facecolors().size == 0
    assert (squares.get_linewidths(), lit.get_linewidths()) == ([0.8], [1.6])
    assert squares.get_zorder() < lit.get_zorder()
    frames = [
        (box.get_xy(), box.get_width(), box.get_height(), box.get_linestyle(), box.get_linewidth())
        for box in axes.patches
    ]
    width = pytest.approx(2.4)
    assert frames == [((2, 1), 4, 3, "-", width), ((0.5, 0), 2, 1, "--", width)]
    edges = [box.get_edgecolor() for box in axes.patches]
    np.testing.assert_array_equal(edges, to_rgba_array(["#123456", "#654321"]))
    assert not any(box.get_fill() for box in axes.patches)


def test_what_is_written_where_and_how_large():
    axes = Figure(figsize=(5, 5)).add_axes((0, 0, 1, 1))
    plots.render(DRAWING, axes)
    found = [
        (text.get_text(), text.get_ha(), *text.get_position(), text.get_fontsize() / 36)
        for text in axes.texts
    ]
    expected = [
        ("7", "center", 0.5, 0.5, 0.35),  # as large as the longest of its grid
        ("1.25", "center", 4, 2.37, 0.35),
        ("ab", "right", 4.44, 2.97, 0.31),
        ("a\nlong one", "center", 1.5, 5.37, 1.4 / 8),
        ("123456", "right", 1.94, 5.97, 1.35 / 6),
        ("left", "left", 0.25, 6, 0.42),
        ("right $1", "right", 9, 7, 0.3),
    ]
    assert [text[:2] for text in found] == [text[:2] for text in expected]
    for text, (_, _, *numbers) in zip(found, expected, strict=True):
        assert text[2:] == pytest.approx(numbers)
    assert [text.get_weight() for text in axes.texts[:2]] == ["normal", "bold"]
    inks = [palette.INK, "#0000ff", palette.INK, palette.INK, palette.FAINT, palette.INK, "#111111"]
    assert [text.get_color() for text in axes.texts] == inks
    assert not axes.texts[-1].get_parse_math()


def test_given_bounds_leave_room():
    for size in ((5, 9), (99, 3)):  # as many as fit across, or down
        axes = Figure(figsize=size).add_axes((0, 0, 1, 1))
        plots.render(DRAWING, axes, bounds=(11, 19))
        assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 19.5), (11.5, -0.5))
        assert axes.texts[-2].get_fontsize() == pytest.approx(0.42 * 18)
        assert axes.collections[0].get_linewidths() == pytest.approx([18 / 30])
        assert (axes.get_aspect(), axes.get_anchor()) == (1, "NW")


def frames(path):
    with Image.open(path) as picture:
        return picture.n_frames


def test_a_gif_has_a_frame_an_input_or_an_output(tmp_path):
    explanation = small()
    scattered = explanation.animate(tmp_path / "distribution.gif")
    collected = explanation.animate(str(tmp_path / "collection.gif"), "collection")
    assert scattered == tmp_path / "distribution.gif"
    # Pillow joins equal frames that follow each other, so that the last one is held once
    assert frames(scattered) == 2
    assert frames(collected) == 3
    with Image.open(scattered) as picture:
        picture.seek(1)
        assert picture.info["duration"] == 500 * (1 + animation.HOLD)


def test_an_mp4_needs_ffmpeg(tmp_path, monkeypatch):
    from matplotlib.animation import FFMpegWriter

    if FFMpegWriter.isAvailable():
        assert small().animate(tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"
    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    with pytest.raises(ImportError, match=r"An MP4 needs the program ffmpeg\. Install it"):
        small().animate(tmp_path / "a.mp4")


def test_views_suffixes_and_indices_are_checked(tmp_path):
    with pytest.raises(ValueError, match=r"view: must be one of 'distribution', 'collection', "):
        small().plot(view="scatter")
    with pytest.raises(ValueError, match=r"view: .* 'collection'; got 'matrix'\."):
        small().animate(tmp_path / "a.gif", "matrix")
    with pytest.raises(ValueError, match=r"path: must end with one of \.gif, \.mp4; got '.*\.avi'"):
        small().animate(tmp_path / "a.avi")
    with pytest.raises(ValueError, match=r"index, axis 2 of y: must be from -3 to 2; got 3\."):
        small().plot(3)


@pytest.mark.parametrize("shapes", [((0, 1, 2), (1, 1, 2)), ((1, 1, 2), (1, 0, 2))])
def test_what_is_empty_has_text_and_no_picture(shapes):
    explanation = tconv.explain(*map(np.ones, shapes))
    assert "axis 0: (2 - 1)*1 + 1*(2 - 1) + 1 - 0 - 0 + 0 = 3" in str(explanation)
    with pytest.raises(ValueError, match=r"x, w: a picture needs at least one sample and one cha"):
        explanation.plot()


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"need matplotlib\. Install it with: pip install"):
        small().plot()


@pytest.mark.parametrize("operands", ["complex", "floats", "letters", "three axes", "nan"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_kind_of_value_is_drawn(operands, view):
    rng = np.random.default_rng(0)
    explanation = {
        "complex": lambda: tconv.explain(
            rng.normal(size=(1, 1, 3)) + 1j, rng.normal(size=(1, 1, 2)) - 2j
        ),
        "floats": lambda: tconv.explain(
            1e6 * rng.normal(size=(1, 1, 2, 2)), 1e-9 * rng.normal(size=(1, 1, 2, 2))
        ),
        "letters": lambda: tconv.explain.sizes((2, 2), 3, stride=2),
        "three axes": lambda: tconv.explain.sizes((2, 2, 2), 2, stride=2),
        "nan": lambda: tconv.explain(np.array([[[np.nan, np.inf]]]), np.ones((1, 1, 2))),
    }[operands]()
    figure = explanation.plot(view=view).figure
    figure.draw_without_rendering()
