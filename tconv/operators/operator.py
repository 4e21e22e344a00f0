"""What every linear operator here offers, from its map of arrays and its transpose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from math import prod
from typing import Any, ClassVar, NoReturn

import numpy as np

from tconv._core.arguments import Shape, fail
from tconv._core.typing import AnyArray, Array
from tconv._dispatch import received
from tconv.operators import adapters


class Operator(ABC):
    """A linear operator on flat vectors, on stacks of them, and on arrays.

    ``shape`` is (rows, columns), ``dims`` the shape of an array of the domain, ``dimsd`` that of
    one of the range.  What is applied to a flat vector gives a flat vector, what is applied to an
    array an array, in the promoted dtype of the operator and its argument.  SciPy's solvers and
    those of ``jax.scipy`` take an operator as it is.
    """

    semidefinite: ClassVar[bool] = False
    __array_ufunc__: ClassVar[None] = None  # NumPy refuses x @ A, and takes A for no array

    @property
    @abstractmethod
    def dims(self) -> Shape:
        """Shape of an array of the domain: (*batch, channels, *spatial)."""

    @property
    @abstractmethod
    def dimsd(self) -> Shape:
        """Shape of an array of the range: (*batch, channels, *spatial)."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """That of the weight."""

    @property
    @abstractmethod
    def T(self) -> Operator:  # noqa: N802 - as arrays have it
        """The transpose."""

    @property
    @abstractmethod
    def H(self) -> Operator:  # noqa: N802 - as in SciPy and PyLops
        """The adjoint: the transpose, conjugated where the weight is complex."""

    @abstractmethod
    def norm(self, *, tolerance: float = 1e-3, max_iterations: int = 1000, seed: int = 0) -> Any:
        """The largest singular value."""

    @abstractmethod
    def check(self, *, seed: int = 0) -> None:
        """Raise AssertionError unless the transpose is the transpose, within rounding."""

    @abstractmethod
    def to_sparse(self) -> Any:
        """The matrix as a ``scipy.sparse.csr_array``; needs SciPy."""

    @abstractmethod
    def on_numpy(self) -> Operator:
        """The operator with a NumPy weight."""

    @abstractmethod
    def image_of(self, x: Any) -> Any:
        """From (*lead, *dims) to (*lead, *dimsd), any number of leading axes."""

    def gram_in_one_pass(self) -> Operator | None:
        """``A.H @ A`` as one operator, where that is cheaper than both."""
        return None

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Elements of an array of the range, and of the domain."""
        return prod(self.dimsd), prod(self.dims)

    def matvec(self, x: Array | AnyArray) -> Array:
        """The operator applied to x.

        Args:
            x: a flat vector of ``shape[1]`` elements, or an array of ``dims``.

        Returns: a flat vector of ``shape[0]`` elements, or an array of ``dimsd``.

        Raises: ValueError for another shape; TypeError for what is no array.
        """
        result: Array = self._of_vector("x", x)
        return result

    def rmatvec(self, y: Array | AnyArray) -> Array:
        """The adjoint applied to y.

        Args:
            y: a flat vector of ``shape[0]`` elements, or an array of ``dimsd``.

        Returns: a flat vector of ``shape[1]`` elements, or an array of ``dims``.

        Raises: ValueError for another shape; TypeError for what is no array.
        """
        result: Array = self.H._of_vector("y", y)
        return result

    def matmat(self, x: Array | AnyArray) -> Array:
        """The operator applied to every column of x: (shape[1], k) to (shape[0], k)."""
        result: Array = self._of_columns("x", x)
        return result

    def rmatmat(self, y: Array | AnyArray) -> Array:
        """The adjoint applied to every column of y: (shape[0], k) to (shape[1], k)."""
        result: Array = self.H._of_columns("y", y)
        return result

    def __matmul__(self, x: Array | AnyArray) -> Array:
        """``matvec`` of a flat vector or an array of ``dims``, ``matmat`` of any other 2-D array.

        ``dims`` has two axes or more, so that no flat vector is taken for one.  Where it is
        (channels, 1), and no stack of columns could be told from it, it is the array that is meant.
        """
        if isinstance(x, Operator):
            raise TypeError(
                f"x: must be an array; got {type(x).__name__}. Apply one after the other, or "
                f"compose them in a library: A.to_scipy() @ B.to_scipy()."
            )
        columns = getattr(x, "ndim", 0) == 2 and x.shape != self.dims
        return self.matmat(x) if columns else self.matvec(x)

    def to_scipy(self) -> Any:
        """A ``scipy.sparse.linalg.LinearOperator``, of a NumPy weight; needs SciPy."""
        return adapters.to_scipy(self.on_numpy())

    def to_pylops(self) -> Any:
        """A ``pylops.LinearOperator`` with dims and dimsd, of a NumPy weight; needs PyLops."""
        return adapters.to_pylops(self.on_numpy())

    def to_lineax(self, *, tags: Iterable[object] = ()) -> Any:
        """A ``lineax.FunctionLinearOperator`` on arrays of ``dims``; needs lineax.

        Args:
            tags: what lineax is to know of it, such as ``lineax.symmetric_tag``.  A normal operator
                has ``lineax.positive_semidefinite_tag`` by itself.
        """
        return adapters.to_lineax(self, tags)

    def _of_vector(self, name: str, x: Any) -> Any:
        received(**{name: x})
        if x.shape == self.dims:
            return self.image_of(x)
        if x.shape == (self.shape[1],):
            return self.image_of(x.reshape(self.dims)).reshape(self.shape[0])
        _refuse(name, x.shape, self.dims)

    def _of_columns(self, name: str, x: Any) -> Any:
        received(**{name: x})
        rows, columns = self.shape
        if x.ndim != 2 or x.shape[0] != columns:
            fail(
                name,
                None,
                f"a stack of columns must have shape ({columns}, k), {columns} being the product "
                f"of {self.dims}",
                f"shape {x.shape}",
                "Reshape it, or apply the operator to a single array with matvec.",
            )
        count = x.shape[1]
        return self.image_of(x.T.reshape(count, *self.dims)).reshape(count, rows).T


def _refuse(name: str, shape: Shape, dims: Shape) -> NoReturn:
    """The error of an array that is neither flat nor of dims."""
    remedy = "Reshape it, or make the operator for such arrays."
    if len(shape) == len(dims):
        axis = next(axis for axis in range(len(dims)) if shape[axis] != dims[axis])
        rule = f"axis {axis} must have {dims[axis]} entries, as in {dims}"
        fail(name, None, rule, f"{shape[axis]} in shape {shape}", remedy)
    fail(
        name,
        None,
        f"must be a flat vector of {prod(dims)} elements or an array of shape {dims}",
        f"shape {shape}",
        remedy,
    )
