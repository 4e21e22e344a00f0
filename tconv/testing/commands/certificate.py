"""The certificate: what was certified, on what, with which problems, and how it came out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tconv
from tconv.testing.commands.machine import machine, versions
from tconv.testing.commands.progress import Progress
from tconv.testing.commands.rows import Row, Target
from tconv.testing.mutants import MUTANTS, Score, outcomes
from tconv.testing.problems.pairs import covered
from tconv.testing.problems.selection import SMALL, Selection

FORMAT = 1


def certificate(target: Target, rows: Sequence[Row], seed: int) -> dict[str, Any]:
    """The content of the file.

    ``pairs`` counts the pairs of levels of two parameters that stand in a problem which
    ``supports`` accepts as it is; ``mutation_score`` is that of the same checks over the mutants
    of their kind.  Both are None where the checks were not drawn from the kit's problems.
    """
    return {
        "format": FORMAT,
        "subject": target.name,
        "versions": {"tconv": tconv.__version__}
        | versions(("numpy", "hypothesis", *target.packages)),
        "machine": machine(),
        "seed": seed,
        "profile": target.profile,
        "ndim": list(target.ndim),
        "dtypes": list(dict.fromkeys(row.dtype for row in rows)),
        "problems": sum(row.problems for row in rows),
        "left_out": {
            "supports": target.supports.text,
            "problems": sum(row.skipped for row in rows),
        },
        "pairs": _pairs(target, rows, seed) if target.profile else None,
        "mutation_score": _mutation_score(target, rows, seed) if target.profile else None,
        "passed": all(row.verdict == "pass" for row in rows),
        "rows": [asdict(row) for row in rows],
    }


def write(path: str, content: dict[str, Any]) -> None:
    """To a file, or to stdout for "-"."""
    text = json.dumps(content, indent=2) + "\n"
    if path == "-":
        sys.stdout.write(text)
    else:
        Path(path).write_text(text, encoding="utf-8")


def _pairs(target: Target, rows: Sequence[Row], seed: int) -> dict[str, int]:
    """Of the transposed convolution in its first dtype, where every problem was tried: a function
    that compiles for each shape is given a choice of them."""
    dtype, first = target.checks[0].dtype, rows[0]
    kept, every = covered("conv_transpose", target.ndim, (dtype,), seed, target.allows)
    whole = Selection(
        "conv_transpose", ndim=target.ndim, dtypes=(dtype,), seed=seed, profile=target.profile,
        max_examples=target.examples,
    )  # fmt: skip
    tried = first.verdict == "pass" and first.problems + first.skipped == len(whole)
    larger = target.profile not in (*SMALL, "few")
    return {"covered": kept if tried and larger else 0, "of": every}


def _mutation_score(target: Target, rows: Sequence[Row], seed: int) -> dict[str, Any]:
    """How many of the mutants of the maps that were checked the same settings catch."""
    kinds = {row.check for row in rows}
    mutants = [mutant for mutant in MUTANTS if mutant.kind in kinds]
    options = {"ndim": target.ndim, "supports": target.allows, "profile": target.profile}
    found = []
    with Progress(1) as progress:
        progress.label("mutation score")
        tried = outcomes(mutants, seeds=(seed,), max_examples=target.examples, **options)
        for outcome in tried:
            found.append(outcome)
            progress.step(len(found), len(mutants))
    score = Score(tuple(found))
    return {
        "caught": len(score.caught),
        "of": len(found),
        "missed": [outcome.mutant.name for outcome in score.missed],
    }
