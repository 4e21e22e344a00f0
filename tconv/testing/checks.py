"""The public checks: certify a transposed convolution, a convolution, or their gradients."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NoReturn

import numpy as np

from tconv.testing.compiling import Stopwatch
from tconv.testing.failure.conditions import layouts
from tconv.testing.failure.diagnosis import diagnose
from tconv.testing.failure.report import CheckFailure
from tconv.testing.failure.thresholds import thresholds
from tconv.testing.problems.problem import Problem
from tconv.testing.problems.selection import Selection
from tconv.testing.problems.simplify import Predicate, minimal, nearest_supported
from tconv.testing.properties import examine
from tconv.testing.trial import Finding, Subject


@dataclass
class Summary:
    """What a check looked at, when everything held.

    ``problems`` of so many ``programs``, which differ in shapes or parameters and not only in
    values; ``skipped`` had none near them that is supported; how often each of the
    ``properties`` was looked at, and the ``seconds`` it took.
    """

    problems: int = 0
    programs: int = 0
    skipped: int = 0
    properties: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def check_conv_transpose(
    fn: Callable[..., Any],
    *,
    conv: Callable[..., Any] | None = None,
    ndim: int | Collection[int] = (1, 2, 3),
    dtypes: Collection[str] = ("float32",),
    supports: Predicate | None = None,
    max_examples: int | None = None,
    profile: str = "default",
    seed: int = 0,
    atol: float | None = None,
    rtol: float | None = None,
    nonfinite: Collection[str] = ("x",),
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Certify ``fn(x, w, b=None, *, stride, padding, output_padding, dilation, groups)``.

    A fixed table of nasty corners comes first; then one number at a time large (17 to 130), and
    small and larger numbers in every pair; then generated problems.  On each: shape, dtype,
    values against the independent reference, linearity in x and w, the inputs left as they were,
    three calls that agree, the bias where no tap reaches, NaN and inf going only where their
    taps lead, empty batches, and with ``conv=`` the adjoint identity.

    Args:
        fn: takes and returns NumPy arrays, or anything with ``__array__``.  x is (batch,
            in_channels, *spatial), w is (in_channels, out_channels/groups, *kernel), b is
            (out_channels,) or None.  stride, output_padding and dilation are tuples with one
            int an axis; so is padding, or one (lo, hi) pair an axis where the sides differ.
        conv: the convolution with the same weight, if the pair is to be checked as adjoints.
        ndim: numbers of spatial axes to try.
        dtypes: names of dtypes to try.
        supports: a predicate of the ``Problem`` that keeps to what ``fn`` offers, such as
            ``lambda p: p.symmetric and p.groups == 1``.
        max_examples: how many problems to generate (with the profile "few", to choose); by
            default that of the profile.
        profile: "table" (the corners alone, so hypothesis is not needed), "quick" (without the
            larger fixed problems), "default" (below 20 s for most), "few", "thorough" or
            "hours".  Without a profile and ``max_examples``, a function that compiles for each
            shape, which the times of its first calls tell, is checked with "few": those 100 of
            the default's 320 problems among whose features most pairs occur, each with two
            draws of values.
        seed: of problems and values; the same seed gives the same check.
        atol, rtol: if given, they replace the derived error bound: ``atol + rtol * scale``
            is allowed, the scale of an element being its sum of absolute products.
        nonfinite: the operands, of "x" and "w", that are given a NaN and an inf.
        progress: called with the number of problems done and their total.

    Returns: a ``Summary`` of what was looked at.

    Raises:
        CheckFailure: an AssertionError whose text has the minimal failing problem, the two
            results around the worst element, a diagnosis and a snippet that reproduces it.
        ValueError: ``supports`` accepted nothing, or an argument is not one of those above.
        ImportError: hypothesis is missing and the profile is not "table".

    Source of the error bound: see ``tconv.testing.measures``.

    >>> import tconv
    >>> check_conv_transpose(tconv.conv_transpose, ndim=1, profile="table").problems
    27
    """
    subject = Subject(fn, "conv_transpose", False, conv, atol, rtol, tuple(nonfinite))
    return _check(subject, ndim, dtypes, supports, max_examples, profile, seed, progress)


def check_conv(
    fn: Callable[..., Any],
    *,
    conv_transpose: Callable[..., Any] | None = None,
    ndim: int | Collection[int] = (1, 2, 3),
    dtypes: Collection[str] = ("float32",),
    supports: Predicate | None = None,
    max_examples: int | None = None,
    profile: str = "default",
    seed: int = 0,
    atol: float | None = None,
    rtol: float | None = None,
    nonfinite: Collection[str] = ("x",),
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Certify a convolution ``fn(x, w, b=None, *, stride, padding, dilation, groups)``.

    Args: those of ``check_conv_transpose``; w is (out_channels, in_channels/groups, *kernel),
        and ``conv_transpose`` is the map to be checked as its adjoint, if one is given.

    >>> import tconv
    >>> check_conv(tconv.conv, ndim=1, profile="table").properties["values"]
    27
    """
    subject = Subject(fn, "conv", False, conv_transpose, atol, rtol, tuple(nonfinite))
    return _check(subject, ndim, dtypes, supports, max_examples, profile, seed, progress)


def check_vjp(
    fn: Callable[..., Any],
    *,
    kind: str = "conv_transpose",
    ndim: int | Collection[int] = (1, 2, 3),
    dtypes: Collection[str] = ("float32",),
    supports: Predicate | None = None,
    max_examples: int | None = None,
    profile: str = "default",
    seed: int = 0,
    atol: float | None = None,
    rtol: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Certify gradients: ``fn(x, w, b=None, *, stride, ...)`` returns ``(y, pullback)``, or a JAX
    array y alone, whose pullback is then that of ``jax.vjp``.

    ``pullback(dy)`` returns ``(dx, dw, db)``, db being None without a bias; the maps are
    linear transposes, without conjugation, as in ``jax.vjp``.  Checked are y and the three
    cotangents: shape, dtype, values, linearity in dy, agreeing calls, unchanged inputs.

    Args: those of ``check_conv_transpose``; ``kind`` is "conv_transpose" or "conv".

    >>> import tconv
    >>> check_vjp(tconv.conv_transpose_vjp, ndim=1, profile="table").problems
    27
    """
    if kind not in ("conv_transpose", "conv"):
        raise ValueError(f"kind: must be 'conv_transpose' or 'conv'; got {kind!r}.")
    subject = Subject(fn, kind, True, None, atol, rtol)
    return _check(subject, ndim, dtypes, supports, max_examples, profile, seed, progress)


@np.errstate(all="ignore")
def _check(
    subject: Subject,
    ndim: int | Collection[int],
    dtypes: Collection[str],
    supports: Predicate | None,
    max_examples: int | None,
    profile: str,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> Summary:
    start = time.monotonic()
    select = partial(
        Selection, subject.kind, ndim=ndim, dtypes=dtypes, supports=supports,
        max_examples=max_examples, seed=seed,
    )  # fmt: skip
    named = profile != "default" or max_examples is not None
    summary = _tried(subject, select(profile=profile), progress, whole=named)
    if summary is None:
        summary = _tried(subject, select(profile="few"), progress, whole=True)
        assert summary is not None
    if not summary.problems:
        raise ValueError(
            f"supports: refused all {summary.skipped} problems tried, and those near them. "
            f"Check the predicate, or name the dimensions with ndim=."
        )
    summary.seconds = time.monotonic() - start
    return summary


def _tried(
    subject: Subject,
    selection: Selection,
    progress: Callable[[int, int], None] | None,
    whole: bool,
) -> Summary | None:
    """What was looked at of a selection; None where the function compiles, unless ``whole``."""
    summary, watch, programs = Summary(), Stopwatch(subject.fn), set()
    for number, problem in enumerate(selection):
        if progress is not None:
            progress(number, len(selection))
        if problem is None:
            summary.skipped += 1
            continue
        finding, checked = examine(replace(subject, fn=watch), problem)
        if finding is not None:
            raise_report(subject, finding, selection, number)
        watch.next_problem()
        if watch.compiles and not whole:
            return None
        programs.add(problem.program)
        summary.problems += 1
        summary.properties.update(checked)
    if progress is not None:
        progress(len(selection), len(selection))
    summary.programs = len(programs)
    return summary


def raise_report(subject: Subject, first: Finding, selection: Selection, number: int) -> NoReturn:
    """Simplify, diagnose, and raise."""

    def fails(problem: Problem) -> bool:
        finding, _ = examine(subject, problem, until=first.name)
        return finding is not None and (finding.name, finding.result) == (first.name, first.result)

    allows = selection.allows
    smallest = minimal(first.problem, fails, allows)
    finding, _ = examine(subject, smallest)
    if finding is None or finding.name != first.name:
        finding = first
    corners = (p for p in selection.corners if p.dtype == smallest.dtype)
    near = (nearest_supported(p, allows) for p in corners)
    probes = [p for p in near if p is not None and p.batch != 0]
    diagnosis = diagnose(subject, finding, first, probes)

    def fails_here(problem: Problem) -> bool:
        return allows(problem) and fails(problem)

    further = [*layouts(smallest, fails_here), *thresholds(smallest, fails_here)]
    text = ". ".join([diagnosis, *further])
    raise CheckFailure(subject, finding, text, selection.where(number))
