"""The verification kit: certify any transposed convolution, convolution or gradient.

In Python the checks below; on the command line ``python -m tconv check``, of a function
(``package.module:function``), of another framework (``--framework equinox``), of every
ConvTranspose node of an ONNX model (``model.onnx``), with a certificate (``--json FILE``); and in
pytest the mark ``tconv``, which makes a test of each corner.

The module ``strategies`` needs hypothesis and is loaded when first used; install it with
``pip install 'tconv[testing]'``.  Everything else, ``import *`` too, needs NumPy alone.
"""

from importlib import import_module
from typing import Any

from tconv.testing import mutants, reference
from tconv.testing.checks import Summary, check_conv, check_conv_transpose, check_vjp
from tconv.testing.failure.report import CheckFailure
from tconv.testing.jax_functions import check_jax
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
    "check_jax",
    "check_vjp",
    "error_bound",
    "mutants",
    "reference",
    "relative_error",
    "tolerance",
]


def __getattr__(name: str) -> Any:
    if name != "strategies":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return import_module("tconv.testing.strategies")
    except ImportError as error:  # what hasattr takes for an answer
        raise AttributeError(str(error)) from error
