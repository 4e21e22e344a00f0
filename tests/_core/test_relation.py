"""The entries of the matrix are the (i, t, o) of the reference, on any number of axes."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from tconv._core.relation import channel_pairs, dense_index, entries, matrix_shape
from tconv.testing import reference
from tconv.testing.strategies import conv_transpose_problems
from tests.support.definition import plan_of


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
