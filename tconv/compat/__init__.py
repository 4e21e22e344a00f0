"""Other frameworks' transposed convolutions under their own signatures, a module each.

``tconv.compat.lax``, ``keras``, ``onnx``, ``mlx`` and ``torch`` need no more than NumPy or JAX
arrays; a module of layers imports its framework when it is imported itself.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tconv.compat.conventions import convert
from tconv.compat.crops import padding

if TYPE_CHECKING:
    from tconv.compat import equinox as equinox
    from tconv.compat import flax as flax
    from tconv.compat import haiku as haiku
    from tconv.compat import keras as keras
    from tconv.compat import lax as lax
    from tconv.compat import mlx as mlx
    from tconv.compat import onnx as onnx
    from tconv.compat import torch as torch

__all__ = ["convert", "padding"]

MODULES = ("equinox", "flax", "haiku", "keras", "lax", "mlx", "onnx", "torch")


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """The modules, loaded when they are asked for."""
        if name in MODULES:
            return import_module(f"tconv.compat.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
