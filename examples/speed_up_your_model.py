"""A model of flax and one of equinox, trained with their own layer and with tconv's beside it.

    python examples/speed_up_your_model.py            # a minute: 40 steps of each
    python examples/speed_up_your_model.py --short    # seconds: a few steps of small models

A U-Net in flax nnx learns to clean patches of photographs from noise; the decoder of a DCGAN in
equinox learns patches by heart, each from a code of its own.  Each model is made twice, with the
same parameters; one line, ``replace(model)``, changes one of the two.  Both then learn from the
same batches in turns, a step of the one and a step of the other, and every loss is compared.

Source: Ronneberger, Fischer and Brox, "U-Net" (2015); Radford, Metz and Chintala, DCGAN (2015);
codes learned with the decoder are from Bojanowski et al., "Optimizing the Latent Space of
Generative Networks" (2017).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pictures
from flax import nnx
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_images
from tqdm import tqdm

from tconv.compat.equinox import replace as replace_equinox
from tconv.compat.flax.nnx import replace as replace_nnx

BATCH, PATCH, CODE, NOISE = 16, 64, 64, 0.3
# How far the two losses may be apart, as a share of the loss.  At the first step the parameters
# are the same, and the layers sum the same float32 products in another order: at most 1024 for a
# number, in each of at most 7 layers.  Then Adam takes over: it divides each gradient by its own
# size, so that one of nothing but rounding moves a weight by a whole learning rate.  40 steps made
# 1e-3 of that; ten times as much would show in the picture.
FIRST_LOSSES_AGREE, LOSSES_AGREE = 7 * 1024 * 2.0**-24, 1e-2


class UNet(nnx.Module):
    """Images (batch, height, width, 3) to such images, through halved ones and back."""

    def __init__(self, widths: tuple[int, ...], rngs: nnx.Rngs) -> None:
        """Halve the images once for each width, of which one is the channels there."""
        channels = (3, *widths)
        self.down = nnx.List(
            [nnx.Conv(a, b, (4, 4), strides=2, rngs=rngs) for a, b in pairwise(channels)]
        )
        joined = [widths[-1], *(2 * width for width in widths[-2::-1])]
        narrower = [*widths[-2::-1], widths[0]]
        self.up = nnx.List(
            [
                nnx.ConvTranspose(a, b, (4, 4), strides=2, rngs=rngs)
                for a, b in zip(joined, narrower, strict=True)
            ]
        )
        self.last = nnx.Conv(widths[0] + 3, 3, (3, 3), rngs=rngs)

    def __call__(self, x: Any) -> Any:
        """The cleaned images."""
        skipped = []
        for down in self.down:
            skipped.append(x)
            x = nnx.relu(down(x))
        for up in self.up:
            x = jnp.concatenate((nnx.relu(up(x)), skipped.pop()), axis=-1)
        return self.last(x)


class Decoder(eqx.Module):
    """A code (CODE,) to an image (3, height, width)."""

    layers: list[eqx.nn.ConvTranspose2d]

    def __init__(self, widths: tuple[int, ...], key: Any) -> None:
        """An image 4 x 4 of as many channels as the first width, then one twice as large for each
        of the others and for the last, of three channels."""
        first, *others = jax.random.split(key, len(widths) + 1)
        options = {"stride": 2, "padding": 1, "dtype": jnp.float32}
        self.layers = [eqx.nn.ConvTranspose2d(CODE, widths[0], 4, dtype=jnp.float32, key=first)]
        for (a, b), other in zip(pairwise((*widths, 3)), others, strict=True):
            self.layers.append(eqx.nn.ConvTranspose2d(a, b, 4, **options, key=other))

    def __call__(self, code: Any) -> Any:
        """The image of a code."""
        x = code[:, None, None]
        for layer in self.layers[:-1]:
            x = jax.nn.relu(layer(x))
        return jax.nn.sigmoid(self.layers[-1](x))


@dataclass(frozen=True)
class Trainer:
    """``step(batch)`` learns from a batch and gives the loss before; ``show`` what was learned."""

    step: Callable[[Any], float]
    show: Callable[[Any], Any]


@dataclass(frozen=True)
class Race:
    """Losses and seconds of each step, (2, steps), the framework's own layer first; what the two
    models show for the first batch, what they were given, and what they should show."""

    losses: Any
    seconds: Any
    shown: tuple[Any, Any]
    given: Any
    wanted: Any

    @property
    def milliseconds(self) -> Any:
        """A step of each: the median, without the first, which compiles."""
        return 1e3 * np.median(self.seconds[:, 1:], axis=1)

    @property
    def differences(self) -> Any:
        """Of the losses, step by step, as shares of the loss."""
        return np.abs(self.losses[1] / self.losses[0] - 1)


def train_unet(model: UNet) -> Trainer:
    """Batches are (noisy, clean)."""
    optimizer = nnx.Optimizer(model, optax.adam(2e-3), wrt=nnx.Param)

    def loss(model: UNet, noisy: Any, clean: Any) -> Any:
        return jnp.mean((model(noisy) - clean) ** 2)

    @nnx.jit
    def update(model: UNet, optimizer: nnx.Optimizer, noisy: Any, clean: Any) -> Any:
        value, slope = nnx.value_and_grad(loss)(model, noisy, clean)
        optimizer.update(model, slope)
        return value

    def step(batch: Any) -> float:
        value = update(model, optimizer, *batch)
        jax.block_until_ready(nnx.state(model))
        return float(value)

    return Trainer(step, lambda batch: model(batch[0]))


def train_decoder(model: Decoder, count: int) -> Trainer:
    """Batches are (numbers, images); image ``n`` has a code of its own, learned as well."""
    optimizer = optax.adam(2e-3)
    codes = jax.random.normal(jax.random.key(1), (count, CODE), jnp.float32)
    learned = (model, codes)
    state = optimizer.init(eqx.filter(learned, eqx.is_array))

    def loss(learned: Any, numbers: Any, images: Any) -> Any:
        model, codes = learned
        return jnp.mean((jax.vmap(model)(codes[numbers]) - images) ** 2)

    @eqx.filter_jit
    def update(learned: Any, state: Any, numbers: Any, images: Any) -> Any:
        value, slope = eqx.filter_value_and_grad(loss)(learned, numbers, images)
        updates, state = optimizer.update(slope, state)
        return eqx.apply_updates(learned, updates), state, value

    def step(batch: Any) -> float:
        nonlocal learned, state
        learned, state, value = jax.block_until_ready(update(learned, state, *batch))
        return float(value)

    def show(batch: Any) -> Any:
        model, codes = learned
        return jax.vmap(model)(codes[batch[0]])

    return Trainer(step, show)


def race(name: str, trainers: tuple[Trainer, Trainer], batches: list[Any], steps: int) -> Race:
    """The two take turns, step by step, on the same batches."""
    losses, seconds = np.zeros((2, steps)), np.zeros((2, steps))
    for step in (bar := tqdm(range(steps), desc=name, unit="step")):
        for side, trainer in enumerate(trainers):
            start = perf_counter()
            losses[side, step] = trainer.step(batches[step % len(batches)])
            seconds[side, step] = perf_counter() - start
        own, ours = 1e3 * seconds[:, step]
        bar.set_postfix(own=f"{own:.0f} ms", tconv=f"{ours:.0f} ms", loss=f"{losses[1, step]:.4f}")
    shown = tuple(np.asarray(trainer.show(batches[0])) for trainer in trainers)
    return Race(losses, seconds, shown, *batches[0])


def patches(count: int, size: int, seed: int = 0) -> Any:
    """Pieces (count, size, size, 3) in [0, 1] of the two photographs that scikit-learn ships."""
    photographs = [image / np.float32(255) for image in load_sample_images().images]
    rng = np.random.default_rng(seed)

    def one(number: int) -> Any:
        photograph = photographs[number % len(photographs)]
        top, left = (rng.integers(0, side - size + 1) for side in photograph.shape[:2])
        return photograph[top : top + size, left : left + size]

    return np.stack([one(number) for number in range(count)])


def batches_of(*arrays: Any) -> Iterator[Any]:
    """The arrays in pieces of a batch."""
    for start in range(0, len(arrays[0]), BATCH):
        yield tuple(jnp.asarray(array[start : start + BATCH]) for array in arrays)


def race_flax(images: Any, widths: tuple[int, ...], steps: int) -> Race:
    """A U-Net of flax nnx, as it is and after ``replace``."""
    noise = NOISE * np.random.default_rng(1).standard_normal(images.shape, np.float32)
    batches = list(batches_of(images + noise, images))
    own, changed = (UNet(widths, nnx.Rngs(0)) for _ in range(2))
    replace_nnx(changed)
    return race("U-Net, flax", (train_unet(own), train_unet(changed)), batches, steps)


def race_equinox(images: Any, widths: tuple[int, ...], steps: int) -> Race:
    """A decoder of equinox, as it is and after ``replace``."""
    batches = list(batches_of(np.arange(len(images)), images.transpose(0, 3, 1, 2)))
    own = Decoder(widths, jax.random.key(0))
    changed = replace_equinox(own)
    trainers = train_decoder(own, len(images)), train_decoder(changed, len(images))
    return race("DCGAN decoder, equinox", trainers, batches, steps)


def main(argv: list[str] | None = None) -> dict[str, Race]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="a few steps of small models")
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "output" / "speed_up")
    chosen = options.parse_args(argv)

    size, steps, wide = (16, 4, 8) if chosen.short else (PATCH, 40, 32)
    doublings = size.bit_length() - 3  # of the decoder's first image, 4 x 4
    images = patches(2 * BATCH, size)
    races = {
        "U-Net, flax nnx": race_flax(images, (wide, 2 * wide, 4 * wide), steps),
        "DCGAN decoder, equinox": race_equinox(
            images, tuple(wide * 2**i for i in range(doublings - 1, -1, -1)), steps
        ),
    }
    report(races)
    for name, found in races.items():
        assert found.differences[0] <= FIRST_LOSSES_AGREE, (name, found.losses)
        assert found.differences.max() <= LOSSES_AGREE, (name, found.losses)
    picture = chosen.out / "speed_up_your_model.png"
    draw(races, picture)
    print(f"drawn in {picture}")
    return races


def report(races: dict[str, Race]) -> None:
    """The table of the two models."""
    print(f"\n{'ms a step':>32} {'losses differ by':>45}")
    print(
        f"{'':24} {'own':>7} {'tconv':>9} {'times':>6} {'last':>10} {'at first':>12} {'most':>12}"
    )
    for name, found in races.items():
        own, ours = found.milliseconds
        apart = f"{found.differences[0]:12.1e} {found.differences.max():12.1e}"
        last = f"{found.losses[1, -1]:10.4f} {apart}"
        print(f"{name:24} {own:7.1f} {ours:9.1f} {own / ours:6.1f} {last}")
    print("\nThe median of a training step; the two layers took turns.\n")


def draw(races: dict[str, Race], path: Path) -> None:
    """Losses, times and what was learned, a row a model."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    rows = figure.subplots(2, 3, width_ratios=(1, 1, 1.3))
    for (name, found), (curves, times, learned) in zip(races.items(), rows, strict=True):
        label = name.rpartition(" ")[2] if "equinox" in name else "flax"
        for losses, style, who in zip(found.losses, ("-", ":"), (label, "tconv"), strict=True):
            width = 3 if style == ":" else 1.2
            curves.plot(np.arange(1, len(losses) + 1), losses, style, label=who, linewidth=width)
        curves.set_title(f"{name}: both losses")
        curves.set_xlabel("step")
        curves.set_yscale("log")
        curves.grid(alpha=0.3)
        curves.legend()
        times.boxplot(1e3 * found.seconds[:, 1:].T, orientation="horizontal", widths=0.5)
        times.set_yticks((1, 2), (label, "tconv"))
        times.set_xlim(left=0)
        times.set_xlabel("ms a training step")
        own, ours = found.milliseconds
        times.set_title(f"{own / ours:.1f} times as fast")
        times.grid(axis="x", alpha=0.3)
        show_images(learned, found)
    pictures.save(figure, path)


def show_images(axes: Any, found: Race) -> None:
    """What the model was given, if it is images, what it learned, and what it should."""
    last = found.wanted.shape[-1] == 3
    rows = [found.shown[1], np.asarray(found.wanted)]
    if found.given.ndim == 4:
        rows.insert(0, np.asarray(found.given))
    images = [row[:5] if last else row[:5].transpose(0, 2, 3, 1) for row in rows]
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in images], axis=0)
    axes.imshow(np.clip(sheet, 0, 1), interpolation="nearest")
    axes.set_title("given, cleaned, wanted" if len(rows) == 3 else "learned, wanted")
    axes.axis("off")


if __name__ == "__main__":
    main()
