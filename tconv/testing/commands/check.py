"""``python -m tconv check``: certify the installed library on this machine."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import tconv
from tconv.testing.checks import Summary, check_conv, check_conv_transpose, check_vjp
from tconv.testing.commands.installed import METHODS, Functions, functions
from tconv.testing.commands.mutants import run_mutants
from tconv.testing.failure.report import CheckFailure
from tconv.testing.problems.problem import dtype_named
from tconv.testing.problems.selection import PROFILES
from tconv.testing.problems.simplify import Predicate

EXAMPLES = 10
PROGRAMS = 12  # of each row, where each takes a compilation
DTYPES = ("float32", "float64", "float16", "complex64", "int32")


@dataclass
class Row:
    """One line of the table."""

    check: str
    method: str
    dtype: str
    verdict: str
    problems: int
    properties: int
    seconds: float
    report: str = ""


def add_to(commands: Any) -> None:
    """Add this command to the sub-parsers of ``python -m tconv``."""
    parser = commands.add_parser("check", help="certify the library on this machine")
    parser.add_argument("--backend", choices=("numpy", "jax"), default="numpy")
    parser.add_argument("--device", help="of JAX: a platform such as cpu, gpu or tpu, or gpu:1")
    parser.add_argument("--dtype", action="append", help="may be given several times")
    parser.add_argument("--examples", type=int, help=f"generated problems a row ({EXAMPLES})")
    parser.add_argument("--profile", choices=tuple(PROFILES), help="instead of --examples")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write the table there too")
    parser.add_argument("--mutants", action="store_true", help="score the checks themselves")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table and the verdict: 0 if everything held, 1 if not, 2 if it could not be run."""
    if options.mutants:
        return run_mutants(
            profile=options.profile or "default", max_examples=options.examples,
            seeds=(options.seed,),
        )  # fmt: skip
    dtypes = tuple(options.dtype or DTYPES)
    try:
        for name in dtypes:
            dtype_named(name)
        offered = functions(options.backend, options.device, dtypes)
    except (ImportError, RuntimeError, TypeError, ValueError) as error:
        print(f"tconv check: {error}", file=sys.stderr)
        return 2
    if options.examples is None and options.profile:
        options.examples = PROFILES[options.profile]
    elif options.examples is None:
        options.examples = PROGRAMS if offered.compiles else EXAMPLES
    print(f"tconv {tconv.__version__}, {offered.where}, {_machine()}")
    start, rows = time.monotonic(), []
    print(_HEAD)
    try:
        profile = options.profile or ("few" if offered.compiles else "quick")
        chosen = {"profile": profile, "seed": options.seed}
        for row in certify(offered, dtypes, examples=options.examples, **chosen):
            print(_line(row), flush=True)  # on JAX the next may be a minute away
            rows.append(row)
    except ImportError as error:
        print(f"tconv check: {error}", file=sys.stderr)
        return 2
    failed = [row for row in rows if row.verdict != "pass"]
    if offered.note:
        print(offered.note)
    for row in failed:
        print(f"\n{row.check}, {row.method}, {row.dtype}\n{row.report}")
    problems = sum(row.problems for row in rows)
    verdict = f"FAILED: {len(failed)} of {len(rows)} checks" if failed else "PASSED"
    print(f"\n{verdict}; {problems} problems in {time.monotonic() - start:.1f} s")
    if options.json:
        _write(options.json, rows, offered.where, not failed, options)
    return 1 if failed else 0


def certify(
    offered: Functions,
    dtypes: Sequence[str],
    *,
    examples: int,
    profile: str = "quick",
    seed: int = 0,
    methods: Sequence[str] = METHODS,
    ndim: Sequence[int] = (1, 2, 3),
    supports: Predicate | None = None,
) -> Iterator[Row]:
    """The rows of the table, checked one by one.

    The first dtype is tried with every method and number of axes, and with the fixed problems of
    the profile; the others with "auto" on one axis and two.
    """
    chosen: list[tuple[str, str, str, Callable[..., Summary]]] = []
    for dtype in dtypes:
        first = dtype == dtypes[0]
        common: dict[str, Any] = {
            "dtypes": (dtype,), "max_examples": examples, "seed": seed, "supports": supports,
            "profile": profile if first or profile == "few" else "quick",
            "ndim": ndim if first else [axes for axes in ndim if axes < 3],
        }  # fmt: skip
        for method in methods if first else ("auto",):
            strict = ("x",) if offered.confines_nan and method != "matrix" else ()
            chosen.append((
                "conv_transpose", method, dtype,
                _later(check_conv_transpose, offered.conv_transpose(method), nonfinite=strict,
                       conv=offered.conv if method == "auto" else None, **common),
            ))  # fmt: skip
        strict = ("x",) if offered.confines_nan else ()
        chosen.append((
            "conv", "", dtype,
            _later(check_conv, offered.conv, nonfinite=strict,
                   conv_transpose=offered.conv_transpose("auto"), **common),
        ))  # fmt: skip
        for kind in ("conv_transpose", "conv"):
            chosen.append((
                f"{kind}_vjp", "", dtype,
                _later(check_vjp, offered.vjp(kind), kind=kind, **common),
            ))  # fmt: skip
    with _Bar(len(chosen)) as bar:
        for check, method, dtype, run_check in chosen:
            bar.label(f"{check} {method} {dtype}")
            row = _row(check, method, dtype, run_check, bar)
            bar.hide()
            yield row


def _later(check: Callable[..., Summary], fn: Any, **options: Any) -> Callable[..., Summary]:
    return lambda progress: check(fn, progress=progress, **options)


def _row(check: str, method: str, dtype: str, run: Callable[..., Summary], bar: _Bar) -> Row:
    start = time.monotonic()
    try:
        summary = run(bar.step)
    except CheckFailure as failure:
        seconds = time.monotonic() - start
        return Row(check, method, dtype, "FAIL", bar.done, 0, seconds, str(failure))
    held = sum(summary.properties.values())
    return Row(check, method, dtype, "pass", summary.problems, held, summary.seconds)


class _Bar:
    """A progress bar on a terminal, if tqdm is installed; otherwise nothing."""

    def __init__(self, rows: int) -> None:
        self.rows, self.row, self.done = rows, 0, 0
        try:
            from tqdm import tqdm
        except ImportError:
            self.bar: Any = None
        else:
            shape = "{desc:34}{percentage:3.0f}%|{bar}| {elapsed}"
            self.bar = tqdm(total=rows, disable=None, leave=False, bar_format=shape)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def label(self, text: str) -> None:
        """Begin the next row."""
        self.row += 1
        if self.bar is not None:
            self.bar.set_description(text)

    def hide(self) -> None:
        """Leave the line to what is printed."""
        if self.bar is not None:
            self.bar.clear()

    def step(self, done: int, total: int) -> None:
        """``done`` of the row's ``total`` problems are behind us."""
        self.done = done
        if self.bar is not None:
            self.bar.n = self.row - 1 + done / total
            self.bar.refresh()


_HEAD = f"{'check':22}{'method':10}{'dtype':11}{'problems':>9}{'properties':>12}{'s':>7}"


def _line(row: Row) -> str:
    return (
        f"{row.check:22}{row.method:10}{row.dtype:11}{row.problems:9}{row.properties:12}"
        f"{row.seconds:7.1f}  {row.verdict}"
    )


def _machine() -> str:
    versions = [f"Python {platform.python_version()}"]
    for package in ("numpy", "hypothesis"):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"no {package}")
    return f"{', '.join(versions)} on {platform.machine()}"


def _write(path: str, rows: list[Row], where: str, passed: bool, options: Any) -> None:
    content = {
        "tconv": tconv.__version__,
        "where": where,
        "machine": _machine(),
        "examples": options.examples,
        "seed": options.seed,
        "passed": passed,
        "rows": [asdict(row) for row in rows],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
