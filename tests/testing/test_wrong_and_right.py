"""The checker is checked: every wrong implementation is caught, every right one passes.

By default with one seed.  The full table, 20 seeds for the wrong and 100 for the right ones,
takes some three hours of one core:

    TCONV_PROFILE=deep python -m pytest tests/testing/test_wrong_and_right.py -s
"""

import inspect
import os
import time
from collections import Counter

import pytest

from tconv.testing import CheckFailure, check_conv_transpose
from tests.testing.right import RIGHT
from tests.testing.wrong import ABOVE, WRONG

SMALL = [wrong for wrong in WRONG if wrong not in ABOVE]  # the others are in test_larger.py
DEEP = os.environ.get("TCONV_PROFILE") == "deep"
WRONG_SEEDS = range(20) if DEEP else range(1)
RIGHT_SEEDS = range(100) if DEEP else range(1)
# A compilation for each shape makes the check of a JAX function take some ten seconds.
WITH_LARGER = ("torch", "tconv numpy auto")
IN_EVERY_RUN = [name for name in RIGHT if "jax" not in name and name != "lax"]


def seconds_since(start):
    return f"{time.monotonic() - start:6.1f} s"


@pytest.mark.parametrize("wrong", WRONG if DEEP else SMALL, ids=lambda fn: fn.__name__)
def test_wrong_is_caught(wrong):
    start, found = time.monotonic(), Counter()
    for seed in WRONG_SEEDS:
        subject = wrong() if inspect.isclass(wrong) else wrong
        with pytest.raises(CheckFailure) as caught:
            check_conv_transpose(subject, seed=seed)
        found[caught.value.property_name] += 1
    how = ", ".join(f"{name} {count}" for name, count in found.most_common())
    caught_in = f"caught {sum(found.values())}/{len(WRONG_SEEDS)}"
    print(f"\n{wrong.__name__:40} {caught_in:14} {seconds_since(start)}  {how}")


@pytest.mark.parametrize("name", RIGHT if DEEP else IN_EVERY_RUN)
def test_right_passes(name):
    function, options = RIGHT[name]
    start, problems = time.monotonic(), 0
    for seed in RIGHT_SEEDS:
        profile = "default" if DEEP or name in WITH_LARGER else "quick"
        problems += check_conv_transpose(function, seed=seed, profile=profile, **options).problems
    seeds = len(RIGHT_SEEDS)
    print(f"\n{name:40} passed {seeds}/{seeds} {problems} problems {seconds_since(start)}")


def test_there_are_at_least_25_wrong_ones():
    assert len({fn.__name__ for fn in WRONG}) == len(WRONG) >= 25
