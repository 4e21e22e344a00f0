import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sparse_coding


def test_learned_atoms_code_another_photograph_better(tmp_path):
    with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by its int count
        found = sparse_coding.main(["--short", "--out", str(tmp_path)])
    objectives = [row.objective for row in found["history"]]
    assert objectives == sorted(objectives, reverse=True)
    untrained, learned = found["untrained"], found["learned"]
    assert learned.objective < 0.95 * untrained.objective
    assert learned.missed < untrained.missed
    assert (tmp_path / "sparse_coding.png").stat().st_size > 10_000


def test_fista_ends_where_the_optimality_conditions_hold():
    """The slope is -PENALTY * sign(z) where z is not zero, and no larger than PENALTY elsewhere."""
    keys = jax.random.split(jax.random.key(1))
    x = 3 * jax.random.normal(keys[0], (2, 1, 12, 12))
    shape = (4, 1, sparse_coding.KERNEL, sparse_coding.KERNEL)
    synthesis = sparse_coding.dictionary(sparse_coding.unit(jax.random.normal(keys[1], shape)), x)
    z = sparse_coding.fista(synthesis, x, jnp.zeros(synthesis.dims), 3000)
    slope = np.asarray(synthesis.rmatvec(synthesis @ z - x))
    used = np.asarray(z) != 0
    assert 0.02 < used.mean() < 0.9
    penalty = sparse_coding.PENALTY
    np.testing.assert_allclose(slope[used], -penalty * np.sign(z)[used], atol=1e-6 * penalty)
    assert np.abs(slope[~used]).max() < penalty * (1 + 1e-6)


def test_atoms_have_length_1():
    atoms = sparse_coding.unit(jnp.arange(1.0, 19.0).reshape(2, 1, 3, 3))
    np.testing.assert_allclose(np.sqrt((atoms**2).sum(axis=(1, 2, 3))), 1, rtol=1e-12)


def test_shrinking_is_the_proximal_step():
    """Of all v on a grid ``|v - z|**2 / 2 + |v|`` is least at the shrunken z."""
    grid = np.linspace(-3, 3, 6001)
    for z in (-2.5, -0.7, 0.0, 0.3, 1.9):
        least = grid[np.argmin((grid - z) ** 2 / 2 + np.abs(grid))]
        assert float(sparse_coding.shrink(jnp.asarray(z), 1.0)) == pytest.approx(least, abs=1e-3)


def test_pieces_are_even():
    pieces = np.asarray(sparse_coding.pieces("flower", 6, 16))
    assert pieces.shape == (6, 1, 16, 16)
    assert np.abs(pieces.mean(axis=(1, 2, 3))).max() < 0.5 < pieces.std()
