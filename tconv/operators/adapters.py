"""An operator in the forms that other libraries have; each function imports its library."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tconv.operators.operator import Operator


def to_scipy(operator: Operator) -> Any:
    """A ``scipy.sparse.linalg.LinearOperator`` on flat vectors."""
    from scipy.sparse.linalg import LinearOperator

    def flat(x: Any) -> Any:
        return np.asarray(x).reshape(-1)  # SciPy gives single columns, too

    return LinearOperator(
        operator.shape,
        matvec=lambda x: operator.matvec(flat(x)),
        rmatvec=lambda y: operator.rmatvec(flat(y)),
        matmat=operator.matmat,
        rmatmat=operator.rmatmat,
        dtype=operator.dtype,
    )


def to_pylops(operator: Operator) -> Any:
    """A ``pylops.LinearOperator`` with ``dims`` and ``dimsd``."""
    from pylops import LinearOperator

    class Adapter(LinearOperator):  # type: ignore[misc]
        def _matvec(self, x: Any) -> Any:
            return operator.matvec(x)

        def _rmatvec(self, x: Any) -> Any:
            return operator.rmatvec(x)

        def _matmat(self, X: Any) -> Any:  # noqa: N803
            return operator.matmat(X)

        def _rmatmat(self, X: Any) -> Any:  # noqa: N803
            return operator.rmatmat(X)

    Adapter.__name__ = type(operator).__name__
    return Adapter(dtype=operator.dtype, dims=operator.dims, dimsd=operator.dimsd)


def to_lineax(operator: Operator, tags: Iterable[object]) -> Any:
    """A ``lineax.FunctionLinearOperator`` on arrays of ``dims``."""
    import jax
    from lineax import FunctionLinearOperator, positive_semidefinite_tag

    dtype = jax.numpy.asarray(np.zeros(1, operator.dtype)).dtype  # float32 without 64 bits
    structure = jax.ShapeDtypeStruct(operator.dims, dtype)
    own = (positive_semidefinite_tag,) if operator.semidefinite else ()
    return FunctionLinearOperator(operator.matvec, structure, (*tags, *own))


def repeated(matrix: Any, count: int) -> Any:
    """The matrix of so many samples, each of which it is applied to."""
    from scipy.sparse import block_diag, csr_array

    if count == 0:
        return csr_array((0, 0), dtype=matrix.dtype)
    return matrix if count == 1 else block_diag([matrix] * count, format="csr")
