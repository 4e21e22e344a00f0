"""The transposed convolution, the convolution that is its adjoint, and the gradients of both.

Each call is checked, planned and handed to a backend by the map of its direction.
"""

from __future__ import annotations

from typing import Any

from tconv._core.foreign import with_remedies
from tconv._core.typing import (
    AnyArray,
    Array,
    DTypeLike,
    ForwardPadding,
    Ints,
    Method,
    Padding,
    PaddingModes,
    Pullback,
)
from tconv._dispatch import ForwardMap, TransposedMap


@with_remedies
def conv_transpose(
    x: Array | AnyArray,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
    output_size: Ints | None = None,
    padding_mode: PaddingModes = "zeros",
    dimension_numbers: Any = None,
    method: Method = "auto",
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> Array:
    """Transposed convolution over any number of spatial axes, as PyTorch defines it.

    Along each axis, ``y[o]`` is the sum of ``x[i] * w[t]`` over all ``i``, ``t`` with
    ``i*stride + t*dilation - lo == o``; outputs that no tap reaches hold the bias alone.

    Where x is sharded over a JAX mesh, its spatial axes included, y is sharded alike and devices
    exchange no more than their neighbours' rows.  A spatial axis whose size in x or y does not
    divide, or of which a device would read further, is gathered.  Inside ``jax.shard_map`` each
    shard is an image of its own: call this function outside of it for the whole image.

    On JAX a NaN or an infinity in w may reach outputs whose taps do not read it, but not with
    ``method="col2im"``; one in x does so with ``"matrix"`` and ``"subpixel"`` alone.  XLA takes
    subnormal numbers for zero and may give -0.0 where NumPy gives 0.0.

    Args:
        x: input, (batch, in_channels, *spatial) or (in_channels, *spatial).
        w: weight, (in_channels, out_channels/groups, *kernel_size).
        b: bias, (out_channels,); it takes the dtype of the result.
        stride: step between the scattered kernels, at least 1; int or one int an axis.
        padding: what is cropped from each side of the full scatter: an int of at least 0, one
            int an axis, one (lo, hi) pair an axis (negative values extend with zeros), or
            ``"same"`` / ``"same_lower"`` for an output of ``input * stride``.
        output_padding: extra positions at the high side, 0 <= output_padding <
            max(stride, dilation).
        dilation: step between the taps of the kernel, at least 1.
        groups: number of blocks of channels that do not mix; divides both channel counts.
        output_size: the spatial size wanted, or the whole shape of the result, solved to an
            output padding.
        padding_mode: what ``conv`` reads beyond the border of its input, one for all axes or one
            an axis; here what is scattered beyond the border is added to where it is read from.
        dimension_numbers: axis orders of x, w and the result as in ``jax.lax``, such as
            ``("NHWC", "HWIO", "NHWC")``; I are the channels of x, O those of the result.
        method: ``"col2im"`` (GEMM to columns, then overlap-add), ``"dilated"`` (zero
            insertion, then a flipped convolution), ``"subpixel"`` (one small convolution for
            each output phase), ``"matrix"`` (the transposed Toeplitz matrix), or ``"auto"``,
            the fastest; all agree within rounding.
        precision: as in ``jax.lax``; accepted and without effect on NumPy arrays.
        preferred_element_type: dtype of the sums and the result, of the operands' kind and
            at least as wide.

    Returns:
        (batch, out_channels, *spatial) with spatial sizes ``(n - 1)*stride +
        dilation*(kernel_size - 1) + 1 - lo - hi + output_padding``, in the promoted dtype of
        x and w: floats (half kinds are summed in float32), complex, or integers (exact,
        wrapping on overflow).

    Raises:
        ValueError: a shape or parameter breaks a rule; the text states rule and remedy.
        TypeError: an operand is no NumPy or JAX array, or its dtype is not numeric.

    Source: ``torch.nn.functional.conv_transpose2d``; Dumoulin and Visin, "A guide to
    convolution arithmetic for deep learning" (2016), chapter 4.

    >>> import numpy as np
    >>> x, w = np.array([[[2.0, 3.0, 0.0, -1.0]]]), np.array([[[1.0, 2.0, -1.0]]])
    >>> conv_transpose(x, w, stride=2)
    array([[[ 2.,  4.,  1.,  6., -3.,  0., -1., -2.,  1.]]])
    """
    bound = TransposedMap(
        x,
        w,
        b,
        method,
        precision,
        preferred_element_type,
        padding_mode,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
        output_size=output_size,
        dimension_numbers=dimension_numbers,
    )
    result: Array = bound.value()
    return result


@with_remedies
def conv_transpose_vjp(
    x: Array | AnyArray,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
    output_size: Ints | None = None,
    padding_mode: PaddingModes = "zeros",
    dimension_numbers: Any = None,
    method: Method = "auto",
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> tuple[Array, Pullback[Array]]:
    """``conv_transpose`` and the pullback of its cotangent to x, w and b.

    Args: those of ``conv_transpose``.

    Returns:
        ``(y, pullback)`` with ``pullback(dy) -> (dx, dw, db)`` in the shapes and dtypes of
        x, w and b; db is None without a bias.  As in ``jax.vjp`` the maps are linear
        transposes: complex cotangents are not conjugated.  Those of ``torch.autograd`` are
        the conjugates of ``pullback(dy.conj())``.  dx is the convolution of dy with w; dw
        correlates x with dy.

    Raises: what ``conv_transpose`` raises; the pullback raises ValueError for a cotangent
        whose shape is not that of y, and TypeError for what is no array.

    Source: Dumoulin and Visin (2016), section 4.1: each is the other's transpose.

    >>> import numpy as np
    >>> y, pullback = conv_transpose_vjp(np.ones((1, 1, 3)), np.ones((1, 1, 2)), stride=2)
    >>> dx, dw, db = pullback(np.arange(6.0).reshape(1, 1, 6))
    >>> dx.tolist(), dw.tolist(), db
    ([[[1.0, 5.0, 9.0]]], [[[6.0, 9.0]]], None)
    """
    bound = TransposedMap(
        x,
        w,
        b,
        method,
        precision,
        preferred_element_type,
        padding_mode,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
        output_size=output_size,
        dimension_numbers=dimension_numbers,
    )
    return bound.value(), bound.pullback


@with_remedies
def conv(
    x: Array | AnyArray,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    stride: Ints = 1,
    padding: ForwardPadding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: PaddingModes = "zeros",
    dimension_numbers: Any = None,
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> Array:
    """Convolution (cross-correlation) over any number of spatial axes, as in PyTorch.

    Along each axis ``y[i]`` is the sum over ``t`` of ``x[i*stride + t*dilation - lo] * w[t]``,
    with zeros outside x.  It is the adjoint of ``conv_transpose`` with the same weight and
    parameters: ``<conv(x), y> == <x, conv_transpose(y)>``.

    Args:
        x: input, (batch, in_channels, *spatial) or (in_channels, *spatial).
        w: weight, (out_channels, in_channels/groups, *kernel_size).
        b: bias, (out_channels,); it takes the dtype of the result.
        stride: step of the window, at least 1; int or one int an axis.
        padding: zeros added to each side: an int of at least 0, one int an axis, one (lo, hi)
            pair an axis (negative values crop), ``"valid"`` for none, or ``"same"`` /
            ``"same_lower"`` for ``ceil(input / stride)`` outputs.
        dilation: step between the taps of the kernel, at least 1.
        groups: number of blocks of channels that do not mix; divides both channel counts.
        padding_mode: what is read beyond the border, one for all axes or one an axis, however wide
            the padding: ``"zeros"``, ``"circular"`` (the other end), ``"reflect"`` (mirrored at
            the outermost position, of at least 2) or ``"replicate"`` (the outermost position).
        dimension_numbers: axis orders of x, w and the result as in ``jax.lax``, such as
            ``("NHWC", "HWIO", "NHWC")``.
        precision: as in ``jax.lax``; accepted and without effect on NumPy arrays.
        preferred_element_type: dtype of the sums and the result, of the operands' kind and
            at least as wide.

    Returns:
        (batch, out_channels, *spatial) with spatial sizes ``floor((n + lo + hi -
        dilation*(kernel_size - 1) - 1) / stride) + 1``, in the promoted dtype of x and w.

    Raises:
        ValueError: a shape or parameter breaks a rule; the text states rule and remedy.
        TypeError: an operand is no NumPy or JAX array, or its dtype is not numeric.

    Source: ``torch.nn.functional.conv2d``; Dumoulin and Visin, "A guide to convolution
    arithmetic for deep learning" (2016), chapter 2.

    >>> import numpy as np
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv(x, np.arange(4.0).reshape(1, 1, 2, 2))
    array([[[[19., 25.],
             [37., 43.]]]])
    """
    bound = ForwardMap(
        x,
        w,
        b,
        "auto",
        precision,
        preferred_element_type,
        padding_mode,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        dimension_numbers=dimension_numbers,
    )
    result: Array = bound.value()
    return result


@with_remedies
def conv_vjp(
    x: Array | AnyArray,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    stride: Ints = 1,
    padding: ForwardPadding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: PaddingModes = "zeros",
    dimension_numbers: Any = None,
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> tuple[Array, Pullback[Array]]:
    """``conv`` and the pullback of its cotangent to x, w and b.

    Args: those of ``conv``.

    Returns:
        ``(y, pullback)`` with ``pullback(dy) -> (dx, dw, db)`` in the shapes and dtypes of
        x, w and b; db is None without a bias.  As in ``jax.vjp`` the maps are linear
        transposes: complex cotangents are not conjugated.  Those of ``torch.autograd`` are
        the conjugates of ``pullback(dy.conj())``.  dx is the transposed convolution of dy
        with w; dw correlates dy with x.

    Raises: what ``conv`` raises; the pullback raises ValueError for a cotangent whose shape
        is not that of y, and TypeError for what is no array.

    Source: Dumoulin and Visin (2016), section 4.1: each is the other's transpose.

    >>> import numpy as np
    >>> y, pullback = conv_vjp(np.arange(4.0).reshape(1, 1, 4), np.ones((1, 1, 2)), stride=2)
    >>> dx, dw, db = pullback(np.array([[[1.0, 2.0]]]))
    >>> dx.tolist(), dw.tolist(), db
    ([[[1.0, 1.0, 2.0, 2.0]]], [[[4.0, 7.0]]], None)
    """
    bound = ForwardMap(
        x,
        w,
        b,
        "auto",
        precision,
        preferred_element_type,
        padding_mode,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        dimension_numbers=dimension_numbers,
    )
    return bound.value(), bound.pullback
