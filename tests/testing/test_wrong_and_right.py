"""The checker is checked: every mutant is caught, every right implementation passes.

By default with one seed.  The full table, 20 seeds for the mutants and 100 for the right ones,
takes some three hours of one core:

    TCONV_PROFILE=deep python -m pytest tests/testing/test_wrong_and_right.py -s
"""

import os
import time

import pytest

from tconv.testing import check_conv_transpose
from tconv.testing.mutants import EQUIVALENT, KINDS, MUTANTS, Mutant, score
from tests.testing.right import RIGHT

DEEP = os.environ.get("TCONV_PROFILE") == "deep"
MUTANT_SEEDS = range(20) if DEEP else range(1)
RIGHT_SEEDS = range(100) if DEEP else range(1)
# Even the few programs of a JAX function take some twenty seconds.
WITH_LARGER = ("torch", "tconv numpy auto")
IN_EVERY_RUN = [name for name in RIGHT if "jax" not in name and name != "lax"]


def seconds_since(start):
    return f"{time.monotonic() - start:6.1f} s"


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_every_mutant_is_caught(kind):
    start = time.monotonic()
    found = score([mutant for mutant in MUTANTS if mutant.kind == kind], seeds=MUTANT_SEEDS)
    print(f"\n{kind:20} {found} {seconds_since(start)}")
    assert not found.missed
    assert found.rate == 1.0


def test_what_changes_no_result_is_accepted():
    found = score(EQUIVALENT, seeds=MUTANT_SEEDS, profile="default" if DEEP else "quick")
    assert not found.caught
    assert found.rate == 0.0


def test_the_mutants_are_many_and_have_each_a_name_and_a_sentence():
    assert len({(mutant.name, mutant.kind) for mutant in MUTANTS}) == len(MUTANTS) >= 100
    for mutant in (*MUTANTS, *EQUIVALENT):
        assert mutant.kind in KINDS
        assert mutant.mistake.endswith(".")
        assert "_" not in mutant.name
        for report in filter(None, mutant.source.split(", ")):
            repository, _, number = report.partition("#")
            assert repository.count("/") == 1
            assert number.isdigit()
    assert sum(bool(mutant.source) for mutant in MUTANTS) >= 40


def test_a_mutant_outside_of_what_is_supported_is_missed():
    grouped = [mutant for mutant in MUTANTS if mutant.name == "last group reversed"]
    found = score(grouped, profile="table", ndim=1, supports=lambda p: p.groups == 1)
    assert [outcome.mutant for outcome in found.missed] == grouped
    assert (found.missed[0].problems, str(found)) == (27, "0 of 1 caught (0.0 %)")


def test_a_score_needs_mutants_and_seeds():
    for arguments in (([], (0,)), (MUTANTS, ())):
        with pytest.raises(ValueError, match="mutants, seeds: there must be one at least"):
            score(arguments[0], seeds=arguments[1])


def test_a_mutant_is_a_value():
    with pytest.raises(AttributeError):
        MUTANTS[0].name = "another"
    assert isinstance(MUTANTS[0], Mutant)


@pytest.mark.parametrize("name", RIGHT if DEEP else IN_EVERY_RUN)
def test_right_passes(name):
    function, options = RIGHT[name]
    start, problems = time.monotonic(), 0
    for seed in RIGHT_SEEDS:
        profile = "default" if DEEP or name in WITH_LARGER else "quick"
        problems += check_conv_transpose(function, seed=seed, profile=profile, **options).problems
    seeds = len(RIGHT_SEEDS)
    print(f"\n{name:40} passed {seeds}/{seeds} {problems} problems {seconds_since(start)}")
