"""``python -m benchmarks gpu --json``: tconv, PyTorch and ``lax`` on a GPU, within a few minutes.

The most wanted figures come first, every figure is written once it is there, and a run goes on
where another one ended.  The programs of a few layers are compiled side by side, then timed in
turns: a time is the median of several chains of calls, each waited for once at its end.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks import layers, machine, report
from benchmarks.layers import Layer, record_of
from benchmarks.report import geometric_mean
from benchmarks.task import Array, channels_first, operands, tolerance
from tconv.testing import Problem

PEERS = ("tconv", "torch", "lax")
MAPS = {"y": "forward", "x": "dx", "w": "dw"}
# The dtype, and the precision of JAX's products: by default TF32 where the dtype is float32.
MODES = {
    "TF32": ("float32", "default"),
    "float32": ("float32", "highest"),
    "bfloat16": ("bfloat16", "default"),
}
# In the order in which they are wanted.
ROUNDS = (
    ("TF32", "NCHW"),
    ("bfloat16", "NHWC"),
    ("float32", "NCHW"),
    ("bfloat16", "NCHW"),
    ("TF32", "NHWC"),
    ("float32", "NHWC"),
)
DRAWN = slice(None, None, 4)  # of the drawn layers

TOGETHER = 12  # cases whose programs are compiled side by side
CHAINS, CHAIN_SECONDS, MOST_CALLS = 5, 4e-3, 200
SLOW_SECONDS = 0.1  # of a call that is not made again


@dataclass(frozen=True)
class Case:
    """One map of a layer, in a mode and a layout."""

    layer: Layer
    result: str
    mode: str
    layout: str

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from others."""
        return self.layer.name, self.result, self.mode, self.layout


@dataclass
class Row:
    """The seconds of a case by peer, those of compiling, and why a peer has none."""

    layer: str
    result: str
    mode: str
    layout: str
    problem: dict[str, Any]
    seconds: dict[str, float]
    compile_seconds: dict[str, float]
    failed: dict[str, str]

    @property
    def key(self) -> tuple[str, ...]:
        """That of its case."""
        return self.layer, self.result, self.mode, self.layout


def main(arguments: Sequence[str]) -> None:
    """Time all cases that the budget holds, and print the means."""
    start = perf_counter()
    options = _options(arguments)
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch needs memory too
    import jax

    jax.config.update("jax_platforms", options.platform)
    device = jax.devices()[0].device_kind
    path = machine.results("gpu", device) if options.json is True else options.json
    about = {
        "device": device,
        "machine": machine.machine(),
        "versions": machine.jax_versions() | machine.torch_versions(),
    }
    kept = {row.key: row for row in _load(path, device)}
    wanted = cases(chosen(options.layers), options.rounds)
    print(f"{device}; {machine.line(about['versions'])}; {machine.machine()}", flush=True)
    left, deadline = [case for case in wanted if case.key not in kept], start + 60 * options.minutes
    for first in range(0, len(left), TOGETHER):
        for row in measured(left[first : first + TOGETHER], options.platform, deadline):
            kept[row.key] = row
        if path:
            report.write_json(path, about | {"rows": [asdict(row) for row in kept.values()]})
    left = [case for case in left if case.key not in kept]
    found = [kept[case.key] for case in wanted if case.key in kept]
    print(report.plain(means(found)), *notes(found, left), sep="\n")
    if options.readme:
        readme = report.README if options.readme is True else options.readme
        lines = [f"{device}, {machine.line(about['versions'])}", *notes(found, left)]
        text = f"{report.markdown(means(found))}\n\n" + "  \n".join(lines)
        report.refresh(readme, "gpu", text)


def chosen(which: str) -> list[Layer]:
    """The layers of the table and a part of the drawn ones, or those that are named."""
    if which != "gpu":
        return layers.load(which)
    return [*layers.load("layers"), *layers.load("drawn")[DRAWN]]


def cases(found: Sequence[Layer], rounds: int) -> list[Case]:
    """What is to be timed, in order."""
    return [
        Case(layer, result, mode, layout)
        for mode, layout in ROUNDS[:rounds]
        for layer in found
        for result in MAPS
    ]


def measured(found: Sequence[Case], platform: str, deadline: float) -> list[Row]:
    """The rows of the cases that are reached before the deadline.

    A peer that fails, or differs from PyTorch, has its reason in place of a time.
    """
    rows = [Row(*case.key, record_of(case.layer.problem), {}, {}, {}) for case in found]
    calls: list[dict[str, Callable[[], Any]]] = [{} for _ in found]

    def prepare(job: tuple[int, str]) -> None:
        number, peer = job
        if perf_counter() > deadline:
            return
        try:
            call = _torch(found[number], platform) if peer == "torch" else _jax(peer, found[number])
            before = perf_counter()
            _wait(peer, platform, call())
            rows[number].compile_seconds[peer] = perf_counter() - before
            calls[number][peer] = call
        except Exception as error:  # whatever a library raises must not end the others' run
            first_line = str(error).partition("\n")[0]
            rows[number].failed[peer] = f"{type(error).__name__}: {first_line[:200]}"

    numbers = range(len(found))
    for number in numbers:  # PyTorch's modes are global
        prepare((number, "torch"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(prepare, [(number, peer) for number in numbers for peer in ("tconv", "lax")]))
    reached = []
    for row, case, mine in zip(rows, found, calls, strict=True):
        if len(mine) + len(row.failed) == len(PEERS) and perf_counter() < deadline:
            _check(row, case, mine)
            right = {peer: mine[peer] for peer in PEERS if peer not in row.failed}
            row.seconds |= _alternate(right, platform)
            reached.append(row)
    return reached


def _alternate(calls: dict[str, Callable[[], Any]], platform: str) -> dict[str, float]:
    """The median seconds a call of each, in chains A B A B; of a slow one a single call's."""
    counts, times = {}, {}
    for peer, call in calls.items():
        times[peer] = [_chain(peer, call, 1, platform)]
        if times[peer][0] < SLOW_SECONDS:
            counts[peer] = max(1, min(MOST_CALLS, int(CHAIN_SECONDS / times.pop(peer)[0])))
    for _ in range(CHAINS):
        for peer, count in counts.items():
            times.setdefault(peer, []).append(_chain(peer, calls[peer], count, platform))
    return {peer: median(found) for peer, found in times.items()}


def _chain(peer: str, call: Callable[[], Any], count: int, platform: str) -> float:
    """Seconds a call of so many, waited for at the end."""
    before = perf_counter()
    for _ in range(count):
        out = call()
    _wait(peer, platform, out)
    return (perf_counter() - before) / count


def _wait(peer: str, platform: str, out: Any) -> None:
    import jax
    import torch

    if peer != "torch":
        jax.block_until_ready(out)
    elif platform != "cpu":
        torch.cuda.synchronize()


@lru_cache(maxsize=64)
def _arrays(problem: Problem) -> dict[str, Array]:
    return operands(problem)


def _jax(peer: str, case: Case) -> Callable[[], Any]:
    """The call of the compiled map, by tconv or by ``lax`` with the derivatives that JAX gives."""
    import jax

    from benchmarks.peers import jax_peers

    function = {"tconv": jax_peers.tconv_peer, "lax": jax_peers.lax_peer}[peer]
    dtype, precision = MODES[case.mode]
    problem = case.layer.problem
    transposed = partial(function, problem, case.layout, precision=precision)
    x, w, y = (
        jax_peers.in_layout(role, _arrays(problem)[role], case.layout, dtype) for role in "xwy"
    )
    maps = {
        "y": (transposed, x, w),
        "x": (lambda y, w: jax.linear_transpose(lambda x: transposed(x, w), x)(y)[0], y, w),
        "w": (lambda x, y: jax.linear_transpose(lambda w: transposed(x, w), w)(y)[0], x, y),
    }
    program, *given = maps[case.result]
    return partial(jax.jit(program), *given)


def _torch(case: Case, platform: str) -> Callable[[], Any]:
    """The call of PyTorch, which tries cuDNN's kernels out in its first one."""
    import torch

    problem = case.layer.problem
    options, kind = problem.keywords, getattr(torch, MODES[case.mode][0])
    device = "cpu" if platform == "cpu" else "cuda"
    x, w, y = (torch.from_numpy(_arrays(problem)[role]).to(device, kind) for role in "xwy")
    formats = {2: torch.channels_last, 3: torch.channels_last_3d}
    if case.layout == "NHWC" and problem.ndim in formats:
        x, w, y = (tensor.to(memory_format=formats[problem.ndim]) for tensor in (x, w, y))
    torch.backends.cudnn.benchmark = True
    transposed = getattr(torch.nn.functional, f"conv_transpose{problem.ndim}d")
    cotangents = partial(
        torch.ops.aten.convolution_backward, y, x, w, None, options["stride"], options["padding"],
        options["dilation"], True, options["output_padding"], options["groups"],
    )  # fmt: skip
    maps = {
        "y": lambda: transposed(x, w, None, **options),
        "x": lambda: cotangents((True, False, False))[0],
        "w": lambda: cotangents((False, True, False))[1],
    }

    def call() -> Any:
        torch.backends.cudnn.allow_tf32 = case.mode == "TF32"
        return maps[case.result]()

    return call


def _check(row: Row, case: Case, calls: dict[str, Callable[[], Any]]) -> None:
    """A peer whose result is not PyTorch's gets no time: a wrong result has no speed."""
    import jax
    import jax.numpy as jnp

    if "torch" not in calls:
        return
    wanted = jax.dlpack.from_dlpack(calls["torch"]().float().contiguous())
    dtype = "float16" if case.mode == "TF32" else MODES[case.mode][0]  # TF32 has as many digits
    for peer in calls.keys() - {"torch"}:
        got = calls[peer]()
        if case.layout == "NHWC":
            got = channels_first(case.result, got)
        same = got.shape == wanted.shape
        off = float(jnp.max(jnp.abs(got.astype("float32") - wanted), initial=0)) if same else None
        if off is None or not off <= tolerance(case.layer.problem, dtype):
            row.failed[peer] = f"differs from PyTorch by {off}" if same else "has another shape"


def means(found: Sequence[Row]) -> list[list[str]]:
    """A line a mode, layout and map: the means of the ratios and the worst of them."""
    table = [["mode", "layout", "map", "layers", "tconv/torch", "worst", "tconv/lax", "worst"]]
    for mode, layout in ROUNDS:
        for result, name in MAPS.items():
            rows = [r for r in found if (r.mode, r.layout, r.result) == (mode, layout, result)]
            cells = [*_ratio(rows, "torch"), *_ratio(rows, "lax")]
            if rows:
                table.append([mode, layout, name, str(len(rows)), *cells])
    return table


def _ratio(rows: Sequence[Row], other: str) -> tuple[str, str]:
    ratios = {
        row.layer: row.seconds["tconv"] / row.seconds[other]
        for row in rows
        if {"tconv", other} <= row.seconds.keys()
    }
    if not ratios:
        return "-", "-"
    worst = max(ratios, key=lambda layer: ratios[layer])
    return f"{geometric_mean(list(ratios.values())):.2f}", f"{ratios[worst]:.2f} ({worst})"


def notes(found: Sequence[Row], left: Sequence[Case]) -> list[str]:
    """What failed, and what was not reached."""
    lines = [
        f"{peer} in {row.layer}, {MAPS[row.result]}, {row.mode}, {row.layout}: {reason}"
        for row in found
        for peer, reason in row.failed.items()
    ]
    if left:
        first = left[0]
        lines.append(
            f"not reached: {len(left)} of {len(left) + len(found)} cases, from {first.layer.name}, "
            f"{first.mode}, {first.layout} on; the same command goes on from there"
        )
    return lines


def _load(path: Path | None, device: str) -> list[Row]:
    """The rows that an earlier run on such a device has written."""
    if path is None or not path.exists():
        return []
    record = json.loads(path.read_text())
    if record["device"] != device:
        raise SystemExit(f"{path}: is of {record['device']}; this is {device}. Name another file.")
    return [Row(**row) for row in record["rows"]]


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu", description=__doc__)
    parser.add_argument("--platform", default="cuda", help="of JAX and PyTorch; default: cuda")
    parser.add_argument(
        "--layers", default="gpu", help=f"gpu, those of the table and 30 drawn; {layers.help_of()}"
    )
    parser.add_argument(
        "--rounds", type=int, default=len(ROUNDS), help="modes and layouts; default: all, 6"
    )
    parser.add_argument("--minutes", type=float, default=8.5, help="default: 8.5")
    report.add_files(parser)
    return parser.parse_args(arguments)
