"""Each framework's adapter: right where the framework is, and no wider than it says.

TensorFlow is too large for the tests' packages: the scoreboard tries its adapter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from tconv.testing import Problem, check_conv_transpose, check_vjp
from tconv.testing.frameworks import SOURCES, framework, load
from tconv.testing.problems.supports import Supports

# What is wrong or refused by the framework itself, which the scoreboard shows.
HOLDS = {
    "mlx": "output_padding=0, padding<2, batch>=1",
    "onnxruntime": "output_padding<stride, batch>=1",
    "onnx.reference": "groups=1, batch>=1, output_padding<stride",
}
# These read their settings when they are imported, or fork.
APART = ("keras", "openvino", "tinygrad")
IN_PROCESS = [name for name in SOURCES if name not in ("tensorflow", *APART)]


def missing(name):
    return [package for package in SOURCES[name].imports if find_spec(package) is None]


def few(framework, extra):
    """Every fifth row of the table: a compilation for each problem takes its time."""
    narrow = Supports(extra)

    def supports(problem):
        offered = framework.supports(problem) and not framework.aborts(problem)
        return offered and narrow(problem) and problem.seed % 5 == 0

    return {"ndim": 1, "profile": "table", "supports": supports}


def test_orders_of_axes():
    first, last = (2, 3, 5, 7, 11), (2, 5, 7, 11, 3)
    for ndim in (3, 4, 5):
        shape, turned = first[:ndim], (*last[: ndim - 1], 3)
        x = np.zeros(shape)
        assert x.transpose(framework.channels_last(ndim)).shape == turned
        assert np.zeros(turned).transpose(framework.channels_first(ndim)).shape == shape


def test_kernels_and_paddings_for_who_computes_correlations():
    w = np.arange(4 * 3 * 2 * 2).reshape(4, 3, 2, 2)  # 2 groups of 2 channels in and 3 out
    found = framework.exchanged(w, 2)
    assert found.shape == (6, 2, 2, 2)
    for group in range(2):
        for i in range(2):
            for o in range(3):
                np.testing.assert_array_equal(found[3 * group + o, i], w[2 * group + i, o])
    np.testing.assert_array_equal(framework.flipped(w)[1, 2], w[1, 2, [1, 0]][:, [1, 0]])
    assert framework.pairs([1, (2, 3)]) == [(1, 1), (2, 3)]
    # extents less one: 2 and 6
    assert framework.spread_pads((3, 4), [1, (5, -2)], (1, 0), (1, 2)) == [(1, 2), (1, 8)]


def test_copies_are_contiguous_and_apart():
    values = np.arange(6.0).reshape(2, 3)[:, ::-1]
    copied = framework.copied(values)
    np.testing.assert_array_equal(copied, values)
    assert copied.flags.c_contiguous
    assert not np.shares_memory(copied, values)
    assert not np.shares_memory(framework.copied(copied), copied)
    assert framework.copied(None) is None


@pytest.mark.parametrize("name", IN_PROCESS)
def test_an_adapter_is_right(name):
    if missing(name):
        pytest.skip(f"{name} is not installed")
    framework = load(name)
    options = few(framework, HOLDS.get(name, ""))
    assert check_conv_transpose(framework.conv_transpose, nonfinite=(), **options).problems >= 3
    if framework.vjp is not None:
        assert check_vjp(framework.vjp, **options).problems >= 3


CODE = """
import json, sys
from tconv.testing import Problem
from tconv.testing.frameworks import load
from tconv.testing.properties import examine
from tconv.testing.trial import Subject
framework = load(sys.argv[1])
problem = Problem((3,), (3,), stride=2, output_padding=1, in_channels=2, out_channels=3, bias=True)
assert framework.supports(problem)
found = [examine(Subject(framework.conv_transpose), problem, until="values")[0]]
if framework.vjp is not None:
    found.append(examine(Subject(framework.vjp, vjp=True), problem, until="values")[0])
print(json.dumps([None if finding is None else finding.message for finding in found]))
"""


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("keras", {"KERAS_BACKEND": "jax"}),
        ("keras", {"KERAS_BACKEND": "torch"}),
        ("tinygrad", {"DEV": "PYTHON"}),
        ("openvino", {}),
    ],
    ids=["keras-jax", "keras-torch", "tinygrad", "openvino"],
)
def test_an_adapter_in_a_process_of_its_own(name, environment):
    if missing(name):
        pytest.skip(f"{name} is not installed")
    result = subprocess.run(
        [sys.executable, "-c", CODE, name], env={**os.environ, **environment},
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert set(json.loads(result.stdout.splitlines()[-1])) == {None}


def test_offers_are_not_narrower_than_the_frameworks():
    grouped = Problem((3,), (2,), groups=2, in_channels=2, out_channels=4)
    lopsided = Problem((3,), (2,), padding=((1, 0),))
    wide = Problem((3,), (2,), output_padding=2, dilation=3)
    names = [name for name in IN_PROCESS if not missing(name)]
    offers = {name: [load(name).supports(p) for p in (grouped, lopsided, wide)] for name in names}
    expected = {
        "torch": [True, False, True],
        "lax": [False, True, True],
        "flax.linen": [False, True, True],
        "flax.nnx": [False, True, True],
        "equinox": [True, True, False],
        "haiku": [False, True, False],
        "onnxruntime": [True, True, True],
        "onnx.reference": [True, True, True],
        "mlx": [True, False, True],
    }
    assert offers == {name: expected[name] for name in names}


def test_a_name_that_is_none_and_a_package_that_is_missing(monkeypatch):
    with pytest.raises(ValueError, match=r"framework: must be one of torch, lax, .*; got 'caffe'"):
        load("caffe")
    monkeypatch.setattr("tconv.testing.frameworks.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="onnx and onnxruntime not installed: pip install onnx"):
        load("onnxruntime")
    with pytest.raises(ImportError, match="haiku not installed: pip install dm-haiku"):
        load("haiku")
