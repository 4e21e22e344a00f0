"""Fair times on a shared machine: peers take turns in one process, and medians are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, sleep
from typing import Any

# OpenBLAS's threads spin on for more than 0.1 s after a GEMM and take a core from the next peer:
# timed within that, PyTorch's dcgan_l4 takes 11 to 48 ms instead of 7.  So each turn waits until
# they sleep, drops its first call, and times the rest.
SETTLE_SECONDS = 0.2
TURN_SECONDS = 0.05
FEWEST_TURNS = 4
STATISTICS = Path("/proc/stat")

# On a virtual machine calls during which the hypervisor gave a processor away are left out for all
# peers alike, and more are made until each has some without, for so many times the seconds at most.
ENOUGH_CALLS = 8
PATIENCE = 4

# A call longer than this is not made again: lax takes half a minute for some gradients.
SLOW_SECONDS = 4


@dataclass(frozen=True)
class Timing:
    """Seconds a call: the median, the quartiles around it, of how many calls, and how many more
    were left out."""

    median: float
    low: float
    high: float
    calls: int
    left_out: int


@dataclass(frozen=True)
class _Call:
    seconds: float
    disturbed: bool


def timed(call: Callable[[], Any]) -> tuple[Any, Timing]:
    """What the call returns, and the time that it took."""
    before = perf_counter()
    result = call()
    seconds = perf_counter() - before
    return result, Timing(seconds, seconds, seconds, 1, 0)


def alternate(
    calls: Sequence[Callable[[], Any]], seconds: float, settle: float = SETTLE_SECONDS
) -> list[Timing]:
    """Time the calls in turns, A B A B, for about this long in all, waiting ``settle`` seconds
    before each; each has run once before."""
    samples: list[list[_Call]] = [[] for _ in calls]
    start = perf_counter()
    turns = 0
    while turns < FEWEST_TURNS or perf_counter() - start < _wanted(samples, seconds):
        for call, kept in zip(calls, samples, strict=True):
            kept.extend(_turn(call, settle))
        turns += 1
    return [_timing(kept) for kept in samples]


def _wanted(samples: list[list[_Call]], seconds: float) -> float:
    fewest = min(sum(not call.disturbed for call in kept) for kept in samples)
    return seconds if fewest >= ENOUGH_CALLS else PATIENCE * seconds


def _turn(call: Callable[[], Any], settle: float) -> list[_Call]:
    sleep(settle)
    call()
    found: list[_Call] = []
    start = perf_counter()
    while not found or perf_counter() - start < TURN_SECONDS:
        stolen, before = _stolen(), perf_counter()
        call()
        seconds = perf_counter() - before
        found.append(_Call(seconds, _stolen() != stolen))
    return found


def _stolen() -> int:
    """Ticks that a hypervisor has taken from this machine's processors, where Linux counts them."""
    if not STATISTICS.exists():
        return 0
    processors = STATISTICS.read_text().partition("\n")[0].split()
    return int(processors[8]) if len(processors) > 8 else 0


def _timing(samples: list[_Call]) -> Timing:
    kept = [call.seconds for call in samples if not call.disturbed]
    if len(kept) < ENOUGH_CALLS:
        kept = [call.seconds for call in samples]
    low, _, high = quantiles(kept, n=4) if len(kept) > 1 else kept * 3
    return Timing(median(kept), low, high, len(kept), len(samples) - len(kept))
