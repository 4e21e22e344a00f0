"""Kernels as each framework stores them, tried in that framework."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from jax import lax

import tconv
from tconv.compat import convert
from tconv.compat.conventions import CONVENTIONS

os.environ.setdefault("KERAS_BACKEND", "jax")
STRIDE = (1, 2)  # at most the kernel's sizes: "VALID" crops nothing then
GROUPED = [name for name, convention in CONVENTIONS.items() if convention.whole]


def problem(groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, weight and bias in PyTorch's layout, of integers whose sums float32 holds exactly."""
    rng = np.random.default_rng(groups)
    shapes = ((2, 2 * groups, 4, 3), (2 * groups, 3, 3, 2), (3 * groups,))
    x, weight, bias = [rng.integers(-4, 5, shape).astype(np.float32) for shape in shapes]
    return x, weight, bias


def last(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """A function of channels-last arrays for channels-first ones."""

    def first(x: np.ndarray, *others: Any) -> np.ndarray:
        y = function(x.transpose(0, 2, 3, 1), *others)
        return np.asarray(y).transpose(0, 3, 1, 2)

    return first


def through_torch(x: Any, weight: Any, bias: Any, groups: int) -> Any:
    torch = pytest.importorskip("torch", reason="the framework itself is the oracle")
    tensors = map(torch.from_numpy, (x, weight, bias))
    return torch.nn.functional.conv_transpose2d(*tensors, STRIDE, groups=groups).numpy()


def through_onnx(x: Any, weight: Any, bias: Any, groups: int) -> Any:
    reference = pytest.importorskip("onnx.reference", reason="the framework itself is the oracle")
    from onnx import TensorProto, helper

    arrays = {"X": x, "W": weight, "B": bias}
    node = helper.make_node("ConvTranspose", list(arrays), ["Y"], strides=STRIDE, group=groups)
    kinds = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "XWBY"]
    model = helper.make_model(helper.make_graph([node], "one", kinds[:3], kinds[3:]))
    if groups == 1:
        return reference.ReferenceEvaluator(model).run(None, arrays)[0]
    runtime = pytest.importorskip("onnxruntime", reason="the reference mixes up the groups")
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    model.ir_version, model.opset_import[0].version = 10, 22
    session = runtime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, arrays)[0]


@last
def through_lax(x: Any, weight: Any, bias: Any, groups: int) -> Any:
    pads = [(size - 1, size - 1) for size in weight.shape[:2]]
    numbers = ("NHWC", "HWIO", "NHWC")
    return bias + np.asarray(
        lax.conv_general_dilated(
            x, weight, (1, 1), pads, STRIDE, None, numbers, feature_group_count=groups
        )
    )


@last
def through_lax_transpose_kernel(x: Any, weight: Any, bias: Any, groups: int) -> Any:
    if groups == 1:
        y = lax.conv_transpose(x, weight, STRIDE, "VALID", transpose_kernel=True)
        return bias + np.asarray(y)
    forward = jax.ShapeDtypeStruct((2, 6, 6, 3 * groups), np.float32)
    numbers = ("NHWC", "HWIO", "NHWC")
    transpose = jax.linear_transpose(
        lambda y: lax.conv_general_dilated(
            y, weight, STRIDE, "VALID", None, None, numbers, feature_group_count=groups
        ),
        forward,
    )
    return bias + np.asarray(transpose(x)[0])


def through_flax(transpose_kernel: bool) -> Callable[..., np.ndarray]:
    @last
    def compute(x: Any, weight: Any, bias: Any, groups: int) -> Any:
        nnx = pytest.importorskip("flax.nnx", reason="the framework itself is the oracle")
        layer = nnx.ConvTranspose(
            x.shape[-1],
            bias.size,
            weight.shape[:2],
            STRIDE,
            padding="VALID",
            transpose_kernel=transpose_kernel,
            rngs=nnx.Rngs(0),
        )
        layer.kernel[...], layer.bias[...] = weight, bias
        return layer(x)

    return compute


def through_equinox(x: Any, weight: Any, bias: Any, groups: int) -> Any:
    equinox = pytest.importorskip("equinox", reason="the framework itself is the oracle")
    key, channels = jax.random.key(0), (x.shape[1], weight.shape[0])
    layer = equinox.nn.ConvTranspose2d(*channels, weight.shape[2:], STRIDE, groups=groups, key=key)
    layer = equinox.tree_at(lambda one: (one.weight, one.bias), layer, (weight, bias))
    return np.asarray(jax.vmap(layer)(x))


@last
def through_keras(x: Any, weight: Any, bias: Any, groups: int) -> Any:
    keras = pytest.importorskip("keras", reason="the framework itself is the oracle")
    return bias + np.asarray(keras.ops.conv_transpose(x, weight, STRIDE))


@last
def through_haiku(x: Any, weight: Any, bias: Any, groups: int) -> Any:
    haiku = pytest.importorskip("haiku", reason="the framework itself is the oracle")
    layer = haiku.transform(
        lambda x: haiku.Conv2DTranspose(bias.size, weight.shape[:2], STRIDE, padding="VALID")(x)
    )
    return layer.apply({"conv2_d_transpose": {"w": weight, "b": bias}}, None, x)


@last
def through_mlx(x: Any, weight: Any, bias: Any, groups: int) -> Any:
    mx = pytest.importorskip("mlx.core", reason="the framework itself is the oracle")
    return bias + np.array(
        mx.conv_transpose2d(mx.array(x), mx.array(weight), STRIDE, groups=groups)
    )


THROUGH = {
    "torch": through_torch,
    "onnx": through_onnx,
    "lax": through_lax,
    "lax_transpose_kernel": through_lax_transpose_kernel,
    "flax": through_flax(transpose_kernel=False),
    "flax_transpose_kernel": through_flax(transpose_kernel=True),
    "equinox": through_equinox,
    "keras": through_keras,
    "haiku": through_haiku,
    "mlx": through_mlx,
}
GROUPS = [
    (name, groups)
    for name in THROUGH
    for groups in ((1, 3) if name in GROUPED and not name.startswith("flax") else (1,))
]


@pytest.mark.parametrize(("name", "groups"), GROUPS)
def test_a_converted_kernel_computes_the_same_in_the_framework(name, groups):
    x, weight, bias = problem(groups)
    want = tconv.conv_transpose(x, weight, bias, stride=STRIDE, groups=groups)
    theirs = convert(weight, bias, source="tconv", target=name, groups=groups)
    got = THROUGH[name](x, *(np.ascontiguousarray(array) for array in theirs), groups)
    np.testing.assert_array_equal(got, want)


def test_every_convention_but_the_own_is_tried():
    assert set(THROUGH) | {"tconv"} == set(CONVENTIONS)


@pytest.mark.parametrize("target", CONVENTIONS)
@pytest.mark.parametrize("source", CONVENTIONS)
def test_every_pair_there_and_back(source, target):
    both = source in GROUPED and target in GROUPED
    for groups in (1, 3) if both else (1,):
        _, weight, bias = problem(groups)
        first = convert(weight, bias, source="torch", target=source, groups=groups)
        across = convert(*first, source=source, target=target, groups=groups)
        direct = convert(weight, bias, source="torch", target=target, groups=groups)
        back = convert(*across, source=target, target=source, groups=groups)
        for got, want in zip((*across, *back), (*direct, *first), strict=True):
            np.testing.assert_array_equal(got, want, strict=True)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_any_number_of_axes_and_no_bias(ndim):
    weight = np.arange(12.0 * 3**ndim).reshape(4, 3, *[3] * ndim)
    got, none = convert(weight, source="torch", target="mlx")
    assert none is None
    np.testing.assert_array_equal(got, np.moveaxis(np.moveaxis(weight, 1, 0), 1, -1), strict=True)


def test_jax_arrays_stay_jax_arrays_and_can_be_traced():
    _, weight, bias = problem(3)
    options = {"source": "torch", "target": "equinox", "groups": 3}
    got = jax.jit(lambda weight, bias: convert(weight, bias, **options))(weight, bias)
    for one, want in zip(got, convert(weight, bias, **options), strict=True):
        assert isinstance(one, jax.Array)
        np.testing.assert_array_equal(one, want)


WEIGHT = np.ones((6, 3, 2, 2))
REFUSALS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"weight": [1]}, TypeError, "weight: must be a numpy.ndarray or a jax.Array"),
    ({"weight": WEIGHT[0, 0]}, ValueError, "weight: must have two channel axes and at least one"),
    ({"source": "tf"}, ValueError, "source: must be one of 'tconv', 'torch',.*; got 'tf'"),
    ({"target": "tf"}, ValueError, "target: must be one of 'tconv', 'torch',.*; got 'tf'"),
    ({"target": "keras", "groups": 2}, ValueError, "groups: target='keras' has no groups; got 2"),
    ({"groups": 4}, ValueError, "groups: must divide axis I of weight; got .*=6, groups=4"),
    ({"groups": 0}, ValueError, "groups: must be at least 1; got 0"),
    ({"bias": np.ones(6)}, ValueError, r"bias: must have shape \(3,\), one value for each output"),
]


@pytest.mark.parametrize(("change", "error", "text"), REFUSALS, ids=lambda one: str(one)[:30])
def test_refusals(change, error, text):
    with pytest.raises(error, match=f"^{text}"):
        convert(**{"weight": WEIGHT, "source": "torch", "target": "lax"} | change)
