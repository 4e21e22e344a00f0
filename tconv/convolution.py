"""The transposed convolution, the convolution that is its adjoint, and the gradients of both.

Each call is checked, planned and handed to a backend; the pair of functions of one direction
shares one ``_Map``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from tconv._core.arguments import Shape, method_name
from tconv._core.plan import Call, conv_call, conv_transpose_call
from tconv._core.typing import AnyArray, Array, DTypeLike, Ints, Padding
from tconv._dispatch import Backend, backend_for

Pullback = Callable[[Array], "tuple[Array, Array, Array | None]"]


def conv_transpose(
    x: Array,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
    output_size: Ints | None = None,
    dimension_numbers: Any = None,
    method: str = "auto",
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
        output_size: the spatial size wanted, solved to an output padding.
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
    bound = _TransposedMap(
        (x, w, b),
        method_name(method),
        precision,
        preferred_element_type,
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


def conv_transpose_vjp(
    x: Array,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
    output_size: Ints | None = None,
    dimension_numbers: Any = None,
    method: str = "auto",
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> tuple[Array, Pullback[Array]]:
    """``conv_transpose`` and the pullback of its cotangent to x, w and b.

    Args: those of ``conv_transpose``.

    Returns:
        ``(y, pullback)`` with ``pullback(dy) -> (dx, dw, db)`` in the shapes and dtypes of
        x, w and b; db is None without a bias.  As in ``jax.vjp`` the maps are linear
        transposes: complex cotangents are not conjugated.  dx is the convolution of dy with
        w; dw correlates x with dy.

    Raises: what ``conv_transpose`` raises; the pullback raises ValueError for a cotangent
        whose shape is not that of y, and TypeError for what is no array.

    Source: Dumoulin and Visin (2016), section 4.1: each is the other's transpose.

    >>> import numpy as np
    >>> y, pullback = conv_transpose_vjp(np.ones((1, 1, 3)), np.ones((1, 1, 2)), stride=2)
    >>> dx, dw, db = pullback(np.arange(6.0).reshape(1, 1, 6))
    >>> dx.tolist(), dw.tolist(), db
    ([[[1.0, 5.0, 9.0]]], [[[6.0, 9.0]]], None)
    """
    bound = _TransposedMap(
        (x, w, b),
        method_name(method),
        precision,
        preferred_element_type,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
        output_size=output_size,
        dimension_numbers=dimension_numbers,
    )
    return bound.value(), bound.pullback


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
    bound = _ForwardMap(
        (x, w, b),
        "auto",
        precision,
        preferred_element_type,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        dimension_numbers=dimension_numbers,
    )
    result: Array = bound.value()
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
    bound = _ForwardMap(
        (x, w, b),
        "auto",
        precision,
        preferred_element_type,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        dimension_numbers=dimension_numbers,
    )
    return bound.value(), bound.pullback


class _Map(ABC):
    """One direction with its operands, checked and in the order that backends compute in."""

    call: Call

    def __init__(
        self,
        operands: tuple[Any, Any, Any],
        method: str,
        precision: Any,
        preferred: DTypeLike,
        **parameters: Any,
    ) -> None:
        x, w, b = self._operands = operands
        self._method, self._precision, self._preferred = method, precision, preferred
        self._backend = backend_for(x=x, w=w, b=b)
        self.call = self._planned(x.shape, w.shape, None if b is None else b.shape, **parameters)
        self._x, self._w = self.call.layout.from_input(x), self.call.layout.from_kernel(w)

    def value(self) -> Any:
        """The result of the map."""
        return self.call.layout.to_output(self._compute(self._backend))

    def pullback(self, cotangent: Any) -> tuple[Any, Any, Any]:
        """(dx, dw, db) of the map, each in the shape and dtype of its operand.

        A JAX cotangent takes the whole pullback to JAX, as a JAX operand does a call.
        """
        (x, w, b), layout = self._operands, self.call.layout
        backend = backend_for(x=x, w=w, b=b, cotangent=cotangent)
        expected = layout.output_shape(self._result_shape)
        if cotangent.shape != expected:
            raise ValueError(
                f"cotangent: must have the shape of the output, {expected}; got shape "
                f"{cotangent.shape}. Reshape it."
            )
        dy = layout.from_output(cotangent)
        dx, dw = self._cotangents(backend, dy)
        db = None if b is None else backend.cast_cotangent(backend.bias_cotangent(dy), b)
        return (
            backend.cast_cotangent(layout.to_input(dx), x),
            backend.cast_cotangent(layout.to_kernel(dw), w),
            db,
        )

    @property
    @abstractmethod
    def _result_shape(self) -> Shape:
        """(batch, channels, *spatial) of the result."""

    @abstractmethod
    def _planned(self, x: Shape, w: Shape, b: Shape | None, **parameters: Any) -> Call: ...

    @abstractmethod
    def _compute(self, backend: Backend[Any]) -> Any: ...

    @abstractmethod
    def _cotangents(self, backend: Backend[Any], dy: Any) -> tuple[Any, Any]: ...


class _TransposedMap(_Map):
    @property
    def _result_shape(self) -> Shape:
        return self.call.plan.y_shape

    def _planned(self, x: Shape, w: Shape, b: Shape | None, **parameters: Any) -> Call:
        return conv_transpose_call(x, w, b, **parameters)

    def _compute(self, backend: Backend[Any]) -> Any:
        return backend.conv_transpose(
            self.call.plan,
            self._x,
            self._w,
            self._operands[2],
            method=self._method,
            precision=self._precision,
            preferred=self._preferred,
        )

    def _cotangents(self, backend: Backend[Any], dy: Any) -> tuple[Any, Any]:
        return backend.cotangents(self.call.plan, self._x, self._w, dy, precision=self._precision)


class _ForwardMap(_Map):
    """Its input is y of the plan, its result x."""

    @property
    def _result_shape(self) -> Shape:
        return self.call.plan.x_shape

    def _planned(self, x: Shape, w: Shape, b: Shape | None, **parameters: Any) -> Call:
        return conv_call(x, w, b, **parameters)

    def _compute(self, backend: Backend[Any]) -> Any:
        return backend.conv(
            self.call.plan,
            self._x,
            self._w,
            self._operands[2],
            precision=self._precision,
            preferred=self._preferred,
        )

    def _cotangents(self, backend: Backend[Any], dy: Any) -> tuple[Any, Any]:
        plan, precision = self.call.plan, self._precision
        dx = backend.conv_transpose(
            plan, dy, self._w, None, method="auto", precision=precision, preferred=None
        )
        return dx, backend.weight_cotangent(plan, dy, self._x, precision=precision)
