"""When an implementation fails: what the failing problems have and the others have not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import gcd

from tconv.testing.problems.problem import MEMORY, Geometry, Problem
from tconv.testing.problems.simplify import Predicate

_SEVERAL = 3  # what fewer problems have in common with some of the others may be chance
_LAYOUTS = {
    "contiguous": "contiguous arrays",
    "fortran": "arrays in Fortran's order",
    "reversed": "arrays of negative strides",
    "strided": "arrays with gaps between their elements",
}


def _any_axis(holds: Callable[[Geometry], bool]) -> Predicate:
    return lambda problem: any(holds(axis) for axis in problem.axes)


CONDITIONS: dict[str, Predicate] = {
    "output_padding >= stride": _any_axis(lambda a: a.output_padding >= a.stride),
    "stride > dilation*(kernel_size - 1) + 1": _any_axis(
        lambda a: a.stride > a.dilation * (a.kernel_size - 1) + 1
    ),
    "padding deeper than dilation*(kernel_size - 1)": _any_axis(
        lambda a: max(a.padding) > a.dilation * (a.kernel_size - 1)
    ),
    "negative padding": _any_axis(lambda a: min(a.padding) < 0),
    "different padding at the two sides": _any_axis(lambda a: a.padding[0] != a.padding[1]),
    "an input size of 1": _any_axis(lambda a: a.input_size == 1),
    "gcd(stride, dilation) > 1": _any_axis(lambda a: gcd(a.stride, a.dilation) > 1),
    "output padding": _any_axis(lambda a: a.output_padding > 0),
    "dilation > 1": _any_axis(lambda a: a.dilation > 1),
    "stride > 1": _any_axis(lambda a: a.stride > 1),
    "padding": _any_axis(lambda a: a.padding != (0, 0)),
    "groups > 1": lambda p: p.groups > 1,
    "several samples": lambda p: (p.batch or 1) > 1,
    "a bias": lambda p: p.bias,
    "groups of one channel each": lambda p: p.groups == p.in_channels == p.out_channels > 1,
    "non-contiguous arrays": lambda p: p.memory != "contiguous",
    **{words: lambda p, m=m: p.memory == m for m, words in _LAYOUTS.items()},  # type: ignore[misc]
    "several input channels in a group": lambda p: p.in_channels > p.groups,
    "several output channels in a group": lambda p: p.out_channels > p.groups,
    **{f"{n} spatial axes": lambda p, n=n: p.ndim == n for n in (1, 2, 3)},  # type: ignore[misc]
}


def when(failing: Sequence[Problem], passing: Sequence[Problem]) -> Iterator[str]:
    """The condition that tells the failing problems of the table from the others."""
    if not failing or not passing:
        return
    count = f"{len(failing)} of the {len(failing) + len(passing)} problems of the table"
    # What all problems have says nothing.
    telling = {
        name: sum(map(holds, passing))
        for name, holds in CONDITIONS.items()
        if all(map(holds, failing)) and not all(map(holds, passing))
    }
    fewest = min(telling, key=telling.__getitem__, default="")
    if not telling or (telling[fewest] and len(failing) < _SEVERAL):
        yield f"it fails on {count}"
    elif telling[fewest]:
        yield f"all problems on which it fails have {fewest}: {count}"
    else:
        yield f"it fails on exactly those problems that have {fewest}: {count}"


def layouts(problem: Problem, fails: Predicate) -> Iterator[str]:
    """With which layouts in memory the minimal problem fails, if not with contiguous arrays."""
    if problem.memory == "contiguous":
        return
    found = {memory: fails(replace(problem, memory=memory)) for memory in MEMORY}
    if found["contiguous"]:
        return
    failing = " and ".join(_LAYOUTS[memory] for memory in MEMORY if found[memory])
    yield f"It fails with {failing}, and holds for the same values in contiguous ones"
