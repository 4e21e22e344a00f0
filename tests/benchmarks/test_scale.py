"""What more devices, chunks and blocks of a stream cost: bytes off a program, and the command."""

import re

import jax
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from benchmarks import __main__ as command
from benchmarks import scale, timing

pytest.importorskip("dask", reason="Dask is an optional package")


def test_bytes_of_a_gather_and_of_rows_passed_on():
    mesh = Mesh(np.array(jax.devices()[:4]), ("i",))
    along, whole = NamedSharding(mesh, P("i")), NamedSharding(mesh, P())
    x = jax.device_put(np.ones((8, 3), "float32"), along)
    gathered = jax.jit(lambda x: x * 1, out_shardings=whole).lower(x).compile()
    assert scale.received(gathered, 4) == {"all-gather": 3 * 2 * 3 * 4}
    passed = jax.shard_map(
        lambda x: jax.lax.ppermute(x[:1], "i", [(0, 1)]),
        mesh=mesh,
        in_specs=P("i"),
        out_specs=P("i"),
    )
    assert scale.received(jax.jit(passed).lower(x).compile(), 4) == {"collective-permute": 3 * 4}


def test_the_command_prints_its_tables(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(timing, "STATISTICS", tmp_path / "none")
    monkeypatch.setattr(timing, "sleep", lambda seconds: None)
    monkeypatch.setattr(scale, "ROWS", 4)
    monkeypatch.setattr(scale, "COLUMNS", 4)
    monkeypatch.setattr(jax.config, "update", lambda *_: None)  # the tests have their devices
    file = tmp_path / "scale.json"
    command.main(
        ["scale", "--devices", "1", "2", "--size", "8", "--seconds", "0.01", "--json", str(file)]
    )
    out = capsys.readouterr().out
    assert re.search(r"conv_transpose +2 +collective-permute 1,024 B", out)
    assert re.search(r"gradient +2 +all-reduce 32,768 B, collective-permute", out)
    assert "64 chunks of 2^3" in out
    assert '"stream"' in file.read_text()
