from pathlib import Path

import jax
import many_processes
import numpy as np
import pytest


@pytest.mark.long
def test_two_processes_end_with_the_losses_of_one(capsys, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    with jax.enable_x64(False):  # as in the processes that it starts
        found = many_processes.main(["--short", "--processes", "2"])
    # main asserts that the losses are equal; here: there is something to be equal, and learned.
    assert found["alone"][-1] < 0.99 * found["alone"][0]
    assert len(found["many"]) == len(found["alone"]) == 5
    assert "step   4: 2 processes" in capsys.readouterr().out


def test_a_network_that_forgets_its_neighbours_ends_elsewhere(monkeypatch):
    """Of shards as images of their own the losses differ by more than the example allows."""
    with jax.enable_x64(False):
        whole = many_processes.train(jax.devices()[:2], 32, 4, 3)
        for name in ("conv", "conv_transpose"):
            own = getattr(many_processes.tconv, name)
            monkeypatch.setattr(
                many_processes.sharded, name, lambda *a, mesh_axes, own=own, **k: own(*a, **k)
            )
        apart = many_processes.train(jax.devices()[:2], 32, 4, 3)
    assert not np.allclose(whole, apart, rtol=1e-4)
