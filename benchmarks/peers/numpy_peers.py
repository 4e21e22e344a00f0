"""The peers on NumPy arrays and the CPU: tconv, PyTorch, and ONNX Runtime if installed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch

import tconv
from benchmarks import machine
from benchmarks.peers.torch_peer import torch_peer
from benchmarks.task import Array, Peer, Task, Unsupported

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
        torch_peer(),
        Peer("onnxruntime", _onnxruntime, lambda out: (out[0],)),
    ]


def versions() -> dict[str, str]:
    """What decides the figures: libraries and threads."""
    return {**machine.numpy_versions(), **machine.torch_versions()}


gemm_rate = machine.numpy_gemm


def _as_tuple(out: Any) -> tuple[Array, ...]:
    return out if isinstance(out, tuple) else (out,)


def _tconv(task: Task) -> Callable[[], Any]:
    if task.dtype == "bfloat16":
        raise Unsupported("NumPy has no bfloat16 of its own")
    x, w, y, options = task.x, task.w, task.y, task.layer.problem.keywords
    if task.what == "conv_transpose":
        return lambda: tconv.conv_transpose(x, w, **options)
    if task.what == "conv":
        del options["output_padding"]
        return lambda: tconv.conv(y, w, **options)

    def gradient() -> Any:
        result, pullback = tconv.conv_transpose_vjp(x, w, **options)
        return result, *pullback(y)[:2]

    return gradient


def _onnxruntime(task: Task) -> Callable[[], Any]:
    if task.what != "conv_transpose" or task.dtype != "float32":
        raise Unsupported("only conv_transpose in float32")
    try:
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise Unsupported(f"not installed ({error.name})") from error
    problem = task.layer.problem
    node = helper.make_node(
        "ConvTranspose",
        ["x", "w"],
        ["y"],
        strides=problem.stride,
        pads=[*(lo for lo, _ in problem.padding), *(hi for _, hi in problem.padding)],
        output_padding=problem.output_padding,
        dilations=problem.dilation,
        group=problem.groups,
    )
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, problem.x_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, problem.output_shape)],
        [numpy_helper.from_array(task.w, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"x": task.x})
