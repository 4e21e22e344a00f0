"""The pullback of either direction: checks the cotangent, and casts what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tconv import _canonical as canonical
from tconv._arguments import Shape
from tconv._dispatch import Backend, backend_for
from tconv._plan import Call
from tconv._typing import Array

Pullback = Callable[[Array], "tuple[Array, Array, Array | None]"]


def make_pullback(
    call: Call,
    canonical_output: Shape,
    operands: tuple[Any, Any, Any],
    transposes: Callable[[Backend, Any], tuple[Any, Any]],
) -> Callable[[Any], tuple[Any, Any, Any]]:
    """``pullback(cotangent) -> (dx, dw, db)`` for the operands ``(x, w, b)``.

    ``transposes`` computes the input's and the weight's cotangents in canonical order.  A JAX
    cotangent takes the whole pullback to JAX, as a JAX operand does a call.
    """
    x, w, b = operands
    expected = canonical.output_shape(call, canonical_output)

    def pullback(cotangent: Any) -> tuple[Any, Any, Any]:
        engine = backend_for(x=x, w=w, b=b, cotangent=cotangent)
        if cotangent.shape != expected:
            raise ValueError(
                f"cotangent: must have the shape of the output, {expected}; got shape "
                f"{cotangent.shape}. Reshape it."
            )
        dy = canonical.from_output(call, cotangent)
        dx, dw = transposes(engine, dy)
        db = None if b is None else engine.cast_cotangent(engine.bias_cotangent(dy), b)
        return (
            engine.cast_cotangent(canonical.to_input(call, dx), x),
            engine.cast_cotangent(canonical.to_kernel(call, dw), w),
            db,
        )

    return pullback
