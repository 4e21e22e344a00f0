"""Fair times on a shared machine: peers take turns in one process, and medians are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter
from typing import Any

# A turn of short calls lasts this long, so that the first of them, which pays for the caches
# and the spinning threads that the peer before left behind, is a small part and can be dropped.
TURN_SECONDS = 0.005
FEWEST_TURNS = 3


@dataclass(frozen=True)
class Timing:
    """Seconds a call: the median, the quartiles around it, and of how many calls."""

    median: float
    low: float
    high: float
    calls: int


def alternate(calls: Sequence[Callable[[], Any]], seconds: float) -> list[Timing]:
    """Time the calls in turns, A B A B, for about this long in all; each has run once before."""
    samples: list[list[float]] = [[] for _ in calls]
    start = perf_counter()
    turns = 0
    while turns < FEWEST_TURNS or perf_counter() - start < seconds:
        for call, kept in zip(calls, samples, strict=True):
            kept.extend(_turn(call))
        turns += 1
    return [_timing(kept) for kept in samples]


def _turn(call: Callable[[], Any]) -> list[float]:
    times: list[float] = []
    total = 0.0
    while total < TURN_SECONDS:
        before = perf_counter()
        call()
        times.append(perf_counter() - before)
        total += times[-1]
    return times[1:] or times


def _timing(samples: list[float]) -> Timing:
    low, _, high = quantiles(samples, n=4) if len(samples) > 1 else samples * 3
    return Timing(median(samples), low, high, len(samples))
