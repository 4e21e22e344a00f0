"""What the modules of ``tconv.compat`` bring along, and that each public function is explained."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from typing import Any

import pytest

FUNCTIONAL = ("lax", "keras", "onnx", "mlx", "torch")
FRAMEWORKS = {"jax", "keras", "onnx", "onnxruntime", "mlx", "torch", "flax", "safetensors"}


def test_modules_of_functions_import_no_framework():
    names = ", ".join(f"tconv.compat.{name}" for name in FUNCTIONAL)
    code = f"import sys, {names}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "tconv" in loaded
    assert not loaded & FRAMEWORKS


def functions() -> list[Any]:
    """The public functions of the package and of its modules of functions."""
    found = []
    for path in ("conventions", "crops", *FUNCTIONAL):
        module = importlib.import_module(f"tconv.compat.{path}")
        found += [
            value
            for name, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
        ]
    inner = re.compile("_crops$|_pairs$|^to_tconv$|^from_tconv$|_of$|^padded$|^cropped$")
    return [one for one in found if not inner.search(one.__name__)]


@pytest.mark.parametrize(
    "function", functions(), ids=lambda one: f"{one.__module__}.{one.__name__}"
)
def test_every_public_function_is_documented(function):
    """What it is, what it gives and raises, where it comes from, and an example."""
    text = inspect.getdoc(function)
    assert ">>> " in text, "no example"
    if "; see ``" not in text:
        for part in ("Args:", "Returns:", "Raises:", "Source:"):
            assert part in text
