"""Parameters far beyond the arrays: values by the definition, and work that grows with the arrays,
never with the stride, the dilation or the padding."""

from __future__ import annotations

import random
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tconv
from tconv._core import lattice
from tconv._core.axis import Axis
from tconv._core.plan import Plan
from tconv._numpy.choose import candidates
from tconv._numpy.cuts import Task
from tconv._numpy.forms import FORMS
from tests.support.definition import maps

from .exact import Exact, exact, problems
from .test_nonfinite import check_spreading
from .test_workspace import peak_of

METHODS = ("auto", "col2im", "dilated", "subpixel", "matrix")
FAR = (10**5, 10**6 + 3, 10**9, 2**31 + 7, 2**32, 2**62, 2**63, 2**70)


def one_axis(
    input_size: int, kernel_size: int, output_size: int, stride: int, dilation: int, lo: int
) -> Plan:
    axis = Axis(input_size, output_size, kernel_size, stride, dilation, lo)
    return Plan(2, 2, 4, 2, (axis,))


def numbers(factor: int) -> st.SearchStrategy[int]:
    """Small, or as large as a stride can be said to be."""
    far = st.sampled_from(FAR)
    beside, multiple = far.map(lambda number: number + 1), far.map(lambda number: factor * number)
    return st.one_of(st.integers(1, 4), far, beside, multiple)


@st.composite
def far_axes(draw: st.DrawFn) -> Axis:
    """Small arrays and any numbers; some tap mostly lands in y."""
    input_size, kernel_size, output_size = (draw(st.integers(1, n)) for n in (4, 3, 6))
    stride, dilation = draw(numbers(2)), draw(numbers(3))
    i, t = draw(st.integers(0, input_size - 1)), draw(st.integers(0, kernel_size - 1))
    lo = i * stride + t * dilation - draw(st.integers(0, output_size - 1))
    lo += draw(st.sampled_from((0, 0, 0, 1, -1, *FAR, *(-far for far in FAR))))
    return Axis(input_size, output_size, kernel_size, stride, dilation, lo)


@st.composite
def far_problems(draw: st.DrawFn) -> Exact:
    axes = draw(st.lists(far_axes(), min_size=1, max_size=2))
    groups = draw(st.sampled_from((1, 2)))
    plan = Plan(draw(st.integers(1, 2)), 2 * groups, groups, groups, tuple(axes))
    return exact(plan, draw(st.integers(0, 99)))


def parameters(plan: Plan) -> dict[str, Any]:
    return {
        "stride": plan.stride,
        "padding": tuple((axis.lo, axis.hi) for axis in plan.axes),
        "dilation": plan.dilation,
        "groups": plan.groups,
    }


@given(far_problems())
def test_every_map_and_method_is_the_definition(problem: Exact) -> None:
    plan, x, w, y = problem
    given, want = parameters(plan), maps(plan, x, w, y)
    bias = np.arange(1.0, 1 + plan.out_channels)
    column = bias.reshape(-1, *[1] * len(plan.axes))
    for method in METHODS:
        found = tconv.conv_transpose(x, w, bias, method=method, **given)
        np.testing.assert_array_equal(found, want.y + column, method)
    _, pullback = tconv.conv_transpose_vjp(x, w, **given)
    dx, dw, _ = pullback(y)
    np.testing.assert_array_equal(dx, want.x)
    np.testing.assert_array_equal(dw, want.w)
    back, pullback = tconv.conv_vjp(y, w, **given)
    np.testing.assert_array_equal(back, want.x)
    dy, dw, _ = pullback(x)
    np.testing.assert_array_equal(dy, want.y)
    np.testing.assert_array_equal(dw, want.w)


@given(far_problems())
def test_columns_and_the_matrix(problem: Exact) -> None:
    """``im2col`` reads what ``conv`` multiplies; ``col2im`` is its adjoint."""
    plan, _, w, y = problem
    given = parameters(plan)
    groups = given.pop("groups")
    cols = tconv.im2col(y, plan.kernel_size, **given)
    weight = w.reshape(groups, w.shape[0] // groups, -1)
    grouped = cols.reshape(len(y), groups, weight.shape[2], -1)
    want = maps(plan, problem.x, w, y)
    np.testing.assert_array_equal((weight @ grouped).reshape(plan.x_shape), want.x)
    other = np.arange(cols.size, dtype=float).reshape(cols.shape)
    folded = tconv.col2im(other, plan.output_size, plan.kernel_size, **given)
    assert np.vdot(cols, other) == np.vdot(y, folded)
    for sparse in (False, True):
        matrix = tconv.conv_matrix(w, plan.output_size, groups=groups, sparse=sparse, **given)
        np.testing.assert_array_equal((matrix @ y[0].ravel()).reshape(want.x[0].shape), want.x[0])


# Stride, dilation and what a result of a million positions crops of its scatter.
WIDE = [(10**6, 1, 3), (10**6, 10**6 - 1, 0), (999_999, 6, -7), (10**6, 3, 10**6)]


@pytest.mark.parametrize("method", ["auto", "col2im", "subpixel", "dilated"])
@pytest.mark.parametrize(("stride", "dilation", "lo"), WIDE)
def test_few_values_far_apart_in_a_large_result(
    stride: int, dilation: int, lo: int, method: str
) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.integers(1, 5, (1, 1, 3)).astype(float), rng.integers(1, 5, (1, 1, 2)).astype(float)
    named: dict[str, Any] = {"stride": stride, "dilation": dilation, "padding": ((lo, -5),)}
    listed = lattice.phases.cache_info().misses
    y, peak = peak_of(lambda: tconv.conv_transpose(x, w, method=method, **named))
    assert lattice.phases.cache_info().misses == listed
    assert peak < 1 << 20
    want: dict[int, float] = {}
    for i, t in product(range(3), range(2)):
        o = i * stride + t * dilation - lo
        if 0 <= o < y.size:
            want[o] = want.get(o, 0) + x[0, 0, i] * w[0, 0, t]
    assert {int(o): y[0, 0, o] for o in np.flatnonzero(y)} == want
    dy = np.zeros_like(y)
    dy[..., sorted(want)] = rng.integers(1, 5, len(want))
    _, pullback = tconv.conv_transpose_vjp(x, w, **named)
    dx, dw, _ = pullback(dy)
    assert lattice.phases.cache_info().misses == listed
    for i, t in product(range(3), range(2)):
        o = i * stride + t * dilation - lo
        read = dy[0, 0, o] if o in want else 0
        dx[0, 0, i] -= w[0, 0, t] * read
        dw[0, 0, t] -= x[0, 0, i] * read
    assert not dx.any()
    assert not dw.any()


def test_strides_that_phases_are_many_of_in_three_axes_together() -> None:
    """Their product counts: 40 * 40 * 40 phases and one tap."""
    plan = Plan(1, 1, 1, 1, (Axis(2, 41, 1, 40, 1, 0),) * 3)
    problem = exact(plan)
    listed = lattice.phases.cache_info().misses
    y = tconv.conv_transpose(problem.x, problem.w, stride=40)
    assert lattice.phases.cache_info().misses == listed
    np.testing.assert_array_equal(y[..., ::40, ::40, ::40], problem.x * problem.w)
    assert np.count_nonzero(y) == np.count_nonzero(problem.x * problem.w)


class Counted:
    """``Axis.landing``, counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, plain = 0, Axis.landing

        def landing(axis: Axis, tap: int) -> tuple[slice, slice]:
            self.count += 1
            return plain(axis, tap)

        monkeypatch.setattr(Axis, "landing", landing)


@pytest.mark.parametrize("far", FAR)
def test_only_taps_that_can_land_are_visited(far: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10 000 taps those that reach the five positions of y."""
    x, w = np.ones((1, 1, 2)), np.ones((1, 1, 10_000))
    counted = Counted(monkeypatch)
    y = tconv.conv_transpose(x, w, stride=far, padding=((5000, far + 4994),))
    np.testing.assert_array_equal(y, np.ones((1, 1, 6)))
    assert counted.count <= 12
    nothing = tconv.conv_transpose(x, w, stride=2, padding=((-far, far + 9996),))
    np.testing.assert_array_equal(nothing, np.zeros((1, 1, 6)))
    assert counted.count <= 14


@pytest.mark.parametrize("far", FAR)
def test_memory_is_that_of_the_arrays(far: int) -> None:
    """Zeros alone, and two inputs that land side by side through two taps."""
    x, w = np.ones((1, 1, 2)), np.ones((1, 1, 2))
    alone = {"padding": ((-far, far),)}
    beside = {"stride": far, "dilation": far - 1, "padding": ((far - 1, far - 1),)}
    for named, want in ((alone, [0, 0, 0]), (beside, [1, 1])):
        for method in METHODS:
            y, peak = peak_of(partial(tconv.conv_transpose, x, w, method=method, **named))
            np.testing.assert_array_equal(y, [[want]], method)
            assert peak < 1 << 17
        _, pullback = tconv.conv_transpose_vjp(x, w, **named)
        assert peak_of(partial(pullback, y))[1] < 1 << 17


def test_which_plans_are_far() -> None:
    """Ordinary layers are not, those with more taps than phases, wide dilations or deep crops
    included."""
    near = [
        one_axis(1, 1, 1, 64, 64, 0),  # few numbers never matter
        one_axis(100, 2048, 100 * 512, 512, 1, 0),  # an inverse STFT
        one_axis(20, 320, 20 * 320, 320, 1, 0),
        one_axis(16_000, 2, 16_000, 1, 4096, 0),  # WaveNet
        one_axis(16, 3, 16, 1, 36, 36),  # atrous pooling
        one_axis(1000, 4, 500, 2, 1, 600),  # a tile of a row
    ]
    far = [
        one_axis(3, 2, 2 * 10**5 + 2, 10**5, 1, 0),
        one_axis(3, 2, 5, 10**5, 1, 10**5),
        one_axis(3, 2, 5, 1, 10**5, 10**5),
        one_axis(3, 1, 3, 1, 10**5, 0),
        one_axis(3, 2, 5, 1, 1, 10**5),
        one_axis(3, 2, 5, 1, 1, -(10**5)),
    ]
    for plan in near:
        assert not plan.is_far
        assert all("tapwise" not in candidates(result, plan) for result in "yxw")
    for plan in far:
        assert plan.is_far
        assert all(set(candidates(result, plan)) == {"tapwise"} for result in "yxw")
        for form in ("auto", "exact", "columns"):
            task = Task("y", form, 8, (False,) * 3)
            assert task.form_for(plan) is FORMS["y"]["tapwise"]


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.complex128])
def test_taps_one_after_the_other_are_the_definition(dtype: type) -> None:
    for problem in problems(40, 60):
        for result, forms in FORMS.items():
            operands = [operand.astype(dtype) for operand in problem.operands(result)]
            value = forms["tapwise"].compute(problem.plan, *operands)
            assert value.dtype == dtype
            problem.check(result, value)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.uint8])
def test_dtypes_are_those_of_ordinary_calls(dtype: type) -> None:
    x, w = np.ones((1, 200, 2), dtype), np.ones((200, 1, 2), dtype)
    far = tconv.conv_transpose(x, w, stride=10**6, padding=((0, 10**6 - 6),))
    near = tconv.conv_transpose(x, w, stride=8, padding=((0, 2),))
    assert far.dtype == dtype
    np.testing.assert_array_equal(far, near)


def test_what_is_not_finite_reaches_only_what_reads_it() -> None:
    draw = random.Random(0)
    plans = [
        one_axis(3, 3, 5, 10**9, 10**9 - 1, 10**9 - 1),
        one_axis(3, 3, 5, 2, 1, 10**9),
        one_axis(3, 3, 4001, 2000, 5, 3),
    ]
    for plan, seed, method in product(plans, range(4), METHODS):
        check_spreading(exact(plan, seed), draw, method)


@pytest.mark.parametrize("far", [2**57, 2**62, 2**70])
def test_results_that_no_array_can_hold(far: int) -> None:
    x, w = np.ones((1, 2, 3)), np.ones((2, 1, 2))
    at_once = r"^output size: an array has fewer than 2\*\*57 elements; got shape \(1, 1, \d+\). "
    calls: list[tuple[str, dict[str, Any]]] = [
        ("conv_transpose", {"stride": far}),
        ("conv_transpose", {"dilation": far}),
        ("conv_transpose", {"padding": ((0, -far),)}),
        ("conv_transpose", {"stride": far, "output_padding": far - 1}),
        ("conv_transpose", {"padding": "same", "stride": far}),
        ("conv_transpose", {"stride": far, "output_size": (2 * far + 2,)}),
        ("conv_transpose_vjp", {"stride": far}),
    ]
    for name, named in calls:
        with pytest.raises(ValueError, match=at_once + "Use a smaller stride, or more padding"):
            getattr(tconv, name)(x, w, **named)
    for name in ("conv", "conv_vjp"):
        with pytest.raises(ValueError, match=at_once + "Use less padding, or a larger stride"):
            getattr(tconv, name)(x, w.swapaxes(0, 1), padding=far)
    layer = tconv.ConvTranspose1d(2, 1, 2, stride=far)
    with pytest.raises(ValueError, match=at_once):
        layer.apply(layer.init(np.random.default_rng(0)), x)


def test_the_elements_of_all_axes_count_together() -> None:
    x, w = np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1))
    with pytest.raises(ValueError, match=r"got shape \(1, 1, 536870913, 536870913\)"):
        tconv.conv_transpose(x, w, stride=2**29)
    with pytest.raises(ValueError, match="output size"):  # an empty batch as well
        tconv.conv_transpose(x[:0], w, stride=2**60)


@pytest.mark.parametrize("padding", [2**45, 2**54])
def test_a_result_beyond_this_machine_fails_before_it_is_cut(padding: int) -> None:
    x, w = np.ones((1, 1, 3)), np.ones((1, 1, 2))
    with pytest.raises(MemoryError, match=str(2 * padding + 2)):
        tconv.conv(x, w, padding=padding)
    with pytest.raises(MemoryError, match=str(2 * padding + 4)):
        tconv.conv_transpose(x, w, padding=((-padding, -padding),))


@pytest.mark.parametrize("far", [10**9, 2**62, 2**70])
def test_layers(far: int) -> None:
    layer = tconv.ConvTranspose1d(2, 3, 2, stride=far, padding=((far, far - 1),))
    params = layer.init(np.random.default_rng(0))
    x = np.ones((1, 2, 3), np.float32)
    y = layer.apply(params, x)
    np.testing.assert_allclose(y[0, :, 0], params["weight"].sum(0)[:, 0] + params["bias"], 1e-6)
    np.testing.assert_allclose(y[0, :, 1], params["weight"].sum(0)[:, 1] + params["bias"], 1e-6)
    forward = tconv.Conv1d(2, 3, 2, stride=far, padding=far)
    assert forward.apply(forward.init(np.random.default_rng(0)), x).shape == (1, 3, 3)
