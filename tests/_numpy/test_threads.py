"""Tasks on threads."""

from __future__ import annotations

import pytest

from tconv._numpy import threads


def test_tasks_each_run_once_and_errors_arrive() -> None:
    done: list[int] = []
    threads.run([lambda value=value: done.append(value) for value in range(100)])
    assert sorted(done) == list(range(100))

    def fail() -> None:
        raise ValueError("from a task")

    with pytest.raises(ValueError, match="from a task"):
        threads.run([fail] * 8)
