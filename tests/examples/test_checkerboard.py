import checkerboard
import numpy as np
import pytest


def test_the_remedies_even_out_a_flat_surface(tmp_path, capsys):
    figures = checkerboard.main(["--short", "--out", str(tmp_path)])
    single, average = figures["single"], figures["average"]
    # Uneven coverage stays when many generators are averaged, an uneven draw does not.
    assert single["kernel 3, stride 2"] > 1
    assert average["kernel 3, stride 2"] > 1
    assert average["kernel 4, stride 2"] < single["kernel 4, stride 2"] < 1
    assert average["kernel 4, stride 2"] < 0.2
    # Every output sums the same weights over equal pixels: rounding alone is left.
    assert single["resize, then kernel 3"] < 1e-12
    assert (tmp_path / "checkerboard.png").stat().st_size > 10_000
    assert "     4       3           1.69" in capsys.readouterr().out


def test_unevenness_is_relative():
    image = np.full((1, 1, 64, 64), 2.0)
    assert checkerboard.unevenness(image) == 0
    image[..., 0, 0] = 9.0  # the border does not count
    assert checkerboard.unevenness(image) == 0
    image[..., ::2] *= 3
    assert checkerboard.unevenness(image) == pytest.approx(4 / 4)
