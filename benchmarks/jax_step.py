"""A whole training step of a DCGAN generator, by tconv, by ``lax`` and by PyTorch."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from benchmarks import jax_peers
from benchmarks.layers import Layer
from benchmarks.report import machine, plain
from benchmarks.timing import alternate

BATCH = 16
LEARNING_RATE = 2e-4
WIDTHS = (100, 512, 256, 128, 64, 3)
LAYERS = [Layer("first", "", BATCH, 100, 512, (1, 1), 4)] + [
    Layer(str(edge), "", BATCH, inside, outside, (edge, edge), 4, 2, 1)
    for edge, inside, outside in zip((4, 8, 16, 32), WIDTHS[1:-1], WIDTHS[2:], strict=True)
]
COMPARED_STEPS = 3


def report(options: argparse.Namespace) -> None:
    """Print the time of a step by each, after checking that their losses agree."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((BATCH, WIDTHS[0], 1, 1), np.float32)
    target = np.tanh(rng.standard_normal((BATCH, 3, 64, 64), np.float32))
    weights = [0.05 * rng.standard_normal(layer.w_shape, np.float32) for layer in LAYERS]
    last = options.layout == "NHWC"
    calls: dict[str, Callable[[], Any]] = {}
    compiled: dict[str, float] = {}
    for name, function in (("tconv", jax_peers.tconv_peer), ("lax", jax_peers.lax_peer)):
        before = perf_counter()
        calls[name] = _jax_step(function, last, noise, target, weights)
        compiled[name] = perf_counter() - before
    calls["torch"] = _torch_step(last, noise, target, weights)
    losses = {name: [float(call()) for _ in range(COMPARED_STEPS)] for name, call in calls.items()}
    for name, values in losses.items():
        if not np.allclose(values, losses["torch"], rtol=1e-4):
            raise SystemExit(f"{name} and torch disagree: losses {values}, {losses['torch']}")
    names = list(calls)
    times = dict(zip(names, alternate(list(calls.values()), options.seconds), strict=True))
    table = [["peer", "ms a step", "over torch", "compile s"]]
    for name in names:
        ratio = times[name].median / times["torch"].median
        seconds = f"{compiled[name]:.2f}" if name in compiled else "-"
        table.append([name, f"{times[name].median * 1e3:.1f}", f"{ratio:.2f}", seconds])
    print(f"training step, {options.layout}, batch {BATCH}, Adam, float32", machine(), sep="\n")
    print(plain(table))
    print(f"lax/tconv: {times['lax'].median / times['tconv'].median:.1f}")


def _jax_step(
    function: Callable[..., Any], last: bool, noise: Any, target: Any, weights: list[Any]
) -> Callable[[], Any]:
    """A call that makes one step and returns the loss before it."""
    x, wanted = (jax_peers.signal(array, last, "float32") for array in (noise, target))
    kernels = [jnp.asarray(np.moveaxis(w, (0, 1), (-2, -1)) if last else w) for w in weights]
    optimizer = optax.adam(LEARNING_RATE)

    def loss(kernels: list[Any]) -> Any:
        hidden = x
        for number, (layer, w) in enumerate(zip(LAYERS, kernels, strict=True)):
            hidden = function(layer, last, hidden if number == 0 else jax.nn.relu(hidden), w)
        return jnp.mean(jnp.square(jnp.tanh(hidden) - wanted))

    def update(kernels: list[Any], state: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(kernels)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(kernels, updates), state, value

    state = optimizer.init(kernels)
    step = jax.jit(update, donate_argnums=(0, 1)).lower(kernels, state).compile()
    held = [kernels, state]

    def call() -> Any:
        *held[:], value = jax.block_until_ready(step(*held))
        return value

    return call


def _torch_step(last: bool, noise: Any, target: Any, weights: list[Any]) -> Callable[[], Any]:
    x, wanted = torch.from_numpy(noise), torch.from_numpy(target)
    kernels = [torch.from_numpy(w.copy()) for w in weights]
    if last:
        x, wanted, *kernels = (
            tensor.to(memory_format=torch.channels_last) for tensor in (x, wanted, *kernels)
        )
    for kernel in kernels:
        kernel.requires_grad_()
    optimizer = torch.optim.Adam(kernels, LEARNING_RATE)

    def call() -> Any:
        hidden = x
        for number, (layer, w) in enumerate(zip(LAYERS, kernels, strict=True)):
            hidden = torch.nn.functional.conv_transpose2d(
                hidden if number == 0 else torch.relu(hidden), w, None, **layer.parameters
            )
        value = torch.mean(torch.square(torch.tanh(hidden) - wanted))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value.detach()

    return call
