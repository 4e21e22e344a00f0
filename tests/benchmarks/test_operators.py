"""The operators beside those of other libraries, on one tiny image."""

import json

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import operators, timing

pytest.importorskip("pylops", reason="PyLops is an optional package")
PEERS = ["tconv, NumPy", "tconv, JAX", "SciPy, fftconvolve", "SciPy, CSR", "PyLops, fft",
         "PyLops, direct"]  # fmt: skip


def test_the_command_prints_its_table(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(timing, "STATISTICS", tmp_path / "none")
    monkeypatch.setattr(timing, "sleep", lambda seconds: None)
    file = tmp_path / "operators.json"
    options = ["--sizes", "9", "12", "--steps", "2", "--seconds", "0", "--json", str(file)]
    command.main(["operators", *options])
    head, *rows = json.loads(file.read_text())["operators"]
    assert [row[:2] for row in rows if row[1] in PEERS] == [
        [f"{size} x {size}", peer] for size in (9, 12) for peer in PEERS
    ]
    assert all(float(figure) > 0 for row in rows for figure in row[2:])
    out = capsys.readouterr().out
    assert "  ".join(head).split() == out.splitlines()[3].split()


def test_a_wrong_operator_is_stopped(monkeypatch):
    right = operators.peers

    def wrong(w, size):
        found = right(w, size)
        found["SciPy, CSR"] = found["SciPy, CSR"]._replace(rmatvec=lambda y: np.roll(y, 1))
        return found

    monkeypatch.setattr(operators, "peers", wrong)
    with pytest.raises(AssertionError, match="SciPy, CSR"):
        operators.table([9], 0.0, 2)
