"""The normal operator, which least squares are solved with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tconv._core.arguments import Shape
from tconv.operators.operator import Operator
from tconv.operators.registration import pytree


@pytree
@dataclass(frozen=True)
class Gram(Operator):
    """``A.H @ A`` of an operator A: self-adjoint, and nowhere negative.

    >>> import numpy as np, tconv
    >>> A = tconv.operators.Conv(np.array([[[1.0, -1.0]]]), 3)
    >>> A.gram @ np.array([1.0, 2.0, 4.0])
    array([-1., -1.,  2.])
    """

    A: Operator

    child: ClassVar[str] = "A"
    settings: ClassVar[None] = None

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
        return self.A.H.image_of(self.A.image_of(x))
