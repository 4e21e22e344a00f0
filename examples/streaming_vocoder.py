"""A vocoder fed in chunks: the samples of the whole, long before there is a whole.

    python examples/streaming_vocoder.py            # a minute or two: the size of HiFi-GAN V2
    python examples/streaming_vocoder.py --short    # seconds: few channels and kernels

A HiFi-GAN generator makes 256 samples of each frame of a spectrogram: transposed convolutions of
strides 8, 8, 2 and 2, each followed by residual blocks of dilated convolutions.  Weights and
spectrogram are random, as what is measured does not depend on them.  Three ways to its samples:

* the whole spectrogram at once;
* chunks, each with the frames around it that reach into its samples (``tconv.tiles.context``),
  computed anew for every chunk;
* chunks, each layer being a stream that keeps its own last inputs (``tconv.streaming``).

The generator of streams is put together from stages: each has ``init``, ``step`` and ``flush`` as
a stream has them, and a delay.

Source: Kong, Kim and Bae, "HiFi-GAN: Generative Adversarial Networks for Efficient and High
Fidelity Speech Synthesis" (2020), section 2.2 and appendix A.1.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import tconv
from tconv import tiles
from tconv.streaming import ConvStream, ConvTransposeStream

RATE = 22050  # samples a second
STRIDES = (8, 8, 2, 2)
HOP = prod(STRIDES)  # samples a frame
CHUNK = 8  # frames, 93 ms


@dataclass(frozen=True)
class Size:
    """Channels of the spectrogram and of the first layer, and the kernels of residual blocks."""

    bands: int = 80
    channels: int = 128
    kernels: tuple[int, ...] = (3, 7, 11)
    dilations: tuple[int, ...] = (1, 3, 5)


# The generator: layers, and what they are called in the parameters.


def same(channels: int, outputs: int, kernel: int, dilation: int = 1) -> tconv.Conv1d:
    """A convolution that keeps the length."""
    padding = dilation * (kernel - 1) // 2
    return tconv.Conv1d(channels, outputs, kernel, padding=padding, dilation=dilation)


def layers_of(size: Size) -> dict[str, Any]:
    layers: dict[str, Any] = {"pre": same(size.bands, size.channels, 7)}
    channels = size.channels
    for number, stride in enumerate(STRIDES):
        layers[f"up{number}"] = tconv.ConvTranspose1d(
            channels, channels // 2, 2 * stride, stride, stride // 2
        )
        channels //= 2
        for kernel in size.kernels:
            for dilation in size.dilations:
                name = f"block{number}.{kernel}.{dilation}"
                layers[f"{name}.dilated"] = same(channels, channels, kernel, dilation)
                layers[f"{name}.plain"] = same(channels, channels, kernel)
    layers["post"] = same(channels, 1, 7)
    return layers


def leaky(x: Any) -> Any:
    """x above 0, a tenth of it below."""
    return 0.55 * x + 0.45 * abs(x)


def mean(branches: list[Any]) -> Any:
    return sum(branches) / len(branches)


def generate(size: Size, layers: dict[str, Any], params: dict[str, Any], x: Any, xp: Any) -> Any:
    """Samples (batch, 1, frames * HOP) of a spectrogram (batch, bands, frames)."""

    def apply(name: str, x: Any) -> Any:
        return layers[name].apply(params[name], x)

    x = apply("pre", x)
    for number in range(len(STRIDES)):
        x = apply(f"up{number}", leaky(x))
        branches = []
        for kernel in size.kernels:
            branch = x
            for dilation in size.dilations:
                name = f"block{number}.{kernel}.{dilation}"
                inner = apply(f"{name}.dilated", leaky(branch))
                branch = branch + apply(f"{name}.plain", leaky(inner))
            branches.append(branch)
        x = mean(branches)
    return xp.tanh(apply("post", leaky(x)))


# The same as stages of a stream.  A stage's delay counts what comes before its signal, that of its
# input included; tconv's streams are stages.


class Stage(NamedTuple):
    """``init(batch) -> state``, ``step(state, x) -> (state, y)`` and ``flush(state) -> y``."""

    init: Any
    step: Any
    flush: Any
    delay: int


def pointwise(function: Any, delay: int) -> Stage:
    """A function of each element, which keeps nothing."""
    return Stage(lambda _: (), lambda _, x: ((), function(x)), lambda _: None, delay)


def later(channels: int, samples: int, delay: int) -> Stage:
    """Its input, so many samples later."""

    def step(state: Any, x: Any) -> Any:
        joined = jnp.concatenate((state, x), axis=2)
        return joined[..., x.shape[2] :], joined[..., : x.shape[2]]

    def init(batch: int) -> Any:
        return jnp.zeros((batch, channels, samples), jnp.float32)

    return Stage(init, step, lambda state: state, delay + samples)


def chain(stages: list[Any]) -> Stage:
    """Stages behind each other; what one has left at the end goes through those behind it."""

    def step(states: Any, x: Any) -> Any:
        new = []
        for stage, state in zip(stages, states, strict=True):
            state, x = stage.step(state, x)
            new.append(state)
        return new, x

    def flush(states: Any) -> Any:
        left: list[Any] = []
        for stage, state in zip(stages, states, strict=True):
            if left:
                state, y = stage.step(state, jnp.concatenate(left, axis=2))
                left = [y]
            last = stage.flush(state)
            left += [] if last is None else [last]
        return jnp.concatenate(left, axis=2)

    return Stage(lambda batch: [stage.init(batch) for stage in stages], step, flush,
                 stages[-1].delay)  # fmt: skip


def together(stages: list[Any], combined: Any) -> Stage:
    """Stages of one delay side by side: ``combined`` of the list of what they give."""

    def step(states: Any, x: Any) -> Any:
        steps = [stage.step(state, x) for stage, state in zip(stages, states, strict=True)]
        return [state for state, _ in steps], combined([y for _, y in steps])

    def flush(states: Any) -> Any:
        ends = zip(stages, states, strict=True)
        return combined([stage.flush(state) for stage, state in ends])

    return Stage(lambda batch: [stage.init(batch) for stage in stages], step, flush,
                 stages[0].delay)  # fmt: skip


def streams_of(size: Size, layers: dict[str, Any], params: dict[str, Any]) -> Stage:
    """``generate`` as one stage."""

    def stream(name: str, delay: int) -> Any:
        layer, kind = layers[name], ConvTransposeStream if name.startswith("up") else ConvStream
        return kind(
            *(params[name][part] for part in ("weight", "bias")),
            stride=layer.stride,
            dilation=layer.dilation,
            padding=layer.padding,
            input_delay=delay,
        )

    def activated(names: list[str], delay: int) -> Stage:
        """Each layer behind a leaky ReLU."""
        stages: list[Any] = []
        for name in names:
            stages += [pointwise(leaky, delay), stream(name, delay)]
            delay = stages[-1].delay
        return chain(stages)

    def residual(name: str, channels: int, delay: int) -> Stage:
        inner = activated([f"{name}.dilated", f"{name}.plain"], delay)
        return together([later(channels, inner.delay - delay, delay), inner], sum)

    def blocks(number: int, channels: int, delay: int) -> Stage:
        branches = []
        for kernel in size.kernels:
            stages: list[Any] = [pointwise(lambda x: x, delay)]
            for dilation in size.dilations:
                name = f"block{number}.{kernel}.{dilation}"
                stages.append(residual(name, channels, stages[-1].delay))
            branches.append(chain(stages))
        last = max(branch.delay for branch in branches)
        timely = [chain([each, later(channels, last - each.delay, each.delay)])
                  for each in branches]  # fmt: skip
        return together(timely, mean)

    stages: list[Any] = [stream("pre", 0)]
    for number in range(len(STRIDES)):
        stages.append(activated([f"up{number}"], stages[-1].delay))
        stages.append(blocks(number, size.channels // 2 ** (number + 1), stages[-1].delay))
    stages.append(activated(["post"], stages[-1].delay))
    return chain([*stages, pointwise(jnp.tanh, stages[-1].delay)])


def deepest(size: Size, layers: dict[str, Any]) -> list[Any]:
    """The layers on the way through the widest blocks: no other way reads further."""
    widest = f".{max(size.kernels)}."
    return [layer for name, layer in layers.items() if "block" not in name or widest in name]


# Measuring.


def timed(function: Any, *arguments: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    result = jax.block_until_ready(function(*arguments))
    return time.perf_counter() - start, result


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="16 channels, one kernel, 16 chunks")
    chosen = options.parse_args(argv)
    size = Size(20, 16, (3,), (1, 3)) if chosen.short else Size()
    frames = CHUNK * (16 if chosen.short else 40)

    rng = np.random.default_rng(0)
    layers = layers_of(size)
    params = {name: layer.init(rng) for name, layer in layers.items()}
    mel = rng.standard_normal((1, size.bands, frames)).astype(np.float32)

    def whole(x: Any) -> Any:
        return generate(size, layers, params, x, jnp)

    wide = jax.tree.map(lambda array: array.astype(np.float64), params)
    exact = generate(size, layers, wide, mel.astype(np.float64), np)
    expected = np.asarray(jax.jit(whole)(mel))
    rounding = np.abs(expected - exact).max()

    generator = streams_of(size, layers, params)
    step = jax.jit(generator.step)
    times, pieces, state = [], [], jax.device_put(generator.init(1))
    for start, stop in pairwise(range(0, frames + 1, CHUNK)):
        seconds, (state, y) = timed(step, state, jax.device_put(mel[..., start:stop]))
        times.append(seconds)
        pieces.append(y)
    pieces.append(jax.jit(generator.flush)(state))
    streamed = np.concatenate(pieces, axis=2)[..., generator.delay :]
    assert streamed.shape == expected.shape
    off = np.abs(streamed - exact).max()
    assert off <= 4 * rounding, (off, rounding)

    ((before, behind),) = tiles.context(deepest(size, layers))
    again, recompute = [], jax.jit(whole)
    for start, stop in pairwise(range(0, frames + 1, CHUNK)):
        if start >= before and stop + behind <= frames:  # chunks of one shape, away from the ends
            seconds, y = timed(recompute, jax.device_put(mel[..., start - before : stop + behind]))
            again.append(seconds)
            part = np.asarray(y)[..., before * HOP : (before + CHUNK) * HOP]
            assert np.abs(part - exact[..., start * HOP : stop * HOP]).max() <= 4 * rounding

    length = CHUNK * HOP / RATE  # seconds of sound in a chunk
    rows = {
        "streams": (np.median(times[1:]), generator.delay / RATE),
        "recomputed": (np.median(again[1:]), behind * HOP / RATE),
    }
    print(f"{frames} frames, {frames * HOP / RATE:.1f} s of sound, chunks of {1e3 * length:.0f} ms")
    print(f"a chunk's context: {before} frames before it and {behind} behind")
    print(f"delay of the streams: {generator.delay} samples")
    print(f"distance from float64: whole {rounding:.1e}, streams {off:.1e}\n")
    print("            a chunk, ms   real-time factor   look-ahead, ms   latency, ms")
    for name, (seconds, ahead) in rows.items():
        print(f"{name:10s} {1e3 * seconds:12.1f} {seconds / length:18.3f} {1e3 * ahead:16.0f} "
              f"{1e3 * (length + ahead + seconds):13.0f}")  # fmt: skip
    return {
        "off": off,
        "rounding": rounding,
        "delay": generator.delay,
        "context": (before, behind),
        "seconds": {name: seconds for name, (seconds, _) in rows.items()},
    }


if __name__ == "__main__":
    main()
