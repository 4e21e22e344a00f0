"""Functions that XLA calls and does not inline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax.experimental.xla_metadata import set_xla_metadata

from tconv._jax import order


def called(
    function: Callable[..., Any], operands: tuple[str, ...], result: str, *, channels_last: bool
) -> Callable[..., Any]:
    """The same computation as a function of its own, whose memory is free once it has returned.

    Inlined, all that several keep between their steps lives at once: 46 MB for both gradients of
    hifigan_u3, 20 when called.  Beyond 32 MB the C library gives such memory back after each run,
    and bringing it in again takes longer than the products.  What lies channels-last goes in and
    comes out so: across a call XLA cancels no transpositions.

    ``operands`` and ``result`` name what it takes and gives of "x", "w" and "y".

    Source: the attribute ``inlineable`` of XLA's call inliner.
    """
    into, out_of = (order.into, order.out_of) if channels_last else (_same, _same)

    @jax.jit
    def body(*arrays: Any) -> Any:
        return into(result, function(*map(out_of, operands, arrays)))

    def call(*arrays: Any) -> Any:
        values = body(*map(into, operands, arrays))
        return out_of(result, set_xla_metadata(values, inlineable="false"))

    return call


def _same(_: str, array: Any) -> Any:
    return array
