"""``python -m tconv check`` and what the kit needs to be importable."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tconv
from tconv.testing import command, corners, installed

ROOT = str(Path(tconv.__file__).parents[1])
HIDE = "import sys; sys.modules['hypothesis'] = None; "


def run(code, folder=None):
    path = f"import sys; sys.path.insert(0, {ROOT!r}); "
    return subprocess.run(
        [sys.executable, "-c", path + code], capture_output=True, text=True, cwd=folder
    )


@pytest.fixture
def short(monkeypatch):
    """One axis and two methods, to be quick."""
    monkeypatch.setattr(command, "METHODS", ("auto", "matrix"))
    for name in ("check_conv_transpose", "check_conv", "check_vjp"):
        check = getattr(command, name)
        monkeypatch.setattr(command, name, _one_axis(check))


def _one_axis(check):
    return lambda fn, **options: check(fn, **{**options, "ndim": 1})


def test_the_table_the_verdict_and_the_file(short, tmp_path, capsys):
    file = tmp_path / "table.json"
    arguments = ["check", "--dtype", "float32", "--dtype", "int32", "--examples", "2"]
    assert command.main([*arguments, "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "PASSED; 261 problems" in printed
    assert printed.count(" pass\n") == 9
    content = json.loads(file.read_text())
    assert content["passed"] is True
    assert [row["problems"] for row in content["rows"]] == [29] * 9


def test_a_wrong_library_is_not_certified(short, monkeypatch, capsys, tmp_path):
    right = tconv.conv

    def wrong(x, w, b=None, **keywords):
        return right(x, np.flip(w, -1), b, **keywords)

    monkeypatch.setattr(installed.tconv, "conv", wrong)
    file = tmp_path / "table.json"
    assert command.main(["check", "--dtype", "float32", "--json", str(file)]) == 1
    printed = capsys.readouterr().out
    assert "FAILED: 2 of 5 checks" in printed  # conv itself, and its pairing with the transposed
    assert "kernel is flipped on" in printed
    assert json.loads(file.read_text())["passed"] is False


def test_jax(short, capsys, monkeypatch):
    monkeypatch.setattr(corners, "AXES", dict(list(corners.AXES.items())[::6]))
    arguments = ["check", "--backend", "jax", "--device", "cpu:0", "--dtype", "float32"]
    assert command.main([*arguments, "--profile", "table"]) == 0
    assert "JAX" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "gpu"], "NumPy computes on the cpu"),
        (["--backend", "jax", "--device", "abacus"], "abacus"),
        (["--dtype", "float33"], "float33"),
    ],
)
def test_what_cannot_be_run_says_so(short, arguments, message, capsys):
    assert command.main(["check", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_as_a_module_without_hypothesis(tmp_path):
    code = HIDE + "from tconv.testing.command import main; sys.exit(main(['check']))"
    result = run(code, tmp_path)
    assert result.returncode == 2
    assert "pip install 'tconv[testing]'" in result.stderr
    usage = subprocess.run(
        [sys.executable, "-m", "tconv"], capture_output=True, text=True, cwd=ROOT
    )
    assert usage.returncode == 2
    assert "check" in usage.stderr


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
    with command._Bar(2) as bar:
        bar.label("conv float32")
        bar.step(5, 10)
    assert "conv float32" in capsys.readouterr().err
