"""Find the pixels that a camera did not have: super-resolution, with the blur known and unknown.

    python examples/super_resolution.py            # two minutes
    python examples/super_resolution.py --short    # seconds: a small picture, stride 2

A camera blurs and keeps every second or third pixel: one strided convolution A, here with a
slanted Gaussian as its kernel.  The large picture is the x with the least ``|A x - y|**2`` and
either ``|D x|**2`` of its differences (by conjugate gradients) or their lengths summed, the total
variation (by a primal-dual method whose steps are one over norms).  Bicubic interpolation, which
knows nothing of the blur, stands beside them.

Then the kernel is taken for unknown.  One photograph is known sharp: the kernel is the one whose
solution comes nearest to it, found by differentiating through the solve.  Another photograph
shows what the kernel is good for.

Source: Condat, "A Primal-Dual Splitting Method for Convex Optimization" (2013), algorithm 3.1;
Rudin, Osher and Fatemi, "Nonlinear Total Variation Based Noise Removal Algorithms" (1992).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pictures
from matplotlib.figure import Figure
from restoring import differences, photograph, psnr, tikhonov, tikhonov_on_jax, to_jax
from tqdm import tqdm

import tconv
from tconv.operators import Conv

NOISE = 0.002
SMOOTH, VARIATION = 1e-4, 5e-5  # what differences cost, squared and summed
TOLERANCE = 1e-5


def gaussian(size: int, along: float, across: float, degrees: float = 30) -> Any:
    """A Gaussian, (size, size), of sum 1, with two widths, the first so far from horizontal."""
    steps = np.arange(size) - (size - 1) / 2
    angle = np.deg2rad(degrees)
    u = np.cos(angle) * steps + np.sin(angle) * steps[:, None]
    v = np.cos(angle) * steps[:, None] - np.sin(angle) * steps
    values = np.exp(-((u / along) ** 2 + (v / across) ** 2) / 2)
    return values / values.sum()


def camera(kernel: Any, size: tuple[int, int], stride: int) -> Conv:
    """From a scene (1, *size) to its picture; each pixel sees the scene around its own middle."""
    padding = (len(kernel) - stride) // 2
    return Conv(kernel[None, None], size, stride=stride, padding=padding, padding_mode="replicate")


def bicubic(y: Any, size: tuple[int, int]) -> Any:
    """The picture enlarged by interpolation."""
    return tconv.interpolate(y[None], size=size, mode="bicubic")[0]


def variation_step(blur: Conv, change: Conv, y: Any, steps: Any, state: Any) -> Any:
    """One step towards the least ``|A x - y|**2 / 2 + VARIATION * sum |D x|``, on NumPy or JAX.

    x goes down the gradient; its dual u, which has a vector for each pixel, up, and is cut to
    length VARIATION.
    """
    x, u = state
    down, up = steps
    after = x - down * (blur.rmatvec(blur @ x - y) + change.rmatvec(u))
    u = u + up * (change @ (2 * after - x))
    library = u.__array_namespace__()
    lengths = library.sqrt((u**2).sum(axis=-3, keepdims=True))
    return after, u / library.maximum(lengths / VARIATION, library.ones_like(lengths))


def total_variation(blur: Conv, change: Conv, y: Any, count: int, advance: Any) -> Any:
    """The x after so many steps from the adjoint's."""
    up = 0.003
    # Condat's condition: 1 / down - up * |D|**2 >= |A|**2 / 2.
    down = 1 / (float(blur.norm()) ** 2 / 2 + up * float(change.norm()) ** 2)
    state = blur.rmatvec(y) / float(blur.norm()) ** 2, 0 * (change @ blur.rmatvec(y))
    for _ in tqdm(range(count), desc="total variation", leave=False):
        state = advance(blur, change, y, (down, up), state)
    return state[0]


@dataclass(frozen=True)
class Enlarged:
    """A scene, its picture, and what was made of it: name to image, by NumPy and by JAX."""

    scene: Any
    y: Any
    by_numpy: dict[str, Any]
    by_jax: dict[str, Any]


def enlarge(scene: Any, stride: int, count: int) -> Enlarged:
    """Take a picture and enlarge it again in three ways, on NumPy and on JAX."""
    size = scene.shape[-2:]
    blur = camera(true_kernel(stride), size, stride)
    change = differences(size)
    clean = blur @ scene
    y = clean + NOISE * np.random.default_rng(0).standard_normal(clean.shape)
    by_numpy = {
        "bicubic": bicubic(y, size),
        "least squares": tikhonov(blur, change, y, SMOOTH, TOLERANCE)[0],
        "total variation": total_variation(blur, change, y, count, variation_step),
    }
    blur, change, y32 = to_jax(blur), to_jax(change), jnp.asarray(y, jnp.float32)
    by_jax = {
        "bicubic": bicubic(y32, size),
        "least squares": tikhonov_on_jax(blur, change, y32, SMOOTH, TOLERANCE),
        "total variation": total_variation(blur, change, y32, count, jax.jit(variation_step)),
    }
    return Enlarged(scene, y, by_numpy, by_jax)


def true_kernel(stride: int) -> Any:
    """That of the camera: as many taps as leave its pixels in the middle of what they stand for."""
    return gaussian(10 + stride % 2, 2.4, 1.2)


def kernel_of(logits: Any) -> Any:
    """A kernel of positive taps and sum 1."""
    return jax.nn.softmax(logits.ravel()).reshape(logits.shape)


@dataclass(frozen=True)
class Found:
    """The kernels at the start, after the search, and the true one, and the loss at each step."""

    start: Any
    found: Any
    true: Any
    losses: Any

    @property
    def off(self) -> tuple[float, float]:
        """How far start and end are from the true one, relative to it."""
        size = np.linalg.norm(self.true)
        return tuple(float(np.linalg.norm(k - self.true) / size) for k in (self.start, self.found))


def find_kernel(scene: Any, stride: int, count: int) -> Found:
    """The kernel whose solution is nearest to a scene that is known."""
    size = scene.shape[-2:]
    true = true_kernel(stride)
    clean = camera(true, size, stride) @ scene
    noise = NOISE * np.random.default_rng(1).standard_normal(clean.shape)
    y, scene = (jnp.asarray(a, jnp.float32) for a in (clean + noise, scene))
    change = to_jax(differences(size))

    def loss(logits: Any) -> Any:
        blur = camera(kernel_of(logits), size, stride)
        return jnp.mean((tikhonov_on_jax(blur, change, y, SMOOTH, TOLERANCE) - scene) ** 2)

    start = gaussian(len(true), 2.0, 2.0)
    logits = jnp.asarray(np.log(start), jnp.float32)
    optimizer = optax.adam(0.1)
    state = optimizer.init(logits)
    slope, losses = jax.jit(jax.value_and_grad(loss)), []
    for _ in (bar := tqdm(range(count), desc="the kernel", unit="step")):
        value, gradient = slope(logits)
        updates, state = optimizer.update(gradient, state)
        logits = optax.apply_updates(logits, updates)
        losses.append(float(value))
        bar.set_postfix(loss=f"{losses[-1]:.2e}")
    return Found(start, np.asarray(kernel_of(logits), np.float64), true, losses)
