"""The definition, ``tconv.testing.reference``, for plans, and vectorised for JAX to differentiate.

A problem and a plan say the same: ``problem_of`` and ``plan_of`` lead from one to the other.  In
both, x, w and y stand for the operands of the transposed convolution.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from tconv._core.axis import Axis
from tconv._core.plan import Plan, conv_transpose_call
from tconv.testing import Problem, reference


def plan_of(problem: Problem) -> Plan:
    """The plan of a transposed convolution."""
    return conv_transpose_call(problem.x_shape, problem.w_shape, **problem.keywords).plan


def problem_of(plan: Plan, **fields: Any) -> Problem:
    """The problem of a plan, with ``fields`` such as the dtype and the seed."""
    return Problem(
        plan.input_size,
        plan.kernel_size,
        plan.stride,
        tuple((axis.lo, axis.hi) for axis in plan.axes),
        dilation=plan.dilation,
        groups=plan.groups,
        in_channels=plan.in_channels,
        out_channels=plan.out_channels,
        batch=plan.batch,
        **fields,
    )


class Maps(NamedTuple):
    """The three maps of one plan, each from the other two operands."""

    y: Any
    x: Any
    w: Any


def maps(plan: Plan, x: Any, w: Any, y: Any) -> Maps:
    """y of x and w, x of y and w, w of x and y: float64, complex128 or Python ints."""
    named = problem_of(plan).partner_keywords
    return Maps(
        reference.conv_transpose(x, w, **named),
        reference.conv(y, w, **named),
        reference.weight_gradient(x, y, plan.kernel_size, **named),
    )


def conv_transpose(problem: Problem, x: Any, w: Any) -> Any:
    """The transposed convolution of JAX arrays of one float dtype, as one einsum; x may have other
    sizes than the problem's.

    Each spatial axis is a 0/1 tensor over (i, t, o) that holds the relation of ``reference``.
    """
    problem = replace(problem, input_size=tuple(x.shape[2:]))
    axes = problem.ndim
    inputs, taps, outputs = ([4 + axes * role + axis for axis in range(axes)] for role in range(3))
    joins: list[Any] = []
    for axis, join in enumerate(_joins(plan_of(problem))):
        joins += [jnp.asarray(join, x.dtype), [inputs[axis], taps[axis], outputs[axis]]]
    grouped = x.reshape(x.shape[0], problem.groups, -1, *problem.input_size)
    kernel = w.reshape(problem.groups, -1, *w.shape[1:])
    y = jnp.einsum(
        grouped, [0, 1, 2, *inputs], kernel, [1, 2, 3, *taps], *joins, [0, 1, 3, *outputs]
    )
    return y.reshape(x.shape[0], -1, *problem.output_size)


def related(axis: Axis) -> set[tuple[int, int, int]]:
    """Every (i, t, o) of one axis with ``i*stride + t*dilation - lo == o``."""
    found = reference.related(
        [axis.input_size], [axis.kernel_size], [axis.output_size], axis.stride,
        [(axis.lo, axis.hi)], axis.dilation,
    )  # fmt: skip
    return {(i, t, o) for (i,), (t,), (o,) in found}


def _joins(plan: Plan) -> list[np.ndarray]:
    """For each spatial axis, 1 at every (i, t, o) that belong together."""
    joins = []
    for axis in plan.axes:
        join = np.zeros((axis.input_size, axis.kernel_size, axis.output_size))
        join[tuple(np.transpose(sorted(related(axis))))] = 1
        joins.append(join)
    return joins
