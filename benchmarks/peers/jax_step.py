"""A whole training step of a DCGAN generator, by tconv, by ``lax`` and by PyTorch."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from benchmarks import machine
from benchmarks.layers import load
from benchmarks.peers import jax_peers
from benchmarks.report import plain
from benchmarks.timing import alternate
from tconv.testing import Problem

BATCH = 16
LEARNING_RATE = 2e-4
GENERATOR = ("dcgan_l1", "dcgan_l2", "dcgan_l3", "dcgan_l4", "dcgan_l5")
COMPARED_STEPS = 3


def report(options: argparse.Namespace) -> None:
    """Print the time of a step by each, after checking that their losses agree."""
    found = {layer.name: layer.problem for layer in load()}
    problems = [replace(found[name], batch=BATCH) for name in GENERATOR]
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(problems[0].x_shape, np.float32)
    target = np.tanh(rng.standard_normal(problems[-1].output_shape, np.float32))
    weights = [0.05 * rng.standard_normal(each.w_shape, np.float32) for each in problems]
    given = problems, noise, target, weights, options.layout
    calls: dict[str, Callable[[], Any]] = {}
    compiled: dict[str, float] = {}
    for name, function in (("tconv", jax_peers.tconv_peer), ("lax", jax_peers.lax_peer)):
        before = perf_counter()
        calls[name] = _jax_step(function, *given)
        compiled[name] = perf_counter() - before
    calls["torch"] = _torch_step(*given)
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
    print(f"training step, {options.layout}, batch {BATCH}, Adam, float32")
    print(machine.line(jax_peers.versions()), machine.machine(), sep="\n")
    print(plain(table))
    print(f"lax/tconv: {times['lax'].median / times['tconv'].median:.1f}")


def _jax_step(
    function: Callable[..., Any],
    problems: list[Problem],
    noise: Any,
    target: Any,
    weights: list[Any],
    layout: str,
) -> Callable[[], Any]:
    """A call that makes one step and returns the loss before it."""
    place = partial(jax_peers.in_layout, layout=layout, dtype="float32")
    x, wanted = place("x", noise), place("y", target)
    kernels = [place("w", w) for w in weights]
    optimizer = optax.adam(LEARNING_RATE)

    def loss(kernels: list[Any]) -> Any:
        hidden = x
        for number, (problem, w) in enumerate(zip(problems, kernels, strict=True)):
            hidden = function(problem, layout, jax.nn.relu(hidden) if number else hidden, w)
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


def _torch_step(
    problems: list[Problem], noise: Any, target: Any, weights: list[Any], layout: str
) -> Callable[[], Any]:
    x, wanted = torch.from_numpy(noise), torch.from_numpy(target)
    kernels = [torch.from_numpy(w.copy()) for w in weights]
    if layout == "NHWC":
        x, wanted, *kernels = (
            tensor.to(memory_format=torch.channels_last) for tensor in (x, wanted, *kernels)
        )
    for kernel in kernels:
        kernel.requires_grad_()
    optimizer = torch.optim.Adam(kernels, LEARNING_RATE)

    def call() -> Any:
        hidden = x
        for number, (problem, w) in enumerate(zip(problems, kernels, strict=True)):
            hidden = torch.nn.functional.conv_transpose2d(
                torch.relu(hidden) if number else hidden, w, None, **problem.keywords
            )
        value = torch.mean(torch.square(torch.tanh(hidden) - wanted))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value.detach()

    return call
