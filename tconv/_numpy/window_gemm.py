"""The convolution and the weight gradient, each one GEMM over the windows of y."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._numpy.columns import im2col
from tconv._plan import Plan


def conv(plan: Plan, y: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """x[i] = sum over channels and taps t of y[i*s + t*d - lo] * w[t]."""
    depth = plan.group_out_channels * plan.taps
    weight = w.reshape(plan.groups, plan.group_in_channels, depth)
    cols = _columns(plan, y)
    x: NDArray[Any] = weight @ cols
    return x.reshape(plan.x_shape)


def weight_cotangent(plan: Plan, x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """w[t] = sum over batch and inputs i of x[i] * y[i*s + t*d - lo]."""
    positions = int(np.prod(plan.input_size))
    signal = x.reshape(plan.batch, plan.groups, plan.group_in_channels, positions)
    products: NDArray[Any] = signal @ _columns(plan, y).transpose(0, 1, 3, 2)
    w: NDArray[Any] = products.sum(axis=0, dtype=products.dtype)
    return w.reshape(plan.w_shape)


def _columns(plan: Plan, y: NDArray[Any]) -> NDArray[Any]:
    depth = plan.group_out_channels * plan.taps
    positions = int(np.prod(plan.input_size))
    return im2col(plan, y).reshape(plan.batch, plan.groups, depth, positions)
