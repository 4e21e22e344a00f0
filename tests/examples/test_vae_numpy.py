import jax
import jax.numpy as jnp
import numpy as np
import vae_numpy


def test_the_gradient_is_jaxs():
    rng = np.random.default_rng(3)
    parameters = vae_numpy.initial_parameters(rng, np.float64)
    for value in parameters.values():
        value += 0.1 * rng.standard_normal(value.shape)  # biases at work, no ReLU at exactly 0
    images = rng.random((4, 1, 8, 8))
    noise = rng.standard_normal((4, vae_numpy.CODE, 1, 1))
    loss, record = vae_numpy.forward(parameters, images, noise)
    gradient = vae_numpy.backward(record)

    def by_jax(parameters):
        return vae_numpy.forward(parameters, images, noise, jnp)[0]

    expected_loss, expected = jax.jit(jax.value_and_grad(by_jax))(
        jax.tree.map(jnp.asarray, parameters)
    )
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-12)
    assert gradient.keys() == parameters.keys()
    for name, slope in gradient.items():
        assert slope.dtype == np.float64
        assert slope.shape == parameters[name].shape
        # Float64 sums of under 1e4 terms; measured against the largest entry, for entries cancel.
        size = np.abs(expected[name]).max()
        assert size > 1e-4, name
        np.testing.assert_allclose(slope, expected[name], rtol=0, atol=1e-11 * size, err_msg=name)


def test_the_gradient_is_the_slope_of_the_loss():
    rng = np.random.default_rng(4)
    parameters = vae_numpy.initial_parameters(rng, np.float64)
    images = rng.random((2, 1, 8, 8))
    noise = rng.standard_normal((2, vae_numpy.CODE, 1, 1))
    direction = {name: rng.standard_normal(p.shape) for name, p in parameters.items()}

    def along(step):
        moved = {name: p + step * direction[name] for name, p in parameters.items()}
        return vae_numpy.forward(moved, images, noise)[0]

    gradient = vae_numpy.backward(vae_numpy.forward(parameters, images, noise)[1])
    slope = sum((gradient[name] * direction[name]).sum() for name in parameters)
    step = 1e-6
    np.testing.assert_allclose((along(step) - along(-step)) / (2 * step), slope, rtol=1e-5)


def test_adam_takes_the_first_step_by_the_sign_of_the_gradient():
    parameters = {"a": np.array([1.0, 1.0, 1.0])}
    adam = vae_numpy.Adam(parameters, rate=0.1)
    adam.step(parameters, {"a": np.array([5.0, -0.01, 0.0])})
    np.testing.assert_allclose(parameters["a"], [0.9, 1.1, 1.0], rtol=1e-5)


def test_it_learns_in_its_short_form(tmp_path):
    figures = vae_numpy.main(["--short", "--out", str(tmp_path)])
    losses = figures["losses"]
    assert losses == sorted(losses, reverse=True)
    (loss_before, _, right_before), (loss_after, _, right_after) = (
        figures["untrained"],
        figures["trained"],
    )
    assert loss_after < loss_before / 1.5
    assert loss_after < figures["blind"][0]  # better than the best constant image
    assert right_before < 0.25
    assert right_after > 0.4
    assert (tmp_path / "vae_numpy.png").stat().st_size > 10_000
