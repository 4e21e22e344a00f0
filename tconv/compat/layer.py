"""What the layers of JAX frameworks share: one call in their words, and periodic borders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from tconv._core.arguments import Pairs
from tconv._core.typing import DTypeLike, Ints
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
        circular: whether what is cropped is added at the other end, for a result of
            input*stride.
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
    if circular:
        x, every = _continued(x, order.index("*"), every)
        call = Call(names, convention, (of_x, of_w, of_x), x, w, groups=groups)
    return call.value(every, precision=precision, preferred=preferred)


def _continued(x: Any, first: int, every: Every) -> tuple[Any, Every]:
    """x continued around its ends, and what is to be cropped then.

    A convolution that reads its n*stride inputs around the ends has a transpose that writes
    around them.  Its result has the period n*stride, as x has the period n; so instead of folding
    the result, x is continued as far as the kernel reads: K - 1 positions before it less those
    cropped, stride positions for one more of x.

    Args:
        x: an array whose spatial axes start with axis ``first``.
        every: with crops (lo, hi) of at most K - 1 and lo + hi = K - stride.
    """
    more, crops = [], []
    for one in every:
        counts = [divmod(one.extent - 1 - crop, one.stride) for crop in one.padding]
        more.append(tuple(whole for whole, _ in counts))
        crops.append((one.extent - 1 - counts[0][1], one.extent - 1 - counts[1][1]))
    after = x.ndim - first - len(every)
    x = jnp.pad(x, [(0, 0)] * first + more + [(0, 0)] * after, mode="wrap")
    return x, padded(every, tuple(crops))
