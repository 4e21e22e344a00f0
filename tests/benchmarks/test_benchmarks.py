"""The benchmark harness: runs on one tiny layer and refuses wrong answers.  Nothing is timed
against a limit."""

import json
import re
from collections import Counter
from dataclasses import replace
from math import prod
from time import sleep
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import layers, limits, machine, report, summary, task, timing
from benchmarks.choice import rates
from benchmarks.layers import Layer, drawn
from benchmarks.peers import measure, scaling, table
from benchmarks.task import Peer, Unsupported
from tconv.testing import Problem

pytest.importorskip("torch", reason="the reference peer is PyTorch")
TINY = Layer(
    "tiny", "a test", Problem((4, 5), (4, 4), 2, 1, in_channels=3, out_channels=4, batch=2)
)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch, tmp_path):
    """Times that nobody reads are taken without waiting, and without asking what was stolen."""
    monkeypatch.setattr(timing, "STATISTICS", tmp_path / "none")
    monkeypatch.setattr(timing, "sleep", lambda seconds: None)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(layers, "load", lambda which: [TINY, replace(TINY, name="other")])


@pytest.mark.parametrize("name", layers.SETS)
def test_pytorch_accepts_every_problem(name):
    torch = pytest.importorskip("torch")
    for layer in layers.load(name):
        groups = layer.problem.groups
        small = replace(layer.problem, batch=1, in_channels=groups, out_channels=groups)
        transposed = getattr(torch.nn.functional, f"conv_transpose{small.ndim}d")
        x, w = torch.empty(small.x_shape, device="meta"), torch.empty(small.w_shape, device="meta")
        assert tuple(transposed(x, w, None, **small.keywords).shape) == small.output_shape


def test_problems_are_told_apart():
    """By name for people, by what they are for the choice, which keeps its sets apart."""
    found = layers.load("all")
    assert len({layer.name for layer in found}) == len({layer.problem for layer in found})
    assert len(found) == len({layer.name for layer in found})
    assert len(layers.load("others")) >= 40
    assert len(layers.load("drawn")) >= 100


def test_a_problem_is_read_as_it_was_written():
    for layer in layers.load("all"):
        written = json.loads(json.dumps(layers.record_of(layer.problem)))
        assert layers.problem_of(written) == layer.problem


def test_drawn_layers_are_the_same_in_every_run_and_span_what_they_should():
    first, again = drawn.layers(), drawn.layers.__wrapped__()
    assert first == again
    problems = [layer.problem for layer in first]
    assert all(problem.valid for problem in problems)
    times = [drawn.estimate(problem) for problem in problems]
    low, high = drawn.SHORTEST / drawn.OFF, drawn.LONGEST * drawn.OFF
    assert low <= min(times) < 1e-4
    assert 0.3 < max(times) <= high
    entries = {name: set() for name in ("kernel_size", "stride", "dilation")}
    for problem in problems:
        for name, found in entries.items():
            found.update(getattr(problem, name))
    assert {1, 2, 3, 4, 5, 8, 9, 16} <= entries["kernel_size"]
    assert max(entries["kernel_size"]) == 16
    assert entries["stride"] == {1, 2, 3, 4, 5, 6, 7, 8}
    assert {1, 2, 3} <= entries["dilation"]
    both = [problem for problem in problems if max(problem.stride) > 1 < max(problem.dilation)]
    assert {problem.groups for problem in both} > {1}
    assert {problem.ndim for problem in problems} == {1, 2, 3}
    assert {1, 2, 16} < {problem.groups for problem in problems}
    assert {problem.batch for problem in problems} >= {1, 64}
    assert Counter(layer.source for layer in first).keys() == {kind.family for kind in drawn.KINDS}


def test_no_constant_is_chosen_on_drawn_layers():
    """The commands that time forms refuse them, and none is among the problems that rates fit."""
    with pytest.raises(SystemExit, match="drawn is not for this command"):
        command.main(["choice", "--layers", "drawn"])
    with pytest.raises(SystemExit, match="nothing has 'DCGAN' in its name"):
        command.main(["choice", "--layers", "DCGAN"])
    row = SimpleNamespace(problem=layers.load("drawn")[0].problem)
    with pytest.raises(SystemExit, match=r"no rate is fitted to .*: U-Net 1"):
        rates.fitted([row], np.random.default_rng(0))
    reported = {layer.problem for layer in layers.load("all")}
    assert len(reported) == len(layers.load("all"))
    assert not reported & set(rates.generated(np.random.default_rng(101), 20))


def test_layers_are_found_by_part_of_their_name():
    assert [layer.name for layer in layers.load("fcn32,unet_up,k16s16")] == [
        "unet_up4",
        "unet_up1",
        "fcn32s",
        "k16s16",
    ]
    with pytest.raises(SystemExit, match="nothing has 'nowhere'"):
        layers.load("nowhere")


@pytest.mark.parametrize("what", task.WHATS)
def test_table_json_and_readme(what, tiny, tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text(f"a\n<!-- benchmark:numpy:{what} -->\nold\n<!-- /benchmark -->\nz\n")
    json_file = tmp_path / "out.json"
    options = ["--what", what, "--json", str(json_file), "--readme", str(readme)]
    command.main(["numpy", "--seconds", "0", "--peers", "tconv,torch", *options])
    printed = capsys.readouterr().out
    assert re.search(r"tiny +\d+\.\d+ +\d+\.\d+ +\d+\.\d+", printed)
    assert "geometric mean" in printed
    record = json.loads(json_file.read_text())
    assert record["rows"][0]["layer"] == "tiny"
    assert record["rows"][0]["seconds"]["torch"]["median"] > 0
    text = readme.read_text()
    assert re.fullmatch(r"a\n<!-- .*\| tiny \|.*<!-- /benchmark -->\nz\n", text, re.DOTALL)
    assert "old" not in text
    rows = report.table_in(readme, f"numpy:{what}")
    assert [row["layer"] for row in rows] == ["tiny", "other"]
    assert float(rows[0]["tconv ms"]) > 0


def test_drawn_layers_have_tables_and_files_of_their_own(tiny, tmp_path, monkeypatch):
    """And the means of both sets stand side by side, once there are figures."""
    tables, of_drawn = tmp_path / "README.md", tmp_path / "drawn.md"
    for path in (tables, of_drawn):
        path.write_text(
            "<!-- benchmark:numpy:conv_transpose -->\nUnmeasured.\n<!-- /benchmark -->\n"
        )
    monkeypatch.setattr(report, "README", tables)
    monkeypatch.setattr(report, "DRAWN", of_drawn)
    monkeypatch.setattr(machine, "RESULTS", tmp_path)
    assert summary.table(tables, of_drawn) == [
        ["arrays", "computed", "mean", "worst layer", "mean of `lax`"]
    ]
    options = ["numpy", "--seconds", "0", "--peers", "tconv,torch", "--json", "--readme"]
    command.main(options)
    (line,) = summary.table(tables, of_drawn)[1:]
    assert line[:2] == ["NumPy", "`conv_transpose`"]
    assert len(line) == 5
    command.main([*options, "--layers", "drawn"])
    header, line = summary.table(tables, of_drawn)
    assert header[5:] == ["drawn layers", "worst"]
    assert all(float(cell.split()[0]) > 0 for cell in (line[2], line[3], line[5], line[6]))
    assert "tconv/torch by family: a test" in of_drawn.read_text()
    assert "by family" not in tables.read_text()
    written = {path.name for path in tmp_path.glob("*/*.json")}
    assert written == {"numpy-conv_transpose.json", "numpy-conv_transpose-drawn.json"}


def test_a_jax_table_names_the_versions_and_the_layout(tiny, tmp_path, monkeypatch, capsys):
    """Without names the figures go where those of this machine are, and the table to its README."""
    readme = tmp_path / "README.md"
    readme.write_text("<!-- benchmark:jax:gradient:NHWC -->\n<!-- /benchmark -->\n")
    monkeypatch.setattr(machine, "RESULTS", tmp_path)
    monkeypatch.setattr(report, "README", readme)
    options = ["--what", "gradient", "--layout", "NHWC", "--seconds", "0", "--json", "--readme"]
    pytest.importorskip("flax", reason="one of the peers")
    command.main(["jax", "--peers", "tconv,torch,lax,flax", *options])
    assert re.search(r"jax \d+\.\d+.*, jaxlib \d", readme.read_text())
    assert "tconv compile s" in capsys.readouterr().out
    (written,) = tmp_path.glob("*/jax-gradient-NHWC.json")
    assert set(json.loads(written.read_text())["rows"][0]["seconds"]) == {
        "tconv",
        "torch",
        "lax",
        "flax",
    }


def test_plot(tiny, tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "ratios.png"
    command.main(["numpy", "--seconds", "0", "--peers", "tconv,torch", "--plot", str(picture)])
    assert picture.stat().st_size > 1000


def test_a_slow_peer_is_called_once(monkeypatch):
    monkeypatch.setattr(measure, "SLOW_SECONDS", 0.05)
    calls = []

    def slow(given):
        def call():
            calls.append(given)
            sleep(0.06)
            return given.x

        return call

    peers = [
        Peer("slow", slow, lambda out: (out,)),
        Peer("fast", lambda p: lambda: p.x, lambda out: (out,)),
    ]
    row = measure.measure(TINY, "conv_transpose", "float32", peers, "fast", 0)
    assert len(calls) == row.timings["slow"].calls == 1
    assert row.timings["slow"].median >= 0.06
    assert row.timings["fast"].calls >= timing.FEWEST_TURNS
    monkeypatch.setattr(table, "SLOW_SECONDS", 0.05)
    assert "one call of more than 0.05 s: slow in tiny" in table.summary([row], "fast")


def test_a_wrong_answer_stops_the_run():
    right = Peer("right", lambda p: lambda: p.x, lambda out: (out,))
    wrong = Peer("wrong", lambda p: lambda: p.x + 1, lambda out: (out,))
    with pytest.raises(SystemExit, match="wrong and right differ by 1"):
        measure.measure(TINY, "conv_transpose", "float32", [wrong, right], "right", 0)


def test_a_peer_without_support_is_named_with_its_reason():
    def cannot(_):
        raise Unsupported("too small")

    right = Peer("right", lambda p: lambda: p.x, lambda out: (out,))
    other = Peer("other", cannot, lambda out: (out,))
    row = measure.measure(TINY, "conv_transpose", "float32", [right, other], "right", 0)
    assert table.summary([row], "right") == ["other: skipped: too small"]


@pytest.mark.parametrize("present", [True, False])
def test_calls_with_stolen_time_are_left_out(monkeypatch, tmp_path, present):
    """Every second call a tick is stolen, and takes five times as long; the clock is made up."""
    statistics, clock, made = tmp_path / "stat", [0.0], [0]

    def wait(seconds):
        clock[0] += seconds

    def call():
        made[0] += 1
        wait(0.005 if made[0] % 2 else 0.001)
        if present:
            statistics.write_text(f"cpu 1 2 3 4 5 6 7 {(made[0] + 1) // 2} 0 0\ncpu0 0")

    if present:
        statistics.write_text("cpu 1 2 3 4 5 6 7 0 0 0\ncpu0 0")
        monkeypatch.setattr(timing, "STATISTICS", statistics)
    monkeypatch.setattr(timing, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(timing, "sleep", wait)
    (found,) = timing.alternate([call], 0)
    assert found.calls + found.left_out == made[0] - timing.FEWEST_TURNS
    assert (found.left_out > 0) == present
    assert found.low == pytest.approx(0.001)
    assert found.high == pytest.approx(0.001 if present else 0.005)


def test_workspace_counts_scratch_and_not_the_result():
    size = 1_000_000

    def with_scratch(_):
        return lambda: np.ones(2 * size)[:size].copy()

    peer = Peer("scratch", with_scratch, lambda out: (out,))
    held = scaling.workspace(TINY, "conv_transpose", "float32", peer)
    assert 16 * size <= held < 16 * size + 100_000


def test_limits_are_the_sum_of_their_parts():
    rates = {"product": 1.0, "copied": 0.0, "strided": 0.0, "fresh": 3.0}
    header, *rows = limits.layer_table(rates, {"dcgan_l2": ("7.5", "5.5")})
    for layer, row in zip(layers.load("layers"), rows, strict=True):
        of = dict(zip(header, row, strict=True))
        assert of["layer"] == layer.name
        assert float(of["products"]) >= 0.99 * layer.problem.work / 1e6
        assert float(of["pages of y"]) == pytest.approx(
            3 * prod(layer.problem.output_shape) / 1e6, abs=0.01
        )
        parts = float(of["products"]) + float(of["pages of y"])
        assert float(of["together"]) == pytest.approx(parts, abs=0.011)
    assert [row[-2:] for row in rows[:2]] == [["7.5", "5.5"], ["-", "-"]]


def test_rates_are_those_of_this_machine():
    assert min(limits.rates().values()) > 0
    table = limits.rate_table({"product": 0.01, "copied": 0.1, "strided": 0.4, "fresh": 2.0})
    assert [row[2] for row in table[1:]] == ["200 GFLOP/s", "40.0 GB/s", "10.0 GB/s", "2.0 GB/s"]


def test_geometric_mean():
    assert report.geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2.0)
