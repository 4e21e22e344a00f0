"""The peers on JAX arrays: tconv, PyTorch, ``lax`` as libraries call it, and the layers of flax and
equinox, each beside its own of ``tconv.compat``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import tconv
from benchmarks import machine, task
from benchmarks.peers.measure import Row
from benchmarks.peers.torch_peer import torch_peer
from benchmarks.task import (
    Array,
    Peer,
    Task,
    Unsupported,
    channels_first,
    channels_last,
    dimension_numbers,
)
from tconv.testing import Problem

REFERENCE = "torch"
NOTE = "JAX arrays under jit"
WHATS = (*task.WHATS, "step")

compile_seconds: dict[tuple[str, str], float] = {}  # by layer and peer, as they are prepared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that only this backend has."""
    parser.add_argument("--platform", default="cpu", help="of JAX and PyTorch; default: cpu")
    parser.add_argument("--layout", choices=("NCHW", "NHWC"), default="NCHW", help="default: NCHW")


def peers(options: argparse.Namespace) -> list[Peer]:
    """tconv first, the reference second, then whoever else is installed."""
    jax.config.update("jax_platforms", options.platform)
    if options.dtype in ("float64", "complex128"):
        jax.config.update("jax_enable_x64", True)
    layout = options.layout
    functions = {
        "tconv": tconv_peer,
        "lax": lax_peer,
        "flax": partial(_flax, False),
        "tconv-flax": partial(_flax, True),
        "equinox": partial(_equinox, False),
        "tconv-equinox": partial(_equinox, True),
    }
    found = [
        Peer(name, partial(_compiled, name, function, layout), partial(_canonical, layout))
        for name, function in functions.items()
    ]
    device = "cuda" if options.platform in ("cuda", "gpu", "rocm") else "cpu"
    found.insert(1, torch_peer(layout, device))
    return found


def versions() -> dict[str, str]:
    """What decides the figures: libraries, devices and threads."""
    return {**machine.jax_versions(), **machine.torch_versions()}


gemm_rate = machine.jax_gemm


def columns(rows: Sequence[Row]) -> list[list[str]]:
    """The seconds that compiling took, a column a peer, headers first."""
    names = list(dict.fromkeys(name for _, name in compile_seconds))
    table = [[f"{name} compile s" for name in names]]
    for row in rows:
        times = [compile_seconds.get((row.task.layer.name, name)) for name in names]
        table.append(["-" if seconds is None else f"{seconds:.2f}" for seconds in times])
    return table


def step(options: argparse.Namespace) -> None:
    """Time a whole training step."""
    from benchmarks.peers import jax_step

    jax_step.report(options)


def _compiled(
    name: str, function: Callable[..., Any], layout: str, task: Task
) -> Callable[[], Any]:
    """The call of the compiled program on operands in the layout."""
    x, w, y = (in_layout(role, getattr(task, role), layout, task.dtype) for role in "xwy")
    transposed = partial(function, task.layer.problem, layout)
    operands: tuple[jax.Array, ...]
    program: Callable[..., Any]
    if task.what == "conv":
        operands, like = (y, w), jax.ShapeDtypeStruct(x.shape, x.dtype)

        def program(y: Any, w: Any) -> Any:
            return jax.linear_transpose(lambda x: transposed(x, w), like)(y)[0]
    elif task.what == "gradient":
        operands = (x, w, y)

        def program(x: Any, w: Any, y: Any) -> Any:
            result, pullback = jax.vjp(transposed, x, w)
            return result, *pullback(y)
    else:
        operands, program = (x, w), transposed
    before = perf_counter()
    compiled = jax.jit(program).lower(*operands).compile()
    compile_seconds[task.layer.name, name] = perf_counter() - before
    return lambda: jax.block_until_ready(compiled(*operands))


def in_layout(role: str, array: Array, layout: str, dtype: str) -> jax.Array:
    """x, w or y as a JAX array."""
    return jnp.asarray(channels_last(role, array) if layout == "NHWC" else array, dtype)


def _canonical(layout: str, out: Any) -> tuple[Array, ...]:
    """y, or y and the cotangents of x and w, as PyTorch has them."""
    results = out if isinstance(out, tuple) else (out,)
    wide = [array.astype(jnp.promote_types(array.dtype, "float32")) for array in results]
    arrays = [np.asarray(array) for array in wide]
    if layout == "NHWC":
        arrays = [channels_first(*pair) for pair in zip("yxw", arrays, strict=False)]
    return tuple(arrays)


def tconv_peer(
    problem: Problem, layout: str, x: Any, w: Any, *, precision: str | None = None
) -> Any:
    numbers = dimension_numbers(problem.ndim, layout)
    return tconv.conv_transpose(
        x, w, dimension_numbers=numbers, precision=precision, **problem.keywords
    )


def lax_peer(problem: Problem, layout: str, x: Any, w: Any, *, precision: str | None = None) -> Any:
    axes = problem.ndim
    return lax.conv_general_dilated(
        x,
        _lax_kernel(problem, layout, w),
        (1,) * axes,
        _flipped_padding(problem),
        lhs_dilation=problem.stride,
        rhs_dilation=problem.dilation,
        dimension_numbers=dimension_numbers(axes, layout),
        feature_group_count=problem.groups,
        precision=precision,
    )


def _lax_kernel(problem: Problem, layout: str, w: Any) -> Any:
    """(*kernel_size, in/groups, out), or (out, in/groups, *kernel_size) with channels first."""
    axes, groups = problem.ndim, problem.groups
    depth = (groups, problem.in_channels // groups, problem.out_channels // groups)
    if layout == "NHWC":
        kernel = jnp.moveaxis(w.reshape(*w.shape[:axes], *depth), axes, axes + 1)
        kernel = kernel.reshape(*w.shape[:axes], depth[1], problem.out_channels)
        return lax.rev(kernel, tuple(range(axes)))
    kernel = w.reshape(*depth, *w.shape[2:]).swapaxes(1, 2)
    kernel = kernel.reshape(problem.out_channels, depth[1], *w.shape[2:])
    return lax.rev(kernel, tuple(range(2, axes + 2)))


def _flipped_padding(problem: Problem) -> list[tuple[int, int]]:
    """The padding of the convolution with the kernel flipped, that of an input with zeros."""
    reach = [axis.dilation * (axis.kernel_size - 1) for axis in problem.axes]
    return [
        (full - axis.padding[0], full - axis.padding[1] + axis.output_padding)
        for full, axis in zip(reach, problem.axes, strict=True)
    ]


def _flax(ours: bool, problem: Problem, layout: str, x: Any, w: Any) -> Any:
    """The layer of linen, or that of ``tconv.compat``."""
    try:
        from flax import linen
    except ImportError as error:
        raise Unsupported(f"not installed ({error.name})") from error
    if layout != "NHWC":
        raise Unsupported("channels last only")
    if problem.groups > 1 and not ours:
        raise Unsupported("one group only")
    layer, groups = linen.ConvTranspose, {}
    if ours:
        from tconv.compat.flax.linen import ConvTranspose as layer  # noqa: N813

        groups = {"feature_group_count": problem.groups}
    module = layer(
        problem.out_channels,
        problem.kernel_size,
        problem.stride,
        _flipped_padding(problem),
        problem.dilation,
        use_bias=False,
        **groups,
    )
    return module.apply({"params": {"kernel": _lax_kernel(problem, layout, w)}}, x)


def _equinox(ours: bool, problem: Problem, layout: str, x: Any, w: Any) -> Any:
    """The layer of equinox, or that of ``tconv.compat``."""
    try:
        import equinox
    except ImportError as error:
        raise Unsupported(f"not installed ({error.name})") from error
    if layout == "NHWC":
        raise Unsupported("channels first only")
    layer = equinox.nn.ConvTranspose
    if ours:
        from tconv.compat.equinox import ConvTranspose as layer  # noqa: N813
    module = jax.eval_shape(
        lambda: layer(
            problem.ndim,
            problem.in_channels,
            problem.out_channels,
            problem.kernel_size,
            **problem.keywords,
            use_bias=False,
            key=jax.random.key(0),
        )
    )
    kernel = _lax_kernel(problem, layout, w)
    return jax.vmap(equinox.tree_at(lambda conv: conv.weight, module, kernel))(x)
