"""Deblur a photograph: where the Fourier transform does it in closed form, and at a real border.

    python examples/deblurring.py            # a minute
    python examples/deblurring.py --short    # seconds: a small picture

A blur is a convolution, and the sharp picture is the x with the least ``|A x - y|**2`` plus a
little of its differences squared, which conjugate gradients find with ``A`` and its adjoint
alone.  Where the picture is a torus (``padding_mode="circular"``) the Fourier transform solves
the same equations by division, and the two must agree.  A camera's picture is no torus: the
scene goes on beyond the frame, and what is out there has been blurred into it.  What A takes to
be there decides how much of the border is lost.

Source: Hansen, Nagy and O'Leary, "Deblurring Images" (2006), chapters 3 and 4; taking what is
beyond the frame for unknown is from Almeida and Figueiredo, "Deconvolving Images With Unknown
Boundaries Using the Alternating Direction Method of Multipliers" (2013).
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pictures
from matplotlib.figure import Figure
from restoring import differences, photograph, psnr, tikhonov, tikhonov_on_jax, to_jax
from tqdm import tqdm

from tconv.operators import Conv

RADIUS, NOISE, WEIGHT = 4, 0.003, 1e-3
TOP, LEFT = 110, 176  # of the frame in the photograph
# What is beyond the border.  The last takes it for a part of the scene that is to be found, too.
MODES = ("circular", "zeros", "reflect", "replicate")
UNKNOWN = "unknown"


def disk(radius: int) -> Any:
    """The blur of a lens out of focus, (1, 1, kernel, kernel), of sum 1."""
    steps = np.arange(-radius, radius + 1)
    inside = (steps[:, None] ** 2 + steps**2 <= (radius + 0.25) ** 2).astype(np.float64)
    return (inside / inside.sum())[None, None]


def noisy(image: Any) -> Any:
    """The image with the noise of a sensor."""
    return image + NOISE * np.random.default_rng(0).standard_normal(image.shape)


def transfer(operator: Conv) -> Any:
    """What a circular operator of stride 1 multiplies each frequency by: the transform of what
    it makes of a single 1."""
    impulse = np.zeros(operator.dims)
    impulse[..., 0, 0] = 1
    return np.fft.fft2(operator @ impulse)


def eigenvalues(blur: Conv, change: Conv, weight: float) -> Any:
    """What the normal equations multiply each frequency by."""
    changes = (np.abs(transfer(change)) ** 2).sum(axis=-3, keepdims=True)
    return np.abs(transfer(blur)) ** 2 + weight * changes


def closed_form(blur: Conv, change: Conv, y: Any, weight: float) -> Any:
    """``tikhonov`` of circular operators: the normal equations, frequency by frequency."""
    right = np.conj(transfer(blur)) * np.fft.fft2(y)
    return np.fft.ifft2(right / eigenvalues(blur, change, weight)).real


@dataclass(frozen=True)
class Torus:
    """A scene blurred round the corner and restored: PSNR before and after, how far both ways are
    apart and may be, the iterations of the one, and the norm of the blur by both."""

    blurred: float
    restored: float
    apart: float
    bound: float
    iterations: int
    norm: float
    largest: float


def on_a_torus(scene: Any) -> Torus:
    """A circular blur, undone by conjugate gradients and by the Fourier transform."""
    size, images, tolerance = scene.shape[-2:], len(scene), 1e-8
    blur = Conv(disk(RADIUS), size, batch=images, padding=RADIUS, padding_mode="circular")
    change = differences(size, batch=images, padding_mode="circular")
    y = noisy(blur @ scene)
    exact = closed_form(blur, change, y, WEIGHT)
    found, iterations = tikhonov(blur, change, y, WEIGHT, tolerance)
    # The residual is at most that share of the right-hand side, of which the largest eigenvalue
    # makes a share of the solution, and the smallest one an error.
    values = eigenvalues(blur, change, WEIGHT)
    return Torus(
        blurred=psnr(y, scene),
        restored=psnr(found, scene),
        apart=float(np.linalg.norm(found - exact) / np.linalg.norm(exact)),
        bound=tolerance * float(values.max() / values.min()),
        iterations=iterations,
        norm=blur.norm(),
        largest=float(np.abs(transfer(blur)).max()),
    )


def world_of(y: Any, mode: str) -> tuple[Conv, Conv]:
    """The blur that made y of a scene, if ``mode`` says what is beyond the border, and the
    differences of that scene."""
    height, width = y.shape[-2:]
    if mode == UNKNOWN:  # the scene is larger than y, each pixel of which sees a whole window
        blur = Conv(disk(RADIUS), (height + 2 * RADIUS, width + 2 * RADIUS), batch=len(y))
    else:
        blur = Conv(disk(RADIUS), (height, width), batch=len(y), padding=RADIUS, padding_mode=mode)
    return blur, differences(blur.input_size, batch=len(y))


def in_the_frame(image: Any, y: Any) -> Any:
    """The middle of an image, of the size of y."""
    top, left = ((a - b) // 2 for a, b in zip(image.shape[-2:], y.shape[-2:], strict=True))
    return image[..., top : top + y.shape[-2], left : left + y.shape[-1]]


def strip_and_inside(image: Any, scene: Any) -> tuple[float, float]:
    """The PSNR of the pixels that are nearer to the border than a kernel, and of the others."""
    width = 2 * RADIUS + 1
    inside = np.zeros(scene.shape, bool)
    inside[..., width:-width, width:-width] = True
    return psnr(image[~inside], scene[~inside]), psnr(image[inside], scene[inside])


def errors_by_distance(image: Any, scene: Any) -> Any:
    """Root mean square error of the pixels so far from the border: 0, 1, 2, ..."""
    height, width = scene.shape[-2:]
    down, right = np.arange(height)[:, None], np.arange(width)
    distance = np.minimum(np.minimum(down, height - 1 - down), np.minimum(right, width - 1 - right))
    squares = ((image - scene) ** 2).mean(axis=(0, 1))
    return np.sqrt(np.bincount(distance.ravel(), squares.ravel()) / np.bincount(distance.ravel()))


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="a picture of 32 x 32")
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "output")
    chosen = options.parse_args(argv)

    side = 32 if chosen.short else 128
    end = side + 2 * RADIUS
    world = photograph("china")[..., TOP - RADIUS :, LEFT - RADIUS :][..., :end, :end]
    scene = world[..., RADIUS:-RADIUS, RADIUS:-RADIUS]
    torus = on_a_torus(scene)
    assert torus.apart <= torus.bound, torus
    assert abs(torus.norm - torus.largest) <= 1e-12, torus
    y = noisy(Conv(disk(RADIUS), (end, end), batch=3) @ world)
    found = {}
    for mode in tqdm((*MODES, UNKNOWN), desc="deblurring", unit="border"):
        image, iterations = tikhonov(*world_of(y, mode), y, WEIGHT, 1e-5)
        found[mode] = in_the_frame(image, y), iterations
    on_jax = map(to_jax, world_of(y, "replicate"))
    by_jax = np.asarray(tikhonov_on_jax(*on_jax, y.astype(np.float32), WEIGHT, 1e-5))

    report(torus)
    rows = {"blurred": (y, "")} | found | {"replicate, JAX": (by_jax, "")}
    decibels = {name: strip_and_inside(image, scene) for name, (image, _) in rows.items()}
    print(f"{'PSNR, dB':16} {'border strip':>12} {'inside':>8} {'iterations':>11}")
    for name, (border, inside) in decibels.items():
        print(f"{name:16} {border:12.2f} {inside:8.2f} {rows[name][1]:>11}")
    picture = chosen.out / "deblurring.png"
    draw({name: image for name, (image, _) in rows.items()}, scene, picture)
    print(f"drawn in {picture}")
    return {"torus": torus, "decibels": decibels}


def report(torus: Torus) -> None:
    """How near conjugate gradients are to the closed form."""
    print(f"\non a torus: {torus.blurred:.2f} dB blurred, {torus.restored:.2f} dB restored")
    print(f"conjugate gradients, {torus.iterations} iterations, and the closed form of the Fourier")
    print(f"transform differ by {torus.apart:.1e}, where {torus.bound:.1e} is allowed\n")


def draw(images: dict[str, Any], scene: Any, path: Path) -> None:
    """The pictures by what was taken to be beyond the border, and the errors there."""
    figure = Figure(figsize=(13, 6.9), layout="constrained")
    grid = figure.add_gridspec(2, 4)
    shown = ("blurred", "circular", "zeros", "replicate", UNKNOWN)
    panels = {"the scene in the frame": scene} | {name: images[name] for name in shown}
    for place, (name, image) in zip(
        itertools.product((0, 1), range(4)), panels.items(), strict=False
    ):
        axes = figure.add_subplot(grid[place])
        axes.imshow(image[:, 0].transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
        title = f"{name} beyond the border" if name in (*MODES, UNKNOWN) else name
        if image is not scene:
            border, inside = strip_and_inside(image, scene)
            title += f"\nborder {border:.1f} dB, inside {inside:.1f} dB"
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    axes = figure.add_subplot(grid[1, 2:])
    for name in ("blurred", *MODES, UNKNOWN):
        style = "k--" if name == "blurred" else "-"
        axes.plot(errors_by_distance(images[name], scene), style, label=name)
    axes.set_xlabel("pixels from the border")
    axes.set_ylabel("error (root mean square)")
    axes.set_yscale("log")
    axes.set_yticks((0.05, 0.1, 0.2, 0.4, 0.8), ("0.05", "0.1", "0.2", "0.4", "0.8"))
    axes.minorticks_off()
    axes.set_xlim(0, scene.shape[-1] // 4)
    axes.set_title("What the border costs", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend()
    pictures.save(figure, path)


if __name__ == "__main__":
    main()
