"""``python -m benchmarks scale``: what one more device, chunk or block of a stream costs.

Weak scaling: the image grows with the devices, which are threads of one CPU here, so that times
say little; the bytes that a device receives are read off the compiled program and are those of any
machine.  The peer is ``lax.conv_general_dilated`` of operands that are sharded alike.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import jax_versions, line, machine, numpy_versions
from benchmarks.report import markdown, plain, write_json
from benchmarks.timing import alternate

# The layer: kernel 4, stride 2, padding 1, as decoders have it.
CHANNELS, ROWS, COLUMNS = (32, 16), 64, 128
STRIDED = {"stride": 2, "padding": 1}
WIDTHS = {"f64": 8, "s64": 8, "f32": 4, "s32": 4, "bf16": 2, "f16": 2, "s8": 1, "pred": 1}
COLLECTIVES = ("all-gather", "all-reduce", "all-to-all", "collective-permute", "reduce-scatter")


def main(arguments: Sequence[str]) -> None:
    """Time and print; ``--json`` keeps the figures."""
    options = _options(arguments)
    import jax

    jax.config.update("jax_num_cpu_devices", max(options.devices))
    tables = {
        "devices": devices(options.devices, options.seconds),
        "dask": chunks(options.size, options.seconds),
        "stream": streams(options.seconds),
    }
    print(f"{machine()}\n{line(numpy_versions() | jax_versions())}")
    for table in tables.values():
        print("\n" + (markdown if options.markdown else plain)(table))
    if options.json:
        write_json(options.json, {"machine": machine(), **tables})


def received(program: Any, count: int) -> dict[str, int]:
    """Bytes that each of so many devices receives in each kind of collective of a compiled program:
    the result of a gather but for the device's own part, and otherwise all of the result."""
    found = dict.fromkeys(COLLECTIVES, 0)
    for text in program.as_text().splitlines():
        call = re.search(rf"= (.*?) ({'|'.join(COLLECTIVES)})(?:-start)?\(", text)
        if call is not None:
            size = sum(map(_bytes, re.findall(r"(\w+)\[([\d,]*)\]", call[1])))
            found[call[2]] += size - size // count if call[2] == "all-gather" else size
    return {name: size for name, size in found.items() if size}


def _bytes(kind: tuple[str, str]) -> int:
    dtype, shape = kind
    return WIDTHS[dtype] * prod(int(size) for size in shape.split(",") if size)


def devices(counts: Sequence[int], seconds: float) -> list[list[str]]:
    """The transposed convolution and its gradient with an image of so many rows a device."""
    import jax
    from jax.sharding import Mesh, NamedSharding
    from jax.sharding import PartitionSpec as P

    import tconv

    def ours(x: Any, w: Any) -> Any:
        return tconv.conv_transpose(x, w, **STRIDED)

    def theirs(x: Any, w: Any) -> Any:
        turned = jax.lax.rev(w, (2, 3)).swapaxes(0, 1)
        return jax.lax.conv_general_dilated(x, turned, (1, 1), ((2, 2),) * 2, lhs_dilation=(2, 2))

    def gradient(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *operands: jax.vjp(function, *operands[:2])[1](operands[2])

    rng = np.random.default_rng(0)
    w = rng.integers(-2, 3, (*CHANNELS, 4, 4)).astype(np.float32)
    table = [["map", "devices", "tconv", "lax", "tconv, ms", "lax, ms"]]
    for count in counts:
        mesh = Mesh(np.array(jax.devices()[:count]), ("rows",))
        along, whole = NamedSharding(mesh, P(None, None, "rows")), NamedSharding(mesh, P())
        x = rng.integers(-2, 3, (1, CHANNELS[0], ROWS * count, COLUMNS)).astype(np.float32)
        y = rng.integers(-2, 3, (1, CHANNELS[1], 2 * ROWS * count, 2 * COLUMNS)).astype(np.float32)
        placed = [jax.device_put(x, along), jax.device_put(w, whole), jax.device_put(y, along)]

        for name, operands, functions in (
            ("conv_transpose", placed[:2], (ours, theirs)),
            ("gradient", placed, (gradient(ours), gradient(theirs))),
        ):
            shardings = along if name == "conv_transpose" else (along, whole)
            programs = [
                jax.jit(function, out_shardings=shardings).lower(*operands).compile()
                for function in functions
            ]
            results = [jax.tree.map(np.asarray, program(*operands)) for program in programs]
            jax.tree.map(np.testing.assert_array_equal, *results)
            calls = [partial(_finished, program, operands) for program in programs]
            times = [f"{1e3 * timing.median:.1f}" for timing in alternate(calls, seconds)]
            listed = [_listed(received(program, count)) for program in programs]
            table.append([name, str(count), *listed, *times])
    return table


def _finished(function: Callable[..., Any], operands: Sequence[Any]) -> Any:
    import jax

    return jax.block_until_ready(function(*operands))


def _listed(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {size:,} B" for name, size in found.items()) or "-"


def chunks(size: int, seconds: float) -> list[list[str]]:
    """A volume doubled in memory: by one call, and by Dask in chunks on two threads."""
    import dask.array as da

    import tconv
    import tconv.dask

    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, (1, 1, size, size, size)).astype(np.float32)
    w = rng.integers(-2, 3, (1, 1, 4, 4, 4)).astype(np.float32)
    rows = {"direct": partial(tconv.conv_transpose, x, w, **STRIDED)}
    for parts in (2, 4):
        lazy = da.from_array(x, (1, 1, *[size // parts] * 3))
        up = tconv.dask.conv_transpose(lazy, w, **STRIDED)
        name = f"{parts**3} chunks of {size // parts}^3"
        rows[name] = partial(up.compute, scheduler="threads", num_workers=2)
    wanted, *others = [call() for call in rows.values()]
    for other in others:
        np.testing.assert_array_equal(other, wanted)
    table = [[f"{size}^3 to {2 * size}^3", "ms", "million positions of y a second"]]
    for name, timing in zip(rows, alternate([*rows.values()], seconds), strict=True):
        rate = wanted.size / timing.median / 1e6
        table.append([name, f"{1e3 * timing.median:.1f}", f"{rate:.0f}"])
    return table


def streams(seconds: float) -> list[list[str]]:
    """A step of a stream (128 to 64 channels, kernel 16, stride 8) by the length of its chunk."""
    import jax

    from tconv.streaming import ConvTransposeStream

    rng = np.random.default_rng(0)
    w = rng.standard_normal((128, 64, 16)).astype(np.float32)
    table = [["chunk", "outputs", "NumPy, us", "JAX, us"]]
    for length in (1, 8, 64, 512):
        x = rng.standard_normal((1, 128, length)).astype(np.float32)
        stream = ConvTransposeStream(w, stride=8, padding=4)
        state = stream.init(1)
        calls = [
            partial(stream.step, state, x),
            partial(_finished, jax.jit(stream.step), jax.device_put((state, x))),
        ]
        (_, one), (_, other) = (call() for call in calls)
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)
        times = [f"{1e6 * timing.median:.0f}" for timing in alternate(calls, seconds)]
        table.append([str(length), str(8 * length), *times])
    return table


def _options(arguments: Sequence[str]) -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks scale", description=__doc__)
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--size", type=int, default=128, help="of the volume; default: 128")
    parser.add_argument("--seconds", type=float, default=1.0, help="a row; default: 1")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)
