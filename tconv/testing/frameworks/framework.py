"""One framework's transposed convolution, as the checks take it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.testing.problems.problem import Problem
from tconv.testing.problems.supports import Supports

Array = NDArray[Any]
Function = Callable[..., Any]
Pairs = list[tuple[int, int]]


@dataclass(frozen=True)
class Framework:
    """A framework's own functions under the signature of the checks, and what they offer.

    Args:
        packages: the distributions whose versions say what was checked.
        conv_transpose: ``(x, w, b=None, *, stride, padding, output_padding, dilation, groups)``
            on NumPy arrays in PyTorch's layouts.
        supports: what the framework's signature and documentation have words for; within that an
            error is a finding.
        vjp: the same with a pullback, by the framework's own differentiation.
        same: ``conv_transpose`` with the framework's SAME in place of the padding's numbers.
        circular: the same with its circular padding.
        circular_start: what of the full scatter stands before the first output of ``circular``,
            by kernel extent and stride: where the framework's own circular convolution begins.
        aborts: problems over which the process is known to end; they are not tried.
        why: what is known of them.
    """

    packages: tuple[str, ...]
    conv_transpose: Function
    supports: Supports
    vjp: Function | None = None
    same: Function | None = None
    circular: Function | None = None
    circular_start: Callable[[int, int], int] | None = None
    aborts: Callable[[Problem], bool] = lambda problem: False
    why: str = ""


def pairs(padding: Sequence[Any]) -> Pairs:
    """One (lo, hi) pair an axis."""
    return [(entry, entry) if isinstance(entry, int) else tuple(entry) for entry in padding]


def spread_pads(
    kernel_size: Sequence[int],
    padding: Sequence[Any],
    output_padding: Sequence[int],
    dilation: Sequence[int],
) -> Pairs:
    """The padding of the input spread by the stride: dilation*(k - 1) - lo before, and
    dilation*(k - 1) - hi + output_padding after."""
    reach = [d * (k - 1) for k, d in zip(kernel_size, dilation, strict=True)]
    sides = zip(reach, pairs(padding), output_padding, strict=True)
    return [(r - lo, r - hi + op) for r, (lo, hi), op in sides]


def flipped(w: Any) -> Any:
    """The kernel with its spatial axes turned round, for who computes a correlation."""
    return w[(..., *[slice(None, None, -1)] * (w.ndim - 2))]


def exchanged(w: Any, groups: int) -> Any:
    """(I, O/groups, *kernel) as (O, I/groups, *kernel)."""
    grouped = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    return grouped.swapaxes(1, 2).reshape(groups * w.shape[1], -1, *w.shape[2:])


def channels_last(ndim: int) -> tuple[int, ...]:
    """The axes of (batch, channels, *spatial) in the order (batch, *spatial, channels)."""
    return (0, *range(2, ndim), 1)


def channels_first(ndim: int) -> tuple[int, ...]:
    """The axes of (batch, *spatial, channels) in the order (batch, channels, *spatial)."""
    return (0, ndim - 1, *range(1, ndim - 1))


def copied(values: Array | None) -> Array | None:
    """A contiguous copy, for frameworks that would look into the caller's memory."""
    return None if values is None else np.array(values, order="C")
