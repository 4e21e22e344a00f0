"""Few channels a group: blocks of the image and runs of groups, each a task for a thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._numpy.blocks import Block, blocks
from tconv._numpy.workers import run

Array = NDArray[Any]
Compute = Callable[[int, tuple[Axis, ...], Array, Array, Array], None]


def by_group(
    plan: Plan,
    x: Array,
    w: Array,
    compute: Compute,
    positions: int,
    groups_together: Callable[[Block], int],
) -> Array:
    """y, of which ``compute`` fills the part of some groups, given their number, the axes of a
    block of about so many positions, and its x, w and y."""
    y = np.empty(plan.y_shape, x.dtype)
    depth, channels = plan.group_in_channels, plan.group_out_channels
    tasks = []
    for block in blocks(plan, positions, plan.batch):
        signal, target = x[block.batch, :, block.inputs], y[block.batch, :, block.outputs]
        some = max(1, groups_together(block))
        for low in range(0, plan.groups, some):
            high = min(low + some, plan.groups)
            inputs = slice(low * depth, high * depth)
            outputs = slice(low * channels, high * channels)
            piece = signal[:, inputs], w[inputs], target[:, outputs]
            tasks.append(partial(compute, high - low, block.axes, *piece))
    run(tasks)
    return y
