"""A strategy of invalid calls, each with the error that it must raise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tconv.testing.problems.problem import Problem
from tconv.testing.strategies.drawn import problems

Array = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class InvalidCall:
    """A call that is valid but for one mistake.

    ``error`` must be raised, by a text that names ``argument``; ``mistake`` says what is wrong.
    """

    mistake: str
    argument: str
    error: type[Exception]
    x_shape: Shape
    w_shape: Shape
    b_shape: Shape | None
    keywords: dict[str, Any]

    def arrays(self) -> tuple[Array, Array, Array | None]:
        """x, w and b of ones, in float32."""
        b = None if self.b_shape is None else np.ones(self.b_shape, np.float32)
        return np.ones(self.x_shape, np.float32), np.ones(self.w_shape, np.float32), b


Draft = dict[str, Any]
Mistake = tuple[str, type[Exception], Callable[[st.DrawFn, Problem, Draft], None]]


@st.composite
def invalid_arguments(
    draw: st.DrawFn, /, *, kind: str = "conv_transpose", mistake: str | None = None, **options: Any
) -> InvalidCall:
    """Calls with one mistake, and the error that each must raise.

    Args:
        kind: "conv_transpose" or "conv".
        mistake: one of ``MISTAKES``; None for any that the kind has.
        options: those of ``problems``, for the call before the mistake.

    The rules are PyTorch's, with padding as pairs beside them.
    """
    problem = draw(problems(kind=kind, **{"batch": (1, 2), "max_groups": 2, **options}))
    offered = [name for name in MISTAKES if problem.transposed or "output_padding" not in name]
    chosen = mistake or draw(st.sampled_from(offered))
    argument, error, make = MISTAKES[chosen]
    draft: Draft = {
        "x_shape": problem.x_shape,
        "w_shape": problem.w_shape,
        "b_shape": (problem.out_channels,) if problem.bias else None,
        "keywords": problem.keywords,
    }
    make(draw, problem, draft)
    return InvalidCall(chosen, argument, error, **draft)


def _entry(name: str, values: st.SearchStrategy[Any]) -> Callable[..., None]:
    """One axis's entry of a parameter replaced."""

    def make(draw: st.DrawFn, problem: Problem, draft: Draft) -> None:
        entries = list(draft["keywords"][name])
        entries[draw(st.integers(0, problem.ndim - 1))] = draw(values)
        draft["keywords"][name] = tuple(entries)

    return make


def _whole(name: str, values: st.SearchStrategy[Any]) -> Callable[..., None]:
    """A parameter replaced."""

    def make(draw: st.DrawFn, problem: Problem, draft: Draft) -> None:
        draft["keywords"][name] = draw(values)

    return make


def _one_more_entry(draw: st.DrawFn, problem: Problem, draft: Draft) -> None:
    draft["keywords"]["stride"] = (*problem.stride, 1, 1)


def _large_output_padding(draw: st.DrawFn, problem: Problem, draft: Draft) -> None:
    axis = draw(st.integers(0, problem.ndim - 1))
    entries = list(problem.output_padding)
    entries[axis] = max(problem.stride[axis], problem.dilation[axis]) + draw(st.integers(0, 2))
    draft["keywords"]["output_padding"] = tuple(entries)


def _no_output(draw: st.DrawFn, problem: Problem, draft: Draft) -> None:
    axis = draw(st.integers(0, problem.ndim - 1))
    pairs = list(problem.padding)
    lo, hi = pairs[axis]
    # A convolution has an output while stride or less is missing: take that away as well.
    gone = problem.output_size[axis] * (1 if problem.transposed else problem.stride[axis])
    gone += draw(st.integers(0, 3))
    pairs[axis] = (lo, hi + gone) if problem.transposed else (lo, hi - gone)
    draft["keywords"]["padding"] = tuple(pairs)


def _indivisible(draw: st.DrawFn, problem: Problem, draft: Draft) -> None:
    channels = problem.in_channels if problem.transposed else problem.out_channels
    draft["keywords"]["groups"] = channels + draw(st.integers(1, 3))


def _other_channels(draw: st.DrawFn, problem: Problem, draft: Draft) -> None:
    batch, channels, *size = problem.x_shape
    draft["x_shape"] = (batch, channels + draw(st.integers(1, 3)) * problem.groups, *size)


def _other_bias(draw: st.DrawFn, problem: Problem, draft: Draft) -> None:
    draft["b_shape"] = draw(
        st.sampled_from([(problem.out_channels + 1,), (1, problem.out_channels), ()])
    )


def _empty(name: str) -> Callable[..., None]:
    def make(draw: st.DrawFn, problem: Problem, draft: Draft) -> None:
        shape = list(draft[name])
        shape[2 + draw(st.integers(0, problem.ndim - 1))] = 0
        draft[name] = tuple(shape)

    return make


def _other_rank(draw: st.DrawFn, problem: Problem, draft: Draft) -> None:
    draft["x_shape"] = (1, 1, *problem.x_shape) if draw(st.booleans()) else problem.x_shape[2:]


MISTAKES: dict[str, Mistake] = {
    "stride below 1": ("stride", ValueError, _entry("stride", st.integers(-2, 0))),
    "dilation below 1": ("dilation", ValueError, _entry("dilation", st.integers(-2, 0))),
    "a float stride": ("stride", TypeError, _entry("stride", st.sampled_from([1.0, 2.5]))),
    "a bool dilation": ("dilation", TypeError, _entry("dilation", st.booleans())),
    "too many strides": ("stride", ValueError, _one_more_entry),
    "a negative int of padding": ("padding", ValueError, _entry("padding", st.integers(-3, -1))),
    "an unknown padding": ("padding", ValueError, _whole("padding", st.just("SAME_LIKE"))),
    "padding of three sides": ("padding", ValueError, _entry("padding", st.just((0, 0, 0)))),
    "negative output_padding": (
        "output_padding", ValueError, _entry("output_padding", st.integers(-2, -1))),
    "output_padding of max(stride, dilation)": (
        "output_padding", ValueError, _large_output_padding),
    "groups below 1": ("groups", ValueError, _whole("groups", st.integers(-1, 0))),
    "groups that do not divide": ("", ValueError, _indivisible),
    "other channels in w": ("w", ValueError, _other_channels),
    "a bias of another shape": ("b", ValueError, _other_bias),
    "an output below 1": ("output size", ValueError, _no_output),
    "an empty input": ("x", ValueError, _empty("x_shape")),
    "an empty kernel": ("w", ValueError, _empty("w_shape")),
    "another rank": ("x", ValueError, _other_rank),
}  # fmt: skip
