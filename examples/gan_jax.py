"""A DCGAN from scratch in JAX: it learns to draw the digit it is asked for.

    python examples/gan_jax.py            # minutes: 100 epochs
    python examples/gan_jax.py --short    # seconds: 2 epochs, enough to see it move

The generator grows a code into an 8 x 8 image with transposed convolutions; the discriminator
shrinks an image to one number, real or drawn, with convolutions.  Both are told which digit
the image should be, so a classifier that learned from real digits can check the drawings.
Batch normalisation and leaky ReLU are written out; optax does the steps.

Source: Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep
Convolutional Generative Adversarial Networks" (2015); the label as an input is from Mirza and
Osindero, "Conditional Generative Adversarial Nets" (2014).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

import digits
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pictures
from jax import lax
from matplotlib.figure import Figure
from tqdm import tqdm

from tconv.layers import Conv2d, ConvTranspose2d

CODE = 40
# A layer without a bias is followed by batch normalisation, which has its own.
GENERATOR = (
    ConvTranspose2d(CODE + 10, 128, 2, bias=False),  # 1 -> 2
    ConvTranspose2d(128, 64, 4, stride=2, padding=1, bias=False),  # 2 -> 4
    ConvTranspose2d(64, 1, 4, stride=2, padding=1),  # 4 -> 8
)
DISCRIMINATOR = (
    Conv2d(1 + 10, 64, 4, stride=2, padding=1),  # 8 -> 4
    Conv2d(64, 128, 4, stride=2, padding=1, bias=False),  # 4 -> 2
    Conv2d(128, 1, 2),  # 2 -> 1
)


class Network(NamedTuple):
    """What a network learns, and the running statistics that it keeps."""

    params: Any
    statistics: Any


class State(NamedTuple):
    """Everything that a training step changes."""

    generator: Network
    discriminator: Network
    generator_steps: Any
    discriminator_steps: Any
    key: Any


def batch_norm(params: Any, statistics: Any, x: Any, training: bool) -> tuple[Any, Any]:
    """x (batch, channels, height, width) with each channel at mean 0 and variance 1, rescaled.

    In training by the batch, which the running statistics follow; otherwise by those.
    """
    mean, variance = statistics
    if training:
        mean = x.mean((0, 2, 3), keepdims=True)
        variance = x.var((0, 2, 3), keepdims=True)
        statistics = tuple(
            0.9 * old + 0.1 * new
            for old, new in zip(statistics, lax.stop_gradient((mean, variance)), strict=True)
        )
    y = (x - mean) * lax.rsqrt(variance + 1e-5)
    return y * params["scale"] + params["shift"], statistics


def leaky_relu(x: Any) -> Any:
    return jnp.where(x > 0, x, 0.2 * x)


def relu(x: Any) -> Any:
    return jnp.where(x > 0, x, 0.0)


def initial_network(layers: Any, key: Any) -> Network:
    params, statistics = [], []
    for layer, layer_key in zip(layers, jax.random.split(key, len(layers)), strict=True):
        zeros = jnp.zeros((1, layer.out_channels, 1, 1), jnp.float32)
        norm = {"scale": zeros + 1, "shift": zeros}
        params.append({"conv": layer.init(layer_key)} | ({} if layer.bias else {"norm": norm}))
        statistics.append(None if layer.bias else (zeros, zeros + 1))
    return Network(params, statistics)


def run(layers: Any, network: Network, x: Any, activation: Any, training: bool) -> tuple[Any, Any]:
    """x through the layers, and the statistics that follow."""
    statistics = []
    for index, layer in enumerate(layers, start=1):
        params, kept = network.params[index - 1], network.statistics[index - 1]
        x = layer.apply(params["conv"], x)
        if not layer.bias:
            x, kept = batch_norm(params["norm"], kept, x, training)
        if index < len(layers):
            x = activation(x)
        statistics.append(kept)
    return x, statistics


def generate(network: Network, noise: Any, labels: Any, training: bool) -> tuple[Any, Any]:
    """Images (batch, 1, 8, 8) in [-1, 1] of the labels, from noise (batch, CODE)."""
    code = jnp.concatenate((noise, jax.nn.one_hot(labels, 10, dtype=noise.dtype)), axis=1)
    h, statistics = run(GENERATOR, network, code[:, :, None, None], relu, training)
    return jnp.tanh(h), statistics


def discriminate(network: Network, images: Any, labels: Any) -> tuple[Any, Any]:
    """How real each image looks for its label, as a logit (batch,)."""
    label = jax.nn.one_hot(labels, 10, dtype=images.dtype)[:, :, None, None]
    planes = jnp.broadcast_to(label, (*label.shape[:2], *images.shape[2:]))
    seen = jnp.concatenate((images, planes), axis=1)
    h, statistics = run(DISCRIMINATOR, network, seen, leaky_relu, training=True)
    return h[:, 0, 0, 0], statistics


def make_step(rate: float) -> Any:
    """(first state, the jitted training step)."""
    adam = optax.adam(rate, b1=0.5)

    def first_state(key: Any) -> State:
        key, key_g, key_d = jax.random.split(key, 3)
        generator = initial_network(GENERATOR, key_g)
        discriminator = initial_network(DISCRIMINATOR, key_d)
        steps = adam.init(generator.params), adam.init(discriminator.params)
        return State(generator, discriminator, *steps, key)

    @jax.jit
    def step(state: State, images: Any, labels: Any) -> tuple[State, Any]:
        """One step of the discriminator, then one of the generator; and their losses."""
        key, noise_key = jax.random.split(state.key)
        noise = jax.random.normal(noise_key, (len(images), CODE), jnp.float32)

        def discriminator_loss(params: Any) -> tuple[Any, Any]:
            drawn, _ = generate(state.generator, noise, labels, training=True)
            judged = state.discriminator._replace(params=params)
            real, statistics = discriminate(judged, images, labels)
            fake, _ = discriminate(judged, drawn, labels)
            # Real images count as 0.9 real, lest the discriminator grow too sure.
            return _cross_entropy(real, 0.9) + _cross_entropy(fake, 0.0), statistics

        def generator_loss(params: Any) -> tuple[Any, Any]:
            drawing = state.generator._replace(params=params)
            drawn, statistics = generate(drawing, noise, labels, training=True)
            fake, _ = discriminate(discriminator, drawn, labels)
            return _cross_entropy(fake, 1.0), statistics

        def descend(loss: Any, network: Network, steps: Any) -> Any:
            (value, statistics), slope = jax.value_and_grad(loss, has_aux=True)(network.params)
            updates, steps = adam.update(slope, steps)
            params = optax.apply_updates(network.params, updates)
            return Network(params, statistics), steps, value

        discriminator, d_steps, d_loss = descend(
            discriminator_loss, state.discriminator, state.discriminator_steps
        )
        generator, g_steps, g_loss = descend(generator_loss, state.generator, state.generator_steps)
        return State(generator, discriminator, g_steps, d_steps, key), (d_loss, g_loss)

    return first_state, step


@jax.jit
def draw_digits(generator: Network, noise: Any, labels: Any) -> Any:
    """Images in [0, 1] by the running statistics."""
    return (generate(generator, noise, labels, training=False)[0] + 1) / 2


def _cross_entropy(logits: Any, target: float) -> Any:
    return optax.sigmoid_binary_cross_entropy(logits, jnp.full_like(logits, target)).mean()


def train(data: digits.Digits, epochs: int, out: Path, batch: int = 64) -> tuple[Any, Any]:
    """((untrained, trained) generator, losses an epoch); a picture of samples every epoch."""
    first_state, step = make_step(rate=5e-4)
    state = first_state(jax.random.key(0))
    untrained = state.generator
    rng = np.random.default_rng(0)
    images, labels = jnp.asarray(2 * data.images - 1), jnp.asarray(data.labels)
    noise, asked = _ten_of_each(seed=1)
    losses = []
    for epoch in (bar := tqdm(range(1, epochs + 1), desc="DCGAN", unit="epoch")):
        order = rng.permutation(len(images))
        of_steps = []
        for start in range(0, len(order) - batch + 1, batch):
            chosen = order[start : start + batch]
            state, both = step(state, images[chosen], labels[chosen])
            of_steps.append(both)
        losses.append(np.mean(jax.device_get(of_steps), axis=0))
        bar.set_postfix(discriminator=f"{losses[-1][0]:.2f}", generator=f"{losses[-1][1]:.2f}")
        samples = draw_digits(state.generator, noise, asked)
        pictures.save_grid(out / f"epoch_{epoch:03}.png", samples, columns=10)
    return (untrained, state.generator), np.array(losses)


def samples_of(generator: Network, of_each: int = 100, seed: int = 2) -> digits.Digits:
    """The same number of drawings of each digit, labelled by what was asked for."""
    noise, labels = _ten_of_each(seed, of_each)
    return digits.Digits(np.asarray(draw_digits(generator, noise, labels)), np.asarray(labels))


def measure(drawn: digits.Digits, data: digits.Digits, held_out: digits.Digits) -> dict[str, float]:
    """How legible, how varied and how new the drawings are, and what they can teach."""
    judge = digits.Judge(data)
    return {
        "read right": judge.accuracy(drawn),
        "entropy": digits.entropy_bits(judge.classes(drawn.images)),
        "spread": digits.spread(drawn),
        "novelty": digits.novelty(drawn.images, data.images),
        "teaches": digits.Judge(drawn).accuracy(held_out),
    }


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="2 epochs instead of 100")
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "output" / "gan")
    chosen = options.parse_args(argv)

    data, held_out = digits.load()
    start = time.perf_counter()
    (untrained, trained), losses = train(data, 2 if chosen.short else 100, chosen.out)
    seconds = time.perf_counter() - start
    table = {
        "digits held out": measure(held_out, data, held_out),
        "untrained": measure(samples_of(untrained), data, held_out),
        "trained": measure(samples_of(trained), data, held_out),
    }
    # What held-out digits would teach is asked of digits that they have not seen.
    table["digits held out"]["teaches"] = digits.Judge(data).accuracy(held_out)

    picture = chosen.out / "gan_jax.png"
    draw(untrained, trained, losses, data, picture)
    print("\n                 read right  entropy  spread  novelty  teaches")
    for name, row in table.items():
        right, entropy, spread, novelty, teaches = row.values()
        print(f"{name:16} {right:10.1%} {entropy:8.2f} {spread:7.2f} {novelty:8.2f} {teaches:8.1%}")
    print(EXPLAINED)
    print(f"trained in {seconds:.0f} s, drawn in {picture}")
    return {"losses": losses, **table}


EXPLAINED = """
read right: drawings in which a classifier of real digits sees the digit asked for
entropy:    of the classes it sees, in bits; all ten equally often make 3.32
spread:     mean distance between two drawings of one digit
novelty:    mean distance to the nearest training image; a copy would have 0
teaches:    real digits read right by a classifier that learned from drawings alone
"""


def draw(untrained: Network, trained: Network, losses: Any, data: Any, path: Path) -> None:
    """Samples before and after, the data, and the losses."""
    noise, labels = _ten_of_each(seed=1)
    order = np.argsort(data.labels, kind="stable")
    tenth = [order[data.labels[order] == label][:10] for label in range(10)]
    real = data.images[np.stack(tenth, axis=1).ravel()]
    figure = Figure(figsize=(10, 10), layout="constrained")
    figure.get_layout_engine().set(wspace=0.04, hspace=0.04)
    before, after, known, curves = figure.subplots(2, 2).ravel()
    pictures.show_grid(before, draw_digits(untrained, noise, labels), 10, "Untrained")
    pictures.show_grid(after, draw_digits(trained, noise, labels), 10, "Trained: 0 to 9 asked for")
    pictures.show_grid(known, real, 10, "Digits of the data")
    named = {"discriminator": losses[:, 0], "generator": losses[:, 1]}
    pictures.show_curves(curves, named, "epoch", "loss, nats")
    curves.set_title("Losses")
    pictures.save(figure, path)


def _ten_of_each(seed: int, of_each: int = 10) -> tuple[Any, Any]:
    """Noise and labels 0 to 9 in turn, ``of_each`` times over."""
    labels = jnp.tile(jnp.arange(10), of_each)
    return jax.random.normal(jax.random.key(seed), (len(labels), CODE), jnp.float32), labels


if __name__ == "__main__":
    main()
