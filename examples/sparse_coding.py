"""Learn the strokes that photographs are drawn with: a convolutional dictionary, sparsely used.

    python examples/sparse_coding.py            # a minute: 60 rounds
    python examples/sparse_coding.py --short    # seconds: 4 rounds of a small dictionary

An image is a transposed convolution of a code that is almost all zeros: a few atoms, each
stamped where its code says.  Coding finds the code of the least ``|D z - x|**2 / 2 + PENALTY *
|z|_1`` by FISTA, whose step is one over the square of ``D.norm()``; learning then moves the
atoms down the gradient in the weight of the operator, which is a pytree, and back to length 1.
Both take turns.  The pieces of one photograph teach, those of another tell what was learned.

Source: Beck and Teboulle, "A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse
Problems" (2009); Zeiler, Krishnan, Taylor and Fergus, "Deconvolutional Networks" (2010); that the
atoms of photographs are edges is from Olshausen and Field (1996).
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pictures
from matplotlib.figure import Figure
from restoring import photograph
from scipy.ndimage import gaussian_filter
from tqdm import tqdm

from tconv.operators import ConvTranspose

KERNEL, STRIDE, PENALTY = 10, 2, 1.5


class Measures(NamedTuple):
    """Of images and their codes: the objective for each pixel, the energy of the images that the
    code misses, and the share of the code that is not zero, both in percent."""

    objective: float
    missed: float
    used: float


def even(image: Any) -> Any:
    """A grey image without its local mean, and of one contrast everywhere."""
    detail = image - gaussian_filter(image, 4)
    contrast = np.sqrt(gaussian_filter(detail**2, 8))
    return detail / np.maximum(contrast, np.median(contrast))


def pieces(name: str, count: int, size: int) -> Any:
    """Evened pieces of a photograph, from the half that has more in it: (count, 1, size, size)."""
    image = even(photograph(name).mean(axis=(0, 1)))
    rows, columns = (side // size for side in image.shape)
    cut = image[: rows * size, : columns * size].reshape(rows, size, columns, size)
    cut = cut.swapaxes(1, 2).reshape(-1, 1, size, size)
    fuller = np.argsort(-(cut**2).mean(axis=(1, 2, 3)), kind="stable")[: len(cut) // 2]
    return jnp.asarray(cut[fuller[:: len(fuller) // count][:count]], jnp.float32)


def dictionary(atoms: Any, images: Any) -> ConvTranspose:
    """From codes (count, atoms, *size / STRIDE) to the images (count, 1, *size)."""
    count, _, *size = images.shape
    coarse = tuple(n // STRIDE for n in size)
    padding = (KERNEL - STRIDE) // 2
    return ConvTranspose(atoms, coarse, batch=count, stride=STRIDE, padding=padding)


def unit(atoms: Any) -> Any:
    """Atoms (atoms, 1, KERNEL, KERNEL) of length 1."""
    return atoms / jnp.sqrt(jnp.sum(atoms**2, axis=(1, 2, 3), keepdims=True))


def shrink(z: Any, by: Any) -> Any:
    """The proximal step of ``by * |z|_1``."""
    return jnp.sign(z) * jnp.maximum(jnp.abs(z) - by, 0)


@partial(jax.jit, static_argnames="iterations")
def fista(synthesis: ConvTranspose, x: Any, z: Any, iterations: int) -> Any:
    """The code of x after so many iterations from z."""
    # A step may not be too long: what the norm is off by goes to the safe side.
    step = 1 / (1.01 * synthesis.norm(tolerance=0.01)) ** 2

    def advance(_: Any, state: Any) -> Any:
        z, ahead, momentum = state
        downhill = ahead - step * synthesis.rmatvec(synthesis @ ahead - x)
        after = shrink(downhill, step * PENALTY)
        next_momentum = (1 + jnp.sqrt(1 + 4 * momentum**2)) / 2
        ahead = after + (momentum - 1) / next_momentum * (after - z)
        return after, ahead, next_momentum

    return jax.lax.fori_loop(0, iterations, advance, (z, z, jnp.ones((), z.dtype)))[0]


def misfit(synthesis: ConvTranspose, x: Any, z: Any) -> Any:
    """``|D z - x|**2 / 2``."""
    return jnp.sum((synthesis @ z - x) ** 2) / 2


@jax.jit
def measure(synthesis: ConvTranspose, x: Any, z: Any) -> Any:
    """The ``Measures`` of images and their codes."""
    missed = misfit(synthesis, x, z)
    objective = (missed + PENALTY * jnp.abs(z).sum()) / x.size
    return Measures(objective, 200 * missed / jnp.sum(x**2), 100 * jnp.mean(z != 0))


class Learner:
    """A dictionary that learns from the images x, and the codes that it has for them."""

    def __init__(self, x: Any, atoms: int) -> None:
        """Begin with atoms of noise, and with codes of zeros."""
        noise = jax.random.normal(jax.random.key(0), (atoms, 1, KERNEL, KERNEL), x.dtype)
        self.x = x
        self.synthesis = dictionary(unit(noise), x)
        self.z = jnp.zeros(self.synthesis.dims, x.dtype)
        self.optimizer = optax.adam(0.03)
        self.state = self.optimizer.init(self.synthesis)
        self.step = jax.jit(self._step)

    def _step(self, synthesis: ConvTranspose, state: Any, z: Any) -> Any:
        slope = jax.grad(misfit)(synthesis, self.x, z)  # an operator, of the gradient in the atoms
        updates, state = self.optimizer.update(slope, state)
        moved = optax.apply_updates(synthesis, updates)
        return moved.of_weight(unit(moved.w)), state

    def round(self, codings: int, steps: int) -> Measures:
        """Code the images, then move the atoms; what the coding came to."""
        self.z = fista(self.synthesis, self.x, self.z, codings)
        measures = measure(self.synthesis, self.x, self.z)
        for _ in range(steps):
            self.synthesis, self.state = self.step(self.synthesis, self.state, self.z)
        return Measures(*map(float, measures))


def code_anew(atoms: Any, x: Any, iterations: int) -> tuple[Measures, Any]:
    """Images that taught nothing, coded from zeros: the measures, and the images of the codes."""
    synthesis = dictionary(atoms, x)
    z = fista(synthesis, x, jnp.zeros(synthesis.dims, x.dtype), iterations)
    return Measures(*map(float, measure(synthesis, x, z))), synthesis @ z


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="few rounds of a small dictionary")
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "output")
    chosen = options.parse_args(argv)

    rounds, atoms, count, size, iterations = 60, 32, 60, 32, 200
    if chosen.short:
        rounds, atoms, count, size, iterations = 4, 8, 8, 16, 40
    learner = Learner(pieces("china", count, size), atoms)
    held_out = pieces("flower", count, size)
    untrained = learner.synthesis.w
    before, _ = code_anew(untrained, held_out, iterations)
    history = []
    for _ in (bar := tqdm(range(rounds), desc="learning", unit="round")):
        history.append(learner.round(20, 10))
        bar.set_postfix(objective=f"{history[-1].objective:.4f}")
    most_used = np.argsort(-np.abs(learner.z).sum(axis=(0, 2, 3)))
    learned = learner.synthesis.w[most_used]
    after, redrawn = code_anew(learned, held_out, iterations)

    report(history, before, after)
    picture = chosen.out / "sparse_coding.png"
    draw((np.asarray(untrained), np.asarray(learned)), history, (held_out, redrawn), picture)
    print(f"drawn in {picture}")
    return {"history": history, "untrained": before, "learned": after}


def report(history: list[Measures], before: Measures, after: Measures) -> None:
    """The rounds, the last of them in full, then the photograph that was held out."""
    print(f"\n{'':26} {'objective':>10} {'missed, %':>10} {'not zero, %':>12}")
    shown = sorted({1, 2, 5, 10, 20, len(history)})
    rows = {f"china, round {n}": history[n - 1] for n in shown if n <= len(history)}
    rows |= {"flower, atoms of noise": before, "flower, atoms learned": after}
    for name, row in rows.items():
        print(f"{name:26} {row.objective:10.4f} {row.missed:10.2f} {row.used:12.2f}")
    print()


def draw(dictionaries: Any, history: list[Measures], pair: Any, path: Path) -> None:
    """Atoms before and after, the rounds, and images with what their codes draw."""
    figure = Figure(figsize=(12, 6.6), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.2, 1))
    titles = ("atoms of noise, before", "atoms learned, the most used first")
    for axes, atoms, title in zip(upper.subplots(1, 2), dictionaries, titles, strict=True):
        largest = np.abs(atoms).max(axis=(1, 2, 3), keepdims=True)
        pictures.show_grid(axes, atoms / largest / 2 + 0.5, 8, title)
    curves, images = lower.subplots(1, 2, width_ratios=(1, 1.7))
    for name, label in (("missed", "energy missed, %"), ("used", "code that is not zero, %")):
        values = [getattr(row, name) for row in history]
        curves.plot(np.arange(1, len(values) + 1), values, label=label)
    curves.set_title("fewer strokes miss less")
    curves.set_xlabel("round")
    curves.set_ylim(bottom=0)
    curves.grid(alpha=0.3)
    curves.legend()
    shown = np.concatenate([np.asarray(side)[:8] for side in pair])
    title = "pieces of another photograph, and what their codes draw"
    pictures.show_grid(images, np.clip(shown / 6 + 0.5, 0, 1), len(shown) // 2, title)
    pictures.save(figure, path)


if __name__ == "__main__":
    main()
