"""Interpolation, and the convolution on top of it that replaces a transposed one."""

from __future__ import annotations

from typing import Any

from tconv import _sampling as sampling
from tconv._checks import check_nonempty
from tconv._dispatch import backend_for
from tconv._dtypes import accumulator
from tconv._forward import conv
from tconv._resize_arguments import Scales, check_dtype, check_mode, targets
from tconv._typing import AnyArray, Array, Ints, Padding

# PyTorch resizes an image whose new height and width add up to at most this by another kernel.
_SMALL_IMAGE = 128


def interpolate(
    x: Array,
    *,
    size: Ints | None = None,
    scale_factor: Scales | None = None,
    mode: str = "nearest",
    align_corners: bool = False,
    antialias: bool = False,
) -> Array:
    """Resize the spatial axes, as ``torch.nn.functional.interpolate`` does.

    Args:
        x: (batch, channels, *spatial) with 1 to 3 spatial axes.
        size: the spatial size wanted, at least 1; int or one int an axis.  Give this or
            scale_factor.
        scale_factor: above 0; one number or one an axis.  The size is ``floor(n * scale)``,
            and the scale itself, not the ratio of the sizes, places the outputs.
        mode: ``"nearest"`` for 1 to 3 axes, ``"linear"`` for 1, ``"bilinear"`` or
            ``"bicubic"`` for 2, ``"trilinear"`` for 3.
        align_corners: whether the centres of the corner positions, rather than their outer
            edges, are kept in place; not for ``"nearest"``.
        antialias: whether to widen the filter where an axis shrinks; ``"bilinear"`` and
            ``"bicubic"`` alone.

    Returns:
        (batch, channels, *size) in the dtype of x: any dtype for ``"nearest"``, a float
        otherwise (half kinds are summed in float32), or uint8 for ``"bilinear"`` and
        ``"bicubic"``, rounded after each axis as PyTorch does.

    Raises:
        ValueError: a mode, shape, size or scale breaks a rule; the text states the remedy.
        TypeError: x is no NumPy or JAX array, its dtype has no such interpolation, or a size
            or scale is no number.

    Source: ``torch.nn.functional.interpolate`` and its CPU kernels, for contiguous arrays.

    >>> import numpy as np
    >>> x = np.array([[[1.0, 2.0]]])
    >>> interpolate(x, scale_factor=2)
    array([[[1., 1., 2., 2.]]])
    >>> interpolate(x, scale_factor=2, mode="linear")
    array([[[1.  , 1.25, 1.75, 2.  ]]])
    """
    backend = backend_for(x=x)
    check_mode(mode, x.ndim, align_corners, antialias)
    check_dtype(mode, x.dtype)
    spatial = x.shape[2:]
    check_nonempty("x", spatial, x.shape)
    sizes, scales = targets(spatial, size, scale_factor)
    if mode == "nearest":
        double = x.dtype.name == "float64"
        small_image = len(sizes) == 2 and sum(sizes) <= _SMALL_IMAGE
        y: Any = x
        for axis, along in enumerate(zip(spatial, sizes, scales, strict=True)):
            taps = sampling.nearest(*along, double=double, small_image=small_image)
            y = backend.resample(y, taps, axis + 2)
    else:
        fixed_point = x.dtype.name == "uint8"
        y = x.astype("int32" if fixed_point else accumulator(x.dtype))
        # The last axis first, as in PyTorch: uint8, rounded after each axis, shows the order.
        for axis in reversed(range(len(spatial))):
            smooth_taps = sampling.smooth(
                spatial[axis],
                sizes[axis],
                scales[axis],
                cubic=mode == "bicubic",
                align_corners=align_corners,
                antialias=antialias,
                fixed_point=fixed_point,
            )
            if smooth_taps is not None:
                y = _rounded(backend.resample(y, smooth_taps, axis + 2), smooth_taps.precision)
    result: Array = y.astype(x.dtype)
    return result


def resize_conv(
    x: Array,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    scale_factor: Scales = 2,
    mode: str = "nearest",
    padding: Padding = "same",
    groups: int = 1,
) -> Array:
    """Interpolate, then convolve: the up-sampling layer without a checkerboard.

    With kernel 3 it takes the place of a transposed convolution with kernel 3, stride 2,
    padding 1 and output padding 1, and gives the same output size.

    Args:
        x: (batch, in_channels, *spatial) with 1 to 3 spatial axes.
        w: weight of the convolution, (out_channels, in_channels/groups, *kernel_size).
        b: bias, (out_channels,).
        scale_factor: above 0; one number or one an axis.
        mode: of ``interpolate``; ``"bilinear"`` is the smoother choice in two axes.
        padding: of ``conv``; ``"same"`` keeps the interpolated size.
        groups: divides both channel counts.

    Returns: (batch, out_channels, *spatial), for ``"same"`` ``floor(n * scale_factor)`` an
        axis, in the promoted dtype of x and w.

    Raises: what ``interpolate`` and ``conv`` raise.

    Source: Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill
    (2016).

    >>> import numpy as np
    >>> resize_conv(np.array([[[1.0, 2.0]]]), np.ones((1, 1, 3)))
    array([[[2., 4., 5., 4.]]])
    """
    resized = interpolate(x, scale_factor=scale_factor, mode=mode)
    return conv(resized, w, b, padding=padding, groups=groups)


def _rounded(y: Any, precision: int | None) -> Any:
    """Whole numbers out of units of ``2**-precision``, kept within uint8."""
    if precision is None:
        return y
    return ((y + 2 ** (precision - 1)) >> precision).clip(0, 255)
