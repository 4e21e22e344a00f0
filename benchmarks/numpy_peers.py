"""The peers on NumPy arrays and the CPU: tconv, PyTorch, and ONNX Runtime if installed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import tconv
from benchmarks.problem import Peer, Problem, Unsupported

REFERENCE = "torch"
NOTE = "NumPy arrays on the CPU"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that only this backend has."""
    parser.add_argument("--threads", type=int, help="threads of the BLAS and of PyTorch")


def peers(options: argparse.Namespace) -> list[Peer]:
    """tconv first, the reference second, then whoever else is installed."""
    if options.threads is not None:
        from threadpoolctl import threadpool_limits

        threadpool_limits(options.threads)
        torch.set_num_threads(options.threads)
    return [
        Peer("tconv", _tconv, _as_tuple),
        Peer("torch", _torch, lambda out: tuple(t.detach().numpy() for t in _as_tuple(out))),
        Peer("onnxruntime", _onnxruntime, lambda out: (out[0],)),
    ]


def versions() -> dict[str, str]:
    """What decides the figures: libraries and threads."""
    found = {
        "tconv": tconv.__version__,
        "numpy": np.__version__,
        "torch": torch.__version__,
        "torch threads": str(torch.get_num_threads()),
    }
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return found
    for pool in threadpool_info():
        if pool["user_api"] == "blas" and "numpy" in pool["filepath"]:
            found["NumPy's BLAS"] = f"{pool['internal_api']} {pool['version']}"
            found["BLAS threads"] = str(pool["num_threads"])
    return found


def gemm_rate(dtype: str, size: int = 2048, seconds: float = 0.5) -> float:
    """Floating-point operations a second of NumPy's own square matrix product."""
    a = np.ones((size, size), dtype)
    out = a @ a
    best, start = float("inf"), perf_counter()
    while perf_counter() - start < seconds:
        before = perf_counter()
        np.matmul(a, a, out=out)
        best = min(best, perf_counter() - before)
    return 2 * size**3 / best


def _as_tuple(out: Any) -> tuple[NDArray[Any], ...]:
    return out if isinstance(out, tuple) else (out,)


def _tconv(problem: Problem) -> Callable[[], Any]:
    if problem.dtype == "bfloat16":
        raise Unsupported("NumPy has no bfloat16 of its own")
    x, w, dy, options = problem.x, problem.w, problem.dy, problem.layer.parameters
    if problem.what == "forward":
        return lambda: tconv.conv_transpose(x, w, **options)
    if problem.what == "conv":
        del options["output_padding"]
        return lambda: tconv.conv(dy, w, **options)

    def gradient() -> Any:
        y, pullback = tconv.conv_transpose_vjp(x, w, **options)
        dx, dw, _ = pullback(dy)
        return y, dx, dw

    return gradient


def _torch(problem: Problem) -> Callable[[], Any]:
    options, axes = problem.layer.parameters, len(problem.layer.spatial)
    kind = getattr(torch, problem.dtype)
    x, w, dy = (torch.from_numpy(a).to(kind) for a in (problem.x, problem.w, problem.dy))
    transposed = getattr(torch.nn.functional, f"conv_transpose{axes}d")
    if problem.what == "forward":
        return lambda: transposed(x, w, None, **options)
    if problem.what == "conv":
        del options["output_padding"]
        forward = getattr(torch.nn.functional, f"conv{axes}d")
        return lambda: forward(dy, w, None, **options)
    x.requires_grad_()
    w.requires_grad_()

    def gradient() -> Any:
        y = transposed(x, w, None, **options)
        return y, *torch.autograd.grad(y, (x, w), dy)

    return gradient


def _onnxruntime(problem: Problem) -> Callable[[], Any]:
    if problem.what != "forward" or problem.dtype != "float32":
        raise Unsupported("only forward float32")
    try:
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise Unsupported(f"not installed ({error.name})") from error
    layer = problem.layer
    axes = len(layer.spatial)
    node = helper.make_node(
        "ConvTranspose",
        ["x", "w"],
        ["y"],
        strides=[layer.stride] * axes,
        pads=[layer.padding] * (2 * axes),
        output_padding=[layer.output_padding] * axes,
        dilations=[layer.dilation] * axes,
        group=layer.groups,
    )
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, layer.x_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, layer.y_shape)],
        [numpy_helper.from_array(problem.w, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"x": problem.x})
