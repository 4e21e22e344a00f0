"""Modes of padding: values of ``conv`` against numpy.pad and PyTorch, ``conv_transpose`` as its
exact transpose, and the pullbacks of both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch.nn.functional as F  # noqa: N812
from hypothesis import assume, given
from hypothesis import strategies as st

import tconv
from tconv.testing import Problem, reference
from tconv.testing.expected import wrapped
from tconv.testing.strategies import conv_problems
from tests.support import torch_oracle as oracle
from tests.support.computing import bundles, cheap, compiled, compute_problems

PADDED = {"zeros": "constant", "circular": "wrap", "reflect": "reflect", "replicate": "edge"}
MODES = tuple(PADDED)
INTEGERS = ("int64", "int32", "int8", "uint8")


def extended(x: np.ndarray, problem: Problem, modes: tuple[str, ...]) -> np.ndarray:
    """x with what is read beyond its border, by numpy.pad; negative padding crops."""
    for axis, ((lo, hi), mode) in enumerate(zip(problem.padding, modes, strict=True)):
        place = x.ndim - problem.ndim + axis
        amounts = [(0, 0)] * x.ndim
        amounts[place] = (max(lo, 0), max(hi, 0))
        x = np.pad(x, amounts, mode=PADDED[mode])
        index = [slice(None)] * x.ndim
        index[place] = slice(max(-lo, 0), x.shape[place] - max(-hi, 0))
        x = x[tuple(index)]
    return x


def of_extended(problem: Problem) -> dict[str, Any]:
    return {**problem.keywords, "padding": 0}


class Bounded:
    """A problem with a mode an axis."""

    def __init__(self, problem: Problem, modes: tuple[str, ...]) -> None:
        self.problem, self.modes = problem, modes

    def __repr__(self) -> str:
        return f"{self.problem} with {self.modes}"

    @property
    def keywords(self) -> dict[str, Any]:
        return {**self.problem.keywords, "padding_mode": self.modes}

    @property
    def partner_keywords(self) -> dict[str, Any]:
        return {**self.problem.partner_keywords, "padding_mode": self.modes}

    def arrays(self) -> Any:
        return self.problem.arrays()


@st.composite
def bounded(draw: st.DrawFn, **options: Any) -> Bounded:
    """Convolutions of images, with more than one position where they are mirrored; the padding may
    be wider than the image."""
    problem = draw(conv_problems(**{"batch": (1, 2, None, 0), "max_positions": 200, **options}))
    wider = draw(st.integers(0, 4))
    if wider:
        padding = tuple((lo + wider, hi + wider) for lo, hi in problem.padding)
        problem = replace(problem, padding=padding)
    modes = tuple(draw(st.sampled_from(MODES)) for _ in range(problem.ndim))
    sizes = zip(problem.input_size, problem.padding, modes, strict=True)
    assume(not any(n == 1 and m == "reflect" and max(pair) > 0 for n, pair, m in sizes))
    return Bounded(problem, modes)


def check_exactly(problems: list[Bounded], backend: str) -> None:
    """Value, transpose and pullbacks in integers, by sums over the extended input."""

    def everything(x: Any, w: Any, b: Any, v: Any, **named: Any) -> Any:
        case = next(each for each in problems if each.keywords == named)
        y, pullback = tconv.conv_vjp(x, w, b, **named)
        z, back = tconv.conv_transpose_vjp(v, w, **case.partner_keywords)
        return tconv.conv(x, w, b, **named), y, *pullback(v), z, *back(x)

    operands = [(*each.arrays(), each.problem.cotangent()) for each in problems]
    results = compute_problems(backend, everything, problems, operands)  # type: ignore[arg-type]
    for case, (x, w, b, v), got in zip(problems, operands, results, strict=True):
        value, y, dx, dw, db, z, dv, dw2, _ = got
        wide, problem = extended(x, case.problem, case.modes), of_extended(case.problem)
        wanted = wrapped(reference.conv(wide, w, b, **problem), case.problem.dtype)
        plain = wrapped(reference.conv(wide, w, **problem), case.problem.dtype)
        np.testing.assert_array_equal(value, wanted, strict=True)
        np.testing.assert_array_equal(y, wanted, strict=True)
        assert (db is None) == (b is None)
        # <v, conv(x, w)> is <dx, x> and <dw, w>, wrapping as the dtype does.
        for one, other in ((dx, x), (dw, w)):
            assert one.dtype == x.dtype
            assert one.shape == other.shape
            assert (one * other).sum(dtype=x.dtype) == (plain * v).sum(dtype=x.dtype)
        np.testing.assert_array_equal(z, dx, strict=True)
        np.testing.assert_array_equal(dv, plain, strict=True)
        np.testing.assert_array_equal(dw2, dw, strict=True)


@cheap
@given(bounded(dtypes=INTEGERS, spread=1))
def test_numpy_is_exact_in_integers(problem):
    check_exactly([problem], "numpy")


@compiled
@given(bundles(bounded(dtypes=("int64", "int32"), spread=1)))
def test_jax_is_exact_in_integers(problems):
    check_exactly(problems, "jax")


def torch_conv(x, w, b=None, *, mode, stride, padding, dilation, groups):
    """F.conv of F.pad, as torch.nn.Conv*d has it."""
    amounts = [end for pair in reversed(padding) for end in pair]
    x = F.pad(x, amounts) if mode == "zeros" else F.pad(x, amounts, mode=mode)
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[w.ndim - 2]
    return function(x, w, b, stride, 0, dilation, groups)


@st.composite
def torch_s_own(draw: st.DrawFn) -> tuple[Problem, str]:
    """Those that PyTorch takes: one mode, at least 0, narrower than the image."""
    problem = draw(conv_problems(dtypes=("float64",), batch=(1, 2), max_positions=200))
    pairs = tuple((max(lo, 0), max(hi, 0)) for lo, hi in problem.padding)
    problem = replace(problem, padding=pairs)
    assume(all(max(pair) < n for pair, n in zip(pairs, problem.input_size, strict=True)))
    return problem, draw(st.sampled_from(MODES[1:]))


def check_torch(problem: Problem, mode: str, backend: str) -> None:
    def everything(x: Any, w: Any, b: Any, v: Any, **named: Any) -> Any:
        y, pullback = tconv.conv_vjp(x, w, b, padding_mode=mode, **named)
        partner = problem.partner_keywords
        return y, *pullback(v), tconv.conv_transpose(v, w, padding_mode=mode, **partner)

    arrays, v = [a for a in problem.arrays() if a is not None], problem.cotangent()
    operands = [(*problem.arrays(), v)]
    y, *cotangents, z = compute_problems(backend, everything, [problem], operands)[0]
    named = {**problem.keywords, "padding": problem.padding, "mode": mode}
    wanted = oracle.evaluate(torch_conv, *arrays, **named)
    gradients = oracle.gradients(torch_conv, v, *arrays, **named)
    for got, want in zip((y, *cotangents), (wanted, *gradients), strict=False):
        if got is not None:
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(z, gradients[0], rtol=1e-12, atol=1e-10)


@given(torch_s_own())
def test_numpy_agrees_with_torch(case):
    check_torch(*case, "numpy")


@compiled
@given(torch_s_own())
def test_jax_agrees_with_torch(case):
    check_torch(*case, "jax")
