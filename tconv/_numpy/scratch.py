"""Scratch memory that a thread keeps from call to call.

A fresh page costs more to map than to fill (2.3 us against 0.4 us for 4 KiB on a virtual
machine), and malloc gives large blocks back after each call.  What is kept never exceeds
``WORKSPACE`` bytes a thread and goes with the thread.

While memory is lent the thread has none to keep, and nothing is counted that an exception could
leave wrong: a call that ends early loses its buffer, and the next one makes another.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv._core.typing import AnyArray

# Bytes that a call uses at most beside its operands and its result.  A caller is promised half as
# much again, which leaves room for what is not counted: small arrays, plans and indices.
WORKSPACE = 32 << 20
ALIGNMENT = 64

Bytes = NDArray[np.uint8]


class _Kept(threading.local):
    """The buffer of a thread that computes nothing."""

    buffer: Bytes | None = None


_kept = _Kept()


class Scratch:
    """A buffer handed out from its front."""

    def __init__(self, buffer: Bytes, used: int = 0) -> None:
        self._buffer, self._used = buffer, used

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> AnyArray:
        """An array of unset values, of memory of its own where the buffer has too little left."""
        size = prod(shape) * dtype.itemsize
        begin = self._used
        if begin + size > len(self._buffer):
            return np.empty(shape, dtype)
        self._used = begin + aligned(size)
        return self._buffer[begin : begin + size].view(dtype).reshape(shape)

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> AnyArray:
        """``empty``, filled with zeros."""
        array = self.empty(shape, dtype)
        array.fill(0)
        return array

    def rest(self) -> Scratch:
        """What is left, for arrays that are no longer used when the next one is taken from here."""
        return Scratch(self._buffer, self._used)


@contextmanager
def lent(size: int) -> Iterator[Scratch]:
    """Scratch memory of so many bytes; its arrays may be neither returned nor kept."""
    buffer, _kept.buffer = _kept.buffer, None
    if buffer is None or len(buffer) < size:
        buffer = None  # before there is another
        buffer = np.empty(size, np.uint8)
    yield Scratch(buffer)
    if len(buffer) <= WORKSPACE:
        _kept.buffer = buffer


def aligned(size: int) -> int:
    """Bytes that an array of so many takes up."""
    return -(-size // ALIGNMENT) * ALIGNMENT
