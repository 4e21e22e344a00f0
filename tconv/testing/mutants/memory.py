"""Mistakes with memory, state, shapes and dtypes of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from tconv.convolution import conv_transpose
from tconv.testing.mutants.mutant import Array, mutant


def memory_of(values: Array) -> Array:
    """The values that a reader of the bare memory sees, from its lowest address on."""
    base: Any = values
    while isinstance(base.base, np.ndarray):
        base = base.base
    bare: Array = base.ravel(order="K")[: values.size].reshape(values.shape)
    return bare


def strides_of_the_input_ignored(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The memory of the input is read as if it were contiguous."""
    return conv_transpose(memory_of(x), w, b, **kw)


def strides_of_the_weight_ignored(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The memory of the weight is read as if it were contiguous."""
    return conv_transpose(x, memory_of(w), b, **kw)


def negative_strides_read_forwards(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """An input of negative strides is read as if they were positive."""
    if any(step < 0 for step in x.strides):
        x = x[(slice(None, None, -1),) * x.ndim]
    return conv_transpose(x, w, b, **kw)


def fortran_order_read_as_c(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """An input in Fortran's order is read in that of C."""
    if x.flags.f_contiguous and not x.flags.c_contiguous:
        x = x.ravel(order="K").reshape(x.shape)
    return conv_transpose(x, w, b, **kw)


def writes_into_its_input(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The input is doubled in place after use."""
    y = conv_transpose(x, w, b, **kw)
    x *= 2
    return y


def writes_into_its_weight(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The weight is left flipped in place."""
    w[...] = np.flip(w, -1)
    return conv_transpose(x, np.flip(w, -1), b, **kw)


class _WrongInOneCallOfThree:
    """In every third call, 1 is added to the result."""

    __name__ = "wrong_in_one_call_of_three"

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
        self.calls += 1
        y = conv_transpose(x, w, b, **kw)
        return y + 1 if self.calls % 3 == 0 else y


class _UsesItsBufferAgain:
    """A result of the shape of the last one is written into the same array."""

    __name__ = "uses_its_buffer_again"

    def __init__(self) -> None:
        self.buffer: Array = np.empty(0)

    def __call__(self, x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
        y = conv_transpose(x, w, b, **kw)
        if (self.buffer.shape, self.buffer.dtype) != (y.shape, y.dtype):
            self.buffer = np.empty_like(y)
        self.buffer[...] = y
        return self.buffer


class _UnreachedPositionsUninitialised:
    """Positions that no tap reaches hold what lay in memory, another value in each call."""

    __name__ = "unreached_positions_uninitialised"

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
        self.calls += 1
        y = conv_transpose(x, w, b, **kw)
        reached = conv_transpose(np.ones_like(x), np.ones_like(w), None, **kw) != 0
        lay_there = np.random.default_rng(self.calls).standard_normal(y.shape)
        return np.where(reached, y, lay_there.astype(y.dtype))


def one_position_too_few(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The last axis of a result ends one position early."""
    y = conv_transpose(x, w, b, **kw)
    return y[..., :-1] if y.shape[-1] > 1 else y


def one_position_too_many(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The last axis of a result ends one position late."""
    y = conv_transpose(x, w, b, **kw)
    return np.concatenate([y, y[..., -1:]], axis=-1)


def float64_result(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The result of float32 operands is one of float64."""
    return np.asarray(conv_transpose(x, w, b, **kw).astype(np.float64))


def empty_batch_refused(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """An empty batch is an error."""
    if x.shape[0] == 0:
        raise ValueError("zero-size array to reduction operation maximum which has no identity")
    return conv_transpose(x, w, b, **kw)


MEMORY = (
    mutant(strides_of_the_input_ignored, "pytorch/pytorch#4500"),
    mutant(strides_of_the_weight_ignored, "pytorch/pytorch#1246"),
    mutant(negative_strides_read_forwards),
    mutant(fortran_order_read_as_c),
    mutant(writes_into_its_input),
    mutant(writes_into_its_weight),
    mutant(_WrongInOneCallOfThree(), "tensorflow/tensorflow#23318"),
    mutant(_UsesItsBufferAgain()),
    mutant(
        _UnreachedPositionsUninitialised(), "microsoft/onnxruntime#26144, pytorch/pytorch#99519"
    ),
    mutant(one_position_too_few),
    mutant(one_position_too_many),
    mutant(float64_result),
    mutant(empty_batch_refused, "tensorflow/tensorflow#13643"),
)
