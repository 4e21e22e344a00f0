"""Times that nobody reads are taken without waiting, and without asking what was stolen."""

import pytest

from benchmarks import timing


@pytest.fixture(autouse=True)
def unhurried(monkeypatch, tmp_path):
    monkeypatch.setattr(timing, "STATISTICS", tmp_path / "none")
    monkeypatch.setattr(timing, "sleep", lambda seconds: None)
