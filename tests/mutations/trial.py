"""Runs chosen tests, again and again, each time in a fresh process that takes no time to start.

A server, run as a script in the folder whose tests it runs, imports what is slow to import and
forks a child for each request.  Requests and answers are lines of JSON.  It imports nothing of the
package under test, and nothing of this one.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CRASHED, TIMED_OUT = "crashed", "timed out"


class Server:
    """The other end, for the process that asks."""

    def __init__(self, folder: Path, preload: tuple[str, ...]) -> None:
        quiet = {"PYTHONDONTWRITEBYTECODE": "1", "TCONV_PROFILE": "ci"}
        quiet |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
        command = [sys.executable, "-P", __file__, *preload]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process: Any = subprocess.Popen(command, cwd=folder, env=os.environ | quiet, **pipes)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request: see ``_run``."""
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


def _serve(preload: list[str]) -> None:
    for name in preload:
        importlib.import_module(name)
    for line in sys.stdin:
        print(json.dumps(_in_a_child(json.loads(line))), flush=True)


def _in_a_child(request: dict[str, Any]) -> dict[str, Any]:
    start = time.monotonic()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        answer = json.dumps(_run(**request["run"])).encode()
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(answer)
        os._exit(0)
    os.close(writer)
    text, end = b"", start + request["timeout"]
    outcome = CRASHED
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while True:
            if not select.select([pipe], [], [], max(end - time.monotonic(), 0))[0]:
                outcome = TIMED_OUT
                break
            piece = pipe.read(1 << 16)
            if not piece:
                break
            text += piece
    if outcome == TIMED_OUT:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        outcome = TIMED_OUT
    answer = json.loads(text) if text and outcome != TIMED_OUT else {"failed": outcome}
    return {**answer, "seconds": time.monotonic() - start}


def _run(
    paths: list[str], limits: dict[str, float] | None = None, package: str = ""
) -> dict[str, Any]:
    """Run the tests of these files that have limits, in the order of these, up to the first that
    fails; one that takes more seconds than its limit ends the process.

    With ``package``, run all of them and note which lines of the package each runs.
    """
    import pytest

    options = ["-q", "-p", "no:cacheprovider"]
    if package:
        recorder = _Recorder(package)
        pytest.main([*options, *paths], plugins=[recorder])
        return recorder.found()
    order = _Order(limits or {})
    code = pytest.main([*options, "-x", "--assert=plain", *paths], plugins=[order])
    passed = code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    return {"failed": None if passed else order.failed or f"pytest: {code!r}"}


class _Order:
    """A plugin: the tests that have limits alone, in their order."""

    def __init__(self, limits: dict[str, float]) -> None:
        self.limits = limits
        self.rank = {name: place for place, name in enumerate(limits)}
        self.failed: str | None = None

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        kept = [item for item in items if item.nodeid in self.rank]
        items[:] = sorted(kept, key=lambda item: self.rank[item.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        signal.setitimer(signal.ITIMER_REAL, self.limits[nodeid])

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid


class _Recorder:
    """A plugin: the lines that each test runs, and how long it takes.

    What the package's caches hold is forgotten before each test, so that it runs all it needs.
    """

    def __init__(self, package: str) -> None:
        from coverage import Coverage

        self.package = package
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []
        self.coverage = Coverage(source=[package], data_file=None, config_file=False)
        self.coverage.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == self.package:
                for value in list(vars(module).values()):
                    if hasattr(value, "cache_clear"):
                        value.cache_clear()
        self.seconds[nodeid] = -time.monotonic()
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.coverage.switch_context("")
        self.seconds[nodeid] += time.monotonic()

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: Any) -> None:
        self.pytest_runtest_logreport(report)

    def found(self) -> dict[str, Any]:
        """Seconds by test, for each line of each file the numbers of the tests, and which fail."""
        self.coverage.stop()
        data = self.coverage.get_data()
        number = {name: place for place, name in enumerate(self.seconds)}
        lines = {
            os.path.relpath(path): {
                line: sorted(number[name] for name in names if name in number)
                for line, names in data.contexts_by_lineno(path).items()
            }
            for path in data.measured_files()
        }
        return {"durations": self.seconds, "lines": lines, "failed": self.failed}


if __name__ == "__main__":
    _serve(sys.argv[1:])
