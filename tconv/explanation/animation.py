"""Animations of the two views that go step by step, written as GIF or MP4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from tconv._core.arguments import Shape, fail
from tconv.explanation.plots import matplotlib, new_axes, render
from tconv.explanation.sums import Sums
from tconv.explanation.views import ANIMATED
from tconv.explanation.views.drawing import Drawing

DOTS, FRAMES_PER_SECOND = 64, 2  # dots an inch
HOLD = 4  # how many times the last picture is repeated
WRITERS = {".gif": "PillowWriter", ".mp4": "FFMpegWriter"}


def animate(sums: Sums, path: str | PathLike[str], view: str, index: Shape | None) -> Path:
    """Write one picture after the other, with a progress bar on a terminal."""
    file = Path(path)
    writer = _writer(file)
    drawings = ANIMATED[view](sums, index)
    bounds = max(d.rows for d in drawings), max(d.columns for d in drawings)
    axes = new_axes(*bounds)
    figure: Any = axes.get_figure(root=True)
    with writer.saving(figure, str(file), DOTS):
        for drawing in _with_bar([*drawings, *drawings[-1:] * HOLD], file.name):
            render(drawing, axes, bounds=bounds)
            writer.grab_frame()
    return file


def _writer(file: Path) -> Any:
    """The writer for a file's suffix."""
    name = WRITERS.get(file.suffix.lower())
    if name is None:
        accepted = ", ".join(WRITERS)
        fail("path", None, f"must end with one of {accepted}", repr(str(file)), "Rename it.")
    kind = getattr(matplotlib("animation"), name)
    if not kind.isAvailable():
        raise ImportError("An MP4 needs the program ffmpeg. Install it, or write a .gif.")
    return kind(fps=FRAMES_PER_SECOND)


def _with_bar(drawings: Iterable[Drawing], name: str) -> Iterator[Drawing]:
    """The drawings, counted by a bar where tqdm is installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return iter(drawings)
    bar: Iterator[Drawing] = iter(tqdm(drawings, desc=name, unit="frame", disable=None))
    return bar
