"""In a process of its own: the limit that the example sets cannot be lifted again."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dask", reason="Dask is an optional package")
pytest.importorskip("zarr", reason="zarr is an optional package")

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on data is Linux's")
def test_a_volume_several_times_the_memory_allowed():
    command = [sys.executable, str(ROOT / "examples" / "larger_than_memory.py"), "--short"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    assert "MB at once: refused" in run.stdout
    (times,) = re.findall(r"the result is ([\d.]+) times the memory allowed", run.stdout)
    assert float(times) > 2
