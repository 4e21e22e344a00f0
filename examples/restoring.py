"""What the examples that restore pictures share: photographs, the operators, and the measure."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from scipy.sparse.linalg import cg
from sklearn.datasets import load_sample_image

from tconv.operators import Conv


def photograph(name: str) -> Any:
    """``"china"`` or ``"flower"``, which scikit-learn ships: (3, 1, height, width) in [0, 1]."""
    return load_sample_image(f"{name}.jpg").transpose(2, 0, 1)[:, None] / 255


def psnr(image: Any, scene: Any) -> float:
    """Peak signal-to-noise ratio in decibels, of values in [0, 1]."""
    return float(-10 * np.log10(np.mean((np.asarray(image) - scene) ** 2)))


def differences(
    input_size: tuple[int, ...],
    *,
    batch: int | tuple[int, ...] = (),
    padding_mode: str = "replicate",
) -> Conv:
    """To the next row and to the next column, (2, height, width) of each image (1, height, width).

    The last ones have the next that ``padding_mode`` puts there: with ``"replicate"`` itself.
    """
    w = np.zeros((2, 1, 2, 2))
    w[0, 0, :, 0] = w[1, 0, 0, :] = -1, 1
    border = ((0, 1), (0, 1))
    return Conv(w, input_size, batch=batch, padding=border, padding_mode=padding_mode)


def tikhonov(blur: Conv, change: Conv, y: Any, weight: float, tolerance: float = 1e-6) -> Any:
    """The x with the least ``|A x - y|**2 + weight * |D x|**2``, and the iterations that it took.

    A is the blur and D the change; x solves the normal equations, ``(A.H A + weight * D.H D) x =
    A.H y``, here by SciPy's conjugate gradients.
    """
    iterations = 0

    def count(_: Any) -> None:
        nonlocal iterations
        iterations += 1

    normal = blur.gram.to_scipy() + weight * change.gram.to_scipy()
    x, short = cg(normal, blur.rmatvec(y).ravel(), rtol=tolerance, callback=count)
    assert not short, "conjugate gradients did not reach the tolerance"
    return x.reshape(blur.dims), iterations


@jax.jit
def tikhonov_on_jax(
    blur: Conv, change: Conv, y: Any, weight: float, tolerance: float = 1e-6
) -> Any:
    """That x by JAX's: differentiable in y and in the weight of the blur, which is a pytree."""

    def normal(x: Any) -> Any:
        return blur.gram @ x + weight * (change.gram @ x)

    return jax.scipy.sparse.linalg.cg(normal, blur.rmatvec(y), tol=tolerance)[0]


def to_jax(operator: Conv) -> Conv:
    """The operator with its weight in JAX and in float32."""
    return operator.of_weight(jax.numpy.asarray(operator.w, jax.numpy.float32))
