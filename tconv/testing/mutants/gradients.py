"""Mistakes of gradients: each function returns (y, pullback)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tconv.convolution import conv, conv_transpose_vjp, conv_vjp
from tconv.testing.mutants.memory import memory_of
from tconv.testing.mutants.mutant import Array, Function, Mutant, mutant

Cotangents = tuple[Array, Array, Array | None]
Change = Callable[[Array, Array, Array | None, Array], Cotangents]
VJPS: dict[str, Function] = {"conv_transpose_vjp": conv_transpose_vjp, "conv_vjp": conv_vjp}


def mistaken(name: str, mistake: str, change: Change, kind: str) -> Mutant:
    """The mutant that changes the cotangents (dx, dw, db) of a cotangent dy."""

    def fn(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Any:
        y, pullback = VJPS[kind](x, w, b, **kw)

        def pull(dy: Array) -> Cotangents:
            dx, dw, db = pullback(dy)
            return change(dx, dw, db, dy)

        return y, pull

    fn.__name__, fn.__doc__ = name, mistake
    return mutant(fn, kind=kind)


def dy_read_as_contiguous(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Any:
    """The memory of the result's cotangent is read as if it were contiguous."""
    y, pullback = conv_transpose_vjp(x, w, b, **kw)
    return y, lambda dy: pullback(memory_of(dy))


def dx_by_a_weight_read_as_contiguous(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Any:
    """For the cotangent of x, the memory of the weight is read as if it were contiguous."""
    y, pullback = conv_vjp(x, w, b, **kw)
    other = conv_vjp(x, memory_of(w), b, **kw)[1]
    return y, lambda dy: (other(dy)[0], *pullback(dy)[1:])


def dx_without_the_stride_of_kernel_1(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Any:
    """Along an axis of one tap, the cotangent of x is read without the stride."""
    y, pullback = conv_transpose_vjp(x, w, b, **kw)
    stride = tuple(1 if k == 1 else s for k, s in zip(w.shape[2:], kw["stride"], strict=True))
    same = {name: kw[name] for name in ("padding", "dilation", "groups")}
    inside = (slice(None), slice(None), *(slice(n) for n in x.shape[2:]))
    return y, lambda dy: (conv(dy, w, stride=stride, **same)[inside], *pullback(dy)[1:])


def dx_by_a_flipped_kernel(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Any:
    """The cotangent of x is computed with the kernel flipped."""
    y, pullback = conv_transpose_vjp(x, w, b, **kw)
    other = conv_transpose_vjp(x, np.flip(w, tuple(range(2, w.ndim))), b, **kw)[1]
    return y, lambda dy: (other(dy)[0], *pullback(dy)[1:])


def dw_of_the_groups_in_another_order(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Any:
    """The weight's cotangents of the groups are one group off."""
    y, pullback = conv_transpose_vjp(x, w, b, **kw)

    def pull(dy: Array) -> Any:
        dx, dw, db = pullback(dy)
        return dx, np.roll(dw, len(dw) // kw["groups"], axis=0), db

    return y, pull


def _flipped(dw: Array) -> Array:
    return np.flip(dw, tuple(range(2, dw.ndim)))


GRADIENTS = (
    mutant(dy_read_as_contiguous, "pytorch/pytorch#67829", "conv_transpose_vjp"),
    mutant(dx_without_the_stride_of_kernel_1, "pytorch/pytorch#63314", "conv_transpose_vjp"),
    mutant(dx_by_a_flipped_kernel, kind="conv_transpose_vjp"),
    mutant(dw_of_the_groups_in_another_order, "pytorch/pytorch#51430", "conv_transpose_vjp"),
    mutant(dx_by_a_weight_read_as_contiguous, "huggingface/candle#3735", "conv_vjp"),
    *(
        mistaken(name, mistake, change, kind)
        for kind in VJPS
        for name, mistake, change in (
            (
                "dw_flipped",
                "The weight's cotangent is flipped on every spatial axis.",
                lambda dx, dw, db, dy: (dx, _flipped(dw), db),
            ),
            (
                "db_averaged",
                "The bias's cotangent is averaged over the batch.",
                lambda dx, dw, db, dy: (dx, dw, None if db is None else db / max(len(dy), 1)),
            ),
            (
                "dx_zero",
                "The cotangent of x is zero.",
                lambda dx, dw, db, dy: (0 * dx, dw, db),
            ),
        )
    ),
)
