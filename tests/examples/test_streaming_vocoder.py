import numpy as np
import streaming_vocoder as vocoder


def test_chunks_give_the_samples_of_the_whole(capsys):
    found = vocoder.main(["--short"])
    # main asserts that both ways in chunks are as near to float64 as the whole; here: it is near.
    assert found["off"] < 1e-5
    assert found["context"] == (5, 5)
    assert 0 < found["delay"] < 5 * vocoder.HOP
    assert "delay of the streams: 1152 samples" in capsys.readouterr().out


def test_a_stage_more_than_the_geometry_asks_for_is_seen():
    """A delay of one sample more shifts the signal, and the comparison of the example sees that."""
    stage = vocoder.later(1, 2, 0)
    x = np.arange(5, dtype=np.float32).reshape(1, 1, 5)
    state, y = stage.step(stage.init(1), x)
    np.testing.assert_array_equal(y[0, 0], [0, 0, 0, 1, 2])
    np.testing.assert_array_equal(stage.flush(state)[0, 0], [3, 4])
    assert stage.delay == 2
