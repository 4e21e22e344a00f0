"""One row a layer: every peer prepared and checked against the reference, then timed in turns.

Where a peer is slow, the call that was checked is its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.layers import Layer
from benchmarks.task import Peer, Task, Unsupported, check, make
from benchmarks.timing import SLOW_SECONDS, Timing, alternate, timed


@dataclass(frozen=True)
class Row:
    """The times of one layer by peer, and why the peers without one have none."""

    task: Task
    timings: dict[str, Timing]
    missing: dict[str, str]

    def ratio(self, peer: str, reference: str) -> float:
        """The peer's time over the reference's."""
        return self.timings[peer].median / self.timings[reference].median

    def rate(self, peer: str) -> float:
        """Floating-point operations a second."""
        return self.task.flops / self.timings[peer].median


def measure(
    layer: Layer, what: str, dtype: str, peers: Sequence[Peer], reference: str, seconds: float
) -> Row:
    """The row of this layer.  Peers that do not support it are left out, with their reason."""
    task = make(layer, what, dtype)
    calls, missing = {}, {}
    for peer in peers:
        try:
            calls[peer.name] = peer.prepare(task)
        except Unsupported as reason:
            missing[peer.name] = str(reason)
    answers, first = {}, {}
    for peer in peers:
        if peer.name in calls:
            answer, first[peer.name] = timed(calls[peer.name])
            answers[peer.name] = peer.arrays(answer)
    for name, answer in answers.items():
        if name != reference and reference in answers:
            check(layer, dtype, name, answer, reference, answers[reference])
    del answers
    quick = {name: call for name, call in calls.items() if first[name].median <= SLOW_SECONDS}
    turns = dict(zip(quick, alternate(list(quick.values()), seconds), strict=True))
    return Row(task, {name: turns.get(name, first[name]) for name in calls}, missing)
