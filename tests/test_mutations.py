"""The mutation runner on a module of a few lines: which changes it makes, and which tests see."""

from __future__ import annotations

import ast
import json
import subprocess
from collections import Counter
from math import inf
from pathlib import Path

import pytest

from tests.mutations.__main__ import drawn, quickest, verdicts
from tests.mutations.mutants import mutants_of, mutated
from tests.mutations.reach import is_near
from tests.mutations.score import KILLED, SURVIVED, Verdict, table
from tests.mutations.trial import CRASHED, TIMED_OUT, Server

SOURCE = '''"""Of 3 + 4 lines."""

from typing import TYPE_CHECKING

__all__ = ["clamp"]
Number = list[int | float]

if TYPE_CHECKING:
    LIMIT = 7


def clamp(value: "int | float", low=0, high=10, *, name="value", other=None):
    """From 0 to 10."""
    if not low <= value:
        raise ValueError(f"{name}: at least {low + 0}")
    if value > high:
        fail("value", 1 + 1)
    log(low, high)
    total = [pair for pair in zip([value], [-low], strict=True)]
    total += [min(value, high)]
    return total[0] if value and high else total


def clamp_counts(plan) -> Counts:
    return Counts(calls=plan + 1)


RATES = Rates(calls=2)
'''


def changes(source: str) -> list[tuple[int, str, str]]:
    return [(found.line, found.before, found.after) for found in mutants_of("a.py", source)]


def test_every_change_of_the_toy() -> None:
    assert changes(SOURCE) == [
        (12, "0", "-1"),
        (12, "0", "1"),
        (12, "10", "11"),
        (12, "10", "9"),
        (12, "'value'", "''"),
        (12, "None", "0"),
        (14, "not low <= value", "False"),
        (14, "not low <= value", "low <= value"),
        (14, "low <= value", "low < value"),
        (16, "value > high", "False"),
        (16, "value > high", "value >= high"),
        (17, "fail('value', 1 + 1)", "pass"),
        (18, "log(low, high)", "log(high, low)"),
        (18, "log(low, high)", "pass"),
        (19, "zip([value], [-low], strict=True)", "zip([-low], [value], strict=True)"),
        (19, "-low", "low"),
        (20, "total += [min(value, high)]", "total -= [min(value, high)]"),
        (21, "return total[0] if value and high else total", "return None"),
        (21, "total[0] if value and high else total", "total"),
        (21, "total[0] if value and high else total", "total[0]"),
        (21, "0", "-1"),
        (21, "0", "1"),
        (21, "value and high", "value or high"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a < b", ["a <= b"]),
        ("a <= b", ["a < b"]),
        ("a > b", ["a >= b"]),
        ("a >= b", ["a > b"]),
        ("a == b", ["a != b"]),
        ("a != b", ["a == b"]),
        ("a is b", ["a is not b"]),
        ("a not in b", ["a in b"]),
        ("a < b <= c", ["a < b < c", "a <= b <= c"]),
        ("a + b", ["a - b"]),
        ("a // b", ["a * b"]),
        ("a % b", ["a // b"]),
        ("a ** b", ["a * b"]),
        ("a | b", ["a & b"]),
        ("a or b", ["a and b"]),
        ("True", ["False"]),
        ("2.5", ["1.5", "3.5"]),
        ("f(*a, b)", []),
        ("f(a, a)", []),
        ("max(a, b)", []),
        ("a.swapaxes(b, c)", []),
        ("f.swapaxes(a, b, c)", ["f.swapaxes(b, a, c)"]),
        ("isinstance(a, int | float)", []),
        ("f'{a + 1}'", []),
        ("'text'", []),
    ],
)
def test_changes_of_expressions(before: str, after: list[str]) -> None:
    found = changes(f"def function():\n    x = f[{before}]")
    assert [change[2] for change in found] == after


def test_a_default_that_is_empty_has_nothing_to_change() -> None:
    assert changes("def function(a='', *, b='c'):\n    pass") == [(1, "'c'", "''")]


def test_each_mutant_is_the_source_but_for_its_change() -> None:
    for mutant in mutants_of("a.py", SOURCE):
        text = mutated(SOURCE, mutant)
        start, stop = mutant.span
        assert text.startswith(SOURCE[:start])
        assert text.endswith(SOURCE[stop:])
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(SOURCE))
        if not mutant.statement:
            assert ast.unparse(ast.parse(text)).count(mutant.after)


def test_places_are_in_bytes_and_precedence_is_kept() -> None:
    source = "x = 'äöü', a - (b - c), a * b ** c\n"
    texts = {mutated(source, mutant) for mutant in mutants_of("a.py", source)}
    assert "x = 'äöü', a - (b - c), a * (b * c)\n" in texts
    assert "x = 'äöü', (a + (b - c)), a * b ** c\n" in texts
    assert "x = 'äöü', a - ((b + c)), a * b ** c\n" in texts


def test_names_tell_mutants_of_one_function_apart() -> None:
    names = [mutant.name for mutant in mutants_of("a.py", "def f(x):\n    return x[0] + x[0]\n")]
    assert "a.py f: 0 -> 1" in names
    assert "a.py f: 0 -> 1 (2)" in names
    assert max(Counter(names).values()) == 1


def test_a_seed_draws_the_same_and_files_by_their_lines() -> None:
    sources = {"short.py": "x = 1\n" * 20, "long.py": "x = 1\n" * 180}
    first, again, other = (drawn(sources, seed, 100) for seed in (0, 0, 1))
    assert first == again != other
    assert len({(mutant.path, mutant.name) for mutant in first}) == 100
    assert 75 < Counter(mutant.path for mutant in first)["long.py"] <= 100
    assert len(drawn(sources, 0, 1000)) == 400


@pytest.mark.parametrize(
    ("file", "path", "near"),
    [
        ("tests/_core/test_axis.py", "tconv/_core/axis.py", True),
        ("tests/test_layers.py", "tconv/layers.py", True),
        ("tests/convolution/test_errors.py", "tconv/convolution.py", True),
        ("tconv/layers.py", "tconv/layers.py", True),
        ("tests/test_layers.py", "tconv/_core/axis.py", False),
    ],
)
def test_tests_near_a_file(file: str, path: str, near: bool) -> None:
    assert is_near(file, path) == near


def test_the_score_leaves_out_equivalents() -> None:
    outcomes = ["killed"] * 3 + ["survived", "equivalent"]
    found = [Verdict(f"a/{n}.py f: 0 -> 1", "", o, "", 0, ("", "")) for n, o in enumerate(outcomes)]
    lines = [line.split() for line in table(found).splitlines()]
    assert lines[1:] == [[name, "5", "3", "1", "1", "75.0%"] for name in ("a", "all")]


TESTS = """
import subprocess, sys
from toy.ages import adult, grown

def test_near():
    assert not adult(3) and adult(40)

def test_of_a_default():
    assert grown(1) == 4

def test_in_another_process():
    code = "from toy.ages import doubled; assert doubled(3) == 6"
    subprocess.run([sys.executable, "-c", code], check=True)
"""
TOY = """LIMIT = 18

def adult(age):
    return age >= LIMIT

def grown(age, years=3):
    return age + years

def doubled(age):
    return 2 * age
"""


def test_what_the_tests_of_a_toy_notice(tmp_path: Path) -> None:
    pytest.importorskip("coverage", reason="it notes which tests run which lines")
    root, store = tmp_path / "tree", tmp_path / "store"
    (root / "toy").mkdir(parents=True)
    (root / "tests").mkdir()
    store.mkdir()
    (root / "toy" / "__init__.py").touch()
    (root / "toy" / "ages.py").write_text(TOY)
    (root / "tests" / "test_ages.py").write_text(TESTS)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    wanted = {
        "age >= LIMIT -> age > LIMIT": "",
        "return age >= LIMIT -> return None": "tests/test_ages.py::test_near",
        "18 -> 19": "",
        "3 -> 4": "tests/test_ages.py::test_of_a_default",
        "2 * age -> 2 // age": "tests/test_ages.py::test_in_another_process",
    }
    mutants = {f"{m.before} -> {m.after}": m for m in mutants_of("toy/ages.py", TOY)}
    chosen = [mutants[change] for change in wanted]
    for _ in range(2):
        found = list(verdicts(root, "toy", chosen, store, ("pytest", "coverage")))
        assert [verdict.by for verdict in found] == list(wanted.values())
        assert [verdict.outcome for verdict in found] == [
            KILLED if by else SURVIVED for by in wanted.values()
        ]
        assert (root / "toy" / "ages.py").read_text() == TOY
        assert len((store / "results.jsonl").read_text().splitlines()) == len(wanted)
    for line in (store / "results.jsonl").read_text().splitlines():
        assert json.loads(line)["change"].startswith("toy/ages.py:")


def test_no_more_tests_are_asked_than_take_so_long() -> None:
    seconds = {"quick": 1.0, "slow": 4.0, "slower": 5.0}
    for most, expected in [(0.5, []), (4, ["quick"]), (5, ["quick", "slow"]), (inf, [*seconds])]:
        assert quickest([*seconds], seconds, most) == expected


def test_tests_that_hang_and_tests_that_crash(tmp_path: Path) -> None:
    (tmp_path / "test_both.py").write_text(
        "import os, time\ndef test_hang(): time.sleep(99)\ndef test_crash(): os.abort()\n"
    )
    with Server(tmp_path, ("pytest",)) as server:
        for name, limit, timeout, expected in [
            ("hang", 60, 1, TIMED_OUT),
            ("hang", 0.5, 60, TIMED_OUT),
            ("crash", 60, 60, CRASHED),
        ]:
            run = {"paths": ["test_both.py"], "limits": {f"test_both.py::test_{name}": limit}}
            assert server.ask(run=run, timeout=timeout)["failed"] == expected
