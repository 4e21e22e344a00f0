"""The peers on JAX arrays: tconv, PyTorch, ``lax`` as libraries call it, flax and equinox."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import lax
from numpy.typing import NDArray

import tconv
from benchmarks.layers import Layer
from benchmarks.measure import Row
from benchmarks.problem import WHATS as PROBLEMS
from benchmarks.problem import Peer, Problem, Unsupported

REFERENCE = "torch"
NOTE = "JAX arrays under jit"
WHATS = (*PROBLEMS, "step")

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
    last = options.layout == "NHWC"
    functions = {"tconv": tconv_peer, "lax": lax_peer, "flax": _flax, "equinox": _equinox}
    found = [
        Peer(name, partial(_compiled, name, function, last), partial(_canonical, last))
        for name, function in functions.items()
    ]
    device = "cuda" if options.platform in ("cuda", "gpu", "rocm") else "cpu"
    found.insert(1, Peer("torch", partial(_torch, last, device), _from_torch))
    return found


def versions() -> dict[str, str]:
    """What decides the figures: libraries, devices and threads."""
    return {
        "tconv": tconv.__version__,
        "jax": jax.__version__,
        "device": jax.devices()[0].device_kind,
        "torch": torch.__version__,
        "torch threads": str(torch.get_num_threads()),
    }


def gemm_rate(dtype: str, size: int = 2048, seconds: float = 0.5) -> float:
    """Floating-point operations a second of JAX's own square matrix product."""
    a = jnp.ones((size, size), dtype)
    product = jax.jit(jnp.matmul)
    jax.block_until_ready(product(a, a))
    best, start = float("inf"), perf_counter()
    while perf_counter() - start < seconds:
        before = perf_counter()
        jax.block_until_ready(product(a, a))
        best = min(best, perf_counter() - before)
    return 2 * size**3 / best


def columns(rows: Sequence[Row]) -> list[list[str]]:
    """The seconds that compiling took, a column a peer, headers first."""
    names = list(dict.fromkeys(name for _, name in compile_seconds))
    table = [[f"{name} compile s" for name in names]]
    for row in rows:
        times = [compile_seconds.get((row.problem.layer.name, name)) for name in names]
        table.append(["-" if seconds is None else f"{seconds:.2f}" for seconds in times])
    return table


def step(options: argparse.Namespace) -> None:
    """Time a whole training step."""
    from benchmarks import jax_step

    jax_step.report(options)


def _compiled(
    name: str, function: Callable[..., Any], last: bool, problem: Problem
) -> Callable[[], Any]:
    """The call of the compiled program on operands in the layout."""
    layer = problem.layer
    x, dy = (signal(array, last, problem.dtype) for array in (problem.x, problem.dy))
    w = jnp.asarray(problem.w, problem.dtype)
    if last:
        w = jnp.moveaxis(w, (0, 1), (-2, -1))
    transposed = partial(function, layer, last)
    if problem.what == "conv":
        operands, like = (dy, w), jax.ShapeDtypeStruct(x.shape, x.dtype)

        def program(dy: Any, w: Any) -> Any:
            return jax.linear_transpose(lambda x: transposed(x, w), like)(dy)[0]
    elif problem.what == "grad":
        operands = (x, w, dy)

        def program(x: Any, w: Any, dy: Any) -> Any:
            y, pullback = jax.vjp(transposed, x, w)
            return y, *pullback(dy)
    else:
        operands, program = (x, w), transposed
    before = perf_counter()
    compiled = jax.jit(program).lower(*operands).compile()
    compile_seconds[layer.name, name] = perf_counter() - before
    return lambda: jax.block_until_ready(compiled(*operands))


def signal(array: NDArray[Any], last: bool, dtype: str) -> jax.Array:
    values = jnp.asarray(array, dtype)
    return jnp.moveaxis(values, 1, -1) if last else values


def _canonical(last: bool, out: Any) -> tuple[NDArray[Any], ...]:
    """y, dx and dw as PyTorch has them."""
    arrays = [np.asarray(array.astype(jnp.promote_types(array.dtype, "float32"))) for array in
              (out if isinstance(out, tuple) else (out,))]  # fmt: skip
    if last:
        arrays[:2] = [np.moveaxis(array, -1, 1) for array in arrays[:2]]
        arrays[2:] = [np.moveaxis(array, (-2, -1), (0, 1)) for array in arrays[2:]]
    return tuple(arrays)


def _numbers(axes: int, last: bool) -> tuple[str, str, str] | None:
    spatial = "DHW"[3 - axes :]
    return (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C") if last else None


def tconv_peer(layer: Layer, last: bool, x: Any, w: Any) -> Any:
    numbers = _numbers(len(layer.spatial), last)
    return tconv.conv_transpose(x, w, dimension_numbers=numbers, **layer.parameters)


def lax_peer(layer: Layer, last: bool, x: Any, w: Any) -> Any:
    axes, groups = len(layer.spatial), layer.groups
    depth = (groups, layer.in_channels // groups, layer.out_channels // groups)
    if last:
        kernel = jnp.moveaxis(w.reshape(*w.shape[:axes], *depth), axes, axes + 1)
        kernel = kernel.reshape(*w.shape[:axes], depth[1], layer.out_channels)
        kernel = lax.rev(kernel, tuple(range(axes)))
    else:
        kernel = w.reshape(*depth, *w.shape[2:]).swapaxes(1, 2)
        kernel = kernel.reshape(layer.out_channels, depth[1], *w.shape[2:])
        kernel = lax.rev(kernel, tuple(range(2, axes + 2)))
    return lax.conv_general_dilated(
        x,
        kernel,
        (1,) * axes,
        [_flipped_padding(layer)] * axes,
        lhs_dilation=(layer.stride,) * axes,
        rhs_dilation=(layer.dilation,) * axes,
        dimension_numbers=_numbers(axes, last),
        feature_group_count=groups,
    )


def _flipped_padding(layer: Layer) -> tuple[int, int]:
    lo = layer.dilation * (layer.kernel - 1) - layer.padding
    return lo, lo + layer.output_padding


def _flax(layer: Layer, last: bool, x: Any, w: Any) -> Any:
    try:
        from flax import linen
    except ImportError as error:
        raise Unsupported(f"not installed ({error.name})") from error
    if not last or layer.groups > 1:
        raise Unsupported("channels last and one group only")
    axes = len(layer.spatial)
    module = linen.ConvTranspose(
        layer.out_channels,
        (layer.kernel,) * axes,
        (layer.stride,) * axes,
        [_flipped_padding(layer)] * axes,
        (layer.dilation,) * axes,
        use_bias=False,
    )
    return module.apply({"params": {"kernel": lax.rev(w, tuple(range(axes)))}}, x)


def _equinox(layer: Layer, last: bool, x: Any, w: Any) -> Any:
    try:
        import equinox
    except ImportError as error:
        raise Unsupported(f"not installed ({error.name})") from error
    if last:
        raise Unsupported("channels first only")
    axes, groups = len(layer.spatial), layer.groups
    module = jax.eval_shape(
        lambda: equinox.nn.ConvTranspose(
            axes,
            layer.in_channels,
            layer.out_channels,
            layer.kernel,
            **layer.parameters,
            use_bias=False,
            key=jax.random.key(0),
        )
    )
    kernel = w.reshape(groups, -1, *w.shape[1:]).swapaxes(1, 2)
    kernel = kernel.reshape(layer.out_channels, -1, *w.shape[2:])
    kernel = lax.rev(kernel, tuple(range(2, axes + 2)))
    return jax.vmap(equinox.tree_at(lambda conv: conv.weight, module, kernel))(x)


def _torch(last: bool, device: str, problem: Problem) -> Callable[[], Any]:
    options, axes = problem.layer.parameters, len(problem.layer.spatial)
    kind = getattr(torch, problem.dtype)
    x, w, dy = (torch.from_numpy(a).to(device, kind) for a in (problem.x, problem.w, problem.dy))
    formats = {2: torch.channels_last, 3: torch.channels_last_3d}
    if last and axes in formats:
        x, w, dy = (tensor.to(memory_format=formats[axes]) for tensor in (x, w, dy))
    torch.backends.cudnn.benchmark = True
    wait = torch.cuda.synchronize if device == "cuda" else tuple
    transposed = getattr(torch.nn.functional, f"conv_transpose{axes}d")

    def run(function: Callable[[], Any]) -> Any:
        out = function()
        wait()
        return out

    if problem.what == "forward":
        return partial(run, lambda: transposed(x, w, None, **options))
    if problem.what == "conv":
        del options["output_padding"]
        forward = getattr(torch.nn.functional, f"conv{axes}d")
        return partial(run, lambda: forward(dy, w, None, **options))
    x.requires_grad_()
    w.requires_grad_()

    def gradient() -> Any:
        y = transposed(x, w, None, **options)
        return y, *torch.autograd.grad(y, (x, w), dy)

    return partial(run, gradient)


def _from_torch(out: Any) -> tuple[NDArray[Any], ...]:
    wide = torch.float32
    tensors = out if isinstance(out, tuple) else (out,)
    return tuple(
        (t.to(wide) if t.dtype in (torch.bfloat16, torch.float16) else t).detach().cpu().numpy()
        for t in tensors
    )
