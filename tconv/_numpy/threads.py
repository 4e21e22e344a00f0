"""A small pool of threads for work in which NumPy releases the interpreter lock.

It never holds more threads than the BLAS is told to use, starts none before they are needed,
and is not for work between GEMMs: OpenBLAS's own threads spin for a while after each, and a
second thread beside them made overlap-add slower (5.3 ms against 4.2).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache

Task = Callable[[], None]


@cache
def count() -> int:
    """Threads to use: the processors at hand, or fewer where the environment says so."""
    if hasattr(os, "sched_getaffinity"):
        available = len(os.sched_getaffinity(0))
    else:
        available = os.cpu_count() or 1
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        wanted = os.environ.get(name, "")
        if wanted.isdecimal() and int(wanted) > 0:
            return min(available, int(wanted))
    return available


def run(tasks: Sequence[Task]) -> None:
    """Run the tasks, each once, in any order; the calling thread takes its share."""
    helpers = min(count(), len(tasks)) - 1
    if helpers < 1:
        for task in tasks:
            task()
        return
    shared = deque(tasks)
    started = [_pool().submit(copy_context().run, _drain, shared) for _ in range(helpers)]
    try:
        _drain(shared)
    finally:
        for helper in started:
            if not helper.cancel():
                helper.result()


def _drain(tasks: deque[Task]) -> None:
    while True:
        try:
            task = tasks.popleft()
        except IndexError:
            return
        task()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count() - 1, thread_name_prefix="tconv")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)
