"""``python -m tconv check`` of a function, a framework and an ONNX model, and the certificate."""

from __future__ import annotations

import json
import sys

import pytest

from tconv.__main__ import main
from tconv.testing.checks import Summary
from tconv.testing.commands import certificate, progress
from tconv.testing.commands.rows import Check, Row, Target
from tconv.testing.mutants import MUTANTS

MODULE = """
import numpy as np
import tconv

def upsample(x, w, b=None, *, stride, padding, output_padding, dilation, groups):
    assert groups == 1
    return tconv.conv_transpose(x, w, b, stride=stride, padding=padding,
                                output_padding=output_padding, dilation=dilation)

def flipped(x, w, b=None, **keywords):
    return tconv.conv_transpose(x, np.flip(w, -1), b, **keywords)

def other(image, factor=2):
    return image

class Layers:
    vjp = staticmethod(tconv.conv_transpose_vjp)

number = 3
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module of a user's that can be imported."""
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("raise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(certificate, "MUTANTS", MUTANTS[:3])
    yield tmp_path
    sys.modules.pop("mine", None)


TABLE = ["--ndim", "1", "--profile", "table"]


def test_a_function_with_its_adjoint_and_its_gradient(mine, capsys):
    arguments = ["mine:upsample", "--supports", "symmetric,groups=1", "--conv", "tconv:conv"]
    assert main(["check", *arguments, "--vjp", "mine:Layers.vjp", *TABLE]) == 0
    printed = capsys.readouterr().out
    assert "certifies mine:upsample" in printed
    rows = [line.split() for line in printed.splitlines() if line.endswith("pass")]
    assert [row[0] for row in rows] == ["conv_transpose", "conv", "conv_transpose_vjp"]
    assert "PASSED; 81 problems" in printed


def test_a_wrong_function_is_told_what_is_wrong(mine, capsys):
    file = mine / "certificate.json"
    assert main(["check", "mine:flipped", *TABLE, "--json", str(file)]) == 1
    printed = capsys.readouterr().out
    assert "The kernel is flipped" in printed
    assert "from mine import flipped as fn" in printed
    content = json.loads(file.read_text())
    assert content["passed"] is False
    assert "The kernel is flipped" in content["rows"][0]["report"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine"], "mine: must be package.module:function, a model that ends with .onnx"),
        (["nowhere:f"], "nowhere does not import: ModuleNotFoundError"),
        (["broken:f"], "broken does not import: RuntimeError: no licence"),
        (["mine:down"], "mine:down: mine has no 'down'"),
        (["mine:number"], "mine:number: must be a function; got int"),
        (["mine:other"], r"mine:other: must take (x, w, b=None, *, stride, padding, output_padd"),
        (["mine:upsample", "--conv", "mine:other"], "must take (x, w, b=None, *, stride, padding"),
        (["mine:upsample", "--supports", "good"], "supports: a rule must be one of"),
        (["mine:upsample", "--framework", "torch"], "give one of a target, --framework and --ops"),
        (["--framework", "caffe"], "framework: must be one of torch, lax"),
        (["--supports", "symmetric"], "--supports: is of a function"),
        (["nothing.onnx"], "nothing.onnx: there is no such file"),
    ],
)
def test_what_cannot_be_certified_says_why(mine, capsys, arguments, message):
    assert main(["check", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_framework(capsys):
    pytest.importorskip("torch")
    assert main(["check", "--framework", "torch", *TABLE]) == 0
    printed = capsys.readouterr().out
    assert "certifies torch" in printed
    assert "\nNaN and inf are not checked: frameworks do not say where they may go.\n" in printed
    assert printed.count(" pass\n") == 2


def test_a_framework_that_is_missing_is_named_with_its_pip_line(monkeypatch, capsys):
    monkeypatch.setattr("tconv.testing.frameworks.find_spec", lambda name: None)
    assert main(["check", "--framework", "mlx"]) == 2
    assert "mlx not installed: pip install 'mlx[cpu]'" in capsys.readouterr().err


def test_the_certificate_has_what_it_should(mine, capsys):
    arguments = ["mine:upsample", "--supports", "groups=1,symmetric", *TABLE, "--seed", "5"]
    assert main(["check", *arguments, "--json", "-"]) == 0
    printed = capsys.readouterr()
    content = json.loads(printed.out)
    assert "certifies mine:upsample" in printed.err
    kinds = {
        "format": int, "subject": str, "versions": dict, "machine": dict, "seed": int,
        "profile": str, "ndim": list, "dtypes": list, "problems": int, "left_out": dict,
        "pairs": dict, "mutation_score": dict, "passed": bool, "rows": list,
    }  # fmt: skip
    assert {name: type(value) for name, value in content.items()} == kinds
    assert set(content["machine"]) == {"processor", "cores", "system", "python"}
    assert {"tconv", "numpy"} <= set(content["versions"])
    assert (content["seed"], content["profile"], content["ndim"]) == (5, "table", [1])
    assert content["problems"] == content["rows"][0]["problems"] == 27
    assert content["left_out"] == {"supports": "groups=1,symmetric", "problems": 0}
    assert content["pairs"] == {"covered": 0, "of": 1058}
    assert content["mutation_score"] == {"caught": 3, "of": 3, "missed": []}


@pytest.mark.parametrize(
    ("profile", "problems", "skipped", "verdict", "pairs"),
    [
        ("default", 119, 0, "pass", 1058),
        ("default", 117, 2, "pass", 1058),
        ("default", 118, 0, "pass", 0),  # one was not tried
        ("default", 119, 0, "FAIL", 0),
        ("quick", 27, 0, "pass", 0),  # without the problems in which the pairs stand
    ],
)
def test_pairs_are_covered_where_all_was_tried(
    monkeypatch, profile, problems, skipped, verdict, pairs
):
    """With no rule of what is supported every pair can be tried, and every mutant caught."""
    monkeypatch.setattr(certificate, "MUTANTS", MUTANTS[:1])
    check = Check("conv_transpose", "auto", "int8", lambda progress: Summary())
    target = Target("mine", (), [check], profile=profile, examples=0, ndim=(1,))
    row = Row("conv_transpose", "auto", "int8", verdict, problems, 500, 0.5, skipped=skipped)
    content = certificate.certificate(target, [row], seed=0)
    assert content["pairs"] == {"covered": pairs, "of": 1058}
    assert content["mutation_score"] == {"caught": 1, "of": 1, "missed": []}
    assert content["left_out"] == {"supports": "", "problems": skipped}
    assert (content["problems"], content["dtypes"]) == (problems, ["int8"])
    assert content["passed"] is (verdict == "pass")


def test_pairs_that_supports_leaves_are_counted():
    from tconv.testing.problems.pairs import covered

    space = "conv_transpose", (1,), ("float32",), 0
    whole = covered(*space, lambda problem: True)
    assert whole == (1058, 1058)
    some, every = covered(*space, lambda problem: problem.groups == 1)
    assert every == 1058
    assert 500 < some < 1000


def test_a_line_now_and_then_where_no_bar_can_be_drawn(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    with progress.Progress(2) as shown:
        shown.label("conv float32")
        for done in range(5):
            shown.step(done, 4)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("  conv float32: 1 of 4 problems, row 1 of 2, 0 s so far, about 0 s")
