"""What importing tconv brings along: NumPy and the standard library."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tconv


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after this statement."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_import_loads_numpy_alone():
    extra = loaded_by("import tconv") - loaded_by("import numpy, dataclasses, functools")
    third_party = extra - sys.stdlib_module_names
    assert third_party == {"tconv"}


def test_a_numpy_call_loads_no_jax():
    loaded = loaded_by(
        "import tconv, numpy as np\n"
        "x = np.ones((1, 1, 3))\n"
        "for m in ('auto', 'col2im', 'dilated', 'subpixel', 'matrix'):\n"
        "    y, pullback = tconv.conv_transpose_vjp(x, x, method=m)\n"
        "    pullback(y)\n"
    )
    assert not loaded & {"jax", "torch", "scipy", "hypothesis", "ml_dtypes"}


@pytest.mark.parametrize("name", tconv.__all__)
def test_every_public_name_exists(name):
    assert getattr(tconv, name) is not None


def test_the_public_names_are_sorted_and_unique():
    assert list(tconv.__all__) == sorted(set(tconv.__all__))
