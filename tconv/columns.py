"""The pieces that explain the algorithms: columns of windows, zero insertion, the matrix."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tconv._core import dtypes, relation
from tconv._core.arguments import (
    Shape,
    axis_count,
    check_allocatable,
    entries_of,
    fail,
    per_axis,
    positive,
)
from tconv._core.boundary import Modes, boundary_of
from tconv._core.plan import Plan, conv_call
from tconv._core.typing import AnyArray, Array, ForwardPadding, Ints, PaddingModes
from tconv._dispatch import received


def im2col(
    x: Array | AnyArray,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: ForwardPadding = 0,
    dilation: Ints = 1,
) -> Array:
    """The windows that a kernel sees, each flattened to a column (PyTorch's ``unfold``).

    Args:
        x: (batch, channels, *spatial), or (channels, *spatial) if ``kernel_size`` is a tuple.
        kernel_size: int, or one int an axis; a tuple also fixes the number of axes.
        stride, padding, dilation: those of ``conv``, on any number of axes.

    Returns: (batch, channels * prod(kernel_size), positions), in the dtype of x.

    Raises: ValueError for shapes and parameters that ``conv`` refuses; TypeError for what is
        no array.

    Source: ``torch.nn.functional.unfold``.

    >>> import numpy as np
    >>> im2col(np.arange(5.0).reshape(1, 1, 5), 3, stride=2)
    array([[[0., 2.],
            [1., 3.],
            [2., 4.]]])
    """
    backend, x = received(x=x)
    kernels = entries_of(kernel_size)
    axes = x.ndim - 2 if kernels is None else len(kernels)
    plan, batched = _window_plan(x.shape, kernel_size, axes, stride, padding, dilation)
    cols: Any = backend.im2col(plan, x if batched else x[None])
    result: Array = cols if batched else cols[0]
    return result


def col2im(
    cols: Array | AnyArray,
    output_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: ForwardPadding = 0,
    dilation: Ints = 1,
) -> Array:
    """Columns added back where their windows overlap (PyTorch's ``fold``): the adjoint of
    ``im2col``.

    Args:
        cols: (batch, channels * prod(kernel_size), positions), with or without the batch.
        output_size: spatial size of the result; a tuple here or in ``kernel_size`` fixes the
            number of axes.
        kernel_size, stride, padding, dilation: those of the ``im2col`` that it transposes.

    Returns: (batch, channels, *output_size), in the dtype of cols.

    Raises: ValueError if the columns do not fit the windows of ``output_size``; TypeError
        for what is no array.

    Source: ``torch.nn.functional.fold``.

    >>> import numpy as np
    >>> col2im(np.ones((1, 3, 2)), (5,), 3, stride=2)
    array([[[1., 1., 2., 1., 1.]]])
    """
    backend, cols = received(cols=cols)
    axes = axis_count(output_size, kernel_size)
    sizes: Shape = per_axis("output_size", output_size, axes)
    taps = prod(per_axis("kernel_size", kernel_size, axes))
    if cols.ndim not in (2, 3):
        fail(
            "cols",
            None,
            "must have the axes (batch, channels * prod(kernel_size), positions), the batch "
            "being optional",
            f"shape {cols.shape}",
            "Reshape it.",
        )
    batched = cols.ndim == 3
    rows, positions = cols.shape[-2:]
    if taps < 1 or rows % taps:
        fail(
            "cols",
            None,
            f"its second last axis must be a multiple of prod(kernel_size) = {taps}",
            f"{rows} in shape {cols.shape}",
            "Check kernel_size.",
        )
    shape = (cols.shape[0] if batched else 1, rows // taps, *sizes)
    check_allocatable("output_size", shape, "Use a smaller one.")
    plan, _ = _window_plan(shape, kernel_size, axes, stride, padding, dilation)
    if positions != prod(plan.input_size):
        fail(
            "cols",
            None,
            f"its last axis must be the {prod(plan.input_size)} window positions "
            f"{plan.input_size} of output_size {sizes}",
            f"{positions} in shape {cols.shape}",
            "Check output_size, stride, padding and dilation.",
        )
    image: Any = backend.col2im(plan, cols if batched else cols[None])
    result: Array = image if batched else image[0]
    return result


def _window_plan(
    shape: Shape,
    kernel_size: Ints,
    axes: int,
    stride: Ints,
    padding: ForwardPadding,
    dilation: Ints,
) -> tuple[Plan, bool]:
    """The plan of the depthwise convolution whose kernels pick one tap each."""
    if axes < 1 or len(shape) not in (axes + 1, axes + 2):
        fail(
            "x",
            None,
            f"must have the axes (batch, channels, *spatial) with {max(axes, 1)} spatial axes, "
            f"the batch being optional",
            f"shape {shape}",
            "Reshape it, or give kernel_size one int for each spatial axis.",
        )
    channels = shape[-axes - 1]
    kernel = per_axis("kernel_size", kernel_size, axes)
    w_shape = (channels * prod(kernel), 1, *kernel)
    groups = max(channels, 1)
    if channels == 0:
        w_shape = (0, 0, *kernel)
    call = conv_call(
        shape, w_shape, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return call.plan, call.layout.batched


def fractional_stride(x: Array | AnyArray, stride: Ints) -> Array:
    """x with ``stride - 1`` zeros between neighbours on every spatial axis.

    A transposed convolution is a stride-1 convolution of this with the kernel flipped.

    Args:
        x: (batch, channels, *spatial).
        stride: at least 1; int or one int an axis.

    Returns: (batch, channels, *spatial) with spatial sizes ``(n - 1)*stride + 1``.

    Raises: ValueError for a stride below 1 or an x without spatial axes; TypeError for what
        is no array.

    Source: Dumoulin and Visin (2016), section 4.5, "fractionally strided convolution".

    >>> import numpy as np
    >>> fractional_stride(np.array([[[1, 2, 3]]]), 2)
    array([[[1, 0, 2, 0, 3]]])
    """
    backend, x = received(x=x)
    if x.ndim < 3:
        fail(
            "x",
            None,
            "must have the axes (batch, channels, *spatial)",
            f"shape {x.shape}",
            "Add the missing axes with reshape.",
        )
    rates = positive("stride", stride, x.ndim - 2)
    # A single position has no neighbour to stand apart from.
    steps = tuple(1 if n == 1 else s for n, s in zip(x.shape[2:], rates, strict=True))
    sizes = [(n - 1) * s + 1 for n, s in zip(x.shape[2:], steps, strict=True)]
    check_allocatable("output size", (*x.shape[:2], *sizes), "Use a smaller stride.")
    result: Array = backend.fractional_stride(x, steps)
    return result


def conv_matrix(
    w: Array | AnyArray,
    input_size: Ints,
    *,
    stride: Ints = 1,
    padding: ForwardPadding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: PaddingModes = "zeros",
    sparse: bool = False,
) -> Any:
    """The matrix M of the convolution: ``conv(x).ravel() == M @ x.ravel()``.

    Its transpose is the matrix of ``conv_transpose`` with the same parameters.

    Args:
        w: weight of the convolution, (out_channels, in_channels/groups, *kernel_size).
        input_size: spatial size of the convolution's input, an int or one int an axis.
        stride, padding, dilation, groups, padding_mode: those of ``conv``.
        sparse: return a SciPy CSR array, from a NumPy weight only.

    Returns: (out_channels * prod(output size), in_channels * prod(input_size)), an array of
        w's kind and dtype, or a ``scipy.sparse.csr_array``.

    Raises: ValueError for what ``conv`` refuses; TypeError for a sparse matrix of a JAX
        array or of a half kind; ImportError for ``sparse=True`` without SciPy.

    Source: Dumoulin and Visin (2016), section 4.1, "convolution as a matrix operation".

    >>> import numpy as np
    >>> conv_matrix(np.array([[[1, 2, -1]]]), 4)
    array([[ 1,  2, -1,  0],
           [ 0,  1,  2, -1]])
    """
    backend, w = received(w=w)
    axes = max(w.ndim - 2, 1)
    sizes: Shape = per_axis("input_size", input_size, axes)
    channels = w.shape[1] * groups if w.ndim > 1 else 0
    x_shape = (1, channels, *sizes)
    plan = conv_call(
        x_shape, w.shape, stride=stride, padding=padding, dilation=dilation, groups=groups
    ).plan
    boundary = boundary_of(plan, padding_mode)
    modes = None if boundary is None else boundary.modes
    in_channels, positions, out_channels, outputs = relation.matrix_shape(plan)
    rows, columns = in_channels * positions, out_channels * outputs
    for shape in [(rows,), (columns,)] if sparse else [(rows, columns)]:
        check_allocatable("input_size", shape, "Use a smaller one.")
    if sparse:
        return _csr(plan, w, modes)
    return backend.conv_matrix(plan, w, modes)


def _csr(plan: Plan, w: Any, modes: Modes | None) -> Any:
    """The matrix as a ``scipy.sparse.csr_array`` in the dtype of w, a NumPy array."""
    if not isinstance(w, np.ndarray):
        raise TypeError(
            f"w: a sparse matrix needs a numpy.ndarray, as SciPy holds it; got "
            f"{type(w).__module__}.{type(w).__qualname__}. Convert it with numpy.asarray, or "
            f"leave out sparse=True."
        )
    if dtypes.accumulator(w.dtype) != w.dtype:
        raise TypeError(
            f"w: SciPy's sparse matrices hold no float16 or bfloat16; got {w.dtype}. Convert it "
            f"with astype(numpy.float32), or leave out sparse=True."
        )
    try:
        from scipy.sparse import csr_array
    except ImportError as error:
        raise ImportError(
            "conv_matrix(sparse=True) needs SciPy, which is optional: pip install scipy."
        ) from error
    (lead, rows, other, columns), taps = relation.dense_index(plan, modes)
    shape = relation.matrix_shape(plan)
    values = w.reshape(*w.shape[:2], plan.taps)[:, :, taps]
    row = np.broadcast_to(lead * shape[1] + rows, values.shape)
    column = np.broadcast_to(other * shape[3] + columns, values.shape)
    entry = (values.ravel(), (row.ravel(), column.ravel()))
    return csr_array(entry, shape=(shape[0] * shape[1], shape[2] * shape[3]))
