"""Conventions of the package made executable: documentation, signatures, sizes of files and
folders."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

import tconv
from tests.support import torch_oracle as oracle

PACKAGE = Path(tconv.__file__).parent
LINES, NAMES, FILES = 400, 23, 14  # of a file; at the root of the package; Python files a folder
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


SHARED = ("stride", "padding", "output_padding", "dilation", "groups", "method", "output_size",
          "padding_mode", "dimension_numbers", "precision", "preferred_element_type")  # fmt: skip


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


@pytest.mark.parametrize("name", tconv.__all__)
def test_every_public_name_exists(name):
    assert getattr(tconv, name) is not None


def test_the_public_names_are_sorted_and_unique():
    assert list(tconv.__all__) == sorted(set(tconv.__all__))


def paths() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", paths(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_small(path):
    assert len(path.read_text().splitlines()) <= LINES


def test_folders_stay_small():
    at_the_root = {path.relative_to(PACKAGE).parts[0] for path in paths()} | {"py.typed"}
    assert len(at_the_root) <= NAMES
    for folder, count in Counter(path.parent for path in paths()).items():
        assert count <= FILES, folder
