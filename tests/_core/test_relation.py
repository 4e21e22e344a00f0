"""The entries of the matrix are the (i, t, o) of the reference, on any number of axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._core.relation import channel_pairs, dense_index, entries, matrix_shape
from tconv.testing import reference
from tconv.testing.strategies import conv_transpose_problems
from tests.support.definition import plan_of, related


@given(conv_transpose_problems())
def test_entries_are_the_relation(problem):
    plan = plan_of(problem)
    found = entries(plan)
    sizes = (plan.input_size, plan.kernel_size, plan.output_size)
    columns = [
        np.unravel_index(flat, size)
        for flat, size in zip((found.rows, found.taps, found.columns), sizes, strict=True)
    ]
    triples = [
        tuple(tuple(map(int, place)) for place in triple)
        for triple in zip(*(zip(*column, strict=True) for column in columns), strict=True)
    ]
    wanted = list(reference.related(*sizes, problem.stride, problem.padding, problem.dilation))
    assert len(triples) == len(wanted)
    assert set(triples) == set(wanted)


@given(conv_transpose_problems())
def test_entries_come_in_the_order_of_the_matrix(problem):
    """Sums over them are then rounded in one order."""
    found = entries(plan_of(problem))
    if len(problem.input_size) == 1:
        order = np.lexsort((found.taps, found.rows))
        np.testing.assert_array_equal(order, np.arange(len(order)))


@pytest.mark.parametrize("far", [10**9, 2**62, 2**63, 2**70])
def test_entries_of_huge_parameters(far):
    axes = (
        Axis(3, 9, 4, 2, 1, -far),
        Axis(3, 9, 4, far, 1, far),
        Axis(3, 9, 4, 2, far, far),
        Axis(3, 9, 4, far, far - 1, far - 2),
        Axis(3, 9, 4, far, far, 3 * far - 5),
    )
    for axis in axes:
        found = entries(Plan(1, 1, 1, 1, (axis,)))
        triples = zip(found.rows, found.taps, found.columns, strict=True)
        assert {tuple(map(int, triple)) for triple in triples} == related(axis)


@given(conv_transpose_problems())
def test_a_channel_meets_those_of_its_group(problem):
    plan = plan_of(problem)
    lead, other = channel_pairs(plan)
    assert lead.ravel().tolist() == list(range(plan.in_channels))
    assert other.shape == (plan.in_channels, plan.group_out_channels)
    groups = other // plan.group_out_channels
    np.testing.assert_array_equal(groups, lead // plan.group_in_channels + 0 * other)


@given(conv_transpose_problems(dtypes=("int64",), bias=False, batch=(1,)))
def test_the_dense_index_makes_the_matrix(problem):
    plan = plan_of(problem)
    x, w, _ = problem.arrays()
    matrix = np.zeros(matrix_shape(plan), np.int64)
    index, taps = dense_index(plan)
    matrix[index] = w.reshape(*w.shape[:2], -1)[..., taps]
    y = np.tensordot(x.reshape(plan.in_channels, -1), matrix, 2)
    wanted = reference.conv_transpose(x, w, **problem.keywords)
    np.testing.assert_array_equal(y.ravel(), wanted.ravel())
