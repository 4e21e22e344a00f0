"""What the forms lower to on platforms that need not be at hand: the text of the StableHLO."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import tconv
from tconv._core.plan import Plan, conv_transpose_call
from tconv._jax.forms import FORMS
from tconv._jax.forms.axes import OPERANDS

PLAIN = {"stride": 2, "padding": 1, "output_padding": 1}
X = jax.ShapeDtypeStruct((8, 6, 5, 7), jnp.float32)
W = jax.ShapeDtypeStruct((6, 4, 4, 3), jnp.float32)


def lowered(function: Any, *operands: Any, platform: str = "cuda") -> str:
    """The StableHLO of a program lowered, and not run, for a platform."""
    return jax.jit(function).trace(*operands).lower(lowering_platforms=(platform,)).as_text()


def convolutions(text: str) -> list[str]:
    return re.findall(r"stablehlo\.convolution\([^\n]*", text)


def transposed(x: Any, w: Any, **options: Any) -> Any:
    return tconv.conv_transpose(x, w, **(PLAIN | options))


def cotangents(x: Any, w: Any) -> Any:
    y, pullback = jax.vjp(transposed, x, w)
    return pullback(jnp.ones_like(y))


@pytest.mark.parametrize("platform", ["cuda", "rocm", "tpu"])
def test_forward_reverses_the_weight_right_before_the_convolution(platform: str) -> None:
    text = lowered(transposed, X, W, platform=platform)
    (line,) = convolutions(text)
    operands = re.match(r"stablehlo\.convolution\((%\w+), (%\w+)\)", line)
    assert operands
    reverse = re.search(rf"{operands[2]} = stablehlo\.reverse (%\w+), dims = \[2, 3\]", text)
    assert reverse, "the weight must be a reverse over exactly the spatial axes"
    barrier = rf"{reverse[1]} = stablehlo\.optimization_barrier %arg\d+ "
    assert re.search(barrier, text), "of the weight itself, whatever it is reversed from"
    assert "lhs_dilate = [2, 2]" in line
    assert "rhs_dilate" not in line or "rhs_dilate = [1, 1]" in line
    assert "stride = [1, 1]" in line or "stride" not in line
    assert "[b, f, 0, 1]x[i, o, 0, 1]->[b, f, 0, 1]" in line
    assert "feature_group_count = 1" in line
    assert "batch_group_count = 1" in line


def test_gradients_are_a_plain_convolution_and_a_backward_filter() -> None:
    lines = convolutions(lowered(cotangents, X, W))
    dx = [line for line in lines if "[b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1]" in line]
    dw = [line for line in lines if "[f, b, 0, 1]x[i, o, 0, 1]->[f, b, 0, 1]" in line]
    assert (len(dx), len(dw)) == (1, 1), lines
    assert "stride = [2, 2]" in dx[0]
    assert "lhs_dilate = [2, 2]" not in dx[0]
    # the cotangent is the input, x the kernel, spread by the stride
    assert "rhs_dilate = [2, 2]" in dw[0]
    assert "lhs_dilate = [2, 2]" not in dw[0]
    assert "tensor<8x4x" in dw[0].rpartition(": (")[2].partition(",")[0]


@pytest.mark.parametrize(("platform", "kind"), [("cuda", "bf16"), ("tpu", "bf16"), ("cpu", "f32")])
def test_half_kinds_are_multiplied_as_they_are_where_units_for_them_are(
    platform: str, kind: str
) -> None:
    """A convolution rounds once by itself; the CPU has no units for half kinds."""
    x, w = (jax.ShapeDtypeStruct(a.shape, jnp.bfloat16) for a in (X, W))
    lines = convolutions(lowered(lambda x, w: transposed(x, w), x, w, platform=platform))
    lines += convolutions(lowered(cotangents, x, w, platform=platform))
    subpixel = partial(transposed, method="subpixel")
    lines += convolutions(lowered(subpixel, x, w, platform=platform))
    types = {found for line in lines for found in re.findall(r"x(bf16|f32|f64)>", line)}
    assert types <= {kind}
    assert lines or platform == "cpu"


@pytest.mark.parametrize("groups", [2, 6])
def test_groups_are_batched_products_and_no_convolution_on_tpus(groups: int) -> None:
    w = jax.ShapeDtypeStruct((6, 6 // groups, 4, 3), jnp.float32)

    def everything(x: Any, w: Any) -> Any:
        y, pullback = jax.vjp(lambda x, w: transposed(x, w, groups=groups), x, w)
        return y, pullback(y)

    text = lowered(everything, X, w, platform="tpu")
    assert not convolutions(text)
    assert "stablehlo.dot_general" in text


def test_stride_and_dilation_with_a_common_divisor_multiply_no_zeros() -> None:
    text = lowered(lambda x, w: transposed(x, w, dilation=2), X, W)
    (line,) = convolutions(text)
    assert "lhs_dilate = [2, 2]" not in line
    assert "rhs_dilate = [2, 2]" not in line


def test_each_platform_gets_its_own_form() -> None:
    assert convolutions(lowered(transposed, X, W, platform="cuda"))
    assert not convolutions(lowered(transposed, X, W, platform="cpu"))


@pytest.mark.parametrize("platform", ["cpu", "cuda", "rocm"])
def test_a_single_position_is_a_product_of_matrices(platform: str) -> None:
    """Along the axes 3 of 4 and 2 of 3 taps land in y: with 4 channels 24 features of an image."""
    x = jax.ShapeDtypeStruct((8, 6, 1, 1), jnp.float32)
    product = r"stablehlo\.dot_general .*: (\(.*)"
    x_, w_, y_ = "tensor<8x6xf32>", "tensor<6x24xf32>", "tensor<8x24xf32>"
    forward, backward = (lowered(f, x, W, platform=platform) for f in (transposed, cotangents))
    assert re.findall(product, forward) == [f"({x_}, {w_}) -> {y_}"]
    assert re.findall(product, backward) == [f"({x_}, {y_}) -> {w_}", f"({y_}, {w_}) -> {x_}"]
    assert not convolutions(forward + backward)
    asked = lowered(lambda x, w: transposed(x, w, method="dilated"), x, W, platform=platform)
    assert convolutions(asked)


def test_on_a_tpu_a_single_position_is_a_convolution() -> None:
    x = jax.ShapeDtypeStruct((8, 6, 1, 1), jnp.float32)
    assert len(convolutions(lowered(transposed, x, W, platform="tpu"))) == 1
    assert len(convolutions(lowered(cotangents, x, W, platform="tpu"))) == 2


@pytest.mark.parametrize(("platform", "apart"), [("cpu", 3), ("cuda", 0), ("tpu", 0)])
def test_what_is_differentiated_is_called_on_the_cpu(platform: str, apart: int) -> None:
    def everything(x: Any, w: Any) -> Any:
        y, pullback = jax.vjp(transposed, x, w)
        return y, pullback(y)

    not_inlined = r'call @[^\n]*inlineable = "false"'
    assert len(re.findall(not_inlined, lowered(everything, X, W, platform=platform))) == apart
    assert not re.findall(not_inlined, lowered(transposed, X, W, platform=platform))


@pytest.mark.parametrize("platform", ["cpu", "cuda"])
@pytest.mark.parametrize(("stride", "kernel"), [(1, 64), (32, 64), (1, 31), (64, 64)])
def test_the_program_does_not_grow_with_the_taps(platform: str, stride: int, kernel: int) -> None:
    x = jax.ShapeDtypeStruct((1, 3, 70, 70), jnp.float32)
    w = jax.ShapeDtypeStruct((3, 3, kernel, kernel), jnp.float32)

    def everything(x: Any, w: Any) -> Any:
        y, pullback = jax.vjp(lambda x, w: tconv.conv_transpose(x, w, stride=stride), x, w)
        return y, pullback(y)

    assert len(lowered(everything, x, w, platform=platform).splitlines()) < 600


@pytest.mark.parametrize(("platform", "group_out"), [("cuda", 1), ("tpu", 1), ("tpu", 2)])
def test_half_kinds_are_summed_in_float32_where_no_convolution_runs(
    platform: str, group_out: int
) -> None:
    """Depthwise layers, and on a TPU all groups: products and sums of XLA's own would round each
    time."""
    x = jax.ShapeDtypeStruct((1, 2, 3), jnp.bfloat16)
    w = jax.ShapeDtypeStruct((2, group_out, 3), jnp.bfloat16)

    def everything(x: Any, w: Any) -> Any:
        y, pullback = jax.vjp(lambda x, w: tconv.conv_transpose(x, w, stride=2, groups=2), x, w)
        return y, pullback(y)

    text = lowered(everything, x, w, platform=platform)
    sums = re.findall(r"stablehlo\.(?:add|multiply|dot_general|reduce)\b[^\n]*", text)
    assert sums
    assert not [line for line in sums if "bf16" in line]


# Passes of their own by form: channels first, and channels last.
PASSES = {
    ("y", "columns"): (1, 0),
    ("y", "depthwise"): (2, 1),
    ("y", "fused depthwise"): (0, 0),
    ("x", "shifts"): (1, 0),
    ("x", "depthwise"): (1, 0),
    ("x", "fused depthwise"): (0, 0),
    ("w", "shifts"): (1, 0),
}


@pytest.mark.parametrize(("result", "form"), PASSES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_what_is_settled_before_it_is_transposed(
    result: str, form: str, channels_last: bool
) -> None:
    """Fused into a transposition, sums run several times slower on a CPU; the channels-last order
    needs no transposition."""
    plan = conv_transpose_call((2, 4, 5, 6), (4, 1, 4, 4), stride=2, padding=1, groups=4).plan
    plan = replace(plan, channels_last=channels_last)
    shapes = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
    operands = [jax.ShapeDtypeStruct(shapes[name], jnp.float32) for name in OPERANDS[result]]
    program = str(jax.make_jaxpr(partial(computed, result, form, plan))(*operands))
    assert program.count("optimization_barrier") == PASSES[result, form][channels_last]


def computed(result: str, form: str, plan: Plan, first: Any, second: Any) -> Any:
    return FORMS[result][form].compute(plan, first, second, None)
