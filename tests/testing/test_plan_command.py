"""``python -m tconv plan`` says which form is taken, from its counts."""

from __future__ import annotations

import re

import pytest

from tconv.__main__ import main

PROBLEM = ["--input", "1,4,6,6", "--weight", "4,2,4,4", "--stride", "2", "--padding", "1"]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_each_map_has_its_forms_and_the_one_that_is_taken(
    backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *PROBLEM, "--backend", backend]) == 0
    printed = capsys.readouterr().out
    assert "x (1, 4, 6, 6), w (4, 2, 4, 4), y (1, 2, 12, 12)" in printed
    taken = re.findall(r"^\* (.+?)  ", printed, flags=re.MULTILINE)
    titles = re.findall(r"^.* from .* and .*: (.+)$", printed, flags=re.MULTILINE)
    assert len(taken) == 3
    assert [name.strip() for name in taken] == titles
    assert printed.count("measured ms") == 3


def test_times_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *PROBLEM, "--no-times"]) == 0
    printed = capsys.readouterr().out
    assert "estimated ms" in printed
    assert "measured ms" not in printed


def test_what_is_no_problem_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--input", "1,4,6,6", "--weight", "3,2,4,4"]) == 2
    assert "w:" in capsys.readouterr().out
