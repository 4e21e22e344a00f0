import deblurring
import numpy as np
import pytest
import restoring

from tconv.operators import Conv


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the short form prints, and where it draws."""
    folder = tmp_path_factory.mktemp("deblurring")
    return deblurring.main(["--short", "--out", str(folder)]), folder


def test_the_closed_form_and_conjugate_gradients_agree(found):
    torus = found[0]["torus"]
    # main asserts the bound; here: it means something, and the picture became better.
    assert torus.bound < 1e-4
    assert torus.restored > torus.blurred + 3


def test_a_border_that_goes_on_beats_zeros(found):
    decibels = found[0]["decibels"]
    border, inside = zip(
        *(decibels[name] for name in ("zeros", "replicate", "unknown")), strict=True
    )
    assert border[0] + 6 < border[1] < border[2]
    assert inside[0] + 6 < inside[1] < inside[2]
    assert decibels["blurred"][0] < border[1]
    np.testing.assert_allclose(decibels["replicate, JAX"], decibels["replicate"], atol=0.1)
    assert (found[1] / "deblurring.png").stat().st_size > 10_000


def test_the_closed_form_solves_the_normal_equations():
    """Against the matrices of both operators; a kernel without symmetry shows every flip."""
    rng = np.random.default_rng(0)
    w = rng.standard_normal((1, 1, 3, 3))
    blur = Conv(w, (6, 5), batch=2, padding=1, padding_mode="circular")
    change = restoring.differences((6, 5), batch=2, padding_mode="circular")
    y = rng.standard_normal(blur.dimsd)
    a, d = (operator.to_sparse().toarray() for operator in (blur, change))
    expected = np.linalg.solve(a.T @ a + 0.1 * d.T @ d, a.T @ y.ravel())
    found = deblurring.closed_form(blur, change, y, 0.1)
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-10, atol=1e-10)


def test_differences_are_those_to_the_next_pixel():
    image = np.arange(12.0).reshape(1, 3, 4) ** 2
    down, right = restoring.differences((3, 4)) @ image
    np.testing.assert_array_equal(down[:-1], np.diff(image[0], axis=0))
    np.testing.assert_array_equal(right[:, :-1], np.diff(image[0], axis=1))
    assert not down[-1].any()
    assert not right[:, -1].any()


def test_the_strip_is_as_wide_as_the_kernel():
    scene = np.zeros((1, 1, 30, 30))
    image = scene.copy()
    image[..., 8, 8] = 1.0  # the last pixel of the strip's corner
    border, inside = deblurring.errors_by_distance(image, scene)[[8, 9]]
    assert border > inside == 0
    image[..., 9:21, 9:21] = 0.1
    assert deblurring.strip_and_inside(image, scene)[1] == pytest.approx(20)


def test_psnr_is_in_decibels_of_the_peak():
    assert restoring.psnr(np.full((4, 4), 0.6), np.full((4, 4), 0.5)) == pytest.approx(20)
