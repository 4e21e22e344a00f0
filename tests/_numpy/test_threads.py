"""Tasks on threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from tconv._numpy import threads


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "count", lambda: 2)


@pytest.mark.usefixtures("two_threads")
def test_tasks_each_run_once_and_errors_arrive() -> None:
    done: list[int] = []
    threads.run([lambda value=value: done.append(value) for value in range(100)], most=8)
    assert sorted(done) == list(range(100))

    def fail() -> None:
        raise ValueError("from a task")

    with pytest.raises(ValueError, match="from a task"):
        threads.run([fail] * 8, most=8)


@pytest.mark.usefixtures("two_threads")
def test_an_error_on_a_helper_arrives_and_its_thread_lives_on() -> None:
    caller, both = threading.get_ident(), threading.Barrier(2)
    helpers = []

    def on_helper() -> None:
        both.wait(10)
        if threading.get_ident() != caller:
            helpers.append(threading.get_ident())
            raise ValueError("from a helper")

    for _ in range(2):
        with pytest.raises(ValueError, match="from a helper"):
            threads.run([on_helper] * 2, most=2)
    assert helpers[0] == helpers[1]


@pytest.mark.usefixtures("two_threads")
def test_the_calling_thread_waits_for_what_a_helper_has_begun() -> None:
    caller, begun, finish = threading.get_ident(), threading.Event(), threading.Event()
    done = []

    def task() -> None:
        if threading.get_ident() == caller:
            begun.wait(10)
            threading.Timer(0.05, finish.set).start()
        else:
            begun.set()
            finish.wait(10)
        done.append(threading.get_ident())

    threads.run([task] * 2, most=2)
    assert len(done) == 2


@pytest.mark.usefixtures("two_threads")
def test_without_a_thread_to_start_the_caller_does_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threads, "_pool", threads._Pool())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    done: list[int] = []
    threads.run([lambda value=value: done.append(value) for value in range(10)], most=2)
    assert done == list(range(10))


@pytest.mark.parametrize(
    ("processors", "tasks", "most", "helpers"),
    [(4, 9, 9, 3), (9, 4, 9, 3), (9, 9, 4, 3), (2, 9, 9, 1), (1, 9, 9, 0), (9, 1, 9, 0),
     (9, 9, 1, 0), (9, 0, 9, 0), (9, 9, 0, 0)],
)  # fmt: skip
def test_helpers_are_one_less_than_the_processors_the_tasks_and_the_most(
    processors: int, tasks: int, most: int, helpers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, done = [], []
    monkeypatch.setattr(threads, "count", lambda: processors)
    monkeypatch.setattr(threads._pool, "ask", lambda _, helpers: asked.append(helpers))
    threads.run([lambda number=number: done.append(number) for number in range(tasks)], most=most)
    assert asked == [helpers] * (helpers > 0)
    assert done == list(range(tasks))


CALL = """
import atexit, functools, threading, time
import numpy as np
import tconv
from tconv._numpy import threads
threads.count = functools.partial(int, 2)  # no function of this module, which would live on

def call(np=np, tconv=tconv):
    y = tconv.conv_transpose(np.ones((8, 32, 32, 32), "f"), np.ones((32, 1, 4, 4), "f"), stride=2,
                             groups=32)
    print(y.sum() == 8 * 32 * 32 * 32 * 16, flush=True)
"""
LATE = {
    "thread": """
def late():
    threading.main_thread().join()
    time.sleep(.2)
    call()
threading.Thread(target=late).start()
""",
    "atexit": "atexit.register(call)\n",
    "del": """
class Late:
    def __init__(self):
        self.call = call
    def __del__(self):
        self.call()
late = Late()
""",
    "del in a cycle": """
class Late:
    def __init__(self):
        self.call, self.itself = call, self
    def __del__(self):
        self.call()
late = Late()
""",
}


# Where modules are torn down NumPy itself can import no more: there a call comes before.
@pytest.mark.parametrize(
    ("late", "calls"), [("thread", 1), ("atexit", 1), *((late, 2) for late in LATE)]
)
def test_calls_after_the_main_thread_has_ended(late: str, calls: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", CALL + "call()\n" * (calls - 1) + LATE[late]],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stderr == ""
    assert run.stdout.split() == ["True"] * calls


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_threads_of_its_own() -> None:
    fork = """
call()
import os, sys
child = os.fork()
if child == 0:
    call()
    assert [t.name for t in threading.enumerate() if t.daemon] == ["tconv"]
    sys.stdout.flush()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    arguments = [sys.executable, "-W", "ignore", "-c", CALL + fork]
    run = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)
    assert run.stderr == ""
    assert "True" in run.stdout
