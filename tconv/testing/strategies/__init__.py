"""Hypothesis strategies: problems that are valid by construction, bounded, and shrink well.

    @given(conv_transpose_problems(ndim=2))
    def test_mine(problem):
        x, w, b = problem.arrays()
        y = mine(x, w, b, **problem.keywords)

``corner=`` aims at one hard region: see ``CORNERS``.  ``invalid_arguments`` draws calls with one
mistake, and the error that each must raise.
"""

try:
    import hypothesis  # noqa: F401
except ImportError as error:
    raise ImportError(
        "tconv.testing.strategies needs hypothesis. Install it with: pip install 'tconv[testing]'"
    ) from error

from tconv.testing.strategies.drawn import (
    CORNERS,
    arrays,
    conv_problems,
    conv_transpose_problems,
    geometries,
    problems,
)
from tconv.testing.strategies.invalid import MISTAKES, InvalidCall, invalid_arguments

__all__ = [
    "CORNERS",
    "MISTAKES",
    "InvalidCall",
    "arrays",
    "conv_problems",
    "conv_transpose_problems",
    "geometries",
    "invalid_arguments",
    "problems",
]
