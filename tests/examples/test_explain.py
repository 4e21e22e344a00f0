import explain
import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """What the short form makes, and where."""
    folder = tmp_path_factory.mktemp("gallery")
    return explain.main(["--short", "--out", str(folder)]), folder


def test_the_values_of_the_five_cases(gallery):
    made, _ = gallery
    assert made["why"] == {(0, 0): 6, (0, 1): 12, (1, 1): 24}
    assert made["settings"] == {
        (1, 0): [[6, 14, 4], [2, 17, 21], [0, 1, 5]],
        (1, 1): [[17]],
        (2, 0): [[6, 2, 12, 4], [2, 10, 4, 20], [0, 0, 3, 1], [0, 0, 1, 5]],
        (2, 1): [[10, 4], [0, 3]],
    }
    assert made["lecture"] == [[2, 7, 4, -4, -2, 1], [2, 4, 1, 6, -3, 0, -1, -2, 1]]
    assert made["textbook"] == [[0, 0, 1], [0, 4, 6], [4, 12, 9]]


def test_every_picture_shows_something(gallery):
    _, folder = gallery
    for name in ("why", "settings", "lecture", "textbook"):
        with Image.open(folder / f"explain_{name}.png") as picture:
            levels = np.asarray(picture.convert("L"))
        assert 0.02 < (levels < 250).mean() < 0.9, name


def test_the_animations_go_by_input_and_by_output(gallery):
    made, _ = gallery
    counts = []
    for path in made["channels"]:
        with Image.open(path) as animation:
            counts.append(animation.n_frames)
    assert counts == [2 * 2 * 2, 3 * 3]  # channels and inputs; outputs


def test_the_answers_are_printed(tmp_path, capsys):
    explain.why(tmp_path / "why.png")
    printed = capsys.readouterr().out
    assert "\ny[0, 0] = x[0, 0]*w[1, 1] = 1*6 = 6\n" in printed
    assert "\ny[0, 1] = x[0, 0]*w[1, 2] + x[0, 1]*w[1, 0] = 1*7 + 1*5 = 12\n" in printed
