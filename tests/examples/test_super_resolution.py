import jax
import jax.numpy as jnp
import numpy as np
import pytest
import restoring
import super_resolution


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the short form prints, and where it draws."""
    folder = tmp_path_factory.mktemp("super_resolution")
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):  # as a user has JAX
        return super_resolution.main(["--short", "--out", str(folder)]), folder


@pytest.mark.long
def test_both_ways_beat_bicubic_on_both_backends(found):
    decibels = found[0]["decibels"]
    for name in ("least squares", "total variation"):
        by_numpy, by_jax = decibels[name, 2]
        assert by_numpy > decibels["bicubic", 2][0] + 2
        assert by_jax == pytest.approx(by_numpy, abs=0.05)
    assert (found[1] / "super_resolution.png").stat().st_size > 10_000


def test_the_search_for_the_kernel_goes_the_right_way(found):
    """Eight steps on a small scene do not find its form, but what serves better on another."""
    losses = found[0]["found"].losses
    assert losses[-1] < losses[0]
    of_kernel = found[0]["of kernel"]
    assert of_kernel["start"] + 1 < of_kernel["found"]


@pytest.mark.parametrize("library", ["PyLops", "lineax"])
def test_other_libraries_solve_the_same_equations(found, library):
    pytest.importorskip(library.lower(), reason=f"{library} is an optional package")
    assert found[0]["elsewhere"][library] < 0.01


@pytest.mark.parametrize("stride", [2, 3])
def test_a_pixel_sees_the_middle_of_what_it_stands_for(stride):
    """Of a ramp the camera makes the means of stride pixels, where no border is near."""
    ramp = np.arange(48.0) + np.zeros((1, 48, 1))
    kernel = super_resolution.true_kernel(stride)
    y = super_resolution.camera(kernel, (48, 48), stride) @ ramp
    means = ramp.reshape(1, 48 // stride, stride, 48 // stride, stride).mean(axis=(2, 4))
    np.testing.assert_allclose(y[..., 3:-3, 3:-3], means[..., 3:-3, 3:-3], rtol=1e-12)


def test_the_slope_through_the_solve_is_that_of_differences():
    """In float64, along a random direction of the kernel."""
    rng = np.random.default_rng(0)
    change = restoring.differences((12, 12))
    change = change.of_weight(jnp.asarray(change.w))
    y, scene = (jnp.asarray(rng.random((1, n, n))) for n in (6, 12))
    logits, direction = (jnp.asarray(rng.standard_normal((4, 4))) for _ in range(2))

    def loss(step):
        kernel = super_resolution.kernel_of(logits + step * direction)
        blur = super_resolution.camera(kernel, (12, 12), 2)
        x = restoring.tikhonov_on_jax(blur, change, y, 1e-2, 1e-12)
        return ((x - scene) ** 2).mean()

    slope, size = jax.grad(loss)(0.0), 1e-4
    # The cubic term of the difference is about the square of its step.
    assert slope == pytest.approx(float(loss(size) - loss(-size)) / (2 * size), rel=1e-5)


@pytest.mark.long
def test_total_variation_comes_to_its_optimum():
    """x leaves the sum of data term and variation no lower, whichever way a little is changed."""
    rng = np.random.default_rng(1)
    blur = super_resolution.camera(super_resolution.gaussian(4, 1.0, 0.7), (8, 8), 2)
    change = restoring.differences((8, 8))
    y = rng.random(blur.dimsd)
    x = super_resolution.total_variation(blur, change, y, np.zeros(blur.dims), 5000)

    def objective(x):
        lengths = np.sqrt(((change @ x) ** 2).sum(axis=-3))
        return ((blur @ x - y) ** 2).sum() / 2 + super_resolution.VARIATION * lengths.sum()

    least = objective(x)
    for size in (1e-3, 1e-1):
        for _ in range(50):
            assert objective(x + size * rng.standard_normal(x.shape)) > least
    assert objective(blur.T @ y) > 2 * least


def test_what_is_not_installed_is_passed_over(monkeypatch):
    monkeypatch.setattr(super_resolution, "find_spec", lambda name: None)
    y = np.zeros((1, 8, 8))
    enlarged = super_resolution.Enlarged(None, y, {"least squares": np.zeros((1, 16, 16))}, {})
    assert super_resolution.elsewhere(enlarged, 2) == {"PyLops": None, "lineax": None}
