"""``python -m tconv check`` and what the kit needs to be importable."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import tconv
from tconv.__main__ import main
from tconv.testing import CheckFailure
from tconv.testing.checks import Summary
from tconv.testing.commands import certificate, check, mutants, progress
from tconv.testing.commands import rows as rows_of
from tconv.testing.commands.installed import METHODS, functions
from tconv.testing.commands.own import own_checks
from tconv.testing.commands.rows import HEAD, Check, Row, line, rows

ROOT = str(Path(tconv.__file__).parents[1])
HIDE = "import sys; sys.modules['hypothesis'] = None; "


@pytest.fixture(autouse=True)
def few_mutants(monkeypatch):
    """The certificate's score takes its time, and has tests of its own."""
    monkeypatch.setattr(certificate, "MUTANTS", certificate.MUTANTS[:2])


def certify(*arguments, **options):
    return rows(own_checks(*arguments, **options))


def run(code, folder=None):
    path = f"import sys; sys.path.insert(0, {ROOT!r}); "
    return subprocess.run(
        [sys.executable, "-c", path + code], capture_output=True, text=True, cwd=folder
    )


def test_the_table_the_verdict_and_the_file(tmp_path, capsys):
    file = tmp_path / "table.json"
    arguments = ["check", "--dtype", "int32", "--examples", "1", "--json", str(file)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "PASSED; 656 problems" in printed
    assert printed.count(" pass\n") == 8
    content = json.loads(file.read_text())
    assert content["passed"] is True
    assert [row["problems"] for row in content["rows"]] == [82] * 8


def test_every_method_in_the_first_dtype_and_auto_in_the_others():
    offered = functions("numpy", None, ("float32", "int32"))
    found = list(certify(offered, ("float32", "int32"), examples=2, ndim=(1,)))
    assert [row.problems for row in found] == [29] * 12
    assert {row.verdict for row in found} == {"pass"}
    transposed = [(row.method, row.dtype) for row in found if row.check == "conv_transpose"]
    assert transposed == [*((method, "float32") for method in METHODS), ("auto", "int32")]


def test_a_wrong_library_is_not_certified(monkeypatch):
    right = tconv.conv

    def wrong(x, w, b=None, **keywords):
        return right(x, np.flip(w, -1), b, **keywords)

    monkeypatch.setattr(tconv, "conv", wrong)
    offered = functions("numpy", None, ("float32",))
    found = certify(offered, ("float32",), examples=0, methods=("auto", "matrix"), ndim=(1,))
    failed = [row for row in found if row.verdict == "FAIL"]
    # conv itself, and its pairing with the transposed
    assert [(row.check, row.method) for row in failed] == [("conv_transpose", "auto"), ("conv", "")]
    assert "kernel is flipped on" in failed[1].report


def test_a_failure_is_told_and_written(monkeypatch, capsys, tmp_path):
    found = [
        Row("conv_transpose", "auto", "int8", "pass", 30, 200, 0.1),
        Row("conv", "", "int8", "FAIL", 3, 0, 0.1, "the kernel is flipped"),
    ]
    monkeypatch.setattr(check, "rows", lambda checks: iter(found))
    file = tmp_path / "table.json"
    assert main(["check", "--json", str(file)]) == 1
    printed = capsys.readouterr().out
    assert "FAILED: 1 of 2 checks; 33 problems" in printed
    assert "conv, , int8\nthe kernel is flipped" in printed
    assert json.loads(file.read_text())["passed"] is False


class Failed(CheckFailure):
    """A failure with no more than a text."""

    def __init__(self, text):
        AssertionError.__init__(self, text)


def test_a_row_says_what_its_check_found_and_how_long_that_took(monkeypatch):
    labels = []

    class Listening(progress.Progress):
        def label(self, text):
            labels.append((self.rows, text))
            super().label(text)

    def failing(step):
        step(3, 10)
        raise Failed("the kernel is flipped")

    held = Summary(problems=30, programs=9, skipped=4, properties=Counter(values=30, dtype=25),
                   seconds=1.25)  # fmt: skip
    monkeypatch.setattr(rows_of, "Progress", Listening)
    clock = SimpleNamespace(monotonic=iter([10.0, 20.0, 22.5]).__next__)
    monkeypatch.setattr(rows_of, "time", clock)
    checks = [
        Check("conv_transpose", "auto", "int8", lambda step: held),
        Check("conv", "", "int8", failing),
    ]
    assert list(rows(checks)) == [
        Row("conv_transpose", "auto", "int8", "pass", 30, 55, 1.25, "", 4),
        Row("conv", "", "int8", "FAIL", 3, 0, 2.5, "the kernel is flipped", 0),
    ]
    assert labels == [(2, "conv_transpose auto int8"), (2, "conv int8")]


def test_the_columns_of_the_table():
    row = Row("conv_transpose", "auto", "int8", "pass", 30, 200, 0.14)
    assert [HEAD, line(row)] == [
        "check                 method    dtype       problems  properties      s",
        "conv_transpose        auto      int8              30         200    0.1  pass",
    ]


def test_each_row_is_told_when_it_is_known(monkeypatch, capsys):
    """A compilation for each problem makes JAX's table a matter of minutes."""

    def one_by_one(checks):
        yield Row("conv", "", "int8", "pass", 30, 200, 0.1)
        assert "conv                            int8" in capsys.readouterr().out
        yield Row("conv_vjp", "", "int8", "pass", 3, 20, 0.1)

    monkeypatch.setattr(check, "rows", one_by_one)
    assert main(["check"]) == 0


def test_jax():
    offered = functions("jax", "cpu:0", ("float32",))
    assert offered.where.startswith("JAX")
    found = certify(
        offered, ("float32",), examples=0, methods=("auto", "matrix"), ndim=(1,),
        supports=lambda problem: problem.seed % 6 == 0,  # of the table: the number of the row
    )  # fmt: skip
    assert [(row.verdict, row.problems) for row in found] == [("pass", 5)] * 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "gpu"], "NumPy computes on the cpu"),
        (["--backend", "jax", "--device", "abacus"], "abacus"),
        (["--dtype", "float33"], "float33"),
    ],
)
def test_what_cannot_be_run_says_so(arguments, message, capsys):
    assert main(["check", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_as_a_module_without_hypothesis(tmp_path):
    code = HIDE + "from tconv.__main__ import main; sys.exit(main(['check']))"
    result = run(code, tmp_path)
    assert result.returncode == 2
    assert "pip install 'tconv[testing]'" in result.stderr
    usage = subprocess.run(
        [sys.executable, "-m", "tconv"], capture_output=True, text=True, cwd=ROOT
    )
    assert usage.returncode == 2
    assert "check" in usage.stderr


def test_the_version(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"tconv {tconv.__version__}\n"


def test_everything_by_a_star_without_hypothesis(tmp_path):
    code = HIDE + (
        "import tconv.testing; from tconv.testing import *; "
        "print(Problem((3,), (2,)).output_shape, hasattr(tconv.testing, 'strategies')); "
        "from tconv.testing import strategies"
    )
    result = run(code, tmp_path)
    assert result.stdout.strip() == "(1, 1, 4) False"
    assert "ImportError: tconv.testing.strategies needs hypothesis" in result.stderr


def test_what_needs_no_hypothesis_works_without(tmp_path):
    code = HIDE + (
        "import tconv, tconv.testing as t; "
        "print(t.check_conv_transpose(tconv.conv_transpose, ndim=1, profile='table').problems); "
        "t.strategies"
    )
    result = run(code, tmp_path)
    assert result.stdout.strip() == "27"
    assert "pip install 'tconv[testing]'" in result.stderr


def test_nothing_is_written_and_nothing_more_is_imported(tmp_path):
    code = (
        "import tconv; assert 'tconv.testing' not in sys.modules; import tconv.testing as t; "
        "assert not {'hypothesis', 'jax', 'pytest', 'tqdm'} & set(sys.modules); "
        "t.check_conv_transpose(tconv.conv_transpose, ndim=1, max_examples=5)"
    )
    result = run(code, tmp_path)
    assert result.returncode == 0, result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_bar_moves_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.Progress(2) as bar:
        bar.label("conv float32")
        bar.step(5, 10)
        bar.hide()
    assert "conv float32" in capsys.readouterr().err


def test_the_bar_shows_the_rows_done_and_the_fraction_of_the_next(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.Progress(3) as bar:
        shown = []
        for label, steps in [("first", [(5, 10)]), ("second", [(0, 10), (10, 10)])]:
            bar.label(label)
            for done, total in steps:
                bar.step(done, total)
                shown.append((bar.row, bar.done, bar.bar.n))
        assert bar.bar.total == 3
    assert shown == [(1, 5, 0.5), (2, 0, 1.0), (2, 10, 2.0)]


@pytest.mark.long
def test_the_score_over_the_mutants(monkeypatch, capsys):
    chosen = [m for m in mutants.MUTANTS if m.name in ("kernel flipped", "last group reversed")]
    monkeypatch.setattr(mutants, "MUTANTS", chosen)
    assert main(["check", "--mutants", "--profile", "table"]) == 0
    printed = capsys.readouterr().out
    assert "mutants: 3 of 3 caught (100.0 %)" in printed
    assert "The kernel is flipped on every spatial axis. (jax-ml/jax#592" in printed
    assert "accepted of 4 changes that change no result: 4" in printed
    monkeypatch.setattr(mutants, "MUTANTS", [*chosen, mutants.EQUIVALENT[0]])
    assert main(["check", "--mutants", "--profile", "table"]) == 1
    assert "MISSED" in capsys.readouterr().out
