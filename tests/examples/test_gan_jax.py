import digits
import gan_jax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_is_pytorchs(training):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 3, 4, 4))
    scale, shift, mean, variance = rng.uniform(0.5, 2, (4, 3))
    module = torch.nn.BatchNorm2d(3).double().train(training)
    with torch.no_grad():
        names = ("weight", "bias", "running_mean", "running_var")
        for name, value in zip(names, (scale, shift, mean, variance), strict=True):
            getattr(module, name).copy_(torch.from_numpy(value))
        expected = module(torch.from_numpy(x)).numpy()

    def column(v):
        return jnp.asarray(v.reshape(1, 3, 1, 1))

    params = {"scale": column(scale), "shift": column(shift)}
    kept = (column(mean), column(variance))
    y, (new_mean, new_variance) = gan_jax.batch_norm(params, kept, jnp.asarray(x), training)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(new_mean.ravel(), module.running_mean.numpy(), rtol=1e-12)
    batch_variance = x.var(axis=(0, 2, 3))  # PyTorch follows the unbiased one, the paper this
    followed = 0.9 * variance + 0.1 * batch_variance if training else variance
    np.testing.assert_allclose(new_variance.ravel(), followed, rtol=1e-12)


def test_leaky_relu_is_pytorchs():
    x = np.linspace(-2, 2, 9)
    expected = torch.nn.functional.leaky_relu(torch.from_numpy(x), 0.2).numpy()
    np.testing.assert_array_equal(gan_jax.leaky_relu(jnp.asarray(x)), expected)


def test_it_moves_towards_the_digits_in_its_short_form(tmp_path):
    with jax.numpy_dtype_promotion("standard"):  # optax multiplies floats by its int count
        figures = gan_jax.main(["--short", "--out", str(tmp_path)])
    assert figures["losses"].shape == (2, 2)
    assert np.isfinite(figures["losses"]).all()
    assert figures["digits held out"]["read right"] > 0.95
    assert figures["untrained"]["read right"] < 0.2
    # 44 steps: not legible yet, but nearer to the data and less alike.
    assert figures["trained"]["novelty"] < figures["untrained"]["novelty"] - 0.3
    assert figures["trained"]["spread"] > 2 * figures["untrained"]["spread"]
    for name in ("epoch_001.png", "epoch_002.png", "gan_jax.png"):
        assert (tmp_path / name).stat().st_size > 1_000


def test_the_measures_of_samples():
    """A copy is not new, one image over and over is not spread, one class has no entropy."""
    data, held_out = digits.load()
    assert digits.novelty(data.images[:5], data.images) == pytest.approx(0, abs=1e-6)
    assert digits.novelty(held_out.images[:5], data.images) > 0.1
    same = digits.Digits(np.repeat(data.images[:1], 4, axis=0), np.zeros(4, int))
    assert digits.spread(same) == 0
    assert digits.entropy_bits(np.arange(10)) == pytest.approx(np.log2(10))
    assert digits.entropy_bits(np.full(7, 3)) == 0
