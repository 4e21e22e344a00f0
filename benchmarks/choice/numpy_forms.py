"""The forms of the NumPy backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks.machine import numpy_versions as versions
from benchmarks.task import Array
from tconv._core.cost import Counts
from tconv._core.plan import Plan
from tconv._numpy import choose
from tconv._numpy.forms import FORMS

LAYOUTS = ("NCHW",)  # arrays in another order are views in this one, and take the same forms
NOTE = "NumPy arrays on the CPU"
__all__ = ["LAYOUTS", "NOTE", "array", "chosen", "counts", "names", "prepare", "versions"]


def names(result: str, plan: Plan) -> Sequence[str]:
    """The forms that can compute this."""
    return tuple(choose.candidates(result, plan))


def counts(result: str, plan: Plan) -> Mapping[str, Counts]:
    """What each of them does."""
    return choose.candidates(result, plan)


def chosen(result: str, plan: Plan) -> str:
    """The one that "auto" takes."""
    return choose.choose(result, plan)


def prepare(
    result: str, plan: Plan, form: str, first: Array, second: Array
) -> tuple[Callable[[], Array], float]:
    """The call to time, and the seconds that compiling it took."""
    return partial(FORMS[result][form].compute, plan, first, second), 0.0


def array(result: str, plan: Plan, out: Array) -> Array:
    """What the call returned, in PyTorch's order of axes."""
    return out
