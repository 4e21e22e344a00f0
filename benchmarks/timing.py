"""Fair times on a shared machine: peers take turns in one process, and medians are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter, sleep
from typing import Any

# OpenBLAS's threads spin on for more than 0.1 s after a GEMM and take a core from the next peer:
# timed within that, PyTorch's dcgan_l4 takes 11 to 48 ms instead of 7.  So each turn waits until
# they sleep, drops its first call, and times the rest.
SETTLE_SECONDS = 0.2
TURN_SECONDS = 0.05
FEWEST_TURNS = 4


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
    sleep(SETTLE_SECONDS)
    call()
    times: list[float] = []
    while not times or sum(times) < TURN_SECONDS:
        before = perf_counter()
        call()
        times.append(perf_counter() - before)
    return times


def _timing(samples: list[float]) -> Timing:
    low, _, high = quantiles(samples, n=4) if len(samples) > 1 else samples * 3
    return Timing(median(samples), low, high, len(samples))
