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
    columns = "{:28}{:>7}{:>8}{:>12}{:>10}{:>8}"
    lines = [columns.format("folder", "tried", KILLED, EQUIVALENT, SURVIVED, "score")]
    for folder, outcomes in sorted(by_folder.items()):
        counts = [outcomes.count(outcome) for outcome in (KILLED, EQUIVALENT, SURVIVED)]
        judged = counts[0] + counts[2]
        score = f"{counts[0] / judged:.1%}" if judged else "-"
        lines.append(columns.format(folder.replace("~", "all"), len(outcomes), *counts, score))
    return "\n".join(lines)
