"""The convolution as a matrix: which entry holds which tap.  Index arithmetic alone."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tconv._core.axis import Axis
from tconv._core.boundary import Modes, extended_axis
from tconv._core.plan import Plan

Index = NDArray[np.intp]


class Entries(NamedTuple):
    """Flat positions: the matrix of one pair of channels holds tap ``taps[e]`` in row
    ``rows[e]`` (an input position of the transposed convolution), column ``columns[e]``."""

    taps: Index
    rows: Index
    columns: Index


def entries(plan: Plan, modes: Modes | None = None) -> Entries:
    """Every (input position, tap, output position) that ``i*s + t*d - lo == o`` joins; with modes
    also those beyond the border, at the output position that is read there."""
    taps = rows = columns = np.zeros(1, np.intp)
    for axis, mode in zip(plan.axes, modes or ("zeros",) * len(plan.axes), strict=True):
        extended, positions = extended_axis(axis, mode)
        i, t, o = _joined(extended)
        o = positions[o]
        taps = _append(taps, axis.kernel_size, t)
        rows = _append(rows, axis.input_size, i)
        columns = _append(columns, axis.output_size, o)
    return Entries(taps, rows, columns)


def _joined(axis: Axis) -> tuple[Index, Index, Index]:
    """The positions of x, the taps and the positions of y that are joined, in the order of x."""
    reached = [axis.reach(tap) for tap in range(axis.kernel_size)]
    nothing = (0, 0, 0)  # in place of numbers that may be larger than any index
    bounds = [each if each[0] < each[1] else nothing for each in reached]
    start, stop, first = np.array(bounds, np.intp).T
    every = np.arange(axis.input_size)[:, None]
    i, t = np.nonzero((start <= every) & (every < stop))
    # Where y is shorter than a stride, a tap lands in it once.
    return i, t, first[t] + (i - start[t]) * min(axis.stride, axis.output_size)


def _append(flat: Index, size: int, positions: Index) -> Index:
    """Row-major flat positions extended by one more axis of this size."""
    appended: Index = (flat[:, None] * size + positions).ravel()
    return appended


def channel_pairs(plan: Plan) -> tuple[Index, Index]:
    """(in_channels, 1) and (in_channels, out_channels // groups) indices: which channels of x
    and y each channel pair of the weight joins."""
    lead = np.arange(plan.in_channels)[:, None]
    group = lead // max(plan.group_in_channels, 1)
    return lead, group * plan.group_out_channels + np.arange(plan.group_out_channels)


def matrix_shape(plan: Plan) -> tuple[int, int, int, int]:
    """(in_channels, input positions, out_channels, output positions)."""
    return plan.in_channels, prod(plan.input_size), plan.out_channels, prod(plan.output_size)


def dense_index(plan: Plan, modes: Modes | None = None) -> tuple[Any, Index]:
    """The index into an array of ``matrix_shape`` that takes ``w.reshape(.., taps)[.., taps]``,
    and those taps.  With modes it may name an element more than once: the sum is meant."""
    found = entries(plan, modes)
    lead, other = channel_pairs(plan)
    return (lead[:, :, None], found.rows, other[:, :, None], found.columns), found.taps
