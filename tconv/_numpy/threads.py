"""A small pool of threads for work in which NumPy releases the interpreter lock.

It never holds more threads than the BLAS is told to use, starts none before they are needed,
and is not for work between GEMMs: OpenBLAS's own threads spin for a while after each, and a
second thread beside them made overlap-add slower (5.3 ms against 4.2).

The calling thread works through all tasks and waits for a helper only where that has begun one.
So it needs no helper: where none can be started, or where those that wait are never woken (both
happen while the interpreter shuts down), it does everything.  The helpers are daemons for that
reason: idle, they keep no program from ending.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from functools import cache
from queue import SimpleQueue

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


def run(tasks: Sequence[Task], most: int) -> None:
    """Run the tasks, each once, in any order, at most so many at a time; the calling thread takes
    its share."""
    helpers = min(count(), len(tasks), most) - 1
    if helpers < 1:
        for task in tasks:
            task()
        return
    shared = _Shared(tasks)
    _pool.ask(shared, helpers)
    try:
        shared.drain()
    finally:
        shared.close()


class _Shared:
    """Tasks that several threads take from, until the one that made it closes it."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = deque(tasks)
        self._state = threading.Lock()
        self._idle = threading.Condition(self._state)
        self._helping = 0
        self._closed = False
        self._error: BaseException | None = None

    def drain(self) -> None:
        """Run tasks until none is left."""
        while True:
            try:
                task = self._tasks.popleft()
            except IndexError:
                return
            task()

    def help(self, context: Context) -> None:
        """``drain`` on a helper, in the context of the thread that closes."""
        with self._state:
            if self._closed:
                return
            self._helping += 1
        try:
            context.run(self.drain)
        except BaseException as error:
            self._error = error
            self._tasks.clear()
        finally:
            with self._state:
                self._helping -= 1
                self._idle.notify()

    def close(self) -> None:
        """Drop what is left, wait for the helpers that have begun, and raise what they raised."""
        self._tasks.clear()
        with self._state:
            self._closed = True
            while self._helping:
                self._idle.wait()
        if self._error is not None:
            raise self._error


class _Pool:
    """Helpers, started one by one up to as many as were ever asked for at once."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[_Shared, Context]] = SimpleQueue()
        self._starting = threading.Lock()
        self._started = 0

    def ask(self, shared: _Shared, helpers: int) -> None:
        """Let so many helpers take from ``shared``, or as many as there can be."""
        if self._starting.acquire(blocking=False):
            try:
                self._start(helpers)
            finally:
                self._starting.release()
        for _ in range(min(helpers, self._started)):
            self._asked.put((shared, copy_context()))

    def _start(self, wanted: int) -> None:
        """Bring the helpers to so many.  Python before 3.12 would wait for ever for a thread that
        it started while finalizing; later it raises."""
        while self._started < wanted and not sys.is_finalizing():
            thread = threading.Thread(target=self._serve, name="tconv", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads, or the interpreter shuts down
                return
            self._started += 1

    def _serve(self) -> None:
        while True:
            shared, context = self._asked.get()
            shared.help(context)
            del shared, context


_pool = _Pool()


def _forget() -> None:
    """A child process has none of its parent's threads."""
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
