"""A variational autoencoder in NumPy alone: forward, backward and Adam written out.

    python examples/vae_numpy.py            # a few minutes: 200 epochs
    python examples/vae_numpy.py --short    # seconds: 5 epochs

The encoder halves an 8 x 8 digit three times with convolutions, to the mean and log-variance
of a code of 10 numbers; the decoder doubles the code back with transposed convolutions.  No
framework differentiates anything: each layer's gradient is the pullback that
``tconv.conv_vjp`` or ``tconv.conv_transpose_vjp`` returns, chained by hand.

Source: Kingma and Welling, "Auto-Encoding Variational Bayes" (2014); Kingma and Ba, "Adam"
(2015).
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path
from typing import Any

import digits
import numpy as np
import pictures
from matplotlib.figure import Figure
from tqdm import tqdm

import tconv

CODE = 10
# name: (channels in, channels out, kernel size, stride, padding)
ENCODER = {
    "down1": (1, 32, 4, 2, 1),  # 8 -> 4
    "down2": (32, 64, 4, 2, 1),  # 4 -> 2
    "code": (64, 2 * CODE, 2, 1, 0),  # 2 -> 1: mean and log-variance
}
DECODER = {
    "up1": (CODE, 64, 2, 1, 0),  # 1 -> 2
    "up2": (64, 32, 4, 2, 1),  # 2 -> 4
    "up3": (32, 1, 4, 2, 1),  # 4 -> 8: the logits of the pixels
}


def initial_parameters(rng: np.random.Generator, dtype: Any = np.float32) -> dict[str, Any]:
    """He's normal weights and zero biases, in PyTorch's shapes."""
    parameters = {}
    for name, (inputs, outputs, kernel, stride, _) in (ENCODER | DECODER).items():
        taps = kernel**2 if name in ENCODER else (kernel // stride) ** 2
        shape = (outputs, inputs) if name in ENCODER else (inputs, outputs)
        weight = rng.normal(0, np.sqrt(2 / (inputs * taps)), (*shape, kernel, kernel))
        parameters[f"{name}.weight"] = weight.astype(dtype)
        parameters[f"{name}.bias"] = np.zeros(outputs, dtype)
    return parameters


def forward(parameters: dict[str, Any], images: Any, noise: Any, xp: Any = np) -> tuple[Any, Any]:
    """The loss, nats an image, and what the backward pass needs.

    The loss is the cross entropy of the pixels plus the divergence of the code from a standard
    normal.  ``images`` (batch, 1, 8, 8) in [0, 1]; ``noise`` (batch, CODE, 1, 1) standard
    normal; ``xp`` is numpy, or jax.numpy for parameters that JAX traces.
    """
    code, encoded = run(ENCODER, parameters, images, xp)
    mean, log_variance = code[:, :CODE], code[:, CODE:]
    deviation = xp.exp(log_variance / 2)
    logits, decoded = run(DECODER, parameters, mean + deviation * noise, xp)

    cross_entropy = (xp.logaddexp(logits, 0.0) - images * logits).sum()
    divergence = (mean**2 + deviation**2 - 1 - log_variance).sum() / 2
    loss = (cross_entropy + divergence) / len(images)
    return loss, (images, noise, mean, deviation, logits, encoded, decoded)


def backward(record: Any) -> dict[str, Any]:
    """The gradient of the loss in every parameter, from the last layer to the first."""
    images, noise, mean, deviation, logits, encoded, decoded = record
    gradient = {}

    def through(taped: list[Any], cotangent: Any) -> Any:
        for name, pullback, positive in reversed(taped):
            if positive is not None:
                cotangent = cotangent * positive
            cotangent, dw, db = pullback(cotangent)
            gradient[f"{name}.weight"], gradient[f"{name}.bias"] = dw, db
        return cotangent

    batch = len(images)
    by_code = through(decoded, (sigmoid(logits) - images) / batch)
    # The code is mean + deviation * noise, with deviation = exp(log_variance / 2).
    by_mean = by_code + mean / batch
    by_log_variance = (by_code * noise * deviation + (deviation**2 - 1) / batch) / 2
    through(encoded, np.concatenate((by_mean, by_log_variance), axis=1))
    return gradient


def run(stack: Any, parameters: dict[str, Any], h: Any, xp: Any = np) -> tuple[Any, list[Any]]:
    """h through the layers of a stack, ReLU between them, and what undoes each layer.

    The second result holds (name, pullback, where the ReLU let through or None) a layer.
    """
    layer = tconv.conv_vjp if stack is ENCODER else tconv.conv_transpose_vjp
    taped = []
    for index, (name, (*_, stride, padding)) in enumerate(stack.items(), start=1):
        weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
        h, pullback = layer(h, weight, bias, stride=stride, padding=padding)
        positive = None
        if index < len(stack):
            positive = h > 0
            h = xp.where(positive, h, 0.0)
        taped.append((name, pullback, positive))
    return h, taped


class Adam:
    """Steps scaled by running means of the gradient and of its square."""

    def __init__(self, parameters: dict[str, Any], rate: float) -> None:
        """Means of nothing yet, for parameters of these names and shapes."""
        self.rate, self.count = rate, 0
        self.mean = {name: np.zeros_like(value) for name, value in parameters.items()}
        self.square = {name: np.zeros_like(value) for name, value in parameters.items()}

    def step(self, parameters: dict[str, Any], gradient: dict[str, Any]) -> None:
        """Change the parameters in place."""
        self.count += 1
        for name, slope in gradient.items():
            self.mean[name] += 0.1 * (slope - self.mean[name])
            self.square[name] += 0.001 * (slope**2 - self.square[name])
            mean = self.mean[name] / (1 - 0.9**self.count)
            square = self.square[name] / (1 - 0.999**self.count)
            parameters[name] -= self.rate * mean / (np.sqrt(square) + 1e-8)


def encode(parameters: dict[str, Any], images: Any) -> Any:
    """The mean code of each image, (batch, CODE, 1, 1)."""
    code, _ = run(ENCODER, parameters, images)
    return code[:, :CODE]


def decode(parameters: dict[str, Any], codes: Any) -> Any:
    """The image of each code, (batch, 1, 8, 8) in [0, 1]."""
    logits, _ = run(DECODER, parameters, codes)
    return sigmoid(logits)


def sigmoid(logits: Any) -> Any:
    return np.exp(-np.logaddexp(-logits, 0.0))


def train(
    parameters: dict[str, Any], images: Any, epochs: int, rng: np.random.Generator, batch: int = 64
) -> list[float]:
    """Descend in place; the mean loss of each epoch."""
    adam, losses = Adam(parameters, rate=2e-3), []
    for _ in (bar := tqdm(range(epochs), desc="VAE", unit="epoch")):
        order = rng.permutation(len(images))
        epoch = []
        for start in range(0, len(order) - batch + 1, batch):
            chosen = images[order[start : start + batch]]
            loss, record = forward(parameters, chosen, _noise(rng, batch))
            adam.step(parameters, backward(record))
            epoch.append(loss)
        losses.append(float(np.mean(epoch)))
        bar.set_postfix(loss=f"{losses[-1]:.2f}")
    return losses


def measure(parameters: dict[str, Any], held_out: digits.Digits, judge: digits.Judge) -> Any:
    """The loss of held-out digits; the error and the legibility of their reconstructions."""
    noise = _noise(np.random.default_rng(1), len(held_out.images))
    loss, _ = forward(parameters, held_out.images, noise)
    rebuilt = decode(parameters, encode(parameters, held_out.images))
    return float(loss), *compare(rebuilt, held_out, judge)[1:]


def compare(rebuilt: Any, held_out: digits.Digits, judge: digits.Judge) -> Any:
    """(cross entropy, mean absolute error, share that the judge reads right)."""
    brightness = np.clip(rebuilt, 1e-6, 1 - 1e-6)
    white, black = (
        held_out.images * np.log(brightness),
        (1 - held_out.images) * np.log1p(-brightness),
    )
    cross_entropy = -(white + black).sum() / len(rebuilt)
    error = np.abs(rebuilt - held_out.images).mean()
    accuracy = judge.accuracy(digits.Digits(rebuilt, held_out.labels))
    return float(cross_entropy), float(error), accuracy


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="5 epochs instead of 200")
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "output")
    chosen = options.parse_args(argv)

    data, held_out = digits.load()
    judge = digits.Judge(data)
    rng = np.random.default_rng(0)
    parameters = initial_parameters(rng)
    untrained = measure(parameters, held_out, judge)
    start = time.perf_counter()
    losses = train(parameters, data.images, 5 if chosen.short else 200, rng)
    seconds = time.perf_counter() - start
    trained = measure(parameters, held_out, judge)

    picture = chosen.out / "vae_numpy.png"
    draw(parameters, losses, held_out, picture)
    mean_image = np.broadcast_to(data.images.mean(axis=0), held_out.images.shape)
    blind = compare(mean_image, held_out, judge)
    perfect = compare(held_out.images, held_out, judge)
    print(f"\non {len(held_out.images)} digits held out       loss    error   read right")
    rows = {"the mean image": blind, "untrained": untrained, "trained": trained}
    for name, (loss, error, accuracy) in (rows | {"the digits themselves": perfect}).items():
        print(f"{name:26} {loss:6.2f}   {error:.4f}   {accuracy:9.1%}")
    print(f"trained in {seconds:.0f} s, drawn in {picture}")
    return {"losses": losses, "untrained": untrained, "trained": trained, "blind": blind}


def draw(parameters: dict[str, Any], losses: Any, held_out: digits.Digits, path: Path) -> None:
    """The loss, reconstructions, a path between codes, and samples."""
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06, hspace=0.06)
    curve, rebuilt, between, samples = figure.subplots(2, 2).ravel()
    pictures.show_curves(curve, {"training loss": losses}, "epoch", "nats an image")
    curve.set_title("Loss")

    some = held_out.images[:30].reshape(3, 10, 1, 8, 8)
    pairs = [(row, decode(parameters, encode(parameters, row))) for row in some]
    images = np.concatenate([image for pair in pairs for image in pair])
    pictures.show_grid(rebuilt, images, 10, "Held-out digits, below each its reconstruction")

    ends = [held_out.images[held_out.labels == label][:1] for label in (3, 8, 1, 7, 0, 6, 5)]
    codes = np.concatenate([encode(parameters, image) for image in ends])
    steps = np.linspace(0, 1, 10, dtype=np.float32)[:, None, None, None]
    rows = [decode(parameters, a + steps * (b - a)) for a, b in itertools.pairwise(codes)]
    pictures.show_grid(between, np.concatenate(rows), 10, "From code to code: 3, 8, 1, 7, 0, 6, 5")

    random_codes = _noise(np.random.default_rng(2), 60)
    pictures.show_grid(samples, decode(parameters, random_codes), 10, "Samples: random codes")
    pictures.save(figure, path)


def _noise(rng: np.random.Generator, batch: int) -> Any:
    return rng.standard_normal((batch, CODE, 1, 1), dtype=np.float32)


if __name__ == "__main__":
    main()
