"""Who imports whom within the package, and what importing it brings along."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import tconv

PACKAGE = Path(tconv.__file__).parent
GEOMETRY = ("arguments", "axis", "lattice", "layout", "plan")
# What stands on what: a module imports of its own folder, and from lower levels.  Everything that
# is not named here is a public module.
LEVELS = {
    "_core": 0,
    "_numpy": 1,
    "_jax": 1,
    "_dispatch": 2,
    "compat": 4,
    "testing": 4,
    "operators": 5,
    "__main__": 6,
}
PUBLIC = 3
# The layers of JAX frameworks, which import their own.
LAYERS = {f"tconv.compat.{part}" for part in ("layer", "flax.layer", "equinox", "haiku")}
LAYERS |= {f"tconv.compat.flax.{part}" for part in ("linen", "nnx")}
# What operators need of JAX, and their forms in other libraries.
OPERATORS = {f"tconv.operators.{part}" for part in ("adapters", "on_jax")}


def modules() -> dict[str, Path]:
    """Every module of the package by its name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at its head or later, except for type checkers alone."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


MODULES = modules()
IMPORTS = {name: imports(path) for name, path in MODULES.items()}


def within(name: str) -> set[str]:
    """The modules of the package that a module imports.

    Not the packages that it is in: their ``__init__`` runs first, whatever it gathers.
    """
    found = IMPORTS[name] & set(MODULES)
    return {other for other in found if not f"{name}.".startswith(f"{other}.")}


def place(name: str) -> str:
    """The folder or the module at the root of the package; "" for the root itself."""
    return name.removeprefix("tconv").removeprefix(".").partition(".")[0]


def level(name: str) -> int:
    return LEVELS.get(place(name), PUBLIC)


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_downward(name):
    for other in within(name):
        public = level(name) == level(other) == PUBLIC
        assert level(other) < level(name) or place(other) == place(name) or public, other


def test_no_import_cycles():
    order = list(TopologicalSorter({name: within(name) for name in MODULES}).static_order())
    assert set(order) == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_array_libraries_stay_in_their_place(name):
    """JAX inside tconv._jax, what runs on its meshes, the layers of its frameworks and what
    operators need of it; Dask and hypothesis in a module each; geometry knows no arrays."""
    used = {module.partition(".")[0] for module in IMPORTS[name]}
    if name != "tconv.compat.torch":
        assert "torch" not in used
    if name not in LAYERS:
        assert not used & {"flax", "equinox", "haiku"}
        assert place(name) in ("_jax", "sharded") or name in OPERATORS or "jax" not in used
    if name != "tconv.operators.adapters":
        assert not {"lineax", "pylops"} & used
    if place(name) != "dask":
        assert not {"dask", "zarr", "distributed"} & used
    if not name.startswith("tconv.testing.strategies"):
        assert "hypothesis" not in used
    if place(name) != "testing":
        assert "ml_dtypes" not in used
    if name in {f"tconv._core.{part}" for part in GEOMETRY}:
        assert "numpy" not in used


@pytest.mark.parametrize("name", [name for name in MODULES if place(name) == "testing"])
def test_the_kit_is_independent_of_what_it_certifies(name):
    """The definition shares no code with the library; the command line alone looks inside, and
    the mutants are the library's own functions with a mistake."""
    if name == "tconv.testing.reference":
        assert not any(module.startswith("tconv") for module in IMPORTS[name])
    if name.startswith("tconv.testing.mutants"):
        assert {place(other) for other in within(name)} <= {"testing", "convolution"}
    elif not name.startswith("tconv.testing.commands"):
        assert {place(other) for other in within(name)} <= {"testing"}


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after this statement."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_import_loads_numpy_alone():
    extra = loaded_by("import tconv") - loaded_by("import numpy, dataclasses, functools")
    third_party = extra - sys.stdlib_module_names
    assert third_party == {"tconv"}


def test_backends_come_with_the_first_call():
    code = "import sys, tconv\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert not {"tconv._numpy", "tconv._jax", "concurrent.futures", "queue", "logging"} & loaded


def test_a_numpy_call_loads_no_jax():
    loaded = loaded_by(
        "import tconv, numpy as np\n"
        "x = np.ones((1, 1, 3))\n"
        "for m in ('auto', 'col2im', 'dilated', 'subpixel', 'matrix'):\n"
        "    y, pullback = tconv.conv_transpose_vjp(x, x, method=m)\n"
        "    pullback(y)\n"
    )
    assert not loaded & {"jax", "torch", "scipy", "hypothesis", "ml_dtypes"}


def test_rooms_are_loaded_when_they_are_asked_for():
    code = (
        "import sys, tconv\n"
        "assert not {f'tconv.{name}' for name in tconv.LATER} & set(sys.modules)\n"
        "assert tconv.tiles.conv_halo(3) and tconv.compat.convert and tconv.explain\n"
        "assert tconv.streaming.ConvStream and set(tconv.LATER) < set(dir(tconv))\n"
        "assert 'jax' not in sys.modules and not hasattr(tconv, 'nothing')\n"
        "assert not hasattr(tconv.compat, 'nothing')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
