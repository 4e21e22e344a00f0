"""Transposed convolution for NumPy and JAX arrays, exact to PyTorch's semantics."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tconv.columns import col2im, conv_matrix, fractional_stride, im2col
from tconv.convolution import conv, conv_transpose, conv_transpose_vjp, conv_vjp
from tconv.convolution_nd import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from tconv.init import bilinear_kernel
from tconv.layers import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from tconv.resize import interpolate, resize_conv
from tconv.sizes import (
    checkerboard,
    conv_input_sizes,
    conv_output_size,
    conv_transpose_output_size,
    coverage,
    nearest_uniform_kernel,
    output_padding_for,
    round_trip_size,
)
from tconv.subpixel import (
    from_subpixel_weight,
    pixel_shuffle,
    pixel_unshuffle,
    subpixel_conv,
    to_subpixel_weight,
)

if TYPE_CHECKING:
    from tconv import compat as compat
    from tconv import dask as dask
    from tconv import explanation as explanation
    from tconv import operators as operators
    from tconv import sharded as sharded
    from tconv import streaming as streaming
    from tconv import testing as testing
    from tconv import tiles as tiles
    from tconv.explanation import explain

__version__ = "0.1.0"

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "bilinear_kernel",
    "checkerboard",
    "col2im",
    "conv",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_input_sizes",
    "conv_matrix",
    "conv_output_size",
    "conv_transpose",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "conv_transpose_output_size",
    "conv_transpose_vjp",
    "conv_vjp",
    "coverage",
    "explain",
    "fractional_stride",
    "from_subpixel_weight",
    "im2col",
    "interpolate",
    "nearest_uniform_kernel",
    "output_padding_for",
    "pixel_shuffle",
    "pixel_unshuffle",
    "resize_conv",
    "round_trip_size",
    "subpixel_conv",
    "to_subpixel_weight",
]


LATER = ("compat", "dask", "explanation", "operators", "sharded", "streaming", "testing", "tiles")


def __dir__() -> list[str]:
    """Every name, loaded or not."""
    return sorted({*globals(), *__all__, *LATER})


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """``explain`` and the modules that are loaded when they are asked for."""
        if name == "explain":
            return import_module("tconv.explanation").explain
        if name in LATER:
            return import_module(f"tconv.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
