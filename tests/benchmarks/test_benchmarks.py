"""The benchmark harness: runs on one tiny layer and refuses wrong answers.  Nothing is timed
against a limit."""

import json
import re
from dataclasses import replace
from time import sleep

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import layers, machine, report, task, timing
from benchmarks.layers import Layer
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
    """By name for people, by what they are for the choice, which keeps its two sets apart."""
    found = layers.load("all")
    assert len({layer.name for layer in found}) == len({layer.problem for layer in found})
    assert len(found) == len({layer.name for layer in found})
    assert len(layers.load("others")) >= 40


def test_a_problem_is_read_as_it_was_written():
    for layer in layers.load("all"):
        written = json.loads(json.dumps(layers.record_of(layer.problem)))
        assert layers.problem_of(written) == layer.problem


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


def test_geometric_mean():
    assert report.geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2.0)
