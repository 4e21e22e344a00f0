import jax
import numpy as np
import pytest

pytest.importorskip("flax", reason="one of the models is flax's")
pytest.importorskip("equinox", reason="one of the models is equinox's")

import speed_up_your_model


def test_both_layers_learn_the_same_in_its_short_form(tmp_path, capsys):
    with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by its int count
        races = speed_up_your_model.main(["--short", "--out", str(tmp_path)])
    assert len(races) == 2
    for found in races.values():
        assert np.isfinite(found.losses).all()
        # The two batches take turns: each is cleaned or drawn better when it comes again.
        assert (found.losses[:, 2:] < found.losses[:, :2]).all()
        assert (found.seconds > 0).all()
    assert "times" in capsys.readouterr().out
    assert (tmp_path / "speed_up_your_model.png").stat().st_size > 10_000


def test_what_a_race_found():
    losses = np.array([[2.0, 1.0, 4.0], [2.0, 1.5, 4.0]])
    seconds = np.array([[9.0, 0.002, 0.002], [9.0, 0.001, 0.001]])
    found = speed_up_your_model.Race(losses, seconds, (None, None), None, None)
    np.testing.assert_allclose(found.differences, (0, 0.5, 0))
    np.testing.assert_allclose(found.milliseconds, (2.0, 1.0))


def test_patches_are_pieces_of_photographs():
    pieces = speed_up_your_model.patches(4, 8)
    assert pieces.shape == (4, 8, 8, 3)
    assert pieces.dtype == np.float32
    assert 0 <= pieces.min() < pieces.max() <= 1
