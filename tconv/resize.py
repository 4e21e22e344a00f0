"""Interpolation, and the convolution on top of it that replaces a transposed one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import floor, inf
from numbers import Real
from typing import Any

from tconv._core import sampling
from tconv._core.arguments import Shape, check_nonempty, fail, is_known, per_axis
from tconv._core.dtypes import accumulator, kind
from tconv._core.plan import conv_call
from tconv._core.typing import AnyArray, Array, ForwardPadding, Ints, Mode
from tconv._dispatch import received

Scales = float | Sequence[float]

# The modes, and for how many spatial axes each is.
_AXES = {"nearest": (1, 2, 3), "linear": (1,), "bilinear": (2,), "trilinear": (3,), "bicubic": (2,)}

# PyTorch resizes an image whose new height and width add up to at most this by another kernel.
_SMALL_IMAGE = 128


def interpolate(
    x: Array | AnyArray,
    *,
    size: Ints | None = None,
    scale_factor: Scales | None = None,
    mode: Mode = "nearest",
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
    backend, x = received(x=x)
    _check_mode(mode, x.ndim, align_corners, antialias)
    _check_dtype(mode, x.dtype)
    check_nonempty("x", x.shape[2:], x.shape)
    sizes, scales = _targets(x.shape[2:], size, scale_factor)
    taps = _taps(x, sizes, scales, mode, align_corners=align_corners, antialias=antialias)
    result: Array = backend.resample(x, taps, _sums(x, mode))
    return result


def resize_conv(
    x: Array | AnyArray,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    scale_factor: Scales = 2,
    mode: Mode = "nearest",
    padding: ForwardPadding = "same",
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
    backend, x, w, b = received(x=x, w=w, b=b)
    _check_mode(mode, x.ndim, align_corners=False, antialias=False)
    _check_dtype(mode, x.dtype)
    check_nonempty("x", x.shape[2:], x.shape)
    sizes, scales = _targets(x.shape[2:], None, scale_factor)
    resized = (*x.shape[:2], *sizes)
    bias = None if b is None else b.shape
    call = conv_call(resized, w.shape, bias, padding=padding, groups=groups)
    taps = _taps(x, sizes, scales, mode, align_corners=False, antialias=False)
    result: Array = backend.conv_of_resampled(call.plan, x, taps, _sums(x, mode), w, b)
    return result


def _taps(
    x: Any,
    sizes: Shape,
    scales: tuple[float | None, ...],
    mode: Mode,
    *,
    align_corners: bool,
    antialias: bool,
) -> list[sampling.Taps | None]:
    """The taps of each spatial axis of x; None for one that stays as it is."""
    along = zip(x.shape[2:], sizes, scales, strict=True)
    if mode == "nearest":
        double = x.dtype.name == "float64"
        small_image = len(sizes) == 2 and sum(sizes) <= _SMALL_IMAGE
        nearest = partial(sampling.nearest, double=double, small_image=small_image)
        return [nearest(*each) for each in along]
    smooth = partial(
        sampling.smooth,
        cubic=mode == "bicubic",
        align_corners=align_corners,
        antialias=antialias,
        fixed_point=x.dtype.name == "uint8",
    )
    return [smooth(*each) for each in along]


def _sums(x: Any, mode: Mode) -> Any:
    """The dtype of the terms and their sums."""
    if mode == "nearest":
        return x.dtype
    return "int32" if x.dtype.name == "uint8" else accumulator(x.dtype)


def _check_mode(mode: str, ndim: int, align_corners: bool, antialias: bool) -> None:
    """Refuse a mode that does not fit the array or the options."""
    if mode not in _AXES:
        accepted = ", ".join(repr(name) for name in _AXES)
        fail("mode", None, f"must be one of {accepted}", repr(mode), "Choose one of these.")
    if ndim - 2 not in _AXES[mode]:
        fitting = [name for name, axes in _AXES.items() if ndim - 2 in axes]
        fail(
            "mode",
            None,
            f"{mode!r} resizes (batch, channels, *spatial) with "
            f"{' or '.join(map(str, _AXES[mode]))} spatial axes",
            f"x of {ndim} axes",
            f"For this x choose one of {fitting}." if fitting else "Reshape x.",
        )
    if align_corners and mode == "nearest":
        fail(
            "align_corners",
            None,
            "'nearest' has no corners to align",
            align_corners,
            "Leave it out, or choose a linear or cubic mode.",
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        fail(
            "antialias",
            None,
            "is for 'bilinear' and 'bicubic' alone",
            f"antialias={antialias}, mode={mode!r}",
            "Leave it out, or choose one of these modes.",
        )


def _check_dtype(mode: str, dtype: Any) -> None:
    """Refuse a dtype that PyTorch does not interpolate in this mode."""
    fixed_point = mode in ("bilinear", "bicubic") and dtype.name == "uint8"
    if mode != "nearest" and kind(dtype) != "f" and not fixed_point:
        raise TypeError(
            f"x: {mode!r} interpolates floats, and 'bilinear' and 'bicubic' uint8; got {dtype}. "
            f"Convert it with astype."
        )


def _targets(
    spatial: Shape, size: Ints | None, scale_factor: Scales | None
) -> tuple[Shape, tuple[float | None, ...]]:
    """The output sizes, and the scales where these were given."""
    if (size is None) == (scale_factor is None):
        fail(
            "size",
            None,
            "exactly one of size and scale_factor must be given",
            f"size={size}, scale_factor={scale_factor}",
            "Give the size wanted or the factor, not both.",
        )
    for axis, n in enumerate(spatial):
        if not is_known(n):
            fail(
                "x",
                axis,
                "an axis that is resized must have a known size",
                f"size {n}",
                "Leave only the batch and the channels symbolic.",
            )
    scales: tuple[float | None, ...] = (None,) * len(spatial)
    if scale_factor is None:
        sizes = per_axis("size", size, len(spatial))
    else:
        factors = _factors(scale_factor, len(spatial))
        sizes = tuple(floor(n * factor) for n, factor in zip(spatial, factors, strict=True))
        scales = factors
    for axis, wanted in enumerate(sizes):
        if wanted < 1:
            fail(
                "size" if scale_factor is None else "scale_factor",
                axis,
                "the output size must be at least 1",
                f"{wanted} from input size {spatial[axis]}",
                "Choose a larger one.",
            )
    return sizes, scales


def _factors(scale_factor: Any, axes: int) -> tuple[float, ...]:
    several = isinstance(scale_factor, tuple | list)
    entries = tuple(scale_factor) if several else (scale_factor,) * axes
    if len(entries) != axes:
        fail(
            "scale_factor",
            None,
            f"must be one number, or one for each of the {axes} spatial axes",
            f"{len(entries)} values {entries!r}",
            f"Give a number or a tuple of {axes}.",
        )
    for axis, entry in enumerate(entries):
        if isinstance(entry, bool) or not isinstance(entry, Real):
            raise TypeError(
                f"scale_factor: must be made of Python numbers; got {entry!r} of type "
                f"{type(entry).__name__}. Convert it with float(); under jax.jit it must be static."
            )
        if not (0 < float(entry) < inf):
            fail(
                "scale_factor", axis, "must be above 0 and finite", entry, "Give the ratio wanted."
            )
    return tuple(float(entry) for entry in entries)
