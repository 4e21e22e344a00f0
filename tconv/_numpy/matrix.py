"""The transposed Toeplitz matrix: one dense product, for small problems and for study."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core import relation
from tconv._core.plan import Plan


def dense(plan: Plan, w: NDArray[Any]) -> NDArray[Any]:
    """(in_channels * input positions, out_channels * output positions)."""
    index, taps = relation.dense_index(plan)
    shape = relation.matrix_shape(plan)
    matrix = np.zeros(shape, w.dtype)
    matrix[index] = w.reshape(*w.shape[:2], plan.taps)[:, :, taps]
    return matrix.reshape(shape[0] * shape[1], shape[2] * shape[3])


def conv_transpose(plan: Plan, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
    """y = x M with M the matrix of the convolution, so that y^T = M^T x^T."""
    matrix = dense(plan, w)
    y: NDArray[Any] = x.reshape(plan.batch, len(matrix)) @ matrix
    return y.reshape(plan.y_shape)
