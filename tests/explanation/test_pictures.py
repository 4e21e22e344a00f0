"""Whole pictures, cell by cell: each was read beside the call that it shows.

``test_views`` says what holds of all of them; here each place, text and colour of a few is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tconv
from tconv.explanation.views import ANIMATED, VIEWS
from tconv.explanation.views.drawing import Drawing
from tests.explanation.pictured import pictured

FOLDER = Path(__file__).parent / "pictures"


def line():
    """Two samples and two groups of two channels; y loses a position and gains one."""
    x = np.array([[[1, 2]] * 4, [[3, -1], [0, 2], [2, 5], [-4, 1]]])
    w = np.array([[[1, 2, 3]], [[0, -1, 1]], [[2, 0, 1]], [[-2, 1, 4]]])
    b = np.array([10, 20])
    return tconv.explain(x, w, b, stride=2, padding=((1, -1),), dilation=1, groups=2)


def plane():
    x, w = np.array([[[[1, 2], [3, 0]]]]), np.array([[[[1, -1, 2], [0, 3, 4]]]])
    return tconv.explain(x, w, stride=(2, 1), padding=((0, 1), (1, 0)), dilation=(1, 2))


def dense():
    return tconv.explain(np.ones((1, 1, 3, 3), int), np.arange(9).reshape(1, 1, 3, 3), padding=1)


def space():
    return tconv.explain.sizes((2, 1, 2), (2, 1, 1), stride=(1, 1, 2), padding=((1, 0), 0, 0))


def long():
    x = np.arange(18 * 4).reshape(1, 4, 18)
    return tconv.explain(x, np.ones((4, 1, 2), int), padding=((0, 1),))


def wide():
    x = np.arange(100, 124).reshape(1, 1, 24)
    return tconv.explain(x, np.arange(1, 8).reshape(1, 1, 7), stride=3, padding=((2, 0),))


def deep():
    x, w = np.array([[[1, 2, 3, 4, 5]]]), np.array([[[1, -2]]])
    return tconv.explain(x, w, stride=2, padding=((3, 2),))


def narrow():
    return tconv.explain.sizes(1, 3, stride=3, padding=1)


def gaps():
    return tconv.explain.sizes(3, 2, stride=3, dilation=3, output_padding=1)


def held(view: str, index: tuple[int, ...] | None = None) -> Callable[..., Drawing]:
    return lambda sums: VIEWS[view](sums, index)


def moving(view: str, number: int, index: tuple[int, ...] | None = None) -> Callable[..., Drawing]:
    return lambda sums: ANIMATED[view](sums, index)[number]


PICTURES = {
    "distribution-line": (line, held("distribution")),
    "distribution-line-focus": (line, held("distribution", (1, 1, 2))),
    "distribution-line-third": (line, moving("distribution", 2, (1, 1, 0))),
    "distribution-plane": (plane, held("distribution")),
    "distribution-plane-focus": (plane, held("distribution", (0, 0, 1, 2))),
    "distribution-plane-second": (plane, moving("distribution", 1)),
    "distribution-dense": (dense, held("distribution")),
    "distribution-dense-focus": (dense, held("distribution", (0, 0, 1, 1))),
    "distribution-space": (space, held("distribution", (0, 0, 1, 0, 2))),
    "distribution-long": (long, held("distribution", (0, 0, 9))),
    "collection-line": (line, held("collection")),
    "collection-line-focus": (line, held("collection", (1, 1, 2))),
    "collection-plane-focus": (plane, held("collection", (0, 0, 1, 2))),
    "collection-plane-third": (plane, moving("collection", 2)),
    "collection-gaps": (gaps, held("collection", (0, 0, 3))),
    "collection-deep": (deep, held("collection", (0, 0, 1))),
    "collection-long": (long, held("collection", (0, 0, 9))),
    "collection-wide": (wide, held("collection", (0, 0, 30))),
    "matrix-line": (line, held("matrix")),
    "matrix-line-focus": (line, held("matrix", (1, 1, 2))),
    "matrix-plane-focus": (plane, held("matrix", (0, 0, 1, 2))),
    "matrix-long": (long, held("matrix", (0, 0, 9))),
    "matrix-space": (space, held("matrix")),
    "phases-line": (line, held("phases", (1, 1, 2))),
    "phases-plane": (plane, held("phases")),
    "phases-space": (space, held("phases", (0, 0, 1, 0, 2))),
    "phases-gaps": (gaps, held("phases", (0, 0, 3))),
    "phases-wide": (wide, held("phases", (0, 0, 30))),
    "phases-narrow": (narrow, held("phases")),
}


@pytest.fixture(scope="module")
def kept():
    """The pictures that were read, by name."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.iterdir()))
    return {name: picture for name, _, picture in (
        part.partition("\n") for part in text.split("# ")[1:]
    )}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_as_it_was_read(kept, name):
    call, drawn = PICTURES[name]
    assert pictured(drawn(call())) == kept[name]


def test_every_kept_picture_is_drawn(kept):
    assert list(kept) == sorted(PICTURES, key=lambda name: name.partition("-")[0])
