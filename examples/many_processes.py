"""One image on several processes: each holds a slab of it and trains the same network.

    python examples/many_processes.py                    # 2 processes on this machine
    python examples/many_processes.py --processes 4
    python examples/many_processes.py --short

On a cluster, start ``python examples/many_processes.py --worker`` once on every host with

    JAX_COORDINATOR_ADDRESS   host:port of the first process, the same for all
    JAX_NUM_PROCESSES         how many there are
    JAX_PROCESS_ID            which one this is, from 0

or with none of them under Slurm or Open MPI, where ``jax.distributed`` finds them by itself.  This
script, given ``--processes``, does just that with processes of its own.

The network, a convolution and a transposed convolution of stride 2, learns to double an image.
The image lies in slabs of rows; each process makes its own slab alone.  Inside ``jax.shard_map``
the layers of ``tconv.sharded`` fetch the rows of the neighbours that they need, and gradients are
summed over all processes.  At the end one process does it all again by itself: the losses are the
same but for the order of the sums.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

import tconv
from tconv import sharded

ROWS = P(None, None, "rows")
RATE = 0.1


def picture(rows: slice, size: int) -> np.ndarray:
    """These rows of a square image of rings and stripes."""
    down, right = np.meshgrid(np.arange(size)[rows], np.arange(size), indexing="ij")
    rings = np.cos(np.hypot(down - size / 3, right - size / 2) / 2)
    return (rings + np.sin(right / 5) * np.cos(down / 7)).astype(np.float32)


def slab_of(mesh: Any, size: int) -> Any:
    """The image (1, 1, size, size) on a mesh, each process making its own rows."""

    def rows_of(index: Any) -> np.ndarray:
        return picture(index[2], size)[None, None]

    return jax.make_array_from_callback((1, 1, size, size), NamedSharding(mesh, ROWS), rows_of)


def initial(channels: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "features": tconv.Conv2d(1, channels, 3, padding=1).init(rng),
        "doubled": tconv.ConvTranspose2d(channels, 1, 4, stride=2, padding=1).init(rng),
    }


def squared_error(params: dict[str, Any], image: Any) -> Any:
    """Of one process's slab, summed over all: the image from the means of its 2 x 2 pixels."""
    _, _, height, width = image.shape
    small = image.reshape(1, 1, height // 2, 2, width // 2, 2).mean((3, 5))
    (w1, b1), (w2, b2) = ([params[name][part] for part in ("weight", "bias")]
                          for name in ("features", "doubled"))  # fmt: skip
    along = {"H": "rows"}
    hidden = jnp.maximum(sharded.conv(small, w1, b1, padding=1, mesh_axes=along), 0)
    doubled = sharded.conv_transpose(hidden, w2, b2, stride=2, padding=1, mesh_axes=along)
    return lax.psum(jnp.sum((doubled - image) ** 2), "rows")


def train(devices: Any, size: int, channels: int, steps: int) -> list[float]:
    """The mean squared error of each step, on a mesh of these devices."""
    mesh = jax.sharding.Mesh(np.asarray(devices), ("rows",))
    error = jax.shard_map(squared_error, mesh=mesh, in_specs=(P(), ROWS), out_specs=P())

    @jax.jit
    def step(params: dict[str, Any], image: Any) -> Any:
        loss, slope = jax.value_and_grad(lambda p: error(p, image) / size**2)(params)
        return loss, jax.tree.map(lambda value, slope: value - RATE * slope, params, slope)

    image, losses = slab_of(mesh, size), []
    params = jax.device_put(initial(channels), NamedSharding(mesh, P()))
    for _ in range(steps):
        loss, params = step(params, image)
        losses.append(float(loss))
    return losses


def work(*problem: int) -> None:
    """One of several processes; the first one prints the losses."""
    names = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
    given = [os.environ.get(name) for name in names]
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    if all(given):
        address, count, number = given
        jax.distributed.initialize(address, int(count or 0), int(number or 0))
    else:
        jax.distributed.initialize()
    losses = train(jax.devices(), *problem)
    if jax.process_index() == 0:
        print(json.dumps(losses))
    jax.distributed.shutdown()


def started(processes: int, arguments: list[str]) -> list[float]:
    """The losses of so many processes on this machine."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    workers = []
    for number in range(processes):
        names = {"JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": str(processes),
                 "JAX_PROCESS_ID": str(number)}  # fmt: skip
        environment = {**os.environ, **names, "JAX_PLATFORMS": "cpu"}
        command = [sys.executable, __file__, "--worker", *arguments]
        workers.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        )
    outputs = [worker.communicate()[0] for worker in workers]
    if any(worker.returncode for worker in workers):
        raise RuntimeError("a process failed; what it said stands above")
    losses: list[float] = json.loads(outputs[0].splitlines()[-1])
    return losses


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="5 steps on 32 x 32 pixels")
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--worker", action="store_true", help="be one of several processes")
    chosen = options.parse_args(argv)
    problem = (32, 4, 5) if chosen.short else (256, 16, 50)
    if chosen.worker:
        work(*problem)
        return {}
    many = started(chosen.processes, ["--short"] if chosen.short else [])
    alone = train(jax.devices("cpu")[:1], *problem)
    for number in sorted({0, len(alone) // 2, len(alone) - 1}):
        print(f"step {number:3d}: {chosen.processes} processes {many[number]:.6f}, "
              f"one {alone[number]:.6f}")  # fmt: skip
    np.testing.assert_allclose(many, alone, rtol=1e-4)
    return {"many": many, "alone": alone}


if __name__ == "__main__":
    main()
