"""What became of the mutants, counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

KILLED, SURVIVED, EQUIVALENT = "killed", "survived", "equivalent"


@dataclass(frozen=True)
class Verdict:
    """One line of the file of results: a mutant, what became of it, and by which test.

    ``digests`` are those of the file that is mutated and of all tests.
    """

    name: str
    change: str
    outcome: str
    by: str
    seconds: float
    digests: tuple[str, str]

    @property
    def folder(self) -> str:
        """The folder of the mutated file."""
        return str(PurePath(self.name.split(" ")[0]).parent)


def table(verdicts: Iterable[Verdict]) -> str:
    """Counts and the score, killed of those that are not equivalent, by folder and of all."""
    by_folder: dict[str, list[str]] = defaultdict(list)
    for verdict in verdicts:
        by_folder[verdict.folder].append(verdict.outcome)
        by_folder["~"].append(verdict.outcome)  # of all: it comes last
    lines = [
        f"{'folder':28}{'tried':>7}{'killed':>8}{'equivalent':>12}{'survived':>10}{'score':>8}"
    ]
    for folder, outcomes in sorted(by_folder.items()):
        killed, survived = outcomes.count(KILLED), outcomes.count(SURVIVED)
        score = f"{killed / (killed + survived):.1%}" if killed + survived else "-"
        lines.append(
            f"{folder.replace('~', 'all'):28}{len(outcomes):7}{killed:8}{outcomes.count(EQUIVALENT):12}{survived:10}"
            f"{score:>8}"
        )
    return "\n".join(lines)
