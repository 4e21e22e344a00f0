"""The pair as linear operators: what solvers of inverse problems ask for, with an exact adjoint.

``Conv`` and ``ConvTranspose`` hold a weight and the size of what they are applied to.  Solvers of
SciPy, and those of JAX, take them as they are; adapters lead to PyLops and lineax.  Each library
is loaded by the method that is named after it.
"""

from tconv.operators.convolutions import Conv, ConvTranspose
from tconv.operators.gram import Gram
from tconv.operators.operator import Operator

__all__ = ["Conv", "ConvTranspose", "Gram", "Operator"]
