"""The convolution as a matrix: which entry holds which tap.  Index arithmetic alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tconv import _dtypes as dtypes
from tconv._plan import Plan

Index = NDArray[np.intp]


class Entries(NamedTuple):
    """Flat positions: the matrix of one pair of channels holds tap ``taps[e]`` in row
    ``rows[e]`` (an input position of the transposed convolution), column ``columns[e]``."""

    taps: Index
    rows: Index
    columns: Index


def entries(plan: Plan) -> Entries:
    """Every (input position, tap, output position) that ``i*s + t*d - lo == o`` joins."""
    taps = rows = columns = np.zeros(1, np.intp)
    for axis in plan.axes:
        i, t = np.indices((axis.input_size, axis.kernel_size), np.intp).reshape(2, -1)
        o = i * axis.stride + t * axis.dilation - axis.lo
        inside = (o >= 0) & (o < axis.output_size)
        taps = _append(taps, axis.kernel_size, t[inside])
        rows = _append(rows, axis.input_size, i[inside])
        columns = _append(columns, axis.output_size, o[inside])
    return Entries(taps, rows, columns)


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
    positions_in = int(np.prod(plan.input_size, dtype=np.intp))
    positions_out = int(np.prod(plan.output_size, dtype=np.intp))
    return plan.in_channels, positions_in, plan.out_channels, positions_out


def dense_index(plan: Plan) -> tuple[Any, Index]:
    """The index into an array of ``matrix_shape`` that takes ``w.reshape(.., taps)[.., taps]``,
    and those taps."""
    found = entries(plan)
    lead, other = channel_pairs(plan)
    return (lead[:, :, None], found.rows, other[:, :, None], found.columns), found.taps


def csr(plan: Plan, w: Any) -> Any:
    """The matrix as a ``scipy.sparse.csr_array`` in the dtype of w, a NumPy array."""
    if not isinstance(w, np.ndarray):
        raise TypeError(
            f"w: a sparse matrix needs a numpy.ndarray, as SciPy holds it; got "
            f"{type(w).__module__}.{type(w).__qualname__}. Convert it with numpy.asarray, or "
            f"leave out sparse=True."
        )
    if dtypes.accumulator(w.dtype) != w.dtype:
        raise TypeError(
            f"w: SciPy's sparse matrices hold no float16 or bfloat16; got {w.dtype}. Convert it "
            f"with astype(numpy.float32), or leave out sparse=True."
        )
    try:
        from scipy.sparse import csr_array
    except ImportError as error:
        raise ImportError(
            "conv_matrix(sparse=True) needs SciPy, which is optional: pip install scipy."
        ) from error
    (lead, rows, other, columns), taps = dense_index(plan)
    shape = matrix_shape(plan)
    values = w.reshape(*w.shape[:2], plan.taps)[:, :, taps]
    row = np.broadcast_to(lead * shape[1] + rows, values.shape)
    column = np.broadcast_to(other * shape[3] + columns, values.shape)
    entry = (values.ravel(), (row.ravel(), column.ravel()))
    return csr_array(entry, shape=(shape[0] * shape[1], shape[2] * shape[3]))
