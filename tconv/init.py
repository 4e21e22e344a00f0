"""Initial weights: PyTorch's default, bilinear up-sampling, and ICNR for sub-pixel layers."""

from __future__ import annotations

import sys
from math import prod
from typing import Any

import numpy as np

from tconv._core.arguments import (
    Shape,
    check_groups,
    entries_of,
    fail,
    group_count,
    integer,
    positive,
)
from tconv._core.typing import AnyArray, Array, DTypeLike, Ints
from tconv._dispatch import received


def default_parameters(
    rng: Any, weight_shape: Shape, *, bias_size: int | None = None, dtype: DTypeLike = "float32"
) -> dict[str, Any]:
    """A weight and a bias drawn as PyTorch does for every convolution, either direction.

    Both are uniform in (-sqrt(k), sqrt(k)) with ``k = 1 / prod(weight_shape[1:])``: the
    reciprocal of ``in_channels/groups * prod(kernel_size)`` for a convolution, of
    ``out_channels/groups * prod(kernel_size)`` for a transposed one.

    Args:
        rng: a ``numpy.random.Generator``, which gives NumPy arrays, or a ``jax.random`` key
            (typed or legacy), which gives JAX arrays.
        weight_shape: shape of the weight, every entry at least 1.
        bias_size: length of the bias, at least 1; None for no bias.
        dtype: a float dtype.

    Returns: ``{"weight": ..., "bias": ...}``, without the bias where its size is None.

    Raises: ValueError for a shape with an entry below 1; TypeError for another rng or a dtype
        that is no float.

    Source: ``reset_parameters`` of ``torch.nn.ConvTranspose2d`` and its documentation.

    >>> import numpy as np
    >>> shape = (64, 32, 4, 4)
    >>> parameters = default_parameters(np.random.default_rng(0), shape, bias_size=32)
    >>> parameters["weight"].shape, parameters["bias"].shape
    ((64, 32, 4, 4), (32,))
    >>> bool(abs(parameters["weight"]).max() <= (32 * 4 * 4) ** -0.5)
    True
    """
    sizes = positive("weight_shape", weight_shape, len(weight_shape))
    bound = prod(sizes[1:]) ** -0.5
    weight_rng, bias_rng = _split(rng)
    parameters = {"weight": _uniform(weight_rng, sizes, bound, dtype)}
    if bias_size is not None:
        parameters["bias"] = _uniform(bias_rng, positive("bias_size", bias_size, 1), bound, dtype)
    return parameters


def _split(rng: Any) -> tuple[Any, Any]:
    """One source of randomness for each of two draws."""
    if isinstance(rng, np.random.Generator):
        return rng, rng
    jax = sys.modules.get("jax")
    if jax is not None and isinstance(rng, jax.Array):
        first, second = jax.random.split(rng)
        return first, second
    raise TypeError(
        f"rng: must be a numpy.random.Generator or a jax.random key; got {rng!r} of type "
        f"{type(rng).__name__}. Make one with numpy.random.default_rng(seed) or "
        f"jax.random.key(seed)."
    )


def _uniform(rng: Any, shape: Shape, bound: float, dtype: DTypeLike) -> Any:
    kind = _float_dtype(dtype)
    if isinstance(rng, np.random.Generator):
        return rng.uniform(-bound, bound, shape).astype(kind)
    return sys.modules["jax"].random.uniform(rng, shape, kind, -bound, bound)


def _float_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    resolved = np.dtype(dtype)
    if resolved.kind != "f" and resolved.name != "bfloat16":
        raise TypeError(
            f"dtype: initial weights are floats; got {resolved}. Draw floats and convert them."
        )
    return resolved


def bilinear_kernel(
    channels: int, kernel_size: Ints, *, groups: int = 1, dtype: DTypeLike = "float32"
) -> AnyArray:
    """The weight with which a transposed convolution up-samples each channel linearly.

    With stride s, kernel ``2*s - s % 2`` and padding ``s // 2`` the size grows s times, and the
    result is bilinear interpolation away from the borders.

    Args:
        channels: channels in and out, at least 1.
        kernel_size: taps; an int means two axes, a tuple one entry an axis.
        groups: divides channels; ``groups=channels`` gives the depthwise weight.
        dtype: a float dtype.

    Returns: (channels, channels/groups, *kernel_size), a NumPy array: along each axis the tap
        t weighs ``1 - abs(t - (kernel_size - 1)/2) / ceil(kernel_size/2)``, from a channel to
        itself and nowhere else.

    Raises: ValueError for an entry below 1 or groups that do not divide the channels;
        TypeError for what is no int or no float dtype.

    Source: Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic
    Segmentation" (2015), section 3.3, and the filler of its implementation.

    >>> bilinear_kernel(1, 4)[0, 0, 1].tolist()
    [0.1875, 0.5625, 0.5625, 0.1875]
    """
    entries = entries_of(kernel_size)
    axes = 2 if entries is None else len(entries)
    kernels = positive("kernel_size", kernel_size, axes)
    count, blocks = integer("channels", channels), group_count(groups)
    if count < 1:
        fail("channels", None, "must be at least 1", count, "Give the number of maps.")
    check_groups("channels", count, blocks)
    filled = np.ones(())
    for kernel in kernels:
        distance = np.abs(np.arange(kernel) - (kernel - 1) / 2)
        filled = np.multiply.outer(filled, 1 - distance / -(-kernel // 2))
    weight = np.zeros((count, count // blocks, *kernels), _float_dtype(dtype))
    channel = np.arange(count)
    weight[channel, channel % (count // blocks)] = filled
    return weight


def icnr(w: Array | AnyArray, upscale_factor: Ints) -> Array:
    """The weight of a sub-pixel layer that starts as nearest-neighbour up-sampling.

    All the channels that ``pixel_shuffle`` interleaves into one get the same kernel, so no
    checkerboard is there at the start.

    Args:
        w: weight of the convolution at low resolution, (out_channels, in_channels/groups,
            *kernel_size), for example drawn by ``default_parameters``.
        upscale_factor: at least 1; one int for all of the spatial axes or one an axis.

    Returns: (out_channels * prod(upscale_factor), in_channels/groups, *kernel_size) in the
        dtype of w: ``pixel_shuffle(conv(x, icnr(w, r)), r)`` equals
        ``interpolate(conv(x, w), scale_factor=r)``, whatever the padding.

    Raises: ValueError for a weight without spatial axes or a factor below 1; TypeError for
        what is no array or no int.

    Source: Aitken et al., "Checkerboard artifact free sub-pixel convolution" (2017).

    >>> import numpy as np
    >>> icnr(np.array([[[1.0, 2.0]], [[3.0, 4.0]]]), 2)[:, 0].tolist()
    [[1.0, 2.0], [1.0, 2.0], [3.0, 4.0], [3.0, 4.0]]
    """
    _, w = received(w=w)
    if w.ndim < 3:
        fail(
            "w",
            None,
            "must have two channel axes and at least one spatial axis",
            f"shape {w.shape}",
            "Add the missing axes with reshape.",
        )
    factors = positive("upscale_factor", upscale_factor, w.ndim - 2)
    repeated: Array = w.__array_namespace__().repeat(w, prod(factors), axis=0)
    return repeated
