"""``python -m tconv check --mutants``: the kit's score over its mutants."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from tconv.testing.mutants import EQUIVALENT, MUTANTS, Mutant, Score, outcomes


def run_mutants(**options: Any) -> int:
    """Print each mutant with what caught it, and the score: 0 if it is 100 %, otherwise 1.

    ``options`` are those of ``score``.
    """
    start, found = time.monotonic(), []
    print(f"{'mutant':54}{'kind':20}{'caught by':26}{'problems':>8}")
    for outcome in outcomes(MUTANTS, **options):
        by = outcome.property_name or "MISSED"
        name, kind = outcome.mutant.name, outcome.mutant.kind
        print(f"{name:54}{kind:20}{by:26}{outcome.problems:8}", flush=True)
        found.append(outcome)
    reported = sum(bool(mutant.source) for mutant in MUTANTS)
    by_kind = Counter(mutant.kind for mutant in MUTANTS)
    kinds = ", ".join(f"{count} {kind}" for kind, count in by_kind.items())
    refused = [outcome for outcome in outcomes(EQUIVALENT, **options) if outcome.caught]
    print(f"\nmutants: {Score(tuple(found))} in {time.monotonic() - start:.1f} s; {kinds}")
    print(f"{reported} of them are modelled on reports of real ports:")
    for mutant in MUTANTS:
        if mutant.source:
            print(_reported(mutant))
    print(f"accepted of {len(EQUIVALENT)} changes that change no result: "
          f"{len(EQUIVALENT) - len(refused)}")  # fmt: skip
    return 0 if all(outcome.caught for outcome in found) and not refused else 1


def _reported(mutant: Mutant) -> str:
    return f"    {mutant.mistake} ({mutant.source})"
