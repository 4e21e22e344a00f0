"""The types of the public signatures: NumPy in gives NumPy out, any JAX operand gives JAX out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, SupportsIndex, TypeVar

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]


MYPY: Literal[False] = False  # which mypy takes for true


class JaxArray(Protocol):
    """What ``jax.Array`` has: checkers know it by these where JAX is not installed, too."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def ndim(self) -> int: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def astype(self, dtype: Any, /) -> Any: ...
    def __array_namespace__(self) -> Any: ...
    def __getitem__(self, index: Any, /) -> Any: ...

    if not MYPY:  # what NumPy arrays lack: see Array

        @property
        def addressable_shards(self) -> Any: ...


# Operands are of type ``Array | AnyArray`` and results of type ``Array``.  A JAX operand binds it;
# where all are NumPy's nothing does, and it is its default.  mypy wants the default within the
# bound; pyright would bind it to NumPy arrays if they were within.
if TYPE_CHECKING:
    from typing_extensions import TypeVar as WithDefault

    Array = WithDefault("Array", bound=JaxArray, default=AnyArray)  # pyright: ignore
else:
    Array = TypeVar("Array")


class Pullback(Protocol[Array]):
    """From a cotangent of the result to those of x, w and, if there is one, b."""

    def __call__(self, cotangent: Array | AnyArray, /) -> tuple[Array, Array, Array | None]: ...


# A NumPy array is a SupportsIndex to checkers, whatever its number of axes.
Ints = SupportsIndex | Sequence[SupportsIndex]
PaddingNumbers = SupportsIndex | Sequence[SupportsIndex | Sequence[SupportsIndex]]
Padding = PaddingNumbers | Literal["same", "same_lower"]
ForwardPadding = PaddingNumbers | Literal["valid", "same", "same_lower"]
PaddingMode = Literal["zeros", "circular", "reflect", "replicate"]
PaddingModes = PaddingMode | Sequence[PaddingMode]
Method = Literal["auto", "col2im", "dilated", "subpixel", "matrix"]
Mode = Literal["nearest", "linear", "bilinear", "trilinear", "bicubic"]
DTypeLike = Any
