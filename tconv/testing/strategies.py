"""Hypothesis strategies: problems that are valid by construction, bounded, and shrink well.

    @given(conv_transpose_problems(ndim=2))
    def test_mine(problem):
        x, w, b = problem.arrays()
        y = mine(x, w, b, **problem.keywords)

``corner=`` aims at one hard region: see ``CORNERS``.  ``invalid_arguments`` draws calls with one
mistake, and the error that each must raise.
"""

from tconv.testing.drawing import (
    CORNERS,
    arrays,
    conv_problems,
    conv_transpose_problems,
    geometries,
    problems,
)
from tconv.testing.invalid import MISTAKES, InvalidCall, invalid_arguments

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
