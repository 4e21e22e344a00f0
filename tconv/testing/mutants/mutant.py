"""A mutant, and what the mutants of every subject are written with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import getdoc
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
Function = Callable[..., Any]
KINDS = ("conv_transpose", "conv", "conv_transpose_vjp", "conv_vjp")


@dataclass(frozen=True)
class Mutant:
    """An implementation that is right but for one mistake.

    Args:
        name: what to call it.
        mistake: what it does wrong, in a sentence.
        source: where somebody made it: ``owner/repository#number``, several with commas between;
            "" where nobody's report is known to us.
        kind: what it claims to be, one of ``KINDS``, and so which check it is for.
        fn: the implementation, as that check takes it.
        dtypes: those in which the mistake shows.

    >>> from tconv.testing.mutants import MUTANTS
    >>> MUTANTS[0].name, MUTANTS[0].mistake
    ('kernel flipped', 'The kernel is flipped on every spatial axis.')
    """

    name: str
    mistake: str
    source: str
    kind: str
    fn: Function
    dtypes: tuple[str, ...] = ("float32",)


def mutant(
    fn: Function,
    source: str = "",
    kind: str = "conv_transpose",
    dtypes: tuple[str, ...] = ("float32",),
) -> Mutant:
    """The mutant that a function is: it has the name, and its docstring says the mistake."""
    mistake = " ".join((getdoc(fn) or "").partition("\n\n")[0].split())
    return Mutant(fn.__name__.replace("_", " "), mistake, source, kind, fn, dtypes)


def pairs_of(padding: Sequence[Any]) -> list[tuple[int, int]]:
    """One (lo, hi) pair an axis."""
    return [p if isinstance(p, tuple) else (p, p) for p in padding]


def extents(w: Array, dilation: Sequence[int]) -> list[int]:
    """What the kernel spans on each axis: dilation*(kernel_size - 1) + 1."""
    return [d * (k - 1) + 1 for k, d in zip(w.shape[2:], dilation, strict=True)]


def with_bias(y: Array, b: Array | None) -> Array:
    """The bias, if there is one, added to a result without it."""
    return y if b is None else y + b.reshape(-1, *[1] * (y.ndim - 2))
