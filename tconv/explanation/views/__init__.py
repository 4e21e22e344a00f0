"""The ways to look at a transposed convolution, each a drawing of one sample and channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tconv._core.arguments import Shape, fail
from tconv.explanation.sums import Sums
from tconv.explanation.views.collection import collection, collection_frames
from tconv.explanation.views.distribution import distribution, distribution_frames
from tconv.explanation.views.drawing import Drawing
from tconv.explanation.views.matrix import matrix
from tconv.explanation.views.phases import phases

VIEWS: dict[str, Callable[[Sums, Shape | None], Drawing]] = {
    "distribution": distribution,
    "collection": collection,
    "matrix": matrix,
    "phases": phases,
}
ANIMATED: dict[str, Callable[[Sums, Shape | None], list[Drawing]]] = {
    "distribution": distribution_frames,
    "collection": collection_frames,
}


def check_view(view: object, among: Mapping[str, object]) -> str:
    """``view``, if it names one of these."""
    if view not in among:
        accepted = ", ".join(repr(name) for name in among)
        fail("view", None, f"must be one of {accepted}", repr(view), "Leave it out for the first.")
    return str(view)
