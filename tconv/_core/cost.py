"""What a form costs: counts of what it does, and the rates that turn them into time.

Each form states its counts as a function of the plan; a backend has one set of rates.  The choice
of a form is then the same in every run and on every machine.  Source: the linear model of machine
time of Valiant's BSP and of roofline models, with a term a kind of work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace

# Elements of float32 in 32 MB: the C library gives larger memory back, and maps it anew in each
# call.
MAPPED = 1 << 23


@dataclass(frozen=True)
class Counts:
    """What a form does for one call.

    ``products``: multiply-adds in matrix products.  ``convolved``: multiply-adds in a convolution
    of the platform's library, two for one where it is quick.  ``added``: multiply-adds and
    additions element by element, in passes over memory.  ``moved``: elements read or written by
    copies and by the operands and results of products.  ``runs``: contiguous pieces that copies
    consist of.  ``kept``: elements that live from one step to another.  ``calls``: operations that
    are started.
    """

    products: float = 0
    convolved: float = 0
    added: float = 0
    moved: float = 0
    runs: float = 0
    kept: float = 0
    calls: float = 0

    def __add__(self, other: Counts) -> Counts:
        """Both, one after the other."""
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def repeated(self, times: float) -> Counts:
        """So many times, one after the other, in the same memory."""
        return replace(Counts(*(times * each for each in astuple(self))), kept=self.kept)

    @property
    def terms(self) -> tuple[float, ...]:
        """What takes time, a term a rate: what is kept does where it is mapped."""
        return astuple(self if self.kept >= MAPPED else replace(self, kept=0))


@dataclass(frozen=True)
class Rates:
    """Nanoseconds for one of each of the ``Counts``, ``kept`` where it is mapped anew."""

    products: float
    convolved: float
    added: float
    moved: float
    runs: float
    kept: float
    calls: float

    def nanoseconds(self, counts: Counts) -> float:
        """The time that these counts take."""
        total: float = sum(
            rate * count for rate, count in zip(astuple(self), counts.terms, strict=True)
        )
        return total


def gemm(rows: float, depth: float, columns: float, batch: float = 1) -> Counts:
    """The product of (rows, depth) with (depth, columns), for each of a batch.

    Its operands pass through the cache once, in blocks: a quarter of what a copy of them takes.
    """
    touched = rows * depth + depth * columns + rows * columns
    return Counts(products=batch * rows * depth * columns, moved=batch * touched / 4, calls=batch)


def copy(elements: float, run: float) -> Counts:
    """A copy in runs of so many elements."""
    return Counts(moved=elements, runs=elements / run if run else 0, calls=1)


def cheapest(candidates: Mapping[str, Counts], rates: Rates) -> str:
    """The name of the candidate of the least time; the first one of equals."""
    return min(candidates, key=lambda name: rates.nanoseconds(candidates[name]))
