"""Both directions in 1, 2 and 3 spatial axes, positional in PyTorch's order."""

from __future__ import annotations

from typing import Any

from tconv._core.arguments import check_axes
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
)
from tconv.convolution import conv, conv_transpose


@with_remedies
def conv_transpose1d(
    x: Array | AnyArray,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    output_size: Ints | None = None,
    padding_mode: PaddingModes = "zeros",
    dimension_numbers: Any = None,
    method: Method = "auto",
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> Array:
    """``conv_transpose`` with one spatial axis, positional as in PyTorch.

    Args: x (batch, in_channels, length) or (in_channels, length), w (in_channels,
        out_channels/groups, kernel_size), and the rest as in ``conv_transpose``.

    Returns: (batch, out_channels, length), as ``conv_transpose`` does.

    Raises: what ``conv_transpose`` raises, and ValueError for a weight of other axes.

    Source: ``torch.nn.functional.conv_transpose1d``.

    >>> import numpy as np
    >>> conv_transpose1d(np.ones((1, 4, 5)), np.ones((4, 2, 4)), None, 2, 1).shape
    (1, 2, 10)
    """
    check_axes(w, 1)
    return conv_transpose(
        x,
        w,
        b,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
        output_size=output_size,
        padding_mode=padding_mode,
        dimension_numbers=dimension_numbers,
        method=method,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


@with_remedies
def conv_transpose2d(
    x: Array | AnyArray,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    output_size: Ints | None = None,
    padding_mode: PaddingModes = "zeros",
    dimension_numbers: Any = None,
    method: Method = "auto",
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> Array:
    """``conv_transpose`` with two spatial axes, positional as in PyTorch.

    Args: x (batch, in_channels, height, width) or (in_channels, *spatial), w (in_channels,
        out_channels/groups, *kernel_size), and the rest as in ``conv_transpose``.

    Returns: (batch, out_channels, height, width), as ``conv_transpose`` does.

    Raises: what ``conv_transpose`` raises, and ValueError for a weight of other axes.

    Source: ``torch.nn.functional.conv_transpose2d``.

    >>> import numpy as np
    >>> conv_transpose2d(np.ones((1, 4, 5, 5)), np.ones((4, 2, 4, 4)), None, 2, 1).shape
    (1, 2, 10, 10)
    """
    check_axes(w, 2)
    return conv_transpose(
        x,
        w,
        b,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
        output_size=output_size,
        padding_mode=padding_mode,
        dimension_numbers=dimension_numbers,
        method=method,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


@with_remedies
def conv_transpose3d(
    x: Array | AnyArray,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    output_size: Ints | None = None,
    padding_mode: PaddingModes = "zeros",
    dimension_numbers: Any = None,
    method: Method = "auto",
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> Array:
    """``conv_transpose`` with three spatial axes, positional as in PyTorch.

    Args: x (batch, in_channels, depth, height, width) or (in_channels, *spatial), w (in_channels,
        out_channels/groups, *kernel_size), and the rest as in ``conv_transpose``.

    Returns: (batch, out_channels, depth, height, width), as ``conv_transpose`` does.

    Raises: what ``conv_transpose`` raises, and ValueError for a weight of other axes.

    Source: ``torch.nn.functional.conv_transpose3d``.

    >>> import numpy as np
    >>> conv_transpose3d(np.ones((1, 4, 5, 5, 5)), np.ones((4, 2, 4, 4, 4)), None, 2, 1).shape
    (1, 2, 10, 10, 10)
    """
    check_axes(w, 3)
    return conv_transpose(
        x,
        w,
        b,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
        output_size=output_size,
        padding_mode=padding_mode,
        dimension_numbers=dimension_numbers,
        method=method,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


@with_remedies
def conv1d(
    x: Array | AnyArray,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    stride: Ints = 1,
    padding: ForwardPadding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    *,
    padding_mode: PaddingModes = "zeros",
    dimension_numbers: Any = None,
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> Array:
    """``conv`` with one spatial axis, positional as in PyTorch.

    Args: x (batch, in_channels, length) or (in_channels, length), w (out_channels,
        in_channels/groups, kernel_size), and the rest as in ``conv``.

    Returns: (batch, out_channels, length), as ``conv`` does.

    Raises: what ``conv`` raises, and ValueError for a weight of other axes.

    Source: ``torch.nn.functional.conv1d``.

    >>> import numpy as np
    >>> conv1d(np.ones((1, 4, 5)), np.ones((2, 4, 4)), None, 2, 1).shape
    (1, 2, 2)
    """
    check_axes(w, 1)
    return conv(
        x,
        w,
        b,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
        dimension_numbers=dimension_numbers,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


@with_remedies
def conv2d(
    x: Array | AnyArray,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    stride: Ints = 1,
    padding: ForwardPadding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    *,
    padding_mode: PaddingModes = "zeros",
    dimension_numbers: Any = None,
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> Array:
    """``conv`` with two spatial axes, positional as in PyTorch.

    Args: x (batch, in_channels, height, width) or (in_channels, *spatial), w (out_channels,
        in_channels/groups, *kernel_size), and the rest as in ``conv``.

    Returns: (batch, out_channels, height, width), as ``conv`` does.

    Raises: what ``conv`` raises, and ValueError for a weight of other axes.

    Source: ``torch.nn.functional.conv2d``.

    >>> import numpy as np
    >>> conv2d(np.ones((1, 4, 5, 5)), np.ones((2, 4, 4, 4)), None, 2, 1).shape
    (1, 2, 2, 2)
    """
    check_axes(w, 2)
    return conv(
        x,
        w,
        b,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
        dimension_numbers=dimension_numbers,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


@with_remedies
def conv3d(
    x: Array | AnyArray,
    w: Array | AnyArray,
    b: Array | AnyArray | None = None,
    stride: Ints = 1,
    padding: ForwardPadding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    *,
    padding_mode: PaddingModes = "zeros",
    dimension_numbers: Any = None,
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
) -> Array:
    """``conv`` with three spatial axes, positional as in PyTorch.

    Args: x (batch, in_channels, depth, height, width) or (in_channels, *spatial), w (out_channels,
        in_channels/groups, *kernel_size), and the rest as in ``conv``.

    Returns: (batch, out_channels, depth, height, width), as ``conv`` does.

    Raises: what ``conv`` raises, and ValueError for a weight of other axes.

    Source: ``torch.nn.functional.conv3d``.

    >>> import numpy as np
    >>> conv3d(np.ones((1, 4, 5, 5, 5)), np.ones((2, 4, 4, 4, 4)), None, 2, 1).shape
    (1, 2, 2, 2, 2)
    """
    check_axes(w, 3)
    return conv(
        x,
        w,
        b,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
        dimension_numbers=dimension_numbers,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )
