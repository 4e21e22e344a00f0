"""Pieces of arrays padded to their places and joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax


def pad(values: Any, first_axis: int, spans: Sequence[tuple[int, int, int]]) -> Any:
    """Zeros (before, after, between) the axes from ``first_axis`` on; negative amounts crop."""
    rest = values.ndim - first_axis - len(spans)
    config = [*[(0, 0, 0)] * first_axis, *spans, *[(0, 0, 0)] * rest]
    return lax.pad(values, jnp.zeros((), values.dtype), config)


def joined(pieces: list[Any], counts: Sequence[int], first_axis: int) -> Any:
    """Pieces in row-major order over a grid, concatenated along the axes from ``first_axis``."""
    for axis in reversed(range(len(counts))):
        size = counts[axis]
        runs = [pieces[start : start + size] for start in range(0, len(pieces), size)]
        pieces = [run[0] if size == 1 else lax.concatenate(run, first_axis + axis) for run in runs]
    return pieces[0]
