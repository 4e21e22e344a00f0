"""Generated problems: which strategy is asked, in which order, and with which bytes."""

from __future__ import annotations

from itertools import cycle, islice

import numpy as np
import pytest
from hypothesis import strategies as st

from tconv.testing.strategies import CORNERS, generated

LARGE = {
    "large": True, "batch": (1, 2, 4, 7), "max_channels": 10, "max_groups": 6,
    "max_positions": 4_000,
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch):
    """What is asked for, and the bytes it is drawn from; every second draw gives nothing."""
    monkeypatch.setattr(generated, "problems", lambda **options: options)
    answers = cycle([False, True])
    monkeypatch.setattr(
        generated,
        "_drawer",
        lambda options: lambda data: (options, data) if next(answers) else None,
    )
    return lambda *call, **options: list(generated.generated(*call, **options))


@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
def test_plain_large_and_at_each_corner_in_turn(asked, kind):
    corners = [name for name in CORNERS if kind != "conv" or name != "output_padding >= stride"]
    wanted = []
    for corner in islice(cycle(corners), 10):
        options = {"kind": kind, "ndim": 2, "max_groups": 1}
        wanted += [options, {**options, **LARGE}, {**options, "corner": corner}]
    found = asked(kind, 29, 5, ndim=2, max_groups=1)
    assert [options for options, _ in found] == wanted[:29]


def test_each_draw_takes_the_next_bytes_of_the_seed(asked):
    rng = np.random.default_rng([5, 2023])
    drawn = [rng.bytes(2048) for _ in range(8)]
    assert [data for _, data in asked("conv", 4, 5)] == drawn[1::2]


def test_a_drawer_gives_what_the_bytes_decode_to_or_nothing():
    draw = generated._drawer(st.integers(0, 255).filter(lambda number: number % 2))
    rng = np.random.default_rng(0)
    found = [draw(rng.bytes(8)) for _ in range(20)]
    numbers = {number for number in found if number is not None}
    assert None in found
    assert len(numbers) > 4
    assert all(number % 2 for number in numbers)
    assert generated._drawer(st.nothing().filter(bool) | st.just(3))(bytes(8)) == 3
    never = generated._drawer(st.just(2).filter(lambda number: number % 2))
    assert never(bytes(8)) is None


def test_the_same_problems_for_the_same_seed_alone():
    def three(seed):
        return list(generated.generated("conv", 3, seed, ndim=1))

    assert three(1) == three(1) != three(2)
