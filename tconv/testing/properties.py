"""What is checked of one problem, one function a property, in order of what is worth knowing.

Each raises ``Violated`` with a ``Finding``.  ``examine`` runs them all and returns the first
finding, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.testing import reference
from tconv.testing.expected import Expected, expected_result, widened, wrapped
from tconv.testing.measures import tolerance
from tconv.testing.problems.problem import Problem
from tconv.testing.trial import Finding, Subject, Trial, Violated

Array = NDArray[Any]


def examine(
    subject: Subject, problem: Problem, until: str | None = None
) -> tuple[Finding | None, list[str]]:
    """The first property that does not hold for this problem, and all that were looked at.

    With ``until``, the properties after that one are left out.
    """
    trial = Trial(subject, problem)
    try:
        results = _call(trial)
        for check in _checks(trial, results):
            if until in trial.checked:
                break
            check()
    except Violated as violated:
        return violated.args[0], trial.checked
    return None, trial.checked


def _checks(trial: Trial, results: dict[str, Any]) -> Iterator[Callable[[], None]]:
    subject, problem = trial.subject, trial.problem
    for check in (_shape, _dtype, _agreement, _values):
        yield partial(check, trial, results)
    if problem.batch == 0:
        return
    for operand in ("dy",) if subject.vjp else ("x", "w"):
        yield partial(_linearity, trial, results, operand)
    if subject.adjoint is not None:
        yield partial(_adjoint, trial, results, subject.adjoint)
    if problem.dtype.startswith(("float", "bfloat", "complex")) and not subject.vjp:
        for operand in subject.nonfinite:
            yield partial(_nonfinite, trial, operand)


def _call(trial: Trial) -> dict[str, Any]:
    """It returns, and leaves its inputs as they were."""
    trial.checked += ["call", "inputs unchanged"]
    if trial.problem.batch == 0:
        trial.checked.append("empty batch")
    before = {k: None if v is None else v.copy() for k, v in trial.operands.items()}
    results = trial.run()
    for name, value in before.items():
        if value is not None and not np.array_equal(value, trial.operands[name]):
            changed = value != trial.operands[name]
            trial.operands[name][...] = value
            trial.fail(
                "inputs unchanged", f"wrote into its input {name}: {int(changed.sum())} elements"
            )
    return results


def _shape(trial: Trial, results: dict[str, Any]) -> None:
    trial.checked.append("shape")
    for name, expected in trial.expected.items():
        got = results[name]
        if (got is None) != (expected is None):
            trial.fail("shape", f"{name} is None only where there is no bias", result=name)
        if expected is not None and got.shape != expected.value.shape:
            trial.fail(
                "shape",
                f"{name} has shape {got.shape}, expected {expected.value.shape}",
                result=name, got=got, expected=expected.value,
            )  # fmt: skip


def _dtype(trial: Trial, results: dict[str, Any]) -> None:
    trial.checked.append("dtype")
    for name, got in results.items():
        if got is not None and got.dtype.name != trial.problem.dtype:
            trial.fail(
                "dtype",
                f"{name} is {got.dtype.name}, expected {trial.problem.dtype}",
                result=name,
            )


def _agreement(trial: Trial, results: dict[str, Any]) -> None:
    """Three calls agree within rounding, and no call overwrites what an earlier one returned."""
    trial.checked.append("calls agree")
    atol, rtol = trial.subject.atol, trial.subject.rtol
    first = {name: values.copy() for name, values in results.items() if values is not None}
    for again in (trial.run(), trial.run()):
        for name, was in first.items():
            expected, now = trial.expected[name], again[name]
            assert expected is not None
            if now is None or np.array_equal(now, was, equal_nan=was.dtype.kind in "fc"):
                continue
            if (
                now.shape != was.shape
                or (expected.wrong(now, atol, rtol) | expected.wrong(was, atol, rtol)).any()
            ):
                message = f"{name} differs between calls with the same arguments"
                trial.fail("calls agree", message, result=name, got=now, expected=was)
    trial.checked.append("earlier results kept")
    trial.run(w=-trial.w)
    for name, was in first.items():
        if not np.array_equal(results[name], was, equal_nan=was.dtype.kind in "fc"):
            message = f"a later call overwrote the {name} that an earlier one had returned"
            trial.fail(
                "earlier results kept", message, result=name, got=results[name], expected=was
            )


def _values(trial: Trial, results: dict[str, Any]) -> None:
    trial.checked.append("values")
    atol, rtol = trial.subject.atol, trial.subject.rtol
    bare = np.False_ if trial.b is None else unreached(trial)
    if np.any(bare):
        trial.checked.append("bias where no tap reaches")
    for name, expected in trial.expected.items():
        if expected is None:
            continue
        wrong = expected.wrong(results[name], atol, rtol)
        if wrong.any():
            only_there = name == "y" and not (wrong & ~bare).any()
            trial.fail(
                "bias where no tap reaches" if only_there else "values",
                f"{int(wrong.sum())} of {wrong.size} elements of {name} are outside the error "
                f"bound",
                result=name, got=results[name], wrong=wrong, expected=_shown(expected),
                allowed=expected.allowed(atol, rtol),
            )  # fmt: skip


def unreached(trial: Trial) -> Array:
    """Which elements of y no tap reaches: there it holds the bias alone."""
    function = reference.conv_transpose if trial.problem.transposed else reference.conv
    with np.errstate(all="ignore"):
        reached = function(np.ones(trial.x.shape), np.ones(trial.w.shape), **trial.problem.keywords)
    return np.asarray(reached == 0)


def _linearity(trial: Trial, results: dict[str, Any], operand: str) -> None:
    """f(4*m*v) + 4*f((1 - m)*v) = 4*f(v) for a random mask m; the bias goes with the second."""
    trial.checked.append(f"linear in {operand}")
    values = trial.operands[operand]
    rng = np.random.default_rng(trial.problem.seed)
    mask = rng.integers(0, 2, values.shape).astype(values.dtype)
    four = values.dtype.type(4)
    replaced: dict[str, Any] = {operand: four * (values * mask)}
    if trial.b is not None and not trial.subject.vjp:
        replaced["b"] = np.zeros_like(trial.b)
    first = trial.run(**replaced)
    second = trial.run(**{operand: values * (1 - mask).astype(values.dtype)})
    names = ("dx", "dw", "db") if trial.subject.vjp else ("y",)
    for name in names:
        expected = trial.expected[name]
        if expected is None:
            continue
        total = widened(first[name]) + 4 * widened(second[name])
        whole = 4 * widened(results[name])
        if total.dtype == object:
            total, whole = wrapped(total, expected.dtype), wrapped(whole, expected.dtype)
            wrong = total != whole
        else:
            allowed = expected.allowed(trial.subject.atol, trial.subject.rtol, 12.0)
            wrong = ~(np.abs(total - whole) <= allowed)
        if wrong.any():
            trial.fail(
                f"linear in {operand}",
                f"{name} is not linear in {operand}: the results for two parts of it do not "
                f"add up to the result for the whole",
                result=name, got=total / 4, expected=whole / 4, wrong=wrong,
            )  # fmt: skip


def _adjoint(trial: Trial, results: dict[str, Any], adjoint: Callable[..., Any]) -> None:
    """<adjoint(dy), x> = <dy, fn(x)>, where the geometry has a partner."""
    problem = trial.problem
    if any(axis.output_padding >= axis.stride for axis in problem.axes):
        return
    trial.checked.append("adjoint")
    dy = problem.cotangent()
    back = np.asarray(adjoint(dy, trial.w, None, **problem.partner_keywords))
    if back.shape != trial.x.shape:
        trial.fail("adjoint", f"the adjoint gives shape {back.shape}, x has {trial.x.shape}")
    y, expected = results["y"], trial.expected["y"]
    assert expected is not None
    bias = 0 if trial.b is None else widened(trial.b).reshape(-1, *[1] * problem.ndim)
    left = (widened(back) * widened(trial.x)).sum()
    right = (widened(dy) * (widened(y) - bias)).sum()
    scale = float((np.abs(widened(dy)).astype(np.float64) * expected.scale).sum())
    allowed = 0.0
    if expected.value.dtype == object:
        difference = float(int(left - right) % (1 << 8 * y.dtype.itemsize))
    else:
        difference = abs(left - right)
        length = problem.accumulation_length * problem.out_channels
        allowed = 2 * tolerance(problem.dtype, length) + 2 * tolerance("complex128", dy.size)
        allowed *= scale
        if trial.subject.atol is not None or trial.subject.rtol is not None:
            reach = float(np.abs(dy).sum() + np.abs(trial.x).sum())
            allowed = 2 * (trial.subject.rtol or 0) * scale + (trial.subject.atol or 0) * reach
    if not difference <= allowed:
        trial.fail(
            "adjoint",
            f"not adjoint: <adjoint(dy), x> and <dy, y> differ by {difference:.3g}, of which "
            f"rounding explains {allowed:.3g}",
        )


def _nonfinite(trial: Trial, operand: str) -> None:
    """One NaN and one infinity reach the outputs that their taps lead to, and no others."""
    trial.checked.append(f"NaN and inf in {operand}")
    values = trial.operands[operand].copy()
    if values.size == 0:
        return
    rng = np.random.default_rng(trial.problem.seed)
    places = rng.permutation(values.size)[:2]
    values[np.unravel_index(places[-1], values.shape)] = np.inf
    values[np.unravel_index(places[0], values.shape)] = np.nan
    changed = {**trial.operands, operand: values}
    expected = expected_result(trial.problem, changed["x"], changed["w"], changed["b"])
    got = trial.run(**{operand: values})["y"]
    if got.dtype.kind == "c":  # a complex product with inf or NaN may hold either in each part
        wrong = np.isfinite(got) != np.isfinite(expected.value)
    else:
        wide = widened(got)
        infinite, should = (np.where(np.isinf(v), v, 0) for v in (wide, expected.value))
        wrong = (np.isnan(wide) != np.isnan(expected.value)) | (infinite != should)
    if wrong.any():
        trial.fail(
            f"NaN and inf in {operand}",
            f"one NaN and one inf in {operand} do not show where their taps lead, or show "
            f"elsewhere: {int(wrong.sum())} of {wrong.size} elements",
            got=got, expected=_shown(expected), wrong=wrong,
        )  # fmt: skip


def _shown(expected: Expected) -> Array:
    """The expectation in the dtype of the result where that is exact enough to read."""
    if expected.value.dtype == object:
        return wrapped(expected.value, expected.dtype)
    return expected.value
