"""How far a command is, and about how long it still takes."""

from __future__ import annotations

import sys
import time
from typing import Any

SECONDS = 10.0  # between two lines where no bar can be drawn


class Progress:
    """A bar on a terminal, if tqdm is installed; elsewhere a line now and then, both on stderr."""

    def __init__(self, rows: int) -> None:
        """``rows`` are the checks of the table."""
        self.rows, self.row, self.done = rows, 0, 0
        self.bar: Any = None
        self._label = ""
        self._start = self._told = self._row_start = time.monotonic()
        if sys.stderr.isatty():
            try:
                from tqdm import tqdm
            except ImportError:
                return
            shape = "{desc:34}{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left"
            self.bar = tqdm(total=rows, leave=False, bar_format=shape)

    def __enter__(self) -> Progress:
        """Ready."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()

    def label(self, text: str) -> None:
        """Begin the next row."""
        self.row += 1
        self._label, self._row_start = text, time.monotonic()
        if self.bar is not None:
            self.bar.set_description(text)

    def hide(self) -> None:
        """Leave the line to what is printed."""
        if self.bar is not None:
            self.bar.clear()

    def step(self, done: int, total: int) -> None:
        """``done`` of the row's ``total`` problems are behind us."""
        self.done = done
        if self.bar is not None:
            self.bar.n = self.row - 1 + done / total
            self.bar.refresh()
            return
        now = time.monotonic()
        if done and done < total and now - self._told >= SECONDS:
            self._told = now
            left = (now - self._row_start) * (total - done) / done
            print(
                f"  {self._label}: {done} of {total} problems, row {self.row} of {self.rows}, "
                f"{now - self._start:.0f} s so far, about {left:.0f} s to the end of the row",
                file=sys.stderr,
                flush=True,
            )
