"""``tconv.explain``: from the arguments of ``conv_transpose`` to an explanation of the call."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np

from tconv._core.arguments import (
    Pairs,
    Shape,
    axis_count,
    check_nonempty,
    padding_argument,
    per_axis,
)
from tconv._core.foreign import with_remedies
from tconv._core.plan import Call, conv_transpose_call
from tconv._core.typing import AnyArray, Array, Ints, Padding
from tconv._dispatch import received
from tconv.convolution import conv_transpose
from tconv.explanation.explanation import Explanation
from tconv.explanation.values import letters, numbered

STRINGS = ("same", "same_lower")


@with_remedies
def explain(
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
    dimension_numbers: Any = None,
) -> Explanation:
    """What ``tconv.explain`` does with arrays: see ``Explain``."""
    _, x, w, b = received(x=x, w=w, b=b)
    parameters = {
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "dilation": dilation,
        "groups": groups,
        "output_size": output_size,
        "dimension_numbers": dimension_numbers,
    }
    call = conv_transpose_call(x.shape, w.shape, None if b is None else b.shape, **parameters)
    x, w, b = _read("x", x), _read("w", w), _read("b", b)
    return _explanation(call, padding, x, w, b, conv_transpose(x, w, b, **parameters))


@with_remedies
def sizes(
    input_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
    output_size: Ints | None = None,
) -> Explanation:
    """The geometry of a transposed convolution, with letters for its values.

    Args: sizes in positions and the parameters of ``conv_transpose``, each an int or one int an
        axis; plain ints throughout mean one axis.

    Returns: an ``Explanation`` of one sample and one channel, x being a, b, c, ... (x0, x1, ...
        where these do not suffice) and w being w0, w1, ...

    Raises: ValueError for what ``conv_transpose`` refuses; TypeError for what is no int.

    >>> print(sizes(3, 2).text(1))
    y[1] = x[0]*w[1] + x[1]*w[0] = a*w1 + b*w0
        axis 0: 1 = 0*1 + 1*1 - 0 = 1*1 + 0*1 - 0
    """
    axes = axis_count(
        input_size, kernel_size, stride, padding, output_padding, dilation, output_size
    )
    inputs = per_axis("input_size", input_size, axes)
    kernel = per_axis("kernel_size", kernel_size, axes)
    check_nonempty("input_size", inputs, inputs)
    check_nonempty("kernel_size", kernel, kernel)
    call = conv_transpose_call(
        (1, 1, *inputs),
        (1, 1, *kernel),
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        output_size=output_size,
    )
    x, w = letters((1, 1, *inputs)), numbered("w", (1, 1, *kernel))
    return _explanation(call, padding, x, w, None, None)


class Explain:
    """Why every element of a transposed convolution is what it is.

    Call it as ``conv_transpose`` is called, or ``explain.sizes(input_size, kernel_size, ...)``
    without arrays, for letters in place of values.  What comes back is a frozen ``Explanation``:
    ``print`` it, ask it for the ``terms`` of an element, the uses of an input or a weight and the
    products that were cropped, let it ``plot`` and ``animate`` (both need matplotlib), or write an
    interactive page with ``html``.

    Args: those of ``conv_transpose`` except ``method``, ``precision`` and
        ``preferred_element_type``.  JAX arrays are read once; they must hold values, so this is
        not for traced functions.

    Returns: an ``Explanation``.

    Raises: what ``conv_transpose`` raises; TypeError for an array that is being traced.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016),
    chapter 4.

    >>> import numpy as np, tconv
    >>> x, w = np.ones((1, 1, 4, 4), int), np.arange(1, 17).reshape(1, 1, 4, 4)
    >>> explanation = tconv.explain(x, w, stride=2, padding=1)
    >>> print(explanation.text((0, 0)))
    y[0, 0] = x[0, 0]*w[1, 1] = 1*6 = 6
        axis 0: 0 = 0*2 + 1*1 - 1
            outside of x: w[3] would meet x[-1]
        axis 1: 0 = 0*2 + 1*1 - 1
            outside of x: w[3] would meet x[-1]
    >>> sum(term.product for term in explanation.terms((0, 1)))
    12
    """

    __call__ = staticmethod(explain)
    __signature__ = signature(explain)  # which inspect would take for a method's
    sizes = staticmethod(sizes)


def _read(name: str, operand: Any) -> Any:
    """The values of an operand, in an array of our own that stays as it is."""
    if operand is None:
        return None
    try:
        values = np.array(operand)
    except TypeError:  # what JAX raises for a tracer
        raise TypeError(
            f"{name}: must hold values; got {type(operand).__name__}, an array that is being "
            f"traced. Explain the call outside of jit, grad and vmap."
        ) from None
    values.flags.writeable = False
    return values


def _explanation(call: Call, padding: Any, x: Any, w: Any, b: Any, y: Any) -> Explanation:
    axes = call.plan.axes
    argument = padding_argument(padding, len(axes), STRINGS)
    pairs: Pairs = (
        tuple((axis.lo, axis.hi) for axis in axes) if isinstance(argument, str) else argument
    )
    # hi of an axis is what is cropped at its end once the output padding has been added
    ends: Shape = tuple(hi - axis.hi for (_, hi), axis in zip(pairs, axes, strict=True))
    return Explanation(call, pairs, ends, x, w, b, y)
