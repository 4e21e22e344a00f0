"""The verification kit: certify any transposed convolution, convolution or gradient.

The names that need hypothesis (the module ``strategies``) are loaded when first used; install
them with ``pip install 'tconv[testing]'``.  Everything else needs NumPy alone.
"""

from importlib import import_module
from typing import Any

from tconv.testing import reference
from tconv.testing.checks import Summary, check_conv, check_conv_transpose, check_vjp
from tconv.testing.failure.report import CheckFailure
from tconv.testing.measures import (
    adjoint_residual,
    assert_adjoint,
    error_bound,
    relative_error,
    tolerance,
)
from tconv.testing.problems.problem import Geometry, Problem

__all__ = [
    "CheckFailure",
    "Geometry",
    "Problem",
    "Summary",
    "adjoint_residual",
    "assert_adjoint",
    "check_conv",
    "check_conv_transpose",
    "check_vjp",
    "error_bound",
    "reference",
    "relative_error",
    "strategies",
    "tolerance",
]


def __getattr__(name: str) -> Any:
    if name == "strategies":
        return import_module("tconv.testing.strategies")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
