"""The types of the public signatures: NumPy in gives NumPy out, JAX in gives JAX out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from numpy.typing import NDArray

if TYPE_CHECKING:
    import jax

AnyArray = NDArray[Any]
Array = TypeVar("Array", "NDArray[Any]", "jax.Array")
Ints = int | Sequence[int]
Padding = int | str | Sequence[int | tuple[int, int]]
DTypeLike = Any
