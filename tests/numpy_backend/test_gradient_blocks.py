"""The maps that read y, over every form and block size, against PyTorch and exact integers."""

import tracemalloc

import numpy as np
import pytest

from tconv import conv, conv_transpose, conv_transpose_vjp, conv_vjp
from tconv._core.axis import Axis
from tconv._core.lattice import rectangle
from tconv._core.plan import Plan
from tconv._numpy import gather_blocks, gradient_choice, phase_form, window_form, window_gemm

torch = pytest.importorskip("torch")

FORMS = {
    "as chosen": {},
    "windows": {"few": 0, "products": 0},
    "phases": {"few": 99, "products": 0},
    "planes added wherever the stride is 1": {"products": 99},
    "windows in tiny blocks": {"few": 0, "workspace": 256, "fewest": 4},
    "windows, unfolded": {"few": 0, "fewest": 1},
    "phases in tiny blocks": {"few": 99, "products": 0, "workspace": 256, "fewest": 4},
    "long runs": {"few": 0, "run": 2, "workspace": 4096, "fewest": 16},
}


@pytest.fixture
def settings(monkeypatch):
    def apply(few=None, workspace=None, fewest=None, run=None, products=None):
        for module, name, value in (
            (gradient_choice, "FEW_CHANNELS", few),
            (gradient_choice, "FEW_PRODUCTS", products),
            (gather_blocks, "WORKSPACE", workspace),
            (gather_blocks, "FEWEST_POSITIONS", fewest),
            (window_form, "LONG_RUN", run),
        ):
            if value is not None:
                monkeypatch.setattr(module, name, value)

    return apply


def draw(rng, low, high, count):
    return tuple(int(v) for v in rng.integers(low, high + 1, count))


def random_problem(rng):
    """(x, w, options) with small integers as floats, so that results must be equal."""
    axes, groups = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    sizes, kernel = draw(rng, 1, 6, axes), draw(rng, 1, 5, axes)
    stride, dilation, padding = draw(rng, 1, 4, axes), draw(rng, 1, 4, axes), draw(rng, 0, 4, axes)
    extra = tuple(int(rng.integers(max(s, d))) for s, d in zip(stride, dilation, strict=True))
    into, out = (groups * n for n in draw(rng, 1, 3, 2))
    x = rng.integers(-5, 6, (int(rng.integers(1, 4)), into, *sizes)).astype(float)
    w = rng.integers(-5, 6, (into, out // groups, *kernel)).astype(float)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return x, w, options, extra


@pytest.mark.parametrize("name", FORMS)
def test_gradients_equal_pytorch(name, settings):
    settings(**FORMS[name])
    rng = np.random.default_rng(list(FORMS).index(name))
    compared = 0
    while compared < 120:
        x, w, options, extra = random_problem(rng)
        options["output_padding"] = extra
        transposed = getattr(torch.nn.functional, f"conv_transpose{x.ndim - 2}d")
        tx, tw = torch.tensor(x, requires_grad=True), torch.tensor(w, requires_grad=True)
        try:
            ty = transposed(tx, tw, None, **options)
        except RuntimeError:
            continue
        dy = rng.integers(-5, 6, ty.shape).astype(float)
        ty.backward(torch.tensor(dy))
        _, pullback = conv_transpose_vjp(x, w, **options)
        dx, dw, _ = pullback(dy)
        assert np.array_equal(dx, tx.grad.numpy()), (x.shape, w.shape, options)
        assert np.array_equal(dw, tw.grad.numpy()), (x.shape, w.shape, options)
        compared += 1


@pytest.mark.parametrize("name", FORMS)
def test_conv_and_its_weight_gradient_equal_pytorch(name, settings):
    settings(**FORMS[name])
    rng = np.random.default_rng(100 + list(FORMS).index(name))
    compared = 0
    while compared < 60:
        x, w, options, _ = random_problem(rng)
        shape = (x.shape[0], w.shape[1] * options["groups"], *(2 * n for n in x.shape[2:]))
        u = rng.integers(-5, 6, shape).astype(float)
        tu, tw = torch.tensor(u, requires_grad=True), torch.tensor(w, requires_grad=True)
        try:
            tv = getattr(torch.nn.functional, f"conv{x.ndim - 2}d")(tu, tw, None, **options)
        except RuntimeError:
            continue
        dv = rng.integers(-5, 6, tv.shape).astype(float)
        tv.backward(torch.tensor(dv))
        v, pullback = conv_vjp(u, w, **options)
        du, dw, _ = pullback(dv)
        assert np.array_equal(v, tv.detach().numpy()), (u.shape, w.shape, options)
        assert np.array_equal(du, tu.grad.numpy()), (u.shape, w.shape, options)
        assert np.array_equal(dw, tw.grad.numpy()), (u.shape, w.shape, options)
        compared += 1


def trilinear(plan, x, w, y):
    """(dx, dw) position by position, tap by tap, in exact integers."""
    dx, dw = np.zeros(plan.x_shape, int), np.zeros(plan.w_shape, int)
    inner, outer = plan.group_in_channels, plan.group_out_channels
    for tap in np.ndindex(*plan.kernel_size):
        for place in np.ndindex(*plan.input_size):
            at = tuple(
                i * a.stride + t * a.dilation - a.lo
                for i, t, a in zip(place, tap, plan.axes, strict=True)
            )
            if any(not 0 <= o < a.output_size for o, a in zip(at, plan.axes, strict=True)):
                continue
            for g in range(plan.groups):
                rows, columns = slice(g * inner, (g + 1) * inner), slice(g * outer, (g + 1) * outer)
                read = y[(slice(None), columns, *at)]
                dx[(slice(None), rows, *place)] += read @ w[(rows, slice(None), *tap)].T
                dw[(rows, slice(None), *tap)] += x[(slice(None), rows, *place)].T @ read
    return dx, dw


@pytest.mark.parametrize("few", [0, 99])
def test_any_crop_and_extension_is_exact(few, settings):
    settings(few=few, workspace=512, fewest=4)
    rng = np.random.default_rng(few)
    for _ in range(60):
        axes = tuple(
            Axis(*draw(rng, 1, 5, 2), *draw(rng, 1, 4, 3), int(rng.integers(-9, 10)))
            for _ in range(int(rng.integers(1, 3)))
        )
        groups = int(rng.integers(1, 3))
        into, out = (groups * n for n in draw(rng, 1, 2, 2))
        plan = Plan(int(rng.integers(1, 4)), into, out, groups, axes)
        x, w, y = (rng.integers(-9, 10, s) for s in (plan.x_shape, plan.w_shape, plan.y_shape))
        dx, dw = trilinear(plan, x, w, y)
        both = window_gemm.cotangents(plan, *(operand.astype(float) for operand in (x, w, y)))
        assert np.array_equal(both[0], dx), plan
        assert np.array_equal(both[1], dw), plan
        assert np.array_equal(window_gemm.conv(plan, y, w), dx), plan
        assert np.array_equal(window_gemm.weight_cotangent(plan, x, y), dw), plan


@pytest.mark.parametrize("shape", [(0, 2, 3), (2, 0, 3), (0, 0, 3)])
def test_empty_batch_and_channels(shape):
    y, pullback = conv_transpose_vjp(np.zeros(shape), np.ones((shape[1], 2, 2)), stride=2)
    dx, dw, _ = pullback(np.ones(y.shape))
    assert dx.shape == shape
    assert dw.shape == (shape[1], 2, 2)
    assert not dw.any()


def test_no_output_channels_gives_zero_gradients():
    y, pullback = conv_transpose_vjp(np.ones((2, 3, 4)), np.ones((3, 0, 2)), stride=2)
    dx, dw, _ = pullback(np.ones(y.shape))
    assert np.array_equal(dx, np.zeros((2, 3, 4)))
    assert dw.shape == (3, 0, 2)


@pytest.mark.parametrize("groups", [1, 6])
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_an_infinity_reaches_only_what_reads_it(groups, bad):
    x, w = np.ones((2, 6, 5, 5)), np.ones((6, 6 // groups, 4, 4))
    y, pullback = conv_transpose_vjp(x, w, stride=2, groups=groups)
    dy = np.ones(y.shape)
    dy[0, 0, 0, 0] = bad
    dx, dw, _ = pullback(dy)
    reached_w, reached_x = np.zeros(w.shape, bool), np.zeros(x.shape, bool)
    reached_w[: 6 // groups, 0, 0, 0] = True
    reached_x[0, : 6 // groups, 0, 0] = True
    assert np.array_equal(~np.isfinite(dw), reached_w)
    assert np.array_equal(~np.isfinite(dx), reached_x)


def test_every_tap_of_a_split_is_where_the_axis_says():
    seen = 0
    for kernel, stride, dilation in np.ndindex(8, 5, 9):
        if 0 in (kernel, stride, dilation):
            continue
        split = rectangle(Axis(3, 9, kernel, stride, dilation, 0))
        if split is not None:
            places = [
                shift * split.step * stride + phase
                for shift in range(split.shifts)
                for phase in range(split.phases)
            ]
            assert places == [tap * dilation for tap in range(kernel)]
            seen += 1
    assert seen > 50


@pytest.mark.parametrize("groups", [1, 4, 32])
def test_results_are_identical_from_run_to_run(groups):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 32, 20, 20), np.float32)
    w = rng.standard_normal((32, 32 // groups, 4, 4), np.float32)
    y, pullback = conv_transpose_vjp(x, w, stride=2, padding=1, groups=groups)
    dy = rng.standard_normal(y.shape, np.float32)
    dx, dw, _ = pullback(dy)
    for _ in range(3):
        again = pullback(dy)
        assert np.array_equal(again[0], dx)
        assert np.array_equal(again[1], dw)


@pytest.mark.parametrize("groups", [1, 16])
@pytest.mark.parametrize("shape", [(512, 16, 16, 16), (2, 16, 2048, 32), (1, 16, 4, 8192)])
def test_extra_memory_is_bounded(groups, shape):
    x, w = np.ones(shape, np.float32), np.ones((16, 16 // groups, 4, 4), np.float32)
    y, pullback = conv_transpose_vjp(x, w, stride=2, padding=1, groups=groups)
    tracemalloc.start()
    dx, dw, _ = pullback(y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - dx.nbytes - dw.nbytes < 8 * gather_blocks.WORKSPACE  # 32 MB


@pytest.mark.parametrize("layout", ["fortran", "reversed", "read-only"])
def test_any_memory_layout_gives_the_same(layout):
    rng = np.random.default_rng(1)
    y = rng.integers(-9, 10, (2, 4, 9, 9)).astype(float)
    w = rng.integers(-9, 10, (3, 4, 3, 3)).astype(float)
    wanted = conv(y, w, stride=2, padding=1)
    if layout == "fortran":
        y, w = np.asfortranarray(y), np.asfortranarray(w)
    elif layout == "reversed":
        y, w = y[..., ::-1].copy()[..., ::-1], w[:, ::-1].copy()[:, ::-1]
    else:
        y.flags.writeable = w.flags.writeable = False
    assert np.array_equal(conv(y, w, stride=2, padding=1), wanted)


def test_the_choice_reads_the_plan_alone():
    def plan(groups, kernel, stride, dilation):
        return Plan(1, 8, 8, groups, (Axis(6, 12, kernel, stride, dilation, 0),))

    assert gradient_choice.form(plan(8, 4, 2, 1)) is phase_form
    assert gradient_choice.form(plan(8, 4, 3, 2)) is window_form
    assert gradient_choice.form(plan(1, 4, 2, 1)) is window_form


def test_a_stride_one_convolution_of_few_channels_adds_planes():
    def plan(stride, channels):
        return Plan(1, channels, channels, 2, (Axis(6, 12, 3, stride, 1, 0),))

    assert gradient_choice.adds_planes(plan(1, 4))
    assert not gradient_choice.adds_planes(plan(2, 4))
    assert not gradient_choice.adds_planes(plan(1, 6))


def test_blocks_cover_everything_once(settings):
    settings(workspace=2048, fewest=4)
    plan = Plan(5, 6, 9, 3, (Axis(7, 15, 3, 2, 1, 0), Axis(4, 9, 3, 2, 1, 0)))
    seen = np.zeros((3, 3, 5, 7), int)
    pieces = list(gather_blocks.blocks(plan, plan.taps, 1.0, 8))
    for block in pieces:
        seen[block.groups, block.channels, block.batch, block.rows] += 1
    assert (seen == 1).all()
    assert len(pieces) > 1


def test_conv_is_the_adjoint_of_conv_transpose():
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((2, 8, 9, 9)), rng.standard_normal((8, 5, 5, 4))
    y = conv_transpose(x, w, stride=(3, 2), padding=2)
    v = rng.standard_normal(y.shape)
    left, right = np.vdot(y, v), np.vdot(x, conv(v, w, stride=(3, 2), padding=2))
    # Both are sums of the same products x*w*v, each sum of 100 to 1000 terms in some order.
    magnitude = np.vdot(np.abs(v), conv_transpose(np.abs(x), np.abs(w), stride=(3, 2), padding=2))
    assert abs(left - right) <= 4 * (y.size + x.size) * np.finfo(float).eps * magnitude
