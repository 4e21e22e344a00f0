"""The transposed convolution as textbooks define it, for study and for comparison: zeros
inserted, and the transposed matrix of the convolution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tconv._core import dtypes, relation
from tconv._core.boundary import Modes
from tconv._core.plan import Plan
from tconv._core.typing import AnyArray
from tconv._numpy.choose import choose
from tconv._numpy.columns import fractional_stride
from tconv._numpy.forms import FORMS
from tconv._numpy.forms.planes import flipped


def dilated(plan: Plan, x: AnyArray, w: AnyArray) -> AnyArray:
    """Zeros inserted between the inputs, then a stride-1 convolution with the kernel flipped,
    which multiplies by every inserted zero."""
    inserted = fractional_stride(x, plan.stride)
    axes = tuple(
        replace(axis, input_size=size, stride=1)
        for axis, size in zip(plan.axes, inserted.shape[2:], strict=True)
    )
    convolution, *operands = flipped(replace(plan, axes=axes), inserted, w)
    return FORMS["x"][choose("x", convolution)].compute(convolution, *operands)


def matrix(plan: Plan, x: AnyArray, w: AnyArray) -> AnyArray:
    """y = x M with M the matrix of the convolution, so that y^T = M^T x^T."""
    dense = conv_matrix(plan, w)
    y: AnyArray = x.reshape(plan.batch, len(dense)) @ dense
    return y.reshape(plan.y_shape)


def conv_matrix(plan: Plan, w: AnyArray, modes: Modes | None = None) -> AnyArray:
    """(in_channels * input positions, out_channels * output positions), the dense matrix of
    the convolution: rows are positions of x, columns of y."""
    index, taps = relation.dense_index(plan, modes)
    shape = relation.matrix_shape(plan)
    values = w.reshape(*w.shape[:2], plan.taps)[:, :, taps]
    dense = np.zeros(shape, w.dtype if modes is None else dtypes.accumulator(w.dtype))
    if modes is None:
        dense[index] = values
    else:
        np.add.at(dense, index, values.astype(dense.dtype))
    return dense.reshape(shape[0] * shape[1], shape[2] * shape[3]).astype(w.dtype, copy=False)
