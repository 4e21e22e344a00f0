"""Which tests run which lines of the package: noted when first asked for, and again where a file
has changed."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.mutations.mutants import Mutant
from tests.mutations.trial import Server

SECONDS_FOR_A_FILE = 3600
EVERYWHERE = "convolution"  # the folder of tests that most of the package serves


class Reach:
    """The tests of a folder by what they run, kept in ``store``; those whose paths begin with one
    of ``within``."""

    def __init__(
        self,
        server: Server,
        folder: Path,
        store: Path,
        package: str,
        within: tuple[str, ...] = ("",),
    ) -> None:
        self.server, self.folder, self.store, self.package = server, folder, store, package
        sources = [*folder.glob(f"{package}/**/*.py"), *folder.glob("tests/**/*.py")]
        self.shared = digest(path for path in sources if not is_tests(path))
        examples = (path for path in folder.glob(f"{package}/**/*.py") if ">>>" in path.read_text())
        files = sorted([*folder.glob("tests/**/test_*.py"), *examples])
        names = (str(path.relative_to(folder)) for path in files)
        self.files = [name for name in names if name.startswith(within)]
        self.seconds: dict[str, float] = {}
        # For each file and line the tests that run it, and the lines that run on import.
        self.lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.imported: dict[str, set[int]] = defaultdict(set)
        self.blind: set[str] = set()  # tests that run no line of the package in their process
        self.known: set[str] = set()

    def batches(self, mutant: Mutant) -> Iterator[list[str]]:
        """The tests that can tell a mutant: those near its file, then the others, then the blind
        ones; in each batch the quickest first.

        They are the tests that run its lines; for a line that runs once for all, those that run
        any line of the file, or if none does all.
        """
        near = [file for file in self.files if is_near(file, mutant.path)]
        near = near or [file for file in self.files if is_near(file, f"/{EVERYWHERE}.py")]
        for files in (near, [file for file in self.files if file not in near]):
            for file in files:
                self.note(file)
            tests = {test for test in self.telling(mutant) if file_of(test) in files}
            yield sorted(tests, key=self.seconds.__getitem__)
        yield sorted(self.blind, key=self.seconds.__getitem__)

    def telling(self, mutant: Mutant) -> set[str]:
        """The tests noted so far that run the lines of a mutant."""
        lines, imported = self.lines[mutant.path], self.imported[mutant.path]
        inside = set(range(mutant.lines[0], mutant.lines[1] + 1)) & set(lines)
        tests = set().union(*(lines[line] for line in inside))
        if not tests and inside <= imported:
            tests = set().union(*lines.values()) or set(self.seconds)
        return tests

    def note(self, file: str) -> None:
        """Which lines the tests of a file run, by trying or as it is kept."""
        if file in self.known:
            return
        self.known.add(file)
        digests = [self.shared, digest([self.folder / file])]
        kept = self.store / f"{file.replace('/', '.')}.json"
        noted = json.loads(kept.read_text()) if kept.exists() else {}
        if noted.get("digests") != digests:
            run = {"paths": [file], "package": self.package}
            noted = {**self.server.ask(run=run, timeout=SECONDS_FOR_A_FILE), "digests": digests}
            if "lines" not in noted:
                raise RuntimeError(f"{file}: its tests {noted['failed']}")
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(noted))
            print(f"noted {file}: {len(noted['durations'])} tests", flush=True)
        for test in noted["failed"]:
            print(f"left out, as it fails without a change: {test}", flush=True)
        self._add(noted)

    def _add(self, noted: dict[str, Any]) -> None:
        names, failed = list(noted["durations"]), set(noted["failed"])
        self.seconds |= noted["durations"]
        seeing: set[int] = set()
        for path, lines in noted["lines"].items():
            for line, numbers in lines.items():
                seeing |= set(numbers)
                self.lines[path][int(line)] |= {names[number] for number in numbers} - failed
                if not numbers:
                    self.imported[path].add(int(line))
        blind = {name for number, name in enumerate(names) if number not in seeing}
        self.blind |= blind - failed


def is_near(file: str, path: str) -> bool:
    """Whether a file of tests is where those of a file of the package are, or that file itself.

    The folder ``tests/NAME`` has those of ``NAME.py`` and of the folder ``NAME``, or a file
    ``tests/test_NAME.py`` does.
    """
    name = path.split("/")[1].removesuffix(".py")
    return file in (path, f"tests/test_{name}.py") or file.startswith(f"tests/{name}/")


def is_tests(path: Path) -> bool:
    """Whether a file holds tests, or belongs to this runner: no other test depends on it."""
    return path.name.startswith("test_") or "mutations" in path.parts


def file_of(test: str) -> str:
    """The file that a test is in."""
    return test.partition("::")[0]


def digest(paths: Iterable[Path]) -> str:
    """Of the contents of files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]
