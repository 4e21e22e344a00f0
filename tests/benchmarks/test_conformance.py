"""The scoreboard: verdicts of right, wrong, refusing and ending implementations, and the table."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import report
from benchmarks.conformance import command, judge, ours, table
from benchmarks.conformance.features import FEATURES, HALF_SUMS, PROBLEMS
from benchmarks.conformance.findings import FINDINGS
from tconv.testing.frameworks.framework import Framework

OURS = ours.numpy_column()
IMPORTS = (ast.Import, ast.ImportFrom)
RECORD = json.loads(command.RESULTS.read_text())


def told(framework: Framework, name: str, capsys, problems=PROBLEMS) -> list[dict]:
    judge._judge(framework, FEATURES[name], 0, 60.0, problems)
    lines = [line.removeprefix(judge.MARK) for line in capsys.readouterr().out.splitlines()]
    return [line for line in map(json.loads, lines) if "outcome" in line]


@pytest.mark.parametrize("name", FEATURES)
def test_tconv_is_right(name, capsys):
    outcomes = told(OURS, name, capsys)
    assert {one["outcome"] for one in outcomes} == {"right"}


@pytest.mark.parametrize("name", FEATURES)
def test_a_row_has_problems_from_small_to_large(name):
    problems = FEATURES[name].problems
    assert 8 <= len(problems) <= PROBLEMS
    assert all(problem.valid for problem in problems)
    work = [problem.work // problem.groups for problem in problems]
    assert work == sorted(work)


@pytest.mark.parametrize("name", [name for name in FEATURES if name != "CIRCULAR"])
def test_zeros_are_wrong_in_every_row(name, capsys):
    """Or one position too few, where there is no element; the problem told is one of the row."""

    def zeros(x, w, b=None, **keywords):
        y = np.zeros_like(OURS.conv_transpose(x, w, b, **keywords))
        return y if y.size else y[..., 1:]

    def with_pullback(x, w, b=None, **keywords):
        y, pullback = OURS.vjp(x, w, b, **keywords)
        return y, lambda dy: [None if d is None else 0 * d for d in pullback(dy)]

    framework = replace(OURS, conv_transpose=zeros, same=zeros, vjp=with_pullback)
    last = told(framework, name, capsys)[-1]
    assert last["outcome"] == "wrong"
    if FEATURES[name].keeps is not None:
        from tconv.testing import Problem

        assert FEATURES[name].keeps(eval(last["problem"], {"Problem": Problem}))


def test_circular_knows_a_roll(capsys):
    pytest.importorskip("flax", reason="a layer that has CIRCULAR")
    right = ours.jax_column()
    assert {one["outcome"] for one in told(right, "CIRCULAR", capsys, 5)} == {"right"}

    def rolled(x, w, b=None, **keywords):
        return np.roll(right.circular(x, w, b, **keywords), 1, -1)

    assert told(replace(right, circular=rolled), "CIRCULAR", capsys, 5)[-1]["outcome"] == "wrong"


def test_sums_in_half_precision_are_a_verdict_of_their_own(capsys):
    def in_half(x, w, b=None, **keywords):
        """Each tap's part is rounded, and their sum after each."""
        y = 0 * OURS.conv_transpose(x, w, b, **keywords)
        for place in np.ndindex(w.shape[2:]):
            part = np.zeros_like(w)
            part[(..., *place)] = w[(..., *place)]
            y = y + OURS.conv_transpose(x, part, None, **keywords)
        return y

    found = told(replace(OURS, conv_transpose=in_half), "float16", capsys)
    assert {one["outcome"] for one in found} == {"right", HALF_SUMS}


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([], "-"),
        (["right", "right"], "right"),
        (["refused"], "refused"),
        (["right", "refused"], "in part"),
        (["right", "aborts", "refused"], "aborts"),
        (["right", "aborts", "wrong"], "wrong"),
    ],
)
def test_a_cell_says_what_is_worst(outcomes, verdict):
    told = [{"outcome": one, "problem": one, "text": f"{one}\nmore"} for one in outcomes]
    cell = command._cell(told)
    assert cell["verdict"] == verdict
    if verdict in ("wrong", "aborts", "refused"):
        assert (cell["problem"], cell["text"]) == (verdict, verdict)


def test_a_process_that_ends_is_a_verdict_and_the_rows_after_it_are_judged(monkeypatch):
    """The judge of a process that ends over every second problem of "values"."""
    code = """
import json, sys
name, seconds, problems, first, *rows = sys.argv[1:]
def tell(**content):
    print("@conformance " + json.dumps(content), flush=True)
tell(versions={}, machine={})
for row in rows:
    for number in range(int(first) if row == rows[0] else 0, 9):
        about = {"row": row, "number": number, "every": 1}
        tell(**about, trying=f"Problem {number}")
        if row == "values" and number % 2:
            raise SystemExit(3)
        tell(**about, outcome="right", problem="", text="")
tell(done=True)
"""

    def process(arguments, **options):
        return real([sys.executable, "-c", code, *arguments[3:]], **options)

    real = subprocess.Popen
    monkeypatch.setattr(command.subprocess, "Popen", process)
    cells = command.certified("torch", 1.0, 9, ["values", "groups"])["cells"]
    assert cells["values"]["verdict"] == "aborts"
    assert (cells["values"]["right"], cells["values"]["aborts"]) == (3, command.ABORTS)
    assert cells["values"]["problem"] == "Problem 1"
    assert cells["groups"] == {"verdict": "right", "right": 9}


def test_the_command_in_short(tmp_path, capsys):
    file, readme = tmp_path / "board.json", tmp_path / "README.md"
    readme.write_text("<!-- benchmark:conformance -->\n<!-- /benchmark -->\n")
    chosen = ["--frameworks", "tconv", "--features", "values; groups", "--problems", "2"]
    benchmarks.main(["conformance", *chosen, "--json", str(file)])
    assert capsys.readouterr().out == "tconv: 2 right\n"
    (column,) = json.loads(file.read_text())["columns"].values()
    assert set(column) == {"versions", "machine", "cells"}
    assert column["cells"]["groups"] == {"verdict": "right", "right": 2}
    with pytest.raises(SystemExit):
        benchmarks.main(["conformance", "--frameworks", "caffe"])
    assert "must be some of tconv, tconv on JAX" in capsys.readouterr().err


def test_what_is_not_installed_is_left_out(monkeypatch, capsys):
    monkeypatch.setitem(command.COLUMNS, "torch", command.Column("no.such"))
    real = subprocess.Popen
    code = "raise ImportError('caffe not installed: pip install caffe')"
    monkeypatch.setattr(
        command.subprocess, "Popen", lambda _, **rest: real([sys.executable, "-c", code], **rest)
    )
    assert command.certified("torch", 1.0, 1) is None
    assert capsys.readouterr().out == ("torch: left out, caffe not installed: pip install caffe\n")


def test_the_readme_shows_the_file():
    assert table.text(RECORD) in report.README.read_text()
    for column in RECORD["columns"].values():
        assert list(column["cells"]) == list(FEATURES)


def cells(*verdicts):
    return {
        (title, name)
        for title, column in RECORD["columns"].items()
        for name, cell in column["cells"].items()
        if cell["verdict"] in verdicts
    }


def test_whatever_is_wrong_is_reproduced():
    shown = {(title, one.feature) for one in FINDINGS for title in one.columns}
    assert cells("wrong", "aborts") <= shown <= cells("wrong", "aborts", "refused")


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda one: f"{one.columns[0]} {one.feature}")
def test_a_finding_is_what_the_framework_does(finding):
    """With the versions of the board; of a later one it may be gone."""
    from tconv.testing.commands.machine import versions

    then = RECORD["columns"][finding.columns[0]]["versions"]
    if versions(then) != then:
        return
    lines = [one for one in ast.parse(finding.code).body if not isinstance(one, IMPORTS)]
    assert len(lines) <= 6
    result = subprocess.run([sys.executable, "-c", finding.code], capture_output=True, text=True)
    assert re.search(rf"^{finding.raises}", result.stderr, re.MULTILINE), result.stderr
