"""A spatial axis divided over devices: each computes its part from its rows and its neighbours'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from tconv._core.arguments import is_known
from tconv._core.axis import Axis
from tconv._jax.forms.parts import parts_of


@dataclass(frozen=True)
class Rows:
    """Device p holds ``own`` rows from ``p*own`` on and reads ``length`` from ``starts[p]`` on."""

    own: int
    starts: tuple[int, ...]
    length: int

    @property
    def before(self) -> int:
        """Rows that are fetched from the device before."""
        return max(0, *(p * self.own - start for p, start in enumerate(self.starts)))

    @property
    def behind(self) -> int:
        """Rows that are fetched from the device behind."""
        ends = (start + self.length for start in self.starts)
        return max(0, *(end - (p + 1) * self.own for p, end in enumerate(ends)))

    @property
    def near(self) -> bool:
        """Whether no device reads further than its neighbours' rows."""
        return max(self.before, self.behind) <= self.own

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where what is read begins in the neighbour's rows, its own and the other's."""
        return tuple(start - p * self.own + self.before for p, start in enumerate(self.starts))


@dataclass(frozen=True)
class Part:
    """What each device computes of one axis: the problem ``axis`` of the rows it reads, whose
    result holds its ``size`` own rows from ``skips[p]`` on."""

    axis: Axis
    rows: Rows
    skips: tuple[int, ...]
    size: int


def part_of(axis: Axis, result: str, devices: int) -> Part | None:
    """The part of each of so many devices; None where a size does not divide or rows of others than
    the neighbours would be read."""
    part = divided(axis, result, devices)
    return part if part is not None and part.rows.near else None


def divided(axis: Axis, result: str, devices: int) -> Part | None:
    """The part of each of so many devices, however far it reads; None where a size does not
    divide."""
    sizes = (axis.input_size, axis.output_size)
    if not all(is_known(size) and size and size % devices == 0 for size in sizes):
        return None
    inputs, outputs = (size // devices for size in sizes)
    own = outputs if result == "y" else inputs
    found = parts_of(axis, result, range(0, own * devices, own), own)
    rows = Rows(inputs if result == "y" else outputs, found.reads, found.length)
    return Part(found.axis, rows, found.skips, own)


def exchanged(array: Array, axis: int, rows: Rows, devices: Any) -> Array:
    """The rows that this device reads; ``devices`` names the mesh axes that it lies along."""
    count, pieces = len(rows.starts), [array]
    for hop, wanted in enumerate(_hops(rows.before, rows.own), 1):
        end = lax.slice_in_dim(array, rows.own - wanted, rows.own, axis=axis)
        pieces.insert(0, _moved(end, devices, [(p, p + hop) for p in range(count - hop)]))
    for hop, wanted in enumerate(_hops(rows.behind, rows.own), 1):
        start = lax.slice_in_dim(array, 0, wanted, axis=axis)
        pieces.append(_moved(start, devices, [(p + hop, p) for p in range(count - hop)]))
    around = lax.concatenate(pieces, axis) if len(pieces) > 1 else array
    return from_each(around, axis, rows.offsets, rows.length, devices)


def _moved(array: Array, devices: Any, pairs: list[tuple[int, int]]) -> Array:
    """From device to device; zeros where none is so far away."""
    return lax.ppermute(array, devices, pairs) if pairs else jnp.zeros_like(array)


def _hops(rows: int, own: int) -> list[int]:
    """How many rows of each device are fetched, the nearest first."""
    return [min(own, rows - fetched) for fetched in range(0, rows, own)]


def from_each(array: Array, axis: int, starts: Sequence[int], length: int, devices: Any) -> Array:
    """``length`` rows from ``starts[p]`` on, on device p."""
    if len(set(starts)) == 1:
        return lax.slice_in_dim(array, starts[0], starts[0] + length, axis=axis)
    start = jnp.asarray(starts)[lax.axis_index(devices)]
    return lax.dynamic_slice_in_dim(array, start, length, axis)
