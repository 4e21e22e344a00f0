"""A plan holds the numbers of a call, whichever direction the call has, and is made once."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given

from tconv._core.plan import conv_call, conv_transpose_call
from tconv.testing.strategies import conv_problems, conv_transpose_problems
from tests.support.definition import plan_of, problem_of

BATCHES = (1, 2, 0, 3)


@given(conv_transpose_problems(batch=BATCHES))
def test_the_plan_of_a_transposed_convolution(problem):
    plan = plan_of(problem)
    shapes = plan.x_shape, plan.w_shape, plan.y_shape
    assert shapes == (problem.x_shape, problem.w_shape, problem.output_shape)
    assert (plan.groups, plan.stride, plan.dilation) == (
        problem.groups,
        problem.stride,
        problem.dilation,
    )
    assert tuple(axis.lo for axis in plan.axes) == tuple(lo for lo, _ in problem.padding)
    assert plan.group_in_channels * plan.groups == plan.in_channels
    assert plan.group_out_channels * plan.groups == plan.out_channels


@given(conv_problems(batch=BATCHES))
def test_the_plan_of_a_convolution_is_that_of_its_adjoint(problem):
    plan = conv_call(problem.x_shape, problem.w_shape, **problem.keywords).plan
    shapes = plan.y_shape, plan.w_shape, plan.x_shape
    assert shapes == (problem.x_shape, problem.w_shape, problem.output_shape)
    partner = conv_transpose_call(problem.output_shape, problem.w_shape, **problem.partner_keywords)
    assert partner.plan == plan


@given(conv_transpose_problems(batch=BATCHES))
def test_a_problem_is_its_plan_and_back(problem):
    """But for the output padding, which the plan counts to the high side of the padding."""
    plan = plan_of(problem)
    again = problem_of(plan)
    assert plan_of(again) == plan
    assert (again.output_size, again.w_shape) == (problem.output_size, problem.w_shape)


def test_an_unbatched_input_is_a_batch_of_one():
    alone = conv_transpose_call((3, 8, 9), (3, 2, 4, 4))
    assert alone.plan == conv_transpose_call((1, 3, 8, 9), (3, 2, 4, 4)).plan
    assert (alone.layout.batched, alone.plan.batch) == (False, 1)


def test_dimension_numbers_leave_the_plan_but_for_the_order_in_memory():
    plain = conv_transpose_call((2, 3, 8, 9), (3, 2, 4, 5), stride=(2, 1)).plan
    numbers = ("NHWC", "HWIO", "NHWC")
    last = conv_transpose_call(
        (2, 8, 9, 3), (4, 5, 3, 2), stride=(2, 1), dimension_numbers=numbers
    ).plan
    assert last == replace(plain, channels_last=True)


def test_the_same_call_has_the_same_plan():
    arguments = {"stride": 2, "padding": (1, (0, 1))}
    first = conv_transpose_call((1, 3, 8, 8), (3, 2, 4, 4), **arguments).plan
    assert conv_transpose_call((1, 3, 8, 8), (3, 2, 4, 4), **arguments).plan is first
    assert hash(first) == hash(replace(first))
    with pytest.raises(FrozenInstanceError):
        first.groups = 2
