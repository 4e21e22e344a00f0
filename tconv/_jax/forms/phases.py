"""Collection phase by phase: each phase of y is a stride-1 convolution of x with its own taps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from tconv._core.lattice import Phase, phases
from tconv._core.plan import Plan
from tconv._jax.forms.axes import Precision, padded
from tconv._jax.forms.xla import convolved, flipped, numbers_of


def conv_transpose(plan: Plan, x: Array, w: Array, precision: Precision) -> Array:
    """y from x and w, for a reduced plan: no zeros are multiplied, with groups either."""
    of_axes = [phases(axis) for axis in plan.axes]
    rows = [-(-axis.output_size // axis.stride) for axis in plan.axes]
    kernel = flipped(plan, w)

    def of_phase(chosen: Sequence[Phase]) -> Array:
        shape = (plan.batch, plan.out_channels, *rows)
        if not all(phase.taps for phase in chosen):
            return jnp.zeros(shape, x.dtype)
        y = convolved(
            x,
            kernel[(..., *map(_taps, plan.kernel_size, chosen))],
            [_pads(phase, size) for phase, size in zip(chosen, plan.input_size, strict=True)],
            stride=(1,) * len(chosen),
            dilation=[phase.step for phase in chosen],
            numbers=numbers_of(len(chosen), channels_last=False),
            groups=plan.groups,
            precision=precision,
        )
        behind = [(0, size - phase.count, 0) for size, phase in zip(rows, chosen, strict=True)]
        return padded(y, [(0, 0, 0), (0, 0, 0), *behind])

    y = jnp.stack([of_phase(chosen) for chosen in product(*of_axes)], -1)
    return _interleaved(y, [len(found) for found in of_axes], plan)


def _taps(size: int, phase: Phase) -> slice:
    """The taps of a phase in a kernel of this size that is reversed."""
    return slice((size - 1 - phase.tap) % phase.tap_step, size - phase.tap, phase.tap_step)


def _pads(phase: Phase, input_size: Any) -> tuple[Any, Any]:
    reach = (phase.taps - 1) * phase.step
    before = reach - phase.start
    return before, phase.count + reach - input_size - before


def _interleaved(y: Array, counts: Sequence[int], plan: Plan) -> Array:
    """(batch, channels, *rows, phases) with the phases side by side, cropped to the size of y."""
    ndim = len(counts)
    y = jnp.reshape(y, (*y.shape[: 2 + ndim], *counts))
    places = [place for n in range(ndim) for place in (2 + n, 2 + ndim + n)]
    y = jnp.transpose(y, (0, 1, *places))
    sizes = [rows * count for rows, count in zip(y.shape[2::2], counts, strict=True)]
    y = jnp.reshape(y, (*y.shape[:2], *sizes))
    return lax.slice(y, (0,) * y.ndim, (*y.shape[:2], *plan.output_size))
