"""What the layers of JAX frameworks share: one call in their words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tconv._core.arguments import Pairs
from tconv._core.typing import DTypeLike, Ints, PaddingMode
from tconv.compat.call import Call, Names
from tconv.compat.conventions import CONVENTIONS
from tconv.compat.crops import Every, padded


def conv_transpose(
    names: Names,
    framework: str,
    order: str,
    x: Any,
    w: Any,
    crops: Callable[[Every], Pairs],
    *,
    stride: Ints,
    dilation: Ints,
    groups: int = 1,
    output_padding: Ints = 0,
    circular: bool = False,
    precision: Any = None,
    preferred: DTypeLike = None,
) -> Any:
    """The transposed convolution of a layer, checked in the words of its framework.

    Args:
        names: of the framework's arguments.
        framework: whose convention w is stored in.
        order: of the axes of x and of the result, "N*C" or "NC*".
        x: input, with one batch axis.
        w: kernel, as the framework stores it.
        crops: what the layer's padding crops of each axis.
        stride, dilation, output_padding: an int or one int an axis.
        circular: whether what is cropped is added at the other end.
    """
    axes, convention = w.ndim - 2, CONVENTIONS[framework]
    letters = "DHW"[3 - axes :] if axes <= 3 else "abcdefgh"[:axes]
    of_x, of_w = (each.replace("*", letters) for each in (order, convention.order))
    call = Call(names, convention, (of_x, of_w, of_x), x, w, groups=groups)
    every = call.parameters(
        call.ints(names.stride, stride),
        call.ints(names.dilation, dilation),
        call.ints("output_padding", output_padding, 0),
    )
    call.check_output_padding(every)
    every = padded(every, crops(every))
    mode: PaddingMode = "circular" if circular else "zeros"
    return call.value(every, padding_mode=mode, precision=precision, preferred=preferred)
