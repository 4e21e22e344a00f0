"""PyTorch, the reference on both backends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks.task import Array, Peer, Task


def torch_peer(layout: str = "NCHW", device: str = "cpu") -> Peer:
    """PyTorch with its arrays in this layout, which has a meaning in two and three dimensions."""
    return Peer("torch", partial(_prepared, layout, device), _arrays)


def _prepared(layout: str, device: str, task: Task) -> Callable[[], Any]:
    options, axes = task.layer.problem.keywords, task.layer.problem.ndim
    kind = getattr(torch, task.dtype)
    x, w, y = (torch.from_numpy(a).to(device, kind) for a in (task.x, task.w, task.y))
    formats = {2: torch.channels_last, 3: torch.channels_last_3d}
    if layout == "NHWC" and axes in formats:
        x, w, y = (tensor.to(memory_format=formats[axes]) for tensor in (x, w, y))
    torch.backends.cudnn.benchmark = True
    wait = torch.cuda.synchronize if device == "cuda" else tuple
    transposed = getattr(torch.nn.functional, f"conv_transpose{axes}d")

    def run(function: Callable[[], Any]) -> Any:
        out = function()
        wait()
        return out

    if task.what == "conv_transpose":
        return partial(run, lambda: transposed(x, w, None, **options))
    if task.what == "conv":
        del options["output_padding"]
        convolution = getattr(torch.nn.functional, f"conv{axes}d")
        return partial(run, lambda: convolution(y, w, None, **options))
    x.requires_grad_()
    w.requires_grad_()

    def gradient() -> Any:
        result = transposed(x, w, None, **options)
        return result, *torch.autograd.grad(result, (x, w), y)

    return partial(run, gradient)


def _arrays(out: Any) -> tuple[Array, ...]:
    wide = torch.float32
    tensors = out if isinstance(out, tuple) else (out,)
    return tuple(
        (t.to(wide) if t.dtype in (torch.bfloat16, torch.float16) else t).detach().cpu().numpy()
        for t in tensors
    )
