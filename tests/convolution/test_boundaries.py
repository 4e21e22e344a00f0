"""Modes of padding: values of ``conv`` against numpy.pad and PyTorch, ``conv_transpose`` as its
exact transpose, and the pullbacks of both."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import dask.array as da
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import torch.nn.functional as F  # noqa: N812
from hypothesis import assume, given
from hypothesis import strategies as st

import tconv
import tconv.dask
import tconv.sharded
import tconv.tiles
from tconv import _numpy
from tconv._core import boundary
from tconv.compat.onnx import to_onnx
from tconv.testing import Problem, reference
from tconv.testing.expected import wrapped
from tconv.testing.strategies import conv_problems
from tests._numpy.test_workspace import peak_of, peak_of_first
from tests.support import torch_oracle as oracle
from tests.support.computing import (
    BACKENDS,
    METHODS,
    bundles,
    cheap,
    compiled,
    compute_problems,
)

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


@pytest.fixture(params=["slabs", "whole"])
def way(request, monkeypatch):
    """A small image is extended as a whole, a large one by slabs beside it."""
    if request.param == "slabs":
        monkeypatch.setattr(boundary, "FEW", -1)


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


@pytest.mark.parametrize("few", [-1, boundary.FEW])
@cheap
@given(problem=bounded(dtypes=INTEGERS, spread=1))
def test_numpy_is_exact_in_integers(few, problem):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boundary, "FEW", few)
        check_exactly([problem], "numpy")


@pytest.mark.long
@pytest.mark.parametrize("few", [-1, boundary.FEW])
@compiled
@given(problems=bundles(bounded(dtypes=("int64", "int32"), spread=1)))
def test_jax_is_exact_in_integers(few, problems):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boundary, "FEW", few)
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


RNG = np.random.default_rng(0)
X, W, B = (RNG.integers(-5, 6, shape).astype(float) for shape in ((2, 4, 5, 6), (4, 2, 3, 2), 4))
NAMED = {"stride": (2, 1), "padding": (2, 1), "dilation": (1, 2), "groups": 2}


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_method_folds_back(backend, method, mode):
    x, w = (np.asarray(a) if backend == "numpy" else jnp.asarray(a) for a in (X, W))
    z = tconv.conv_transpose(x, w, B, method=method, padding_mode=mode, **NAMED)
    wanted = tconv.conv_transpose(X, W, padding_mode=mode, **NAMED) + B.reshape(-1, 1, 1)
    np.testing.assert_array_equal(z, wanted)


@pytest.mark.usefixtures("way")
def test_output_padding_folds_less_back():
    """The full scatter of 1, 2, 3 at stride 2 is 1 1 3 2 5 3 3; two are cropped on each side."""
    x, w = np.array([[[1, 2, 3]]]), np.array([[[1, 1, 1]]])
    named = {"stride": 2, "padding": 2}
    z = tconv.conv_transpose(x, w, padding_mode="circular", **named)
    assert z.tolist() == [[[3 + 3, 2 + 1 + 3, 5 + 1]]]
    z = tconv.conv_transpose(x, w, padding_mode="circular", output_padding=1, **named)
    assert z.tolist() == [[[3 + 3, 2, 5 + 1, 3 + 1]]]
    sized = tconv.conv_transpose(x, w, padding_mode="circular", output_size=4, **named)
    np.testing.assert_array_equal(sized, z)
    z = tconv.conv_transpose(x, w, padding_mode="replicate", output_padding=1, **named)
    assert z.tolist() == [[[3 + 1 + 1, 2, 5, 3 + 3]]]
    z = tconv.conv_transpose(x, w, padding_mode="reflect", output_padding=1, **named)
    assert z.tolist() == [[[3, 2 + 1, 5 + 3 + 1, 3]]]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("padding", ["same", "same_lower"])
@pytest.mark.parametrize("mode", MODES[1:])
def test_padding_by_name(mode, padding):
    x, w = X[..., :5], RNG.integers(-5, 6, (4, 4, 4, 2)).astype(float)
    pairs = ((1, 2), (0, 1)) if padding == "same" else ((2, 1), (1, 0))
    for function in (tconv.conv, tconv.conv_transpose):
        named = function(x, w, padding=padding, padding_mode=mode)
        wanted = function(x, w, padding=pairs, padding_mode=mode)
        np.testing.assert_array_equal(named, wanted)
        assert named.shape == (2, 4, 5, 5)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("mode", MODES[1:])
def test_padding_far_wider_than_the_image(mode):
    """As numpy.pad repeats a mode, and not an error as in PyTorch."""
    x, w = np.array([[[1.0, 2.0, 5.0]]]), np.array([[[1.0, 10.0]]])
    y, pullback = tconv.conv_vjp(x, w, padding=100, padding_mode=mode)
    wide = np.pad(x, [(0, 0), (0, 0), (100, 100)], mode=PADDED[mode])
    np.testing.assert_array_equal(y, tconv.conv(wide, w))
    v = RNG.integers(-5, 6, y.shape).astype(float)
    dx, dw, _ = pullback(v)
    assert np.vdot(v, y) == np.vdot(dx, x) == np.vdot(dw, w)


@pytest.mark.usefixtures("way")
def test_circular_against_the_fft():
    x, w = RNG.standard_normal((3, 1, 7, 9)), RNG.standard_normal((1, 1, 3, 5))
    kernel = np.zeros((7, 9))
    for i, j in np.ndindex(3, 5):
        kernel[(1 - i) % 7, (2 - j) % 9] += w[0, 0, i, j]
    spectrum = np.fft.fft2(kernel)
    y = tconv.conv(x, w, padding=(1, 2), padding_mode="circular")
    np.testing.assert_allclose(y, np.fft.ifft2(np.fft.fft2(x) * spectrum).real, atol=1e-13)
    z = tconv.conv_transpose(x, w, padding=(1, 2), padding_mode="circular")
    np.testing.assert_allclose(z, np.fft.ifft2(np.fft.fft2(x) * spectrum.conj()).real, atol=1e-13)


@given(bounded(dtypes=("int64",), batch=(1,), bias=False))
def test_the_matrix_is_the_map(problem):
    of, (x, w, _) = problem.problem, problem.arrays()
    named = {name: value for name, value in problem.keywords.items() if name != "output_padding"}
    dense = tconv.conv_matrix(w, of.input_size, **named)
    y = tconv.conv(x, w, **named)
    np.testing.assert_array_equal(dense @ x.ravel(), y.ravel())
    np.testing.assert_array_equal(
        tconv.conv_matrix(w, of.input_size, sparse=True, **named).toarray(), dense
    )
    back = tconv.conv_transpose(y, w, **problem.partner_keywords)
    np.testing.assert_array_equal(dense.T @ y.ravel(), back.ravel())


@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_matrix_of_jax_is_numpys(dtype, mode):
    w = (W / 7).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    wanted = tconv.conv_matrix(w, (2, 3), padding=(3, 1), groups=2, padding_mode=mode)
    got = tconv.conv_matrix(jnp.asarray(w), (2, 3), padding=(3, 1), groups=2, padding_mode=mode)
    assert got.dtype == wanted.dtype == w.dtype
    np.testing.assert_array_equal(np.asarray(got), wanted)


HALVES = [np.float16, ml_dtypes.bfloat16]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize("dtype", HALVES, ids=lambda dtype: np.dtype(dtype).name)
def test_half_kinds_are_rounded_once(dtype, mode, backend):
    """Sums of a few thousands that float32 holds exactly, rounded to the nearest at the end."""
    x, w = (RNG.integers(-40, 41, shape).astype(dtype) for shape in (X.shape, W.shape))
    b = RNG.integers(-40, 41, 4).astype(np.float32)
    named = {**NAMED, "padding_mode": mode}
    wide = [a.astype(np.float32) for a in (x, w)]
    operands = (x, w) if backend == "numpy" else (jnp.asarray(x), jnp.asarray(w))
    for function, vjp in (
        (tconv.conv, tconv.conv_vjp),
        (tconv.conv_transpose, tconv.conv_transpose_vjp),
    ):
        y, wanted = function(*operands, b, **named), function(*wide, b, **named)
        assert y.dtype == x.dtype
        np.testing.assert_array_equal(np.asarray(y), wanted.astype(dtype))
        full = function(*operands, b, preferred_element_type="float32", **named)
        np.testing.assert_array_equal(np.asarray(full), wanted)
        assert full.dtype == np.float32
        v = RNG.integers(-9, 10, y.shape).astype(dtype)
        got = vjp(*operands, **named)[1](v)
        for one, other in zip(got[:2], vjp(*wide, **named)[1](v.astype(np.float32)), strict=False):
            assert one.dtype == x.dtype
            np.testing.assert_array_equal(np.asarray(one), other.astype(dtype))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("mode", MODES)
def test_what_is_not_finite_reaches_what_reads_it(mode, wrong):
    x, w = X[:1, :1].copy(), np.ones((1, 1, 3, 3))
    x[0, 0, 0, 0] = wrong
    y = tconv.conv(x, w, padding=1, padding_mode=mode)
    reads = tconv.conv(np.isfinite(x) - 1.0, w, padding=1, padding_mode=mode)
    np.testing.assert_array_equal(np.isfinite(y), reads == 0)
    z = tconv.conv_transpose(x, w, padding=1, padding_mode=mode)
    reached = tconv.conv_transpose(np.isfinite(x) - 1.0, w, padding=1, padding_mode=mode)
    np.testing.assert_array_equal(np.isfinite(z), reached == 0)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("layout", [("NHWC", "HWIO", "NHWC"), ("CWNH", "OHIW", "WCHN")])
def test_other_orders_of_axes(layout):
    """Modes are in the kernel's order of the spatial axes, as every parameter."""
    modes = ("circular", "reflect")
    order = [["NCHW".index(axis) for axis in layout[0]], ["OIHW".index(a) for a in layout[1]]]
    for function, letters in ((tconv.conv, "OIHW"), (tconv.conv_transpose, "IOHW")):
        order[1] = [letters.index(axis) for axis in layout[1]]
        wanted = function(X, W, padding_mode=modes, **NAMED)
        x, w = X.transpose(order[0]), W.transpose(order[1])
        y = function(x, w, padding_mode=modes, dimension_numbers=layout, **NAMED)
        back = [layout[2].index(axis) for axis in "NCHW"]
        np.testing.assert_array_equal(y.transpose(back), wanted)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_numbered_functions_hand_the_mode_on(axes):
    x, w = (RNG.integers(-5, 6, (2, 2, *[n] * axes)) for n in (4, 3))
    for direction in ("conv", "conv_transpose"):
        wanted = getattr(tconv, direction)(x, w, padding=1, padding_mode="reflect")
        y = getattr(tconv, f"{direction}{axes}d")(x, w, padding=1, padding_mode="reflect")
        np.testing.assert_array_equal(y, wanted)


@pytest.mark.usefixtures("way")
def test_results_are_the_callers_own_and_inputs_stay():
    x, w = X.copy(), W.copy()
    x.flags.writeable = w.flags.writeable = False
    for vjp in (tconv.conv_vjp, tconv.conv_transpose_vjp):
        y, pullback = vjp(x, w, padding_mode="circular", **NAMED)
        for result in (y, *pullback(y)[:2]):
            assert result.flags.writeable
            assert not any(np.shares_memory(result, a) for a in (x, w))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("mode", MODES[1:])
def test_numpy_operands_beside_jax_ones(mode):
    named = {**NAMED, "padding_mode": mode}
    for function in (tconv.conv, tconv.conv_transpose):
        wanted = function(X, W, B, **named)
        for x, w in ((X, jnp.asarray(W)), (jnp.asarray(X), W)):
            y = function(x, w, B, **named)
            assert isinstance(y, jax.Array)
            np.testing.assert_array_equal(y, wanted)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_complex_problem(backend):
    x, w, b = (a + 1j * a[::-1] for a in (X, W, B))
    given = (x, w) if backend == "numpy" else (jnp.asarray(x), jnp.asarray(w))
    named = {**NAMED, "padding_mode": ("circular", "reflect")}
    for function in (tconv.conv, tconv.conv_transpose):
        both = [function(x, each, **named) for each in (w.real, w.imag)]
        wanted = both[0] + 1j * both[1] + b.reshape(-1, 1, 1)
        np.testing.assert_array_equal(np.asarray(function(*given, b, **named)), wanted)
        with pytest.raises(TypeError, match=r"^b: a complex bias cannot be added"):
            function(given[0].real, given[1].real, b, **named)


def test_zeros_are_computed_as_before(monkeypatch):
    """One call of the backend, whose result is handed on as it is."""
    calls = []
    for name in ("conv", "conv_transpose", "weight_cotangent", "cotangents", "added", "biased"):
        whole = getattr(_numpy, name)

        def counted(*arguments, whole=whole, name=name, **named):
            calls.append((name, sorted(named)))
            return whole(*arguments, **named)

        monkeypatch.setattr(_numpy, name, counted)
    forward, transposed = ["precision", "preferred"], ["method", "precision", "preferred"]
    for mode in ("zeros", ("zeros", "zeros")):
        for vjp in (tconv.conv_vjp, tconv.conv_transpose_vjp):
            y, pullback = vjp(X, W, B, padding_mode=mode, **NAMED)
            pullback(y)
        assert calls == [
            ("conv", forward),
            ("conv_transpose", transposed),
            ("weight_cotangent", ["precision"]),
            ("conv_transpose", transposed),
            ("cotangents", ["precision"]),
        ]
        calls.clear()
    tconv.conv(X, W, padding_mode="circular", **NAMED)
    assert [name for name, _ in calls] == ["conv"]
    calls.clear()
    monkeypatch.setattr(boundary, "FEW", -1)
    tconv.conv(X, W, padding_mode="circular", **NAMED)
    assert [name for name, _ in calls] == ["conv", *["conv", "added"] * 4]


WORKSPACE = 48 << 20
LARGE = [
    ((1, 4, 900, 900), (4, 4, 3, 3), {"padding": 1, "padding_mode": "circular"}),
    ((1, 1, 3, 300_000), (1, 1, 3, 3), {"padding": (1, 1), "padding_mode": "reflect"}),
    ((1, 2, 30, 100, 100), (2, 2, 3, 3, 3), {"padding": 1, "padding_mode": "replicate"}),
]


@pytest.mark.parametrize(("x_shape", "w_shape", "named"), LARGE, ids=[str(c[0]) for c in LARGE])
def test_memory_stays_bounded(x_shape, w_shape, named):
    x, w = np.ones(x_shape, np.float32), np.ones(w_shape, np.float32)
    for vjp in (tconv.conv_vjp, tconv.conv_transpose_vjp):
        (y, pullback), peak = peak_of_first(partial(vjp, x, w, **named))
        assert peak < WORKSPACE
        assert peak_of(lambda pullback=pullback, y=y: pullback(y))[1] < WORKSPACE


def test_where_only_zeros_are_read():
    """What works on a part of the image refuses to read beyond the border of the whole."""
    layer = tconv.Conv1d(1, 1, 3, padding=1, padding_mode="circular")
    params = layer.init(np.random.default_rng(0))
    x, w = da.ones((1, 1, 10), chunks=(1, 1, 4)), np.ones((1, 1, 3))
    lazy = partial(tconv.dask.conv, x, w, padding=1)
    for call in (
        partial(lazy, padding_mode="circular"),
        partial(tconv.tiles.receptive_field, [layer]),
        partial(to_onnx, layer, params),
        partial(
            tconv.sharded.conv, X, W, mesh_axes={"W": "rows"}, padding_mode=("zeros", "circular")
        ),
    ):
        with pytest.raises(ValueError, match=r"^padding_mode: must be 'zeros': .*; got .*circular"):
            call()
    assert lazy(padding_mode="zeros").shape == (1, 1, 10)
