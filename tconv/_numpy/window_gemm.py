"""The maps that read y: the convolution and the weight gradient, block by block."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core.plan import Plan
from tconv._numpy import depthwise, phase_form, window_form
from tconv._numpy.flipped import flipped
from tconv._numpy.gradient_choice import adds_planes, form

Array = NDArray[Any]


def conv(plan: Plan, y: Array, w: Array) -> Array:
    """x[i] = sum over channels and taps t of y[i*s + t*d - lo] * w[t]."""
    if _is_empty(plan):
        return np.zeros(plan.x_shape, y.dtype)
    if adds_planes(plan):
        turned, kernel = flipped(plan, w)
        return depthwise.conv_transpose(turned, y, kernel)
    chosen = form(plan)
    x = chosen.InputSum(plan, w, y.dtype)
    for block, matrix in chosen.gather(plan, y):
        x.add(block, matrix)
    result: Array = x.result()
    return result


def weight_cotangent(plan: Plan, x: Array, y: Array) -> Array:
    """w[t] = sum over batch and inputs i of x[i] * y[i*s + t*d - lo]."""
    if _is_empty(plan):
        return np.zeros(plan.w_shape, y.dtype)
    chosen = form(plan)
    w = chosen.WeightSum(plan, x, y.dtype)
    for block, matrix in chosen.gather(plan, y):
        w.add(block, matrix)
    return _spilt(plan, x, y, w.result(), chosen)


def cotangents(plan: Plan, x: Array, w: Array, y: Array) -> tuple[Array, Array]:
    """``conv`` and ``weight_cotangent`` from one gathering of y."""
    if _is_empty(plan):
        return np.zeros(plan.x_shape, y.dtype), np.zeros(plan.w_shape, y.dtype)
    if adds_planes(plan):
        return conv(plan, y, w), weight_cotangent(plan, x, y)
    chosen = form(plan)
    dx, dw = chosen.InputSum(plan, w, y.dtype), chosen.WeightSum(plan, x, y.dtype)
    for block, matrix in chosen.gather(plan, y):
        dx.add(block, matrix)
        dw.add(block, matrix)
    return dx.result(), _spilt(plan, x, y, dw.result(), chosen)


def _spilt(plan: Plan, x: Array, y: Array, w: Array, used: ModuleType) -> Array:
    """w, computed again over windows alone if an infinity or nan of y met one of the zeros that
    the phase form puts beside x, and so reached taps that never read it."""
    if used is phase_form and not np.isfinite(w).all():
        total = window_form.WeightSum(plan, x, y.dtype)
        for block, matrix in window_form.gather(plan, y):
            total.add(block, matrix)
        return total.result()
    return w


def _is_empty(plan: Plan) -> bool:
    return 0 in (plan.batch, plan.in_channels, plan.out_channels)
