"""PyTorch on the CPU as the oracle: NumPy arrays in, NumPy arrays out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ml_dtypes
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

Pairs = Sequence[tuple[int, int]]

_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_FORWARD = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def to_torch(array: np.ndarray) -> torch.Tensor:
    """A tensor with the values and the dtype of a NumPy array."""
    array = np.ascontiguousarray(array)
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(array.copy())


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """The inverse of ``to_torch``."""
    tensor = tensor.detach().resolve_conj()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def transposed(x, w, b=None, *, stride, padding: Pairs, output_padding, dilation, groups):
    """conv_transpose on tensors, with (lo, hi) pairs that PyTorch lacks: where they are not
    plain paddings, its full scatter is cropped or extended with zeros."""
    function = _TRANSPOSED[w.ndim - 2]
    if all(lo == hi >= 0 for lo, hi in padding):
        plain = tuple(lo for lo, _ in padding)
        return function(x, w, b, stride, plain, output_padding, groups, dilation)
    full = function(x, w, None, stride, 0, 0, groups, dilation)
    amounts = [(-lo, op - hi) for (lo, hi), op in zip(padding, output_padding, strict=True)]
    y = _resized(full, amounts)
    return y if b is None else y + b.reshape(-1, *[1] * (w.ndim - 2))


def forward(x, w, b=None, *, stride, padding: Pairs, dilation, groups):
    """conv on tensors, with (lo, hi) pairs done by padding or cropping x."""
    function = _FORWARD[w.ndim - 2]
    if all(lo == hi >= 0 for lo, hi in padding):
        return function(x, w, b, stride, tuple(lo for lo, _ in padding), dilation, groups)
    return function(_resized(x, padding), w, b, stride, 0, dilation, groups)


def _resized(tensor: torch.Tensor, amounts: Pairs) -> torch.Tensor:
    """The last axes extended with zeros by (lo, hi), or cropped where that is negative."""
    extended = F.pad(tensor, [max(end, 0) for pair in reversed(amounts) for end in pair])
    crops = [slice(max(-lo, 0), min(hi, 0) or None) for lo, hi in amounts]
    return extended[(..., *crops)]


def evaluate(function: Callable, *arrays: np.ndarray | None, **parameters) -> np.ndarray:
    """``function`` of the arrays as tensors.

    bfloat16 without oneDNN, whose grouped 3-D convolution reads outside its input: of x =
    (1, 2, 3, 5, 3) and w = (4, 1, 1, 1, 3) at stride (1, 1, 2) it makes values such as 1e13.
    """
    tensors = [None if array is None else to_torch(array) for array in arrays]
    torch.backends.mkldnn.enabled = tensors[0].dtype != torch.bfloat16
    try:
        return to_numpy(function(*tensors, **parameters))
    finally:
        torch.backends.mkldnn.enabled = True


def gradients(
    function: Callable, cotangent: np.ndarray, *arrays: np.ndarray, **parameters
) -> list[np.ndarray]:
    """The pulled-back cotangents, without the conjugation of torch.autograd.

    For a complex-linear map autograd pulls back with the conjugate transpose, so conjugating
    what goes in and what comes out leaves the transpose.
    """
    leaves = [to_torch(array).requires_grad_() for array in arrays]
    function(*leaves, **parameters).backward(to_torch(cotangent.conj()))
    return [to_numpy(leaf.grad).conj() for leaf in leaves]
