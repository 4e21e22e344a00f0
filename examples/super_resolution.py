"""Find the pixels that a camera did not have: super-resolution, with the blur known and unknown.

    python examples/super_resolution.py            # a minute or two
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


def total_variation(blur: Conv, change: Conv, y: Any, start: Any, count: int) -> Any:
    """The x after so many steps from a start."""
    up = 0.003
    # Condat's condition: 1 / down - up * |D|**2 >= |A|**2 / 2.
    down = 1 / (blur.on_numpy().norm() ** 2 / 2 + up * change.on_numpy().norm() ** 2)
    advance = variation_step if isinstance(y, np.ndarray) else jax.jit(variation_step)
    state = start, 0 * (change @ start)
    for _ in tqdm(range(count), desc="total variation", leave=False):
        state = advance(blur, change, y, (down, up), state)
    return state[0]


@dataclass(frozen=True)
class Enlarged:
    """A scene, its picture, and the images that were made of it, by NumPy and by JAX."""

    scene: Any
    y: Any
    by_numpy: dict[str, Any]
    by_jax: dict[str, Any]


def enlarge(scene: Any, stride: int, count: int) -> Enlarged:
    """Take a picture and enlarge it again in three ways, on NumPy and on JAX."""
    size = scene.shape[-2:]
    blur, change = camera(true_kernel(stride), size, stride), differences(size)
    y = noisy(blur @ scene)
    smooth, _ = tikhonov(blur, change, y, SMOOTH, TOLERANCE)
    by_numpy = {
        "bicubic": bicubic(y, size),
        "least squares": smooth,
        "total variation": total_variation(blur, change, y, smooth, count),
    }
    blur, change, on_jax = to_jax(blur), to_jax(change), jnp.asarray(y, jnp.float32)
    smooth = tikhonov_on_jax(blur, change, on_jax, SMOOTH, TOLERANCE)
    by_jax = {
        "bicubic": bicubic(on_jax, size),
        "least squares": smooth,
        "total variation": total_variation(blur, change, on_jax, smooth, count),
    }
    return Enlarged(scene, y, by_numpy, by_jax)


def noisy(image: Any) -> Any:
    """The image with the noise of a sensor."""
    return image + NOISE * np.random.default_rng(0).standard_normal(image.shape)


def true_kernel(stride: int) -> Any:
    """That of the camera: as many taps as leave its pixels in the middle of what they stand for."""
    return gaussian(10 + stride % 2, 2.4, 1.2)


def kernel_of(logits: Any) -> Any:
    """A kernel of positive taps and sum 1."""
    return jax.nn.softmax(logits.ravel()).reshape(logits.shape)


@dataclass(frozen=True)
class Found:
    """The kernels, ``"start"``, ``"found"`` and ``"true"``, and the loss at each step."""

    kernels: dict[str, Any]
    losses: list[float]

    def off(self, name: str) -> float:
        """How far a kernel is from the true one, relative to that."""
        true = self.kernels["true"]
        return float(np.linalg.norm(self.kernels[name] - true) / np.linalg.norm(true))


def find_kernel(scene: Any, stride: int, count: int) -> Found:
    """The kernel whose solution is nearest to a scene that is known."""
    size = scene.shape[-2:]
    true = true_kernel(stride)
    y = noisy(camera(true, size, stride) @ scene)
    y, scene = (jnp.asarray(image, jnp.float32) for image in (y, scene))
    change = to_jax(differences(size))

    def loss(logits: Any) -> Any:
        blur = camera(kernel_of(logits), size, stride)
        return jnp.mean((tikhonov_on_jax(blur, change, y, SMOOTH, TOLERANCE) - scene) ** 2)

    start = gaussian(len(true), 2.0, 2.0)
    logits = jnp.asarray(np.log(start), jnp.float32)
    optimizer = optax.adam(optax.cosine_decay_schedule(0.15, count))
    state = optimizer.init(logits)
    slope, losses = jax.jit(jax.value_and_grad(loss)), []
    for _ in (bar := tqdm(range(count), desc="the kernel", unit="step")):
        value, gradient = slope(logits)
        updates, state = optimizer.update(gradient, state)
        logits = optax.apply_updates(logits, updates)
        losses.append(float(value))
        bar.set_postfix(loss=f"{losses[-1]:.2e}")
    found = np.asarray(kernel_of(logits), np.float64)
    return Found({"start": start, "found": found, "true": true}, losses)


def elsewhere(enlarged: Enlarged, stride: int) -> dict[str, float | None]:
    """How far the least squares of PyLops and of lineax are from ours, None without them."""
    expected, y = enlarged.by_numpy["least squares"], enlarged.y
    size = expected.shape[-2:]
    blur, change = camera(true_kernel(stride), size, stride), differences(size)
    change = change.of_weight(SMOOTH**0.5 * change.w)
    off: dict[str, float | None] = {"PyLops": None, "lineax": None}
    if find_spec("pylops"):
        from pylops.optimization.leastsquares import normal_equations_inversion

        by_pylops, _ = normal_equations_inversion(
            blur.to_pylops(), y.ravel(), [change.to_pylops()], rtol=TOLERANCE
        )
        off["PyLops"] = float(np.abs(by_pylops.reshape(expected.shape) - expected).max())
    if find_spec("lineax"):
        import lineax as lx

        # In float32 its iteration may stall before this tolerance, which it then refuses.
        with jax.enable_x64(True):
            blur, change = (each.of_weight(jnp.asarray(each.w)) for each in (blur, change))
            normal = blur.gram.to_lineax() + change.gram.to_lineax()
            solver = lx.CG(rtol=TOLERANCE, atol=TOLERANCE**2)
            solved = lx.linear_solve(normal, blur.rmatvec(jnp.asarray(y)), solver)
        off["lineax"] = float(np.abs(np.asarray(solved.value) - expected).max())
    return off


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="a small picture, stride 2 alone")
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "output")
    chosen = options.parse_args(argv)

    side, known, strides, count, steps = 112, 72, (2, 3), 200, 120
    if chosen.short:
        side, known, strides, count, steps = 32, 24, (2,), 20, 8
    flower, china = (photograph(name).mean(axis=0) for name in ("flower", "china"))
    scene = flower[:, 213 - side // 2 :, 310 - side // 2 :][:, :side, :side]
    enlarged = {stride: enlarge(scene, stride, count) for stride in strides}
    found = find_kernel(china[:, 120 : 120 + known, 140 : 140 + known], 2, steps)
    change = differences(scene.shape[-2:])
    of_kernel = {
        name: tikhonov(camera(kernel, (side, side), 2), change, enlarged[2].y, SMOOTH)[0]
        for name, kernel in found.kernels.items()
    }
    decibels = report(enlarged, found, of_kernel)
    off = elsewhere(enlarged[2], 2)
    for name, value in off.items():
        said = "not installed" if value is None else f"least squares differ at most by {value:.1e}"
        print(f"{name}: {said}")
    picture = chosen.out / "super_resolution.png"
    draw(enlarged[2], found, of_kernel, picture)
    print(f"drawn in {picture}")
    return {"decibels": decibels, "found": found, "elsewhere": off} | {
        "of kernel": {name: psnr(image, scene) for name, image in of_kernel.items()}
    }


def report(enlarged: dict[int, Enlarged], found: Found, of_kernel: dict[str, Any]) -> Any:
    """The tables of the enlargements, and of the kernels."""
    decibels = {
        (name, stride): (psnr(image, each.scene), psnr(each.by_jax[name], each.scene))
        for stride, each in enlarged.items()
        for name, image in each.by_numpy.items()
    }
    heads = "".join(f"{f'stride {stride}':>12} {'on JAX':>8}" for stride in enlarged)
    print(f"\n{'PSNR, dB':16} {heads}")
    for name in enlarged[2].by_numpy:
        pairs = (decibels[name, stride] for stride in enlarged)
        print(f"{name:16} " + "".join(f"{one:12.2f} {other:8.2f}" for one, other in pairs))
    print(f"\n{'kernel':16} {'off by':>12} {'flower with it, dB':>20}")
    for name, image in of_kernel.items():
        print(f"{name:16} {found.off(name):12.0%} {psnr(image, enlarged[2].scene):20.2f}")
    print()
    return decibels


def draw(enlarged: Enlarged, found: Found, of_kernel: dict[str, Any], path: Path) -> None:
    """The scene and its enlargements; the kernels, and what two of them make of the picture."""
    figure = Figure(figsize=(14, 6.4), layout="constrained")
    rows = figure.subplots(2, 5)
    scene = enlarged.scene
    panels = {"the scene": scene, "the picture: every second pixel": enlarged.y} | {
        f"{name}, {psnr(image, scene):.1f} dB": image for name, image in enlarged.by_numpy.items()
    }
    for axes, (title, image) in zip(rows[0], panels.items(), strict=True):
        pictures.show_grid(axes, image[None], 1, title)
    largest = found.kernels["true"].max()
    titles = ("kernel at the start", "kernel found", "true kernel")
    for axes, title, (name, kernel) in zip(rows[1], titles, found.kernels.items(), strict=False):
        axes.imshow(kernel, cmap="magma", vmin=0, vmax=largest, interpolation="nearest")
        axes.set_title(title if name == "true" else f"{title}: off by {found.off(name):.0%}")
        axes.axis("off")
    for axes, name in zip(rows[1, 3:], ("start", "found"), strict=True):
        image = of_kernel[name]
        title = f"by the kernel {'at the start' if name == 'start' else 'found'}"
        pictures.show_grid(axes, image[None], 1, f"{title}, {psnr(image, scene):.1f} dB")
    pictures.save(figure, path)


if __name__ == "__main__":
    main()
