"""The JAX backend: lax primitives.  Arguments arrive checked."""

from tconv._jax.columns import col2im, conv_matrix, fractional_stride, im2col
from tconv._jax.entry import (
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
from tconv._jax.resample import conv_of_resampled, resample

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
