"""The convolution, adjoint of the transposed one, and its gradients."""

from __future__ import annotations

from typing import Any

from tconv import _canonical as canonical
from tconv._dispatch import Backend, backend_for
from tconv._plan import conv_call
from tconv._pullback import Pullback, make_pullback
from tconv._typing import AnyArray, Array, DTypeLike, Ints, Padding


def conv(
    x: Array,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
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
    backend = backend_for(x=x, w=w, b=b)
    call = conv_call(
        x.shape,
        w.shape,
        None if b is None else b.shape,
        stride,
        padding,
        dilation,
        groups,
        dimension_numbers,
    )
    y = backend.conv(
        call.plan,
        canonical.from_input(call, x),
        canonical.from_kernel(call, w),
        b,
        precision=precision,
        preferred=preferred_element_type,
    )
    result: Array = canonical.to_output(call, y)
    return result


def conv_vjp(
    x: Array,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    dimension_numbers: Any = None,
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> tuple[Array, Pullback[Array]]:
    """``conv`` and the pullback of its cotangent to x, w and b.

    Args: those of ``conv``.

    Returns:
        ``(y, pullback)`` with ``pullback(dy) -> (dx, dw, db)`` in the shapes and dtypes of
        x, w and b; db is None without a bias.  As in ``jax.vjp`` the maps are linear
        transposes: complex cotangents are not conjugated.  dx is the transposed convolution
        of dy with w; dw correlates dy with x.

    Raises: what ``conv`` raises; the pullback raises ValueError for a cotangent whose shape
        is not that of y, and TypeError for what is no array.

    Source: Dumoulin and Visin (2016), section 4.1: each is the other's transpose.

    >>> import numpy as np
    >>> y, pullback = conv_vjp(np.arange(4.0).reshape(1, 1, 4), np.ones((1, 1, 2)), stride=2)
    >>> dx, dw, db = pullback(np.array([[[1.0, 2.0]]]))
    >>> dx.tolist(), dw.tolist(), db
    ([[[1.0, 1.0, 2.0, 2.0]]], [[[4.0, 7.0]]], None)
    """
    backend = backend_for(x=x, w=w, b=b)
    call = conv_call(
        x.shape,
        w.shape,
        None if b is None else b.shape,
        stride,
        padding,
        dilation,
        groups,
        dimension_numbers,
    )
    canonical_x = canonical.from_input(call, x)
    canonical_w = canonical.from_kernel(call, w)
    y = backend.conv(
        call.plan,
        canonical_x,
        canonical_w,
        b,
        precision=precision,
        preferred=preferred_element_type,
    )

    def transposes(engine: Backend, dy: Any) -> tuple[Any, Any]:
        dx = engine.conv_transpose(
            call.plan, dy, canonical_w, None, method="auto", precision=precision, preferred=None
        )
        return dx, engine.weight_cotangent(call.plan, dy, canonical_x, precision=precision)

    return canonical.to_output(call, y), make_pullback(call, y.shape, (x, w, b), transposes)
