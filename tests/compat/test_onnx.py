"""ONNX ``ConvTranspose`` by its own signature, and tconv's layers written as models, against
ONNX Runtime."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tconv
from tconv.compat.onnx import conv_transpose, to_onnx
from tests.support.computing import cheap

onnx = pytest.importorskip("onnx", reason="the format is defined by it")
runtime = pytest.importorskip("onnxruntime", reason="the runtime is the oracle")
AUTO_PADS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


def run(model: Any, **feeds: np.ndarray) -> np.ndarray:
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (result,) = session.run(None, feeds)
    return result


def theirs(X: np.ndarray, W: np.ndarray, B: np.ndarray | None, **attributes: Any) -> np.ndarray:  # noqa: N803
    """One node, run by ONNX Runtime."""
    arrays = {"X": X, "W": W} | ({} if B is None else {"B": B})
    given = {name: value for name, value in attributes.items() if value is not None}
    node = onnx.helper.make_node("ConvTranspose", list(arrays), ["Y"], **given)
    element = onnx.helper.np_dtype_to_tensor_dtype(X.dtype)
    inputs = [
        onnx.helper.make_tensor_value_info(name, element, array.shape)
        for name, array in arrays.items()
    ]
    result = onnx.helper.make_tensor_value_info("Y", element, None)
    graph = onnx.helper.make_graph([node], "one", inputs, [result])
    imports = [onnx.helper.make_opsetid("", 22)]
    return run(onnx.helper.make_model(graph, opset_imports=imports, ir_version=10), **arrays)


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Any], dict[str, Any]]:
    """Within what ONNX Runtime computes as the operator documents it: an output padding below
    the stride, and no result longer than the full scatter and that padding."""
    axes = draw(st.sampled_from((1, 1, 2, 3)))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    size, kernel, strides, dilations = each(1, 4), each(1, 3), each(1, 3), each(1, 2)
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    ends = tuple(draw(st.integers(0, s - 1)) for s in strides)
    full = [
        (n - 1) * s + extent + end
        for n, s, extent, end in zip(size, strides, extents, ends, strict=True)
    ]
    options: dict[str, Any] = {"output_padding": ends, "strides": strides, "dilations": dilations}
    options["auto_pad"] = draw(st.sampled_from(AUTO_PADS))
    if draw(st.booleans()):
        options["output_shape"] = tuple(draw(st.integers(1, most)) for most in full)
    elif options["auto_pad"] == "NOTSET" and draw(st.booleans()):
        starts = [draw(st.integers(0, most - 1)) for most in full]
        stops = [draw(st.integers(0, most - 1 - lo)) for most, lo in zip(full, starts, strict=True)]
        options["pads"] = (*starts, *stops)
    elif options["auto_pad"].startswith("SAME"):
        options["strides"] = tuple(map(min, strides, extents))
        options["output_padding"] = (0,) * axes
    groups = draw(st.sampled_from((1, 2)))
    options["group"] = groups
    if draw(st.booleans()):
        options["kernel_shape"] = kernel
    rng = np.random.default_rng(sum(size) + 7 * sum(kernel))
    shapes = ((2, 2 * groups, *size), (2 * groups, 3, *kernel), (3 * groups,))
    arrays = [rng.integers(-4, 5, shape).astype(np.float32) for shape in shapes]
    return [*arrays[:2], arrays[2] if draw(st.booleans()) else None], options


@cheap
@given(problems())
def test_values_are_those_of_onnx_runtime(problem):
    arrays, options = problem
    got = conv_transpose(*arrays, **options)
    np.testing.assert_array_equal(got, theirs(*arrays, **options), strict=True)


def test_what_is_left_out_is_the_operator_s_default():
    X, W = np.arange(6.0, dtype=np.float32).reshape(1, 2, 3), np.ones((2, 1, 2), np.float32)  # noqa: N806
    np.testing.assert_array_equal(conv_transpose(X, W), theirs(X, W, None), strict=True)


def test_the_signature_is_that_of_the_operator():
    schema = onnx.defs.get_schema("ConvTranspose", 22)
    parameters = inspect.signature(conv_transpose).parameters
    assert list(parameters)[:3] == [one.name for one in schema.inputs]
    assert set(list(parameters)[3:]) == set(schema.attributes)
    for name, attribute in schema.attributes.items():
        default = onnx.helper.get_attribute_value(attribute.default_value)
        default = default.decode() if isinstance(default, bytes) else default
        assert parameters[name].default == (default or None), name


@pytest.mark.parametrize("auto_pad", AUTO_PADS)
def test_an_output_beyond_the_scatter_is_extended_at_its_end(auto_pad):
    """ONNX Runtime does so, too, up to the next stride."""
    X, W = np.arange(1.0, 4.0, dtype=np.float32).reshape(1, 1, 3), np.ones((1, 1, 3), np.float32)  # noqa: N806
    options = {"strides": [3], "auto_pad": auto_pad}
    want = theirs(X, W, None, output_shape=[11], **options)
    got = conv_transpose(X, W, output_shape=[11], **options)
    np.testing.assert_array_equal(got, want, strict=True)
    far = conv_transpose(X, W, output_shape=[14], **options)
    np.testing.assert_array_equal(far[..., :11], want)
    assert not far[..., 11:].any()


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER"])
def test_same_multiplies_the_size_by_a_stride_beyond_the_kernel(auto_pad):
    """As the operator documents it; ONNX Runtime gives the scatter's size."""
    X, W = np.arange(1.0, 4.0).reshape(1, 1, 3), np.ones((1, 1, 2))  # noqa: N806
    got = conv_transpose(X, W, strides=[4], auto_pad=auto_pad)
    assert got[0, 0].tolist() == [1, 1, 0, 0, 2, 2, 0, 0, 3, 3, 0, 0]


def test_an_output_padding_below_the_dilation_alone():
    """The operator's rule, max(stride, dilation), where ONNX Runtime refuses."""
    X, W = np.ones((1, 1, 3)), np.ones((1, 1, 2))  # noqa: N806
    got = conv_transpose(X, W, strides=[1], dilations=[3], output_padding=[2])
    assert got[0, 0].tolist() == [1, 1, 1, 1, 1, 1, 0, 0]


def test_jax_arrays_give_jax_arrays():
    X, W = np.ones((1, 2, 3), np.float32), np.ones((2, 1, 2), np.float32)  # noqa: N806
    got = jax.jit(lambda X: conv_transpose(X, W, strides=[2], auto_pad="SAME_LOWER"))(X)  # noqa: N803
    want = theirs(X, W, None, strides=[2], auto_pad="SAME_LOWER")
    np.testing.assert_array_equal(np.asarray(got), want, strict=True)


ONES = np.ones((2, 4, 5, 6)), np.ones((4, 3, 3, 2))
REFUSALS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"X": [1]}, TypeError, "X: must be a numpy.ndarray or a jax.Array; got .*list"),
    ({"X": ONES[0][0]}, ValueError, "X: must have 4 axes, 2 of them spatial; got shape"),
    ({"X": ONES[0][..., :0]}, ValueError, "X, spatial axis 1: the input size must be at least 1"),
    ({"W": ONES[1][:3]}, ValueError, "W: its axis 0 must have the 4 channels of X; got"),
    ({"B": np.ones(4)}, ValueError, r"B: must have shape \(3,\), one value for each output chan"),
    ({"group": 3}, ValueError, "group: must divide the input channels; got 4 channels, group=3"),
    ({"strides": 2}, ValueError, "strides: must be one int for each of the 2 spatial axes; got 2"),
    ({"dilations": (1, 0)}, ValueError, "dilations, spatial axis 1: must be at least 1; got 0"),
    ({"kernel_shape": (3, 3)}, ValueError, r"kernel_shape: must be that of W; got \(3, 3\) for W"),
    ({"auto_pad": "same"}, ValueError, "auto_pad: must be 'NOTSET', 'SAME_UPPER', 'SAME_LOWER'"),
    ({"pads": (1, 1)}, ValueError, r"pads: must be the 2 starts, then the 2 ends; got \(1, 1\)"),
    ({"pads": (0, 0, 0, -1)}, ValueError, "pads, spatial axis 1: must be at least 0; got -1"),
    (
        {"pads": (4, 0, 3, 0)},
        ValueError,
        r"pads, spatial axis 0: of \(input - 1\)\*strides \+ dilations\*\(kernel - 1\) \+ 1 \+ "
        "output_padding positions at least 1 must be left; got 7, of which 4 are cropped at the "
        "start and 3 at the end. Use less padding or a larger input.$",
    ),
    ({"pads": (1,) * 4, "auto_pad": "VALID"}, ValueError, "pads: cannot be given beside auto_pad"),
    ({"output_padding": (0, 1)}, ValueError, "output_padding, spatial axis 1: must satisfy 0 <="),
    ({"output_shape": (0, 1)}, ValueError, "output_shape, spatial axis 0: must be at least 1"),
]


@pytest.mark.parametrize(("change", "error", "text"), REFUSALS, ids=lambda one: str(one)[:30])
def test_errors_speak_of_the_operator_s_attributes(change, error, text):
    with pytest.raises(error, match=f"^{text}"):
        conv_transpose(**dict(zip("XW", ONES, strict=True)) | change)


LAYERS = [
    tconv.ConvTranspose1d(4, 6, 3, stride=2),
    tconv.ConvTranspose2d(4, 6, (3, 4), stride=2, padding=1, output_padding=(1, 0), groups=2),
    tconv.ConvTranspose3d(2, 3, 2, stride=(1, 2, 3), dilation=2, bias=False),
    tconv.ConvTranspose2d(4, 6, 3, stride=2, padding="same"),
    tconv.ConvTranspose2d(4, 6, 2, stride=3, padding="same_lower"),  # beyond the kernel
    tconv.ConvTranspose1d(4, 6, 3, stride=2, padding=((2, 0),)),
    tconv.ConvTranspose1d(4, 6, 3, stride=2, padding=((1, -1),)),
    tconv.ConvTranspose1d(4, 6, 3, stride=2, padding=((-2, 1),), groups=2),
    tconv.ConvTranspose1d(4, 6, 3, stride=2, padding=((1, -2),)),  # a whole stride
    tconv.ConvTranspose1d(4, 6, 3, stride=2, padding=((1, -5),), bias=False),
    tconv.ConvTranspose1d(4, 6, 3, dilation=3, output_padding=2),  # which the runtime refuses
    tconv.Conv1d(4, 6, 3, stride=2, padding=1),
    tconv.Conv2d(4, 6, (3, 2), dilation=(1, 2), groups=2, padding=((1, 0), (2, 1))),
    tconv.Conv2d(4, 6, (4, 3), stride=2, padding="same"),
    tconv.Conv2d(4, 6, (4, 3), stride=2, padding="same_lower", bias=False),
    tconv.Conv3d(2, 3, 2, padding="valid"),
    tconv.Conv1d(4, 6, 3, padding=((-1, 2),)),
]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_a_layer_s_model_computes_what_the_layer_does(layer):
    """Small integers, whose sums float32 holds exactly; for two batches and sizes."""
    rng = np.random.default_rng(0)
    shapes = {"weight": layer.weight_shape} | (
        {"bias": (layer.out_channels,)} if layer.bias else {}
    )
    params = {name: rng.integers(-4, 5, one).astype(np.float32) for name, one in shapes.items()}
    model = to_onnx(layer, params)
    for batch, size in ((2, 5), (3, 6)):
        x = rng.integers(-4, 5, (batch, layer.in_channels, *[size] * layer.axes))
        x = x.astype(np.float32)
        np.testing.assert_array_equal(run(model, x=x), layer.apply(params, x), strict=True)


def test_a_model_of_a_plain_layer_is_one_node_of_named_arrays():
    layer = tconv.ConvTranspose2d(4, 6, 4, stride=2, padding=1)
    model = to_onnx(layer, jax.device_put(layer.init(np.random.default_rng(0))))
    (node,) = model.graph.node
    assert (node.op_type, list(node.input)) == ("ConvTranspose", ["x", "weight", "bias"])
    assert {one.name: tuple(one.dims) for one in model.graph.initializer} == {
        "weight": (4, 6, 4, 4),
        "bias": (6,),
    }
    channels = [one.type.tensor_type.shape.dim[1].dim_value for one in model.graph.input]
    assert channels == [4]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_models_keep_the_dtype(dtype):
    layer = tconv.ConvTranspose1d(2, 3, 3, stride=2)
    params = {"weight": np.ones((2, 3, 3), dtype), "bias": np.ones(3, dtype)}
    x = np.arange(8, dtype=dtype).reshape(1, 2, 4)
    np.testing.assert_array_equal(
        run(to_onnx(layer, params), x=x), layer.apply(params, x), strict=True
    )


@pytest.mark.parametrize("dtype", [np.float64, ml_dtypes.bfloat16])
def test_models_in_dtypes_that_the_runtime_has_no_kernel_for(dtype):
    layer = tconv.ConvTranspose1d(2, 3, 3, bias=False)
    model = to_onnx(layer, {"weight": np.ones((2, 3, 3), dtype)})
    held = onnx.numpy_helper.to_array(model.graph.initializer[0])
    assert held.dtype == dtype


def test_what_has_no_model():
    layer = tconv.ConvTranspose1d(2, 3, 3, bias=False)
    with pytest.raises(TypeError, match=r"^layer: must be a ConvTranspose or Conv layer of tconv"):
        to_onnx(object(), {})
    with pytest.raises(TypeError, match=r"^params: must be of one dtype.*got int64"):
        to_onnx(layer, {"weight": np.ones((2, 3, 3), np.int64)})
    with pytest.raises(ValueError, match=r"^params\['weight'\]: must have shape \(2, 3, 3\)"):
        to_onnx(layer, {"weight": np.ones((2, 3, 4))})
