"""The commands for a GPU and for compile times, on one tiny layer and the CPU."""

from __future__ import annotations

import json
from time import perf_counter

import pytest

from benchmarks import __main__ as command
from benchmarks import layers, report
from benchmarks.layers import Layer
from benchmarks.peers import gpu
from tconv.testing import Problem

pytest.importorskip("torch", reason="the reference peer is PyTorch")
TINY = Layer(
    "tiny",
    "a test",
    Problem((4, 5), (4, 4), 2, 1, in_channels=4, out_channels=6, groups=2, batch=2),
)
LINE = Layer("line", "a test", Problem((9,), (3,), 2, 1, output_padding=1, dilation=3, batch=2))
GPU = ["gpu", "--platform", "cpu"]


@pytest.fixture
def tiny(monkeypatch):
    """Two layers in place of every set, and chains of no length."""
    monkeypatch.setattr(layers, "load", lambda which, sets=(): [TINY, LINE])
    monkeypatch.setattr(gpu, "CHAINS", 1)
    monkeypatch.setattr(gpu, "CHAIN_SECONDS", 0)


def test_every_mode_layout_and_map(tiny, tmp_path, capsys, monkeypatch):
    """With the results held to PyTorch's."""
    path, readme = tmp_path / "gpu.json", tmp_path / "README.md"
    readme.write_text("<!-- benchmark:gpu -->\nUnmeasured.\n<!-- /benchmark -->\n")
    monkeypatch.setattr(report, "README", readme)
    command.main([*GPU, "--layers", "layers", "--json", str(path), "--readme"])
    printed = capsys.readouterr().out
    assert "not reached" not in printed
    rows = json.loads(path.read_text())["rows"]
    assert [row["failed"] for row in rows] == [{}] * len(rows)
    assert len(rows) == 2 * len(gpu.ROUNDS) * len(gpu.MAPS)
    assert {tuple(row["seconds"]) for row in rows} == {gpu.PEERS}
    assert all(row["compile_seconds"][peer] > 0 for row in rows for peer in gpu.PEERS)
    table = report.table_in(readme, "gpu")
    assert {line["mode"] for line in table} == set(gpu.MODES)
    assert all(line["layers"] == "2" and float(line["tconv/torch"]) > 0 for line in table)


def test_a_run_says_what_it_did_not_reach_and_goes_on_there(tiny, tmp_path, capsys):
    path = tmp_path / "gpu.json"
    options = [*GPU, "--layers", "layers", "--rounds", "1", "--json", str(path)]
    command.main([*options, "--minutes", "0"])
    assert "not reached: 6 of 6 cases, from tiny, TF32, NCHW on" in capsys.readouterr().out
    assert json.loads(path.read_text())["rows"] == []
    command.main(options)
    written = json.loads(path.read_text())["rows"]
    assert len(written) == 6
    command.main([*options, "--minutes", "0"])
    assert "not reached" not in capsys.readouterr().out
    assert json.loads(path.read_text())["rows"] == written


def test_figures_of_another_device_are_not_continued(tiny, tmp_path):
    path = tmp_path / "gpu.json"
    path.write_text(json.dumps({"device": "another", "rows": []}))
    with pytest.raises(SystemExit, match="is of another; this is"):
        command.main([*GPU, "--layers", "layers", "--json", str(path)])


def test_a_wrong_result_and_a_failure_have_no_time(tiny, monkeypatch):
    right = gpu._jax

    def broken(peer, case):
        call = right(peer, case)
        if case.layer is LINE:
            raise MemoryError("too large\nand more")
        return lambda: call() + float(peer == "lax")

    monkeypatch.setattr(gpu, "_jax", broken)
    found = gpu.cases([TINY, LINE], 1)
    rows = gpu.measured(found, "cpu", perf_counter() + 60)
    for row in rows:
        if row.layer == "tiny":
            assert row.failed == {"lax": "differs from PyTorch by 1.0"}
            assert set(row.seconds) == {"tconv", "torch"}
        else:
            assert row.failed["tconv"] == "MemoryError: too large"
            assert set(row.seconds) == {"torch"}
    assert any("lax in tiny, dw, TF32, NCHW: differs" in note for note in gpu.notes(rows, []))


def test_what_is_timed_on_a_gpu():
    found = gpu.chosen("gpu")
    names = {layer.name for layer in layers.load("layers")}
    assert sum(layer.name in names for layer in found) == 23
    drawn = [layer for layer in found if layer.name not in names]
    assert len(drawn) == 30
    assert {layer.source for layer in drawn} == {layer.source for layer in layers.load("drawn")}


def test_compile_times(tiny, tmp_path, monkeypatch, capsys):
    path, readme = tmp_path / "compile.json", tmp_path / "README.md"
    readme.write_text("<!-- benchmark:compile:conv -->\n<!-- /benchmark -->\n")
    monkeypatch.setattr(report, "README", readme)
    options = ["--what", "conv", "--repeats", "2", "--json", str(path), "--readme"]
    command.main(["compile", *options])
    assert "tconv/lax: geometric mean" in capsys.readouterr().out
    seconds = json.loads(path.read_text())["seconds"]
    assert all(each["tconv"] > 0 < each["lax"] for each in seconds.values())
    assert [row["layer"] for row in report.table_in(readme, "compile:conv")] == ["tiny", "line"]
