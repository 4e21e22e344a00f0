"""The normal operator, which least squares are solved with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from tconv._core.arguments import Shape
from tconv.operators.operator import Operator
from tconv.operators.registration import pytree


@pytree
@dataclass(frozen=True)
class Gram(Operator):
    """``A.H @ A`` of an operator A: self-adjoint, and nowhere negative.

    Args:
        A: a ``Conv`` or ``ConvTranspose``.

    >>> import numpy as np, tconv
    >>> A = tconv.operators.Conv(np.array([[[1.0, -1.0]]]), 3)
    >>> A.gram @ np.array([1.0, 2.0, 4.0])
    array([-1., -1.,  2.])
    """

    A: Operator

    child: ClassVar[str] = "A"
    settings: ClassVar[None] = None
    semidefinite: ClassVar[bool] = True

    @classmethod
    def made(cls, A: Any, settings: None) -> Gram:  # noqa: N803
        """The operator of a child that JAX has put in its place."""
        return cls(A)

    @property
    def dims(self) -> Shape:
        """Those of A."""
        return self.A.dims

    @property
    def dimsd(self) -> Shape:
        """The ``dims`` of A."""
        return self.A.dims

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of A."""
        return self.A.dtype

    @property
    def T(self) -> Gram:  # noqa: N802
        """That of the conjugate of A."""
        return Gram(self.A.H.T)

    @property
    def H(self) -> Gram:  # noqa: N802
        """Itself."""
        return self

    def image_of(self, x: Any) -> Any:
        """From (*lead, *dims) to the same."""
        if isinstance(x, np.ndarray) and self._in_one_pass is not None:
            return self._in_one_pass.image_of(x)
        return self.A.H.image_of(self.A.image_of(x))

    @cached_property
    def _in_one_pass(self) -> Operator | None:
        return self.A.gram_in_one_pass()

    def norm(self, *, tolerance: float = 1e-3, max_iterations: int = 1000, seed: int = 0) -> Any:
        """The square of that of A, to twice the tolerance."""
        return self.A.norm(tolerance=tolerance, max_iterations=max_iterations, seed=seed) ** 2

    def check(self, *, seed: int = 0) -> None:
        """That of A."""
        self.A.check(seed=seed)

    def to_sparse(self) -> Any:
        """The matrix as a ``scipy.sparse.csr_array``; needs SciPy."""
        matrix = self.A.to_sparse()
        return (matrix.conj().T @ matrix).tocsr()

    def on_numpy(self) -> Gram:
        """That of A with a NumPy weight."""
        return Gram(self.A.on_numpy())
