"""Conventions of the package made executable: documentation, signatures, and who imports whom."""

from __future__ import annotations

import ast
import inspect
import re
from graphlib import TopologicalSorter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

import tconv
from tests.support import torch_oracle as oracle

PACKAGE = Path(tconv.__file__).parent
PUBLIC = {name: getattr(tconv, name) for name in tconv.__all__}
FUNCTIONS = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}
NUMBERED = {name for name in FUNCTIONS if name.endswith(("1d", "2d", "3d"))}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name):
    """What it is, where it comes from (or whom to see), and an example that the tests run."""
    text = inspect.getdoc(PUBLIC[name])
    assert text, "no docstring"
    assert text.splitlines()[0].strip(), "the first line says nothing"
    assert ">>> " in text, "no example"
    seen = re.search(r"see ``(\w+)``", text)
    assert "Source:" in (inspect.getdoc(PUBLIC[seen[1]]) if seen else text), "no source"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_what_it_gives_and_raises(name):
    text = inspect.getdoc(FUNCTIONS[name])
    assert "Returns:" in text or "Yields:" in text
    assert "Raises:" in text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_typed_and_the_result_too(name):
    signature = inspect.signature(FUNCTIONS[name])
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, parameter.name


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - NUMBERED))
def test_optional_arguments_are_keyword_only(name):
    """All but the bias, which PyTorch's users give by position."""
    for parameter in inspect.signature(FUNCTIONS[name]).parameters.values():
        optional = parameter.default is not inspect.Parameter.empty
        if optional and parameter.name != "b":
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, parameter.name


GEOMETRY = ("arguments", "axis", "lattice", "layout", "plan")
SHARED = ("stride", "padding", "output_padding", "dilation", "groups", "method", "output_size",
          "dimension_numbers", "precision", "preferred_element_type")  # fmt: skip


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name.startswith("conv")])
def test_shared_parameters_have_one_default(name):
    reference = inspect.signature(tconv.conv_transpose).parameters
    own = inspect.signature(FUNCTIONS[name]).parameters
    for shared in SHARED:
        if shared in own and own[shared].default is not inspect.Parameter.empty:
            assert own[shared].default == reference[shared].default, shared


def test_vjps_take_the_arguments_of_their_functions():
    for name in ("conv_transpose", "conv"):
        parameters = inspect.signature(PUBLIC[name]).parameters
        assert inspect.signature(PUBLIC[f"{name}_vjp"]).parameters == parameters


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("direction", ["conv_transpose", "conv"])
def test_numbered_functions_have_torchs_positional_order(direction, axes):
    """Each parameter has a value of its own, so that no two can be confused."""
    name = f"{direction}{axes}d"
    x = np.arange(1.0, 1 + 4 * 6**axes).reshape(1, 4, *[6] * axes)
    w = np.arange(1.0, 1 + 8 * 2**axes).reshape(4, 2, *[2] * axes)
    b = np.arange(4.0)
    stride, padding, output_padding, groups, dilation = 4, 1, 2, 2, 3
    middle = (output_padding, groups, dilation) if "transpose" in name else (dilation, groups)
    arguments = (stride, padding, *middle)
    tensors = [oracle.to_torch(array) for array in (x, w, b)]
    wanted = getattr(torch.nn.functional, name)(*tensors, *arguments)
    y = getattr(tconv, name)(x, w, b, *arguments)
    np.testing.assert_array_equal(y, oracle.to_numpy(wanted), strict=True)
    whole = inspect.signature(PUBLIC[direction]).parameters
    assert set(inspect.signature(PUBLIC[name]).parameters) == set(whole)


def modules() -> dict[str, Path]:
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


def test_no_import_cycles():
    known = modules()
    graph = {
        name: {other for other in imports(path) if other in known and other != name}
        for name, path in known.items()
    }
    for name in graph:  # a package's own __init__ runs first, and gathers: no edge to it
        graph[name] -= {name.rpartition(".")[0], "tconv"}
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) >= set(known) - {"tconv"}


def outside(name: str) -> set[str]:
    return {module.partition(".")[0] for module in imports(modules()[name])}


@pytest.mark.parametrize("name", modules())
def test_array_libraries_stay_in_their_place(name):
    """JAX inside tconv._jax alone, hypothesis in the strategies, and geometry knows no arrays."""
    used = outside(name)
    assert "torch" not in used
    if not name.startswith("tconv._jax"):
        assert "jax" not in used
    if not name.startswith("tconv.testing"):
        assert not used & {"hypothesis", "ml_dtypes"}
    if name in {f"tconv._core.{part}" for part in GEOMETRY}:
        assert "numpy" not in used
    if name.startswith("tconv._numpy"):
        assert not any(module.startswith("tconv._jax") for module in imports(modules()[name]))


@pytest.mark.parametrize("name", modules())
def test_files_stay_small(name):
    assert len(modules()[name].read_text().splitlines()) <= 400


def test_the_layers_of_the_core():
    """Each imports only what stands to the left of it."""
    order = [*(f"_core.{part}" for part in GEOMETRY), "_dispatch", "convolution"]
    paths = modules()
    for left, right in combinations(order, 2):
        assert f"tconv.{right}" not in imports(paths[f"tconv.{left}"])
