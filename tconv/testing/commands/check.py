"""``python -m tconv check``: certify the installed library, a function, a framework or a model."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from typing import Any

import tconv
from tconv.testing.commands import certificate
from tconv.testing.commands.function import framework_target, function_target
from tconv.testing.commands.installed import functions
from tconv.testing.commands.machine import machine, versions
from tconv.testing.commands.model import model_target
from tconv.testing.commands.mutants import run_mutants
from tconv.testing.commands.own import own_checks
from tconv.testing.commands.rows import HEAD, Target, line, rows
from tconv.testing.frameworks import SOURCES
from tconv.testing.frameworks.onnx import CPU, runtime
from tconv.testing.problems.problem import dtype_named
from tconv.testing.problems.selection import PROFILES

EXAMPLES = 10
PROGRAMS = 12  # of each row, where each takes a compilation
DTYPES = ("float32", "float64", "float16", "complex64", "int32")
_EPILOG = """\
python -m tconv check                                       the installed library
python -m tconv check mypackage.ops:upsample --ndim 2 --supports symmetric,groups=1
python -m tconv check model.onnx                            every ConvTranspose node of a model
python -m tconv check --framework equinox                   another framework's own
"""


def add_to(commands: Any) -> None:
    """Add this command to the sub-parsers of ``python -m tconv``."""
    parser = commands.add_parser(
        "check",
        help="certify the library, a function, a framework or an ONNX model on this machine",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target", nargs="?", help="package.module:function, or a model that ends with .onnx"
    )
    parser.add_argument("--framework", help=f"one of {', '.join(SOURCES)}")
    parser.add_argument("--conv", metavar="M:F", help="the convolution that is the adjoint")
    parser.add_argument("--vjp", metavar="M:F", help="the function with a pullback")
    parser.add_argument(
        "--ndim", type=_ints, help="numbers of spatial axes, such as 2 or 1,2 (1,2,3)"
    )
    parser.add_argument(
        "--supports", help="what is offered, such as symmetric,groups=1,output_padding<stride"
    )
    parser.add_argument("--ops", action="store_true", help="ONNX Runtime's operator as a whole")
    parser.add_argument("--provider", default=CPU, help=f"of ONNX Runtime ({CPU})")
    parser.add_argument("--backend", choices=("numpy", "jax"), default="numpy")
    parser.add_argument("--device", help="of JAX: a platform such as cpu, gpu or tpu, or gpu:1")
    parser.add_argument("--dtype", action="append", help="may be given several times")
    parser.add_argument("--examples", type=int, help="generated problems a row")
    parser.add_argument("--profile", choices=tuple(PROFILES), help="how many problems")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write a certificate; - prints it")
    parser.add_argument("--mutants", action="store_true", help="score the checks themselves")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table and the verdict: 0 if everything held, 1 if not, 2 if it could not be run."""
    if options.mutants:
        return run_mutants(
            profile=options.profile or "default", max_examples=options.examples,
            seeds=(options.seed,),
        )  # fmt: skip
    printed = sys.stderr if options.json == "-" else sys.stdout
    try:
        with contextlib.redirect_stdout(printed):
            target = _target(options)
            found = _certify(target)
        if options.json:
            certificate.write(options.json, certificate.certificate(target, found, options.seed))
    except (ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        print(f"tconv check: {error}", file=sys.stderr)
        return 2
    return 0 if all(row.verdict == "pass" for row in found) else 1


def _target(options: argparse.Namespace) -> Target:
    """What the arguments name."""
    for name in options.dtype or ():
        dtype_named(name)
    named = [options.target, options.framework, options.ops or None]
    if sum(name is not None for name in named) > 1:
        raise ValueError("give one of a target, --framework and --ops.")
    if options.ops:
        return framework_target(options, runtime(options.provider))
    if options.framework:
        return framework_target(options)
    if options.target is None:
        return _library(options)
    if options.target.endswith(".onnx"):
        return model_target(options)
    return function_target(options)


def _library(options: argparse.Namespace) -> Target:
    for name in ("supports", "conv", "vjp"):
        if getattr(options, name) is not None:
            raise ValueError(f"--{name}: is of a function. Name it as package.module:function.")
    dtypes, ndim = tuple(options.dtype or DTYPES), options.ndim or (1, 2, 3)
    offered = functions(options.backend, options.device, dtypes)
    profile = options.profile or ("few" if offered.compiles else "quick")
    examples = options.examples
    if examples is None and options.profile:
        examples = PROFILES[options.profile]
    elif examples is None:
        examples = PROGRAMS if offered.compiles else EXAMPLES
    checks = own_checks(
        offered, dtypes, examples=examples, profile=profile, seed=options.seed, ndim=ndim
    )
    return Target(
        f"tconv, {offered.where}", (), checks, note=offered.note, profile=profile,
        examples=examples, ndim=ndim,
    )  # fmt: skip


def _certify(target: Target) -> list[Any]:
    """Run the checks and print what they find."""
    about = ", ".join(f"{name} {number}" for name, number in versions(
        ("numpy", "hypothesis", *target.packages)).items())  # fmt: skip
    here = machine()
    print(f"tconv {tconv.__version__} certifies {target.name}")
    print(f"{about}, Python {here['python']} on {here['processor']}\n{HEAD}")
    start, found = time.monotonic(), []
    for row in rows(target.checks):
        print(line(row), flush=True)  # on JAX the next may be a minute away
        found.append(row)
    failed = [row for row in found if row.verdict != "pass"]
    if target.note:
        print(target.note)
    for row in failed:
        print(f"\n{row.check}, {row.method}, {row.dtype}\n{row.report}")
    problems = sum(row.problems for row in found)
    verdict = f"FAILED: {len(failed)} of {len(found)} checks" if failed else "PASSED"
    print(f"\n{verdict}; {problems} problems in {time.monotonic() - start:.1f} s")
    return found


def _ints(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))
