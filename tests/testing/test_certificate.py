"""The certificate's content, and what it counts."""

from __future__ import annotations

import json
from dataclasses import asdict
from types import SimpleNamespace

import pytest

import tconv
from tconv.testing.commands import certificate
from tconv.testing.commands.rows import Check, Row, Target
from tconv.testing.mutants.mutant import Mutant
from tconv.testing.mutants.scoring import Outcome
from tconv.testing.problems.supports import Supports

PASSED = Row("conv_transpose", "auto", "int8", "pass", 30, 200, 0.5, "", 4)
FAILED = Row("conv", "", "int32", "FAIL", 3, 0, 0.25, "the kernel is flipped", 1)


@pytest.fixture
def found(monkeypatch):
    """Stands for the machine, the pairs and the mutants; what was asked of them is noted."""
    asked = SimpleNamespace(pairs=[], selected=[], outcomes=[], steps=[], labels=[], rows=[])
    mutants = [
        Mutant("flipped", "", "", "conv_transpose", print),
        Mutant("shifted", "", "", "conv_transpose", print),
        Mutant("doubled", "", "", "conv", print),
    ]

    class Progress:
        def __init__(self, rows):
            asked.rows.append(rows)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            asked.steps.append("closed")

        def label(self, text):
            asked.labels.append(text)

        def step(self, done, total):
            asked.steps.append((done, total))

    def covered(*space):
        asked.pairs.append(space)
        return 5, 9

    def outcomes(chosen, **options):
        asked.outcomes.append((list(chosen), options))
        for one in chosen:
            yield Outcome(one, 7, "" if one.name == "shifted" else "values", 2)

    def selection(kind, **options):
        asked.selected.append((kind, options))
        return range(34)

    replaced = {
        "MUTANTS": mutants, "Progress": Progress, "covered": covered, "outcomes": outcomes,
        "Selection": selection, "machine": lambda: {"cores": 3},
        "versions": lambda names: dict.fromkeys(names, "0.1"),
    }  # fmt: skip
    for name, value in replaced.items():
        monkeypatch.setattr(certificate, name, value)
    return asked


def target(**options):
    checks = [Check("conv_transpose", "auto", dtype, print) for dtype in ("int8", "int32")]
    settings = {"profile": "default", "examples": 6, "ndim": (2, 3), **options}
    return Target("mine:f", ("mine",), checks, Supports("groups=1"), bool, **settings)


def test_the_whole_content(found):
    content = certificate.certificate(target(), [PASSED, FAILED], 7)
    assert content == {
        "format": 1,
        "subject": "mine:f",
        "versions": {
            "tconv": tconv.__version__, "numpy": "0.1", "hypothesis": "0.1", "mine": "0.1",
        },
        "machine": {"cores": 3},
        "seed": 7,
        "profile": "default",
        "ndim": [2, 3],
        "dtypes": ["int8", "int32"],
        "problems": 33,
        "left_out": {"supports": "groups=1", "problems": 5},
        "pairs": {"covered": 5, "of": 9},
        "mutation_score": {"caught": 2, "of": 3, "missed": ["shifted"]},
        "passed": False,
        "rows": [asdict(PASSED), asdict(FAILED)],
    }  # fmt: skip
    assert found.pairs == [("conv_transpose", (2, 3), ("int8",), 7, bool)]
    assert found.selected == [("conv_transpose", {
        "ndim": (2, 3), "dtypes": ("int8",), "seed": 7, "profile": "default", "max_examples": 6,
    })]  # fmt: skip
    ((mutants, options),) = found.outcomes
    assert [one.name for one in mutants] == ["flipped", "shifted", "doubled"]
    assert options == {
        "seeds": (7,), "max_examples": 6, "ndim": (2, 3), "supports": bool, "profile": "default",
    }  # fmt: skip
    assert (found.rows, found.labels) == ([1], ["mutation score"])
    assert found.steps == [(1, 3), (2, 3), (3, 3), "closed"]


def test_the_score_is_over_the_mutants_of_the_maps_that_were_checked(found):
    content = certificate.certificate(target(), [PASSED, PASSED], 7)
    assert content["mutation_score"] == {"caught": 1, "of": 2, "missed": ["shifted"]}
    assert content["passed"] is True
    assert content["dtypes"] == ["int8"]


@pytest.mark.parametrize(
    ("profile", "row", "covered"),
    [
        ("default", PASSED, 5),
        ("thorough", PASSED, 5),
        ("few", PASSED, 0),
        ("quick", PASSED, 0),
        ("table", PASSED, 0),
        ("default", Row("conv_transpose", "auto", "int8", "pass", 30, 200, 0.5, "", 3), 0),
        ("default", Row("conv_transpose", "auto", "int8", "FAIL", 30, 0, 0.5, "", 4), 0),
    ],
)
def test_pairs_count_where_every_problem_was_tried(found, profile, row, covered):
    content = certificate.certificate(target(profile=profile), [row, FAILED], 7)
    assert content["pairs"] == {"covered": covered, "of": 9}


def test_what_was_not_drawn_from_the_kit_s_problems_has_no_pairs_and_no_score(found):
    content = certificate.certificate(target(profile=""), [PASSED], 7)
    assert content["pairs"] is None
    assert content["mutation_score"] is None
    assert (found.pairs, found.outcomes) == ([], [])


def test_written_to_a_file_or_printed(tmp_path, capsys):
    content = {"format": 1, "rows": [{"check": "conv"}]}
    text = '{\n  "format": 1,\n  "rows": [\n    {\n      "check": "conv"\n    }\n  ]\n}\n'
    file = tmp_path / "certificate.json"
    certificate.write(str(file), content)
    assert file.read_text(encoding="utf-8") == text
    assert json.loads(text) == content
    assert capsys.readouterr().out == ""
    certificate.write("-", content)
    assert capsys.readouterr().out == text
