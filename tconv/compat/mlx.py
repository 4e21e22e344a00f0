"""MLX's transposed convolutions on JAX and NumPy arrays."""

from __future__ import annotations

from typing import Any

from tconv._core.typing import AnyArray, Array, Ints
from tconv.compat.call import Call, Names, operands
from tconv.compat.conventions import CONVENTIONS
from tconv.compat.crops import mlx_crops, padded

_NAMES = Names("input", "weight", "stride", "dilation")


def conv_transpose1d(
    input: Array | AnyArray,  # noqa: A002 (MLX's name)
    weight: Array | AnyArray,
    /,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    output_padding: Ints = 0,
    groups: int = 1,
) -> Array:
    """``mlx.core.conv_transpose1d``; see ``conv_transpose2d``.

    >>> import numpy as np
    >>> conv_transpose1d(np.ones((1, 5, 4)), np.ones((2, 4, 4)), 2, 1).shape
    (1, 10, 2)
    """
    result: Array = _compute(1, input, weight, stride, padding, dilation, output_padding, groups)
    return result


def conv_transpose2d(
    input: Array | AnyArray,  # noqa: A002
    weight: Array | AnyArray,
    /,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    output_padding: Ints = 0,
    groups: int = 1,
) -> Array:
    """``mlx.core.conv_transpose2d``: PyTorch's with channels last.

    Where the padding exceeds dilation*(kernel_size - 1) MLX 0.32 itself gives fewer positions
    than the formula below: kernel 1, stride 2, padding 1 make 3 of 4, not 5.

    Args:
        input: (batch, *spatial, in_channels).
        weight: (out_channels, *kernel_size, in_channels/groups).
        stride: at least 1; int or one int an axis.
        padding: what is cropped from each side; int or one int an axis, a negative one extends.
        dilation: at least 1; int or one int an axis.
        output_padding: at least 0, as large as wanted; int or one int an axis.
        groups: divides both channel counts; MLX has it for one and two axes, tconv for all.

    Returns: (batch, *spatial, out_channels) with spatial sizes ``(n - 1)*stride - 2*padding +
        dilation*(kernel_size - 1) + output_padding + 1``.

    Raises: ValueError or TypeError for arguments that do not fit, in these names.

    Source: ``mlx.core.conv_transpose2d``.

    >>> import numpy as np
    >>> conv_transpose2d(np.ones((1, 5, 5, 4)), np.ones((2, 4, 4, 4)), 2, 1).shape
    (1, 10, 10, 2)
    """
    result: Array = _compute(2, input, weight, stride, padding, dilation, output_padding, groups)
    return result


def conv_transpose3d(
    input: Array | AnyArray,  # noqa: A002
    weight: Array | AnyArray,
    /,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    output_padding: Ints = 0,
    groups: int = 1,
) -> Array:
    """``mlx.core.conv_transpose3d``; see ``conv_transpose2d``.

    >>> import numpy as np
    >>> conv_transpose3d(np.ones((1, 2, 2, 2, 4)), np.ones((2, 3, 3, 3, 4)), 2).shape
    (1, 5, 5, 5, 2)
    """
    result: Array = _compute(3, input, weight, stride, padding, dilation, output_padding, groups)
    return result


def _compute(
    axes: int,
    x: Any,
    w: Any,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    output_padding: Ints,
    groups: int,
) -> Any:
    x, w, _ = operands(_NAMES, x, w)
    spatial = "abc"[:axes]
    specs = (f"N{spatial}C", f"O{spatial}I", f"N{spatial}C")
    call = Call(_NAMES, CONVENTIONS["mlx"], specs, x, w, groups=groups)
    every = call.parameters(
        call.ints("stride", stride),
        call.ints("dilation", dilation),
        call.ints("output_padding", output_padding, 0),
    )
    return call.value(padded(every, mlx_crops(every, padding)))
