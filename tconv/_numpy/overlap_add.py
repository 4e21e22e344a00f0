"""Distribution: one GEMM to columns, each added where its kernel tap lands."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._numpy.columns import col2im
from tconv._plan import Plan


def conv_transpose(plan: Plan, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """y[.., i*s + t*d - lo] += (w^T x)[t, i] for every tap."""
    groups, batch = plan.groups, plan.batch
    weight = w.reshape(groups, plan.group_in_channels, plan.group_out_channels * plan.taps)
    positions = int(np.prod(plan.input_size))
    signal = x.reshape(batch, groups, plan.group_in_channels, positions)
    cols = weight.transpose(0, 2, 1) @ signal
    return col2im(plan, cols.reshape(batch, plan.out_channels * plan.taps, positions))
