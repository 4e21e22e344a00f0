"""The NumPy backend: strided windows and GEMM.  Arguments arrive checked."""

from tconv._numpy.columns import col2im, fractional_stride, im2col
from tconv._numpy.entry import (
    LARGEST_SLAB,
    added,
    bias_cotangent,
    biased,
    cast_cotangent,
    conv,
    conv_transpose,
    cotangents,
    result_dtype,
    weight_cotangent,
)
from tconv._numpy.resample import conv_of_resampled, resample
from tconv._numpy.textbook import conv_matrix

__all__ = [
    "LARGEST_SLAB",
    "added",
    "bias_cotangent",
    "biased",
    "cast_cotangent",
    "col2im",
    "conv",
    "conv_matrix",
    "conv_of_resampled",
    "conv_transpose",
    "cotangents",
    "fractional_stride",
    "im2col",
    "resample",
    "result_dtype",
    "weight_cotangent",
]
