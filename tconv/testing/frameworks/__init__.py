"""Other frameworks' transposed convolutions as the checks take them, a module a family.

Each is written with the framework's own functions, shares no code with the rest of the library,
and is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from tconv.testing.frameworks.framework import Framework


class Source(NamedTuple):
    """Where a framework comes from: our module, what it imports, and what pip installs."""

    module: str
    imports: tuple[str, ...]
    pip: str


SOURCES = {
    "torch": Source("torch", ("torch",), "torch"),
    "lax": Source("lax", ("jax",), "jax"),
    "flax.linen": Source("flax", ("flax",), "flax"),
    "flax.nnx": Source("flax", ("flax",), "flax"),
    "equinox": Source("equinox", ("equinox",), "equinox"),
    "haiku": Source("haiku", ("haiku",), "dm-haiku"),
    "keras": Source("keras", ("keras",), "keras"),
    "onnxruntime": Source("onnx", ("onnx", "onnxruntime"), "onnx onnxruntime"),
    "onnx.reference": Source("onnx", ("onnx",), "onnx"),
    "mlx": Source("mlx", ("mlx",), "'mlx[cpu]'"),
    "tensorflow": Source("tensorflow", ("tensorflow",), "tensorflow-cpu"),
    "tinygrad": Source("tinygrad", ("tinygrad",), "tinygrad"),
    "openvino": Source("openvino", ("openvino",), "openvino"),
}


def load(name: str) -> Framework:
    """The framework of this name.

    Raises: ValueError for a name that is not in ``SOURCES``; ImportError, with what pip installs,
        where its packages are missing.
    """
    if name not in SOURCES:
        raise ValueError(f"framework: must be one of {', '.join(SOURCES)}; got {name!r}.")
    source = SOURCES[name]
    missing = [package for package in source.imports if find_spec(package) is None]
    if missing:
        raise ImportError(f"{' and '.join(missing)} not installed: pip install {source.pip}")
    module = import_module(f"tconv.testing.frameworks.{source.module}")
    found: Framework = module.framework(name)
    return found
