"""The machine and the versions that a certificate names, on systems of every kind."""

import os
import platform
from importlib.metadata import version

import pytest

from tconv.testing.commands import machine

CPUINFO = """\
processor\t: 0
vendor_id\t: Maker
model name\t: Maker 5 CPU: fast @ 2 GHz
cpu MHz\t\t: 2000

processor\t: 1
model name\t: another
"""


@pytest.mark.parametrize(
    ("told", "processor", "expected"),
    [
        (CPUINFO, "x86", "Maker 5 CPU: fast @ 2 GHz"),
        ("processor\t: 0\nBogoMIPS\t: 50\n", "arm", "arm"),  # as Linux on ARM
        (None, "i386", "i386"),  # no such file
        (None, "", "the kind"),
    ],
)
def test_the_processor_is_named_as_the_system_tells(
    monkeypatch, tmp_path, told, processor, expected
):
    file = tmp_path / "cpuinfo"
    if told is not None:
        file.write_text(told)
    asked = []
    monkeypatch.setattr(machine, "Path", lambda path: asked.append(path) or file)
    monkeypatch.setattr(platform, "processor", lambda: processor)
    monkeypatch.setattr(platform, "machine", lambda: "the kind")
    assert machine.processor() == expected
    assert asked == ["/proc/cpuinfo"]


def test_the_cores_are_those_of_this_process_where_the_system_tells(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", {0: {5, 7, 9}}.__getitem__, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert machine.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert machine.cores() == 64
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.cores() == 1


def test_system_and_python(monkeypatch):
    monkeypatch.setattr(machine, "processor", lambda: "Maker 5")
    monkeypatch.setattr(machine, "cores", lambda: 3)
    for name, value in {"system": "Linux", "machine": "arm64", "python_version": "3.13.1"}.items():
        monkeypatch.setattr(platform, name, lambda value=value: value)
    assert machine.machine() == {
        "processor": "Maker 5", "cores": 3, "system": "Linux arm64", "python": "3.13.1",
    }  # fmt: skip


def test_the_versions_of_what_is_installed():
    found = machine.versions(["numpy", "no-such-distribution", "pytest"])
    assert found == {"numpy": version("numpy"), "pytest": version("pytest")}
