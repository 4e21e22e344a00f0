"""Distribution for small problems: columns added up by an index that is made once a plan."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core import relation
from tconv._core.plan import Plan

Index = NDArray[np.intp]


def conv_transpose(plan: Plan, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """y[o] += (w^T x)[t, i] wherever i*s + t*d - lo == o."""
    groups, depth, positions = plan.groups, plan.group_in_channels, prod(plan.input_size)
    weight = w.reshape(groups, depth, plan.group_out_channels * plan.taps)
    columns = weight.swapaxes(1, 2) @ x.reshape(plan.batch, groups, depth, positions)
    source, target = _index(plan)
    y = np.zeros(prod(plan.y_shape), x.dtype)
    np.add.at(y, target, columns.ravel()[source])
    return y.reshape(plan.y_shape)


@lru_cache(maxsize=256)
def _index(plan: Plan) -> tuple[Index, Index]:
    """Where each column that lands inside y is, and where it lands."""
    found = relation.entries(plan)
    channels = np.arange(plan.batch * plan.out_channels)[:, None]
    source = (channels * plan.taps + found.taps) * prod(plan.input_size) + found.rows
    target = channels * prod(plan.output_size) + found.columns
    return source.ravel(), target.ravel()
