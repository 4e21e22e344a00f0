"""What ``python -m tconv check`` prints, to the letter: its table, its progress, its machine."""

from __future__ import annotations

import io
import os
import platform
import sys
from argparse import ArgumentParser
from collections import Counter
from types import SimpleNamespace

import pytest

import tconv
from tconv.__main__ import main
from tconv.testing.checks import Summary
from tconv.testing.commands import check, machine, mutants, progress, rows
from tconv.testing.commands.rows import Check, Row, Target
from tconv.testing.failure.report import CheckFailure
from tconv.testing.mutants.mutant import Mutant
from tconv.testing.mutants.scoring import Outcome


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves; the table's and the progress's."""
    now = SimpleNamespace(seconds=100.0)
    fake = SimpleNamespace(monotonic=lambda: now.seconds)
    for module in (check, mutants, progress, rows):
        monkeypatch.setattr(module, "time", fake)
    return now


class Told(CheckFailure):
    """A failure with its report alone."""

    def __init__(self, text):
        Exception.__init__(self, text)


def passing(clock, problems, skipped=0):
    def run(step):
        step(problems, problems)
        clock.seconds += 50
        held = Counter({"shape": problems, "values": 2})
        return Summary(problems, 1, skipped, held, 12.25)

    return run


def failing(clock):
    def run(step):
        step(3, 10)
        clock.seconds += 2.5
        raise Told("the kernel is flipped")

    return run


def test_rows_of_what_passes_and_of_what_fails(clock):
    checks = [
        Check("conv", "", "int8", passing(clock, 7, 4)),
        Check("conv_transpose", "auto", "float32", failing(clock)),
    ]
    found = list(rows.rows(checks))
    assert found == [
        Row("conv", "", "int8", "pass", 7, 9, 12.25, "", 4),
        Row("conv_transpose", "auto", "float32", "FAIL", 3, 0, 2.5, "the kernel is flipped", 0),
    ]
    assert [rows.HEAD, *map(rows.line, found)] == [
        "check                 method    dtype       problems  properties      s",
        "conv                            int8               7           9   12.2  pass",
        "conv_transpose        auto      float32            3           0    2.5  FAIL",
    ]


def test_the_rows_are_labelled_on_the_progress(clock, monkeypatch):
    told = []

    class Noted(progress.Progress):
        def label(self, text):
            told.append((self.rows, text))
            super().label(text)

        def hide(self):
            told.append("hidden")

    monkeypatch.setattr(rows, "Progress", Noted)
    checks = [
        Check("conv", "", "int8", passing(clock, 7)),
        Check("conv_transpose", "auto", "float32", failing(clock)),
    ]
    for _ in rows.rows(checks):
        told.append("row")
    assert told == [
        (2, "conv int8"), "hidden", "row", (2, "conv_transpose auto float32"), "hidden", "row",
    ]  # fmt: skip


def test_a_row_is_labelled_before_it_begins(clock):
    """What was done before the first step of a row is nothing."""

    def fails(step):
        raise Told("at once")

    (row,) = rows.rows([Check("conv", "", "int8", fails)])
    assert (row.problems, row.verdict) == (0, "FAIL")


def test_lines_ten_seconds_apart(clock, capsys):
    shown = progress.Progress(3)
    clock.seconds = 105
    shown.label("first")
    for seconds, done in ((109.9, 1), (110, 2), (119.9, 3), (120, 0), (120, 5), (131, 10)):
        clock.seconds = seconds
        shown.step(done, 10)
    shown.hide()
    clock.seconds = 140
    shown.label("second")
    clock.seconds = 150.4
    shown.step(1, 3)
    with shown as same:
        assert same is shown
    assert capsys.readouterr().err.splitlines() == [
        "  first: 2 of 10 problems, row 1 of 3, 10 s so far, about 20 s to the end of the row",
        "  first: 5 of 10 problems, row 1 of 3, 20 s so far, about 15 s to the end of the row",
        "  second: 1 of 3 problems, row 2 of 3, 50 s so far, about 21 s to the end of the row",
    ]


def test_the_bar_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.Progress(4) as shown:
        shown.label("conv float32")
        shown.step(1, 4)
        text = str(shown.bar)
        assert text.startswith(f"{'conv float32: ':34}  6%|")
        assert text.endswith(" left")
        assert not shown.bar.leave
        before = sys.stderr.getvalue()
        shown.hide()
        assert len(sys.stderr.getvalue()) > len(before)
        assert not shown.bar.disable
    assert shown.bar.disable


def test_without_tqdm_there_are_lines(monkeypatch, clock, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    shown = progress.Progress(1)
    shown.label("conv")
    clock.seconds += 12
    shown.step(1, 2)
    assert shown.bar is None
    assert "conv: 1 of 2 problems" in capsys.readouterr().err


def test_all_that_is_printed(clock, monkeypatch, capsys):
    monkeypatch.setattr(check, "machine", lambda: {"python": "3.99", "processor": "an abacus"})
    versions = {"numpy": "9.8", "hypothesis": "7.6", "mine": "0.1"}
    monkeypatch.setattr(check, "versions", lambda names: {name: versions[name] for name in names})
    checks = [
        Check("conv", "", "int8", passing(clock, 7)),
        Check("conv_transpose", "auto", "float32", failing(clock)),
    ]
    target = Target("mine:upsample", ("mine",), checks, note="A note.")
    assert [row.verdict for row in check._certify(target)] == ["pass", "FAIL"]
    assert (
        capsys.readouterr().out
        == f"""\
tconv {tconv.__version__} certifies mine:upsample
numpy 9.8, hypothesis 7.6, mine 0.1, Python 3.99 on an abacus
check                 method    dtype       problems  properties      s
conv                            int8               7           9   12.2  pass
conv_transpose        auto      float32            3           0    2.5  FAIL
A note.

conv_transpose, auto, float32
the kernel is flipped

FAILED: 1 of 2 checks; 10 problems in 52.5 s
"""
    )
    check._certify(Target("mine:upsample", (), checks[:1]))
    printed = capsys.readouterr().out.splitlines()
    assert printed[1] == "numpy 9.8, hypothesis 7.6, Python 3.99 on an abacus"
    assert printed[3:] == [
        "conv                            int8               7           9   12.2  pass",
        "",
        "PASSED; 7 problems in 50.0 s",
    ]


def test_the_table_of_mutants(clock, monkeypatch, capsys):
    def mutant(name, kind, source=""):
        return Mutant(name, f"Mistake: {name}.", source, kind, print)

    every = [
        mutant("kernel flipped", "conv_transpose", "a/b#1"),
        mutant("crop missing", "conv_transpose"),
        mutant("bias doubled", "conv", "c/d#2"),
    ]
    same = [mutant("axes named", "conv"), mutant("loop turned", "conv")]
    found = {
        "kernel flipped": ("values", 12), "crop missing": ("", 100), "bias doubled": ("bias", 3),
        "axes named": ("", 100), "loop turned": ("", 100),
    }  # fmt: skip

    def outcomes(chosen, **options):
        assert options == {"profile": "table", "max_examples": 4, "seeds": (9,)}
        clock.seconds += 1.25
        for one in chosen:
            yield Outcome(one, 9, *found[one.name])

    monkeypatch.setattr(mutants, "MUTANTS", every)
    monkeypatch.setattr(mutants, "EQUIVALENT", same)
    monkeypatch.setattr(mutants, "outcomes", outcomes)
    arguments = ["check", "--mutants", "--profile", "table", "--examples", "4", "--seed", "9"]
    assert main(arguments) == 1
    assert capsys.readouterr().out.splitlines() == [
        "mutant".ljust(54) + "kind                caught by                 problems",
        "kernel flipped".ljust(54) + "conv_transpose      values                          12",
        "crop missing".ljust(54) + "conv_transpose      MISSED                         100",
        "bias doubled".ljust(54) + "conv                bias                             3",
        "",
        "mutants: 2 of 3 caught (66.7 %) in 2.5 s; 2 conv_transpose, 1 conv",
        "2 of them are modelled on reports of real ports:",
        "    Mistake: kernel flipped. (a/b#1)",
        "    Mistake: bias doubled. (c/d#2)",
        "accepted of 2 changes that change no result: 2",
    ]
    found["crop missing"] = "shape", 1
    assert main(arguments) == 0
    assert "3 of 3 caught (100.0 %)" in capsys.readouterr().out
    found["loop turned"] = "values", 2
    assert main(arguments) == 1
    assert "that change no result: 1\n" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--profile", "quick"]])
def test_the_mutants_are_tried_as_the_checks_are(monkeypatch, arguments):
    asked = []
    monkeypatch.setattr(check, "run_mutants", lambda **options: asked.append(options) or 7)
    assert main(["check", "--mutants", *arguments]) == 7
    profile = arguments[-1] if arguments else "default"
    assert asked == [{"profile": profile, "max_examples": None, "seeds": (0,)}]


def test_the_processor_s_own_name(monkeypatch, tmp_path):
    info = tmp_path / "cpuinfo"
    monkeypatch.setattr(machine, "Path", lambda name: {"/proc/cpuinfo": info}[name])
    monkeypatch.setattr(platform, "processor", lambda: "x86_64")
    monkeypatch.setattr(platform, "machine", lambda: "amd64")
    info.write_text("processor : 0\nmodel name\t: Abacus 3 : fast \nmodel name : other\n")
    assert machine.processor() == "Abacus 3 : fast"
    info.write_text("processor : 0\nmodel : 3\n")
    assert machine.processor() == "x86_64"
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert machine.processor() == "amd64"
    info.unlink()
    assert machine.processor() == "amd64"


def test_the_cores_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 5, 7} if pid == 0 else {1}, False)
    assert machine.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert machine.cores() == 12
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.cores() == 1


def test_the_machine_and_the_versions(monkeypatch):
    for name, value in (("system", "Minix"), ("machine", "m68k"), ("python_version", "3.99")):
        monkeypatch.setattr(platform, name, lambda value=value: value)
    assert machine.machine() == {
        "processor": machine.processor(), "cores": machine.cores(), "system": "Minix m68k",
        "python": "3.99",
    }  # fmt: skip
    assert machine.versions(("pytest", "no-such-package", "numpy")) == {
        "pytest": pytest.__version__, "numpy": machine.version("numpy"),
    }  # fmt: skip


def test_a_target_offers_everything_on_every_number_of_axes_unless_it_says_less():
    target = Target("mine", (), ())
    assert target.allows(None) is True
    assert (target.supports.text, target.note, target.profile) == ("", "", "")
    assert (target.examples, target.ndim) == (None, (1, 2, 3))


def test_the_help_shows_four_calls(capsys):
    parser = ArgumentParser(prog="python -m tconv")
    check.add_to(parser.add_subparsers())
    with pytest.raises(SystemExit):
        parser.parse_args(["check", "--help"])
    printed = capsys.readouterr().out
    assert check._EPILOG in printed
    for words in ("package.module:function, or a model that ends with .onnx", "one of torch, lax"):
        assert words in " ".join(printed.split())
