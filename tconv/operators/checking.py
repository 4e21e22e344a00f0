"""The adjoint test of an operator, on random arrays of its dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from tconv.testing import assert_adjoint
from tconv.testing.problems.problem import fill


def check_adjoint(operator: Any, seed: int) -> None:
    """``Conv.check`` and ``ConvTranspose.check``.

    The bound takes the sum of all absolute products and the most terms of one element, both of
    which operators with other weights count.
    """
    rng = np.random.default_rng(seed)
    x, y = (fill(rng, shape, operator.dtype.name, 0) for shape in (operator.dims, operator.dimsd))
    plain = operator.on_numpy()
    sizes = plain.of_weight(np.abs(plain.w).astype(np.float64))
    scale = float(np.sum(sizes.matvec(_sizes(x)) * _sizes(y)))
    terms = plain.of_weight(np.ones(plain.w.shape, np.int64))
    counts = terms.matvec(np.ones(x.shape, np.int64)), terms.rmatvec(np.ones(y.shape, np.int64))
    length = max(int(np.max(count, initial=1)) for count in counts)

    def adjoint(y: Any) -> Any:
        return np.conj(operator.rmatvec(np.conj(y)))

    for name, back in {"transpose": operator.T.matvec, "adjoint": adjoint}.items():
        try:
            assert_adjoint(back, operator.matvec, x, y, accumulation_length=length, scale=scale)
        except AssertionError as error:
            raise AssertionError(
                f"the {name} of {operator!r} is not its {name}; with seed {seed}: {error}. Here "
                f"conv stands for the {name}, conv_transpose for the operator."
            ) from None


def _sizes(values: Any) -> Any:
    return np.abs(values).astype(np.float64)
