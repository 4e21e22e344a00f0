"""Counts turned into time, and the least of several."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from tconv._core.cost import MAPPED, Counts, Rates, cheapest, copy, gemm

RATES = Rates(products=1, convolved=2, added=3, moved=4, runs=5, kept=6, calls=7)


@pytest.mark.parametrize(
    ("name", "rate"),
    [(name, getattr(RATES, name)) for name in Counts.__dataclass_fields__],
)
def test_each_count_has_its_own_rate(name: str, rate: float) -> None:
    assert RATES.nanoseconds(Counts(**{name: MAPPED})) == MAPPED * rate


def test_what_is_kept_takes_time_where_it_is_mapped_anew() -> None:
    assert RATES.nanoseconds(Counts(kept=MAPPED - 1, calls=1)) == 7


def test_repeated_in_the_same_memory() -> None:
    assert Counts(products=2, kept=3, calls=1).repeated(5) == Counts(products=10, kept=3, calls=5)


def test_what_is_not_said_is_nothing() -> None:
    assert astuple(Counts()) == (0,) * 7
    assert Counts() + Counts() == Counts().repeated(2) == Counts()


def test_counts_of_two_steps_add_up() -> None:
    total = Counts(products=1, moved=2) + Counts(moved=3, calls=1)
    assert total == Counts(products=1, moved=5, calls=1)


def test_a_product_of_matrices() -> None:
    assert gemm(2, 3, 5, batch=7) == Counts(products=7 * 30, moved=7 * 31 / 4, calls=7)


def test_a_copy_in_runs_and_of_nothing() -> None:
    assert copy(12, 4) == Counts(moved=12, runs=3, calls=1)
    assert copy(0, 0) == Counts(calls=1)


def test_the_first_of_equals_is_taken() -> None:
    slow, fast = Counts(products=2), Counts(products=1)
    assert cheapest({"a": slow, "b": fast, "c": fast}, RATES) == "b"
