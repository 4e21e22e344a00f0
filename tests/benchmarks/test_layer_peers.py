"""The layers of flax and equinox beside those of ``tconv.compat``, on one tiny problem."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks import __main__ as command
from benchmarks import layers, timing
from benchmarks.layers import Layer
from benchmarks.peers import jax_peers
from benchmarks.task import make
from tconv.testing import Problem

pytest.importorskip("torch", reason="the reference peer is PyTorch")
PLAIN = Problem((4, 5), (4, 3), 2, 1, output_padding=1, in_channels=4, out_channels=6, batch=2)
GROUPED = replace(PLAIN, groups=2)


@pytest.mark.parametrize(("layout", "framework"), [("NHWC", "flax"), ("NCHW", "equinox")])
def test_rows_of_the_layers(layout, framework, monkeypatch, tmp_path):
    """Their values and gradients are checked against PyTorch's before they are timed."""
    pytest.importorskip(framework, reason="the layers are its")
    monkeypatch.setattr(timing, "STATISTICS", tmp_path / "none")
    monkeypatch.setattr(timing, "sleep", lambda seconds: None)
    found = [Layer("plain", "a test", PLAIN), Layer("grouped", "a test", GROUPED)]
    monkeypatch.setattr(layers, "load", lambda which: found)
    path = tmp_path / "rows.json"
    peers = f"torch,{framework},tconv-{framework}"
    options = ["--what", "gradient", "--layout", layout, "--seconds", "0", "--json", str(path)]
    command.main(["jax", "--peers", peers, *options])
    plain, grouped = (set(row["seconds"]) for row in json.loads(path.read_text())["rows"])
    assert plain == set(peers.split(","))
    assert grouped == plain - ({"flax"} if framework == "flax" else set())


def test_a_wrong_layer_is_stopped(monkeypatch):
    """What checks them sees one element off by one."""
    pytest.importorskip("equinox", reason="the layers are its")
    from tconv.compat.equinox import ConvTranspose

    right = ConvTranspose.__call__
    monkeypatch.setattr(
        ConvTranspose, "__call__", lambda self, x: right(self, x).at[0, 0, 0].add(1)
    )
    task = make(Layer("plain", "a test", PLAIN), "conv_transpose", "float32")
    command_options = ["jax", "--peers", "torch,tconv-equinox", "--seconds", "0"]
    monkeypatch.setattr(layers, "load", lambda which: [task.layer])
    with pytest.raises(SystemExit, match="tconv-equinox and torch differ by 1"):
        command.main(command_options)
    assert ("plain", "tconv-equinox") in jax_peers.compile_seconds
