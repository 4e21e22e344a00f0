"""The command: draw mutants, try each, and print those that survive and the score.

Results are kept in ``.mutations/``, a line of JSON a mutant: what is there already is not tried
again, so a run that was interrupted goes on.  Which tests run which lines is noted when it is
first needed, which takes about twice as long as the tests themselves.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from itertools import accumulate
from math import inf
from pathlib import Path

from tests.mutations.equivalents import EQUIVALENTS
from tests.mutations.mutants import Mutant, mutants_of, mutated
from tests.mutations.reach import Reach, digest, file_of
from tests.mutations.score import EQUIVALENT, KILLED, SURVIVED, Verdict, table
from tests.mutations.trial import Server

ROOT = Path(__file__).parents[2]
STORE = ROOT / ".mutations"
PRELOAD = ("numpy", "jax", "jax.numpy", "torch", "scipy", "hypothesis", "pytest", "coverage")
PATIENCE = 20.0  # seconds that a test may take beyond ten times what it took


def drawn(sources: dict[str, str], seed: int, count: int) -> list[Mutant]:
    """Mutants without repetition: files by their number of lines, within a file all alike."""
    rng = random.Random(seed)
    left = {path: mutants_of(path, source) for path, source in sources.items()}
    chosen: list[Mutant] = []
    while len(chosen) < count and any(left.values()):
        paths = [path for path in left if left[path]]
        weights = [sources[path].count("\n") for path in paths]
        mutants = left[rng.choices(paths, weights)[0]]
        chosen.append(mutants.pop(rng.randrange(len(mutants))))
    return chosen


def copy_of_the_tree(root: Path, folder: Path) -> None:
    """The files that git tracks or would, in another folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, folder / name)


def quickest(tests: list[str], seconds: dict[str, float], most: float) -> list[str]:
    """The first of these that take so many seconds in all."""
    sums = accumulate(seconds[test] for test in tests)
    return [test for test, total in zip(tests, sums, strict=True) if total <= most]


def tried(
    reach: Reach, mutant: Mutant, source: str, patience: float, most: float
) -> tuple[str, float]:
    """The test that kills the mutant, or what happened instead, or ""; and the seconds it took.

    Of each batch of tests the quickest are asked, that took ``most`` seconds in all.
    """
    path, seconds = reach.folder / mutant.path, 0.0
    for every in reach.batches(mutant):
        batch = quickest(every, reach.seconds, most)
        files = sorted({file_of(test) for test in batch})
        if not files:
            continue
        # Batches are noted on the package as it is: the change is there for the tests alone.
        path.write_text(mutated(source, mutant))
        limits = {test: patience + 10 * reach.seconds[test] for test in batch}
        run = {"paths": files, "limits": limits}
        answer = reach.server.ask(run=run, timeout=sum(limits.values()))
        path.write_text(source)
        seconds += answer["seconds"]
        if answer["failed"]:
            return str(answer["failed"]), seconds
    return "", seconds


def verdicts(
    root: Path,
    package: str,
    mutants: list[Mutant],
    store: Path,
    preload: tuple[str, ...],
    *,
    within: tuple[str, ...] = ("",),
    patience: float = PATIENCE,
    most: float = inf,
) -> Iterator[Verdict]:
    """Each mutant tried in a copy of the tree, or as ``store`` has it."""
    tests = digest(path for path in root.glob("tests/**/*.py") if "mutations" not in path.parts)
    tests = " ".join([tests, *within, str(most)])
    results = store / "results.jsonl"
    known: dict[tuple[str, str], Verdict] = {}
    if results.exists():
        for line in results.read_text().splitlines():
            verdict = Verdict(**json.loads(line))
            known[verdict.name, verdict.digests[0]] = verdict
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        copy_of_the_tree(root, folder)
        with Server(folder, preload) as server:
            reach = Reach(server, folder, store / "reach", package, within)
            for mutant in mutants:
                own = digest([root / mutant.path])
                before = known.get((mutant.name, own))
                if mutant.name in EQUIVALENTS:
                    yield Verdict(mutant.name, str(mutant), EQUIVALENT, "", 0.0, ("", ""))
                    continue
                if before and (before.outcome == KILLED or before.digests[1] == tests):
                    yield before
                    continue
                source = (root / mutant.path).read_text()
                by, seconds = tried(reach, mutant, source, patience, most)
                outcome = KILLED if by else SURVIVED
                digests = (own, tests)
                verdict = Verdict(mutant.name, str(mutant), outcome, by, round(seconds, 1), digests)
                with results.open("a") as file:
                    print(json.dumps(asdict(verdict)), file=file)
                yield verdict


def main(arguments: list[str]) -> int:
    """Print the survivors as they are found, then the score: 0 if all are killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--under", default="tconv", help="a folder or file, to draw from it alone")
    parser.add_argument("--tests", nargs="*", default=("",), help="files and folders; all if none")
    parser.add_argument(
        "--seconds",
        type=float,
        default=inf,
        help="of a batch ask no more tests than take so many seconds: the score is a lower bound",
    )
    options = parser.parse_args(arguments)
    paths = sorted((ROOT / "tconv").rglob("*.py"))
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in paths}
    sources = {path: text for path, text in sources.items() if path.startswith(options.under)}
    mutants, found = drawn(sources, options.seed, options.count), []
    limits = {"within": tuple(options.tests), "most": options.seconds}
    for verdict in verdicts(ROOT, "tconv", mutants, STORE, PRELOAD, **limits):
        found.append(verdict)
        if verdict.outcome == SURVIVED:
            print(f"survived: {verdict.change}", flush=True)
    print(table(found))
    return int(any(verdict.outcome == SURVIVED for verdict in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
