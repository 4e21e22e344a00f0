"""The three maps one tap after the other, each for the positions that it joins and no others: no
zero stands for a position outside of y or x, where a NaN or an infinity would meet it, and nothing
is held or visited for the positions between.

That costs a copy of x and of y a tap, so it is for operands that are not finite, and for plans
whose numbers are far beyond the sizes of their arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

import numpy as np

from tconv._core.plan import Plan
from tconv._core.reduction import joint
from tconv._core.typing import AnyArray
from tconv._numpy.tiles import Index

# Elements looked at together, whose answers stay in the cache.
_BLOCK = 1 << 16


def all_finite(array: AnyArray) -> bool:
    """Whether no element is an infinity or a NaN."""
    if array.size > _BLOCK:
        some = max(1, _BLOCK * len(array) // array.size)
        if some == 1:
            return all(map(all_finite, array))
        return all(all_finite(array[low : low + some]) for low in range(0, len(array), some))
    return bool(np.isfinite(array).all())


def joined(plan: Plan) -> Iterator[tuple[Index, Index, Index]]:
    """Each tap, the positions of x that it carries inside y, and those of y that they land on."""
    taps = [range(size) for size in plan.kernel_size]
    if plan.is_far:  # of many taps few may land
        taps = [every[joint(axis).w] for every, axis in zip(taps, plan.axes, strict=True)]
    for tap in product(*taps):
        landings = [axis.landing(t) for axis, t in zip(plan.axes, tap, strict=True)]
        inputs, outputs = zip(*landings, strict=True)
        if all(along.start < along.stop for along in inputs):
            yield (..., *tap), (..., *inputs), (..., *outputs)


def conv_transpose(plan: Plan, x: AnyArray, w: AnyArray) -> AnyArray:
    """y[i*s + t*d - lo] += x[i] * w[t] for every tap."""
    lead = plan.batch, plan.groups
    signal = x.reshape(*lead, plan.group_in_channels, *plan.input_size)
    weight = w.reshape(plan.groups, plan.group_in_channels, *w.shape[1:])
    y = np.zeros((*lead, plan.group_out_channels, *plan.output_size), x.dtype)
    for tap, inputs, outputs in joined(plan):
        carried = signal[inputs]
        columns = carried.reshape(*carried.shape[:3], prod(carried.shape[3:]))
        products = np.ascontiguousarray(weight[tap].swapaxes(1, 2)) @ columns
        y[outputs] += products.reshape(*products.shape[:3], *carried.shape[3:])
    return y.reshape(plan.y_shape)


def conv(plan: Plan, y: AnyArray, w: AnyArray) -> AnyArray:
    """x[i] += y[i*s + t*d - lo] * w[t] for every tap."""
    lead = plan.batch, plan.groups
    x = np.zeros((*lead, plan.group_in_channels, *plan.input_size), y.dtype)
    source = y.reshape(*lead, plan.group_out_channels, *plan.output_size)
    weight = w.reshape(plan.groups, plan.group_in_channels, *w.shape[1:])
    for tap, inputs, outputs in joined(plan):
        read = source[outputs]
        columns = read.reshape(*read.shape[:3], prod(read.shape[3:]))
        products = np.ascontiguousarray(weight[tap]) @ columns
        x[inputs] += products.reshape(*products.shape[:3], *read.shape[3:])
    return x.reshape(plan.x_shape)


def weight_cotangent(plan: Plan, x: AnyArray, y: AnyArray) -> AnyArray:
    """w[t] += x[i] * y[i*s + t*d - lo] for every tap."""
    lead = plan.batch, plan.groups
    signal = x.reshape(*lead, plan.group_in_channels, *plan.input_size)
    source = y.reshape(*lead, plan.group_out_channels, *plan.output_size)
    shape = (plan.groups, plan.group_in_channels, plan.group_out_channels, *plan.kernel_size)
    w = np.zeros(shape, y.dtype)
    for tap, inputs, outputs in joined(plan):
        joins = zip(signal[inputs], source[outputs], strict=True)
        for carried, read in joins:
            columns = read.reshape(*read.shape[:2], prod(read.shape[2:]))
            w[tap] += carried.reshape(
                *carried.shape[:2], prod(carried.shape[2:])
            ) @ columns.swapaxes(1, 2)
    return w.reshape(plan.w_shape)


def workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of what a tap reads, of its products, and of the kernel."""
    positions = plan.batch * prod(plan.input_size)
    kernel = plan.in_channels * plan.group_out_channels
    return itemsize * (positions * (plan.in_channels + plan.out_channels) + kernel)


def weight_workspace(plan: Plan, itemsize: int) -> int:
    """Bytes of what a tap joins in a sample, and of its products."""
    positions = prod(plan.input_size)
    kernel = plan.in_channels * plan.group_out_channels
    return itemsize * (positions * (plan.in_channels + plan.out_channels) + kernel)
