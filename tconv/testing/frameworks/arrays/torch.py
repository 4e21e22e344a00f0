"""A function of torch tensors as the checks take it, with a pullback by autograd."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from tconv.testing.frameworks.framework import Array, Function
from tconv.testing.problems.problem import dtype_named


def on_numpy(function: Function) -> Function:
    """The function on NumPy arrays."""

    def conv_transpose(x: Array, w: Array, b: Array | None = None, **keywords: Any) -> Array:
        return _array(function(*map(_tensor, (x, w, b)), **keywords))

    return conv_transpose


def vjp(function: Function) -> Function:
    """The function and its pullback on NumPy arrays."""
    torch = import_module("torch")

    def with_pullback(x: Array, w: Array, b: Array | None = None, **keywords: Any) -> Any:
        operands = [_tensor(array) for array in (x, w, b)]
        leaves = [operand.requires_grad_() for operand in operands if operand is not None]
        y = function(*operands, **keywords)

        def pullback(dy: Array) -> Any:
            cotangents = torch.autograd.grad(y, leaves, _tensor(dy), retain_graph=True)
            found = [_array(cotangent) for cotangent in cotangents]
            return (*found, None)[:3]

        return _array(y.detach()), pullback

    return with_pullback


def _tensor(array: Array | None) -> Any:
    """A copy; bfloat16, which ``torch.tensor`` does not take, by its bits."""
    if array is None:
        return None
    torch, copy = import_module("torch"), np.array(array, order="C")
    if copy.dtype.name == "bfloat16":
        return torch.tensor(copy.view(np.int16)).view(torch.bfloat16)
    return torch.tensor(copy)


def _array(tensor: Any) -> Array:
    torch, tensor = import_module("torch"), tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:
        bits: Array = tensor.view(torch.int16).numpy()
        return bits.view(dtype_named("bfloat16"))
    found: Array = tensor.numpy()
    return found
