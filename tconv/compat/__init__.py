"""Other frameworks' transposed convolutions under their own signatures, a module each.

``tconv.compat.lax``, ``keras``, ``onnx``, ``mlx`` and ``torch`` need no more than NumPy or JAX
arrays; a module of layers imports its framework when it is imported itself.
"""

from tconv.compat.conventions import convert
from tconv.compat.crops import padding

__all__ = ["convert", "padding"]
