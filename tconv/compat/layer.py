"""What the layers of JAX frameworks share: padding as ``lax`` counts it, and periodic borders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from tconv._core.arguments import Pairs
from tconv._core.typing import DTypeLike, Ints
from tconv.compat.call import Call, Names
from tconv.compat.conventions import CONVENTIONS
from tconv.compat.crops import lax_crops, padded


def specs(axes: int, input_order: str, kernel_order: str) -> tuple[str, str, str]:
    """Dimension numbers such as ("NHWC", "HWIO", "NHWC") for the orders "N*C" and "*IO"."""
    letters = "DHW"[3 - axes :] if axes <= 3 else "abcdefgh"[:axes]
    outer = input_order.replace("*", letters)
    return outer, kernel_order.replace("*", letters), outer


def conv_transpose(
    names: Names,
    framework: str,
    dimension_numbers: tuple[str, str, str],
    x: Any,
    w: Any,
    *,
    stride: Ints,
    padding: Any,
    dilation: Ints,
    groups: int = 1,
    output_padding: Ints = 0,
    consistent: bool = False,
    precision: Any = None,
    preferred: DTypeLike = None,
) -> Any:
    """The transposed convolution of a layer, checked in the words of its framework.

    Args:
        names: of the framework's arguments.
        framework: whose convention w is stored in.
        dimension_numbers: with I for the channels of x.
        x: input, with one batch axis.
        w: kernel, as the framework stores it.
        stride, dilation, output_padding: an int or one int an axis.
        padding: a string or pairs, as ``lax.conv_transpose`` has them.
        consistent: whether pairs are the padding of the convolution whose transpose this is.
    """
    call = Call(names, CONVENTIONS[framework], dimension_numbers, x, w, groups=groups)
    every = call.parameters(
        call.ints(names.stride, stride),
        call.ints(names.dilation, dilation),
        call.ints("output_padding", output_padding, 0),
    )
    call.check_output_padding(every)
    every = padded(every, lax_crops(every, padding, consistent))
    return call.value(every, precision=precision, preferred=preferred)


def continued(x: Any, first: int, pads: Pairs, strides: Sequence[int]) -> tuple[Any, Pairs]:
    """x continued around its ends, and the padding that is then left.

    A convolution that reads its n*stride inputs around the ends has a transpose that writes
    around them.  Its result has the period n*stride, as x has the period n; so instead of folding
    the result, x is continued as far as the kernel reads.

    Args:
        x: an array whose spatial axes start with axis ``first``.
        pads: one (lo, hi) pair of at least 0 an axis, as ``lax`` counts them, for an output
            n*stride long: positions of x with stride - 1 zeros after each, so that a whole stride
            stands for one more x.
    """
    more = [(lo // s, hi // s) for (lo, hi), s in zip(pads, strides, strict=True)]
    after = x.ndim - first - len(more)
    x = jnp.pad(x, [(0, 0)] * first + more + [(0, 0)] * after, mode="wrap")
    return x, tuple((lo % s, hi % s) for (lo, hi), s in zip(pads, strides, strict=True))
