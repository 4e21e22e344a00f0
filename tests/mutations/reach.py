"""Which tests run which lines of the package: noted once, and again where a file has changed."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutations.mutants import Mutant
from tests.mutations.trial import Server

SECONDS_FOR_A_FILE = 1800


@dataclass
class Reach:
    """The tests by what they run.

    ``lines`` holds for each file and line the tests that run it, and ``imported`` the lines that
    run when the file is imported; ``blind`` are the tests that run no line of the package in their
    own process.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    imported: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    blind: set[str] = field(default_factory=set)

    def add(self, noted: dict) -> None:
        """What ``trial`` noted of one file of tests."""
        names = list(noted["durations"])
        failed = set(noted["failed"])
        self.seconds |= noted["durations"]
        seeing = set()
        for path, lines in noted["lines"].items():
            for line, numbers in lines.items():
                seeing |= set(numbers)
                self.lines[path][int(line)] |= {names[number] for number in numbers} - failed
                if not numbers:
                    self.imported[path].add(int(line))
        blind = {name for number, name in enumerate(names) if number not in seeing}
        self.blind |= blind - failed

    def batches(self, mutant: Mutant) -> list[list[str]]:
        """The tests that can tell a mutant: those of its module first, then the others, then the
        blind ones; in each batch the quickest first.

        They are the tests that run its lines; for a line that runs once for all, those that run
        any line of the file.
        """
        lines = self.lines[mutant.path]
        first, last = mutant.lines
        inside = set(range(first, last + 1))
        tests = set().union(*(lines[line] for line in inside & set(lines)))
        if not tests or inside & self.imported[mutant.path] == inside & set(lines):
            tests = tests.union(*lines.values())
        ordered = sorted(tests - self.blind, key=self.seconds.__getitem__)
        near = [test for test in ordered if is_near(test, mutant.path)]
        far = [test for test in ordered if not is_near(test, mutant.path)]
        return [near, far, sorted(self.blind, key=self.seconds.__getitem__)]


def is_near(test: str, path: str) -> bool:
    """Whether a test lies where those of a file of the package do, or in the file itself.

    The folder ``tests/NAME`` has those of ``NAME.py`` and of the folder ``NAME``; one file the
    others of the package's root.
    """
    file = test.partition("::")[0]
    if file == path:
        return True
    name = path.split("/")[1].removesuffix(".py")
    return file.startswith(f"tests/{name}/") or file == f"tests/test_{name}.py"


def noted(server: Server, folder: Path, store: Path, package: str) -> Reach:
    """The reach of all tests under a folder, taken from ``store`` where it is still right."""
    reach = Reach()
    shared = digest(
        [*folder.glob(f"{package}/**/*.py"), *folder.glob("tests/**/*.py")],
        without=lambda path: path.name.startswith("test_") or "mutations" in path.parts,
    )
    files = sorted(folder.glob("tests/**/test_*.py"))
    for path in (*files, folder / package):
        name = str(path.relative_to(folder))
        own = digest([path] if path.is_file() else [])
        kept = store / f"{name.replace('/', '.')}.json"
        known = json.loads(kept.read_text()) if kept.exists() else {}
        if known.get("digest") != [shared, own]:
            run = {"paths": [name], "package": package}
            answer = server.ask(run=run, timeout=SECONDS_FOR_A_FILE)
            if "lines" not in answer:
                raise RuntimeError(f"{name}: its tests {answer['failed']}")
            known = {**answer, "digest": [shared, own]}
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(known))
            count, seconds = len(answer["durations"]), answer["seconds"]
            print(f"noted {name}: {count} tests in {seconds:.0f} s", flush=True)
        for test in known["failed"]:
            print(f"left out, as it fails without a change: {test}", flush=True)
        reach.add(known)
    return reach


def digest(paths, without=lambda path: False) -> str:
    """Of the contents of files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        if not without(path):
            total.update(path.read_bytes())
    return total.hexdigest()[:16]
