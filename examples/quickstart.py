"""Up-sample a real photograph with transposed convolutions, in NumPy and in JAX under jit.

    python examples/quickstart.py [--out FOLDER]

Prints a table of what was computed and how far the two backends differ, and writes
quickstart.png: the photograph before and after, and the checkerboard that a badly chosen
kernel makes beside a good one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import matplotlib
import numpy as np
from sklearn.datasets import load_sample_image
from tqdm import tqdm

import tconv
from tconv.testing import adjoint_residual

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def photograph() -> np.ndarray:
    """A real photograph that scikit-learn ships: (batch, channels, height, width) in 0..1."""
    pixels = load_sample_image("china.jpg")
    return (pixels.transpose(2, 0, 1)[None] / 255).astype(np.float32)


def upsample(image: Any, factor: int) -> Any:
    """Bilinear up-sampling: every pixel scatters a little tent, each channel on its own.

    The edge pixels are repeated once around the picture, and the padding crops what they
    scatter, so that the border keeps its brightness.
    """
    return tconv.conv_transpose(edge_padded(image), tent(factor), **geometry(factor))


def tent(factor: int) -> np.ndarray:
    """The depthwise bilinear kernel for three channels."""
    return tconv.bilinear_kernel(3, 2 * factor - factor % 2, groups=3)


def geometry(factor: int) -> dict[str, int]:
    """The parameters of ``upsample``: its crop is one input pixel and half a kernel."""
    return {"stride": factor, "padding": factor + factor // 2, "groups": 3}


def edge_padded(image: Any) -> Any:
    """The image with its edge pixels repeated once on every side."""
    width = ((0, 0), (0, 0), (1, 1), (1, 1))
    return image.__array_namespace__().pad(image, width, mode="edge")


def decode(weights: list[np.ndarray], latent: Any) -> Any:
    """A small decoder: two layers that double the size, one that keeps it."""
    x = latent
    for w in weights[:-1]:
        x = tconv.conv_transpose2d(x, w, stride=2, padding=1).clip(0)
    return tconv.conv_transpose2d(x, weights[-1], padding=1)


def random_weights() -> list[np.ndarray]:
    """Weights (in_channels, out_channels, 4, 4), (.., 4, 4), (.., 3, 3) for ``decode``."""
    rng = np.random.default_rng(0)
    shapes = [(3, 32, 4, 4), (32, 16, 4, 4), (16, 3, 3, 3)]
    return [rng.normal(0, 0.1, shape).astype(np.float32) for shape in shapes]


def timed(function: Callable[[Any], Any], argument: Any) -> tuple[Any, float]:
    """The result, and the best of three times in milliseconds after one call to warm up."""
    result = jax.block_until_ready(function(argument))
    times = []
    for _ in range(3):
        start = time.perf_counter()
        jax.block_until_ready(function(argument))
        times.append(time.perf_counter() - start)
    return result, 1e3 * min(times)


def compare(name: str, function: Callable[[Any], Any], x: np.ndarray, residual: float) -> str:
    """One row of the table: the same function on NumPy and, compiled, on JAX."""
    by_numpy, numpy_ms = timed(function, x)
    by_jax, jax_ms = timed(jax.jit(function), jax.numpy.asarray(x))
    difference = np.abs(by_numpy - np.asarray(by_jax)).max()
    sizes = "{}x{}x{} -> {}x{}x{}".format(*x.shape[1:], *by_numpy.shape[1:])
    return f"{name:16}{sizes:30}{numpy_ms:9.1f}{jax_ms:9.1f}{difference:12.1e}{residual:12.1e}"


def residual_of(x: np.ndarray, w: np.ndarray, **parameters: Any) -> float:
    """How far <conv(y), x> and <y, conv_transpose(x)> are apart, relative to their terms."""
    y = np.random.default_rng(1).normal(size=tconv.conv_transpose(x, w, **parameters).shape)
    forward = partial(tconv.conv, w=w, **parameters)
    transposed = partial(tconv.conv_transpose, w=w, **parameters)
    return float(adjoint_residual(forward, transposed, x, y.astype(x.dtype)))


def boxed(image: np.ndarray, kernel_size: int) -> np.ndarray:
    """The image doubled by equal taps that keep the mean brightness, without its border."""
    taps = np.full((3, 1, kernel_size, kernel_size), 4 / kernel_size**2, np.float32)
    return tconv.conv_transpose(image, taps, stride=2, padding=2, groups=3)


def picture(path: Path, image: np.ndarray) -> None:
    """Before, after 2x and 3x, and the photograph through a bad and a good kernel."""
    crop = image[:, :, 190:254, 210:290]
    detail = crop[:, :, 10:40, 20:58]
    panels = [
        (f"before: {crop.shape[2]} x {crop.shape[3]}", crop),
        ("2x, bilinear kernel", upsample(crop, 2)),
        ("3x, bilinear kernel", upsample(crop, 3)),
        ("a detail, before", detail),
        (
            "kernel 3, stride 2, equal taps:\n1, 2 or 4 taps a pixel, a checkerboard",
            boxed(detail, 3),
        ),
        ("kernel 4, stride 2, equal taps:\n4 taps a pixel, none", boxed(detail, 4)),
    ]
    figure, grid = plt.subplots(2, 3, figsize=(12, 7.2), layout="constrained")
    for axes, (title, pixels) in zip(grid.flat, panels, strict=True):
        axes.imshow(pixels[0].transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
        axes.set_title(title, fontsize=11)
        axes.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="tconv in one minute")
    parser.add_argument("--out", type=Path, default=Path("examples/output"))
    out = parser.parse_args().out

    image = photograph()
    weights = random_weights()
    steps = [
        (
            f"upsample {factor}x",
            partial(upsample, factor=factor),
            image,
            residual_of(image, tent(factor), **geometry(factor)),
        )
        for factor in (2, 3)
    ]
    thumbnail = np.ascontiguousarray(image[:, :, ::8, ::8])
    residual = residual_of(thumbnail, weights[0], stride=2, padding=1)
    steps.append(("random decoder", partial(decode, weights), thumbnail, residual))

    rows = [compare(*step) for step in tqdm(steps, desc="computing", leave=False)]
    print(f"{'':16}{'shape':30}{'NumPy ms':>9}{'JAX ms':>9}{'difference':>12}{'adjoint':>12}")
    print("\n".join(rows))
    picture(out / "quickstart.png", image)
    print(f"wrote {out / 'quickstart.png'}")


if __name__ == "__main__":
    main()
