"""The convention table of the README: each row, tried against the framework it speaks of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tconv

SIZES = st.tuples(
    st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3)
)  # input, kernel_size, stride, dilation


def problem(size, kernel_size, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.integers(-4, 5, (2, 3, size)).astype(np.float32)
    return x, rng.integers(-4, 5, (3, 2, kernel_size)).astype(np.float32)


def lax_kernel(w):
    """PyTorch's (I, O, k) weight as the (k, I, O) kernel that lax does not flip."""
    return jnp.asarray(np.flip(w, 2).transpose(2, 0, 1))


def lax_conv_transpose(x, w, stride, padding, dilation, **options):
    y = jax.lax.conv_transpose(
        jnp.asarray(x.transpose(0, 2, 1)),
        lax_kernel(w),
        (stride,),
        padding,
        rhs_dilation=(dilation,),
        dimension_numbers=("NHC", "HIO", "NHC"),
        **options,
    )
    return np.asarray(y).transpose(0, 2, 1)


@settings(max_examples=30)
@given(SIZES, st.integers(0, 2), st.integers(0, 2))
def test_lax_explicit_padding_counts_from_the_far_side(sizes, lo, hi):
    size, kernel_size, stride, dilation = sizes
    span = dilation * (kernel_size - 1)
    x, w = problem(size, kernel_size)
    crop = ((span - lo, span - hi),)
    if (size - 1) * stride + 1 - span + lo + hi < 1:
        with pytest.raises(ValueError, match="output size"):
            tconv.conv_transpose(x, w, stride=stride, padding=crop, dilation=dilation)
        return
    expected = lax_conv_transpose(x, w, stride, [(lo, hi)], dilation)
    got = tconv.conv_transpose(x, w, stride=stride, padding=crop, dilation=dilation)
    np.testing.assert_array_equal(got, expected)


@settings(max_examples=30)
@given(SIZES)
def test_lax_valid_extends_where_the_stride_exceeds_the_kernel(sizes):
    size, kernel_size, stride, dilation = sizes
    x, w = problem(size, kernel_size)
    extra = max(stride - dilation * (kernel_size - 1) - 1, 0)
    expected = lax_conv_transpose(x, w, stride, "VALID", dilation)
    got = tconv.conv_transpose(x, w, stride=stride, padding=((0, -extra),), dilation=dilation)
    np.testing.assert_array_equal(got, expected)


@settings(max_examples=30)
@given(SIZES)
def test_lax_same_is_same(sizes):
    size, kernel_size, stride, dilation = sizes
    x, w = problem(size, kernel_size)
    expected = lax_conv_transpose(x, w, stride, "SAME", dilation)
    got = tconv.conv_transpose(x, w, stride=stride, padding="same", dilation=dilation)
    np.testing.assert_array_equal(got, expected)


@settings(max_examples=12)
@given(SIZES, st.data())
def test_equinox_flips_the_kernel_and_swaps_the_channels_of_each_group(sizes, data):
    equinox = pytest.importorskip("equinox", reason="this row speaks of it")
    size, kernel_size, stride, dilation = sizes
    output_padding = data.draw(st.integers(0, stride - 1))
    full = (size - 1) * stride + dilation * (kernel_size - 1) + output_padding
    padding = data.draw(st.integers(0, full // 2))
    rng = np.random.default_rng(1)
    groups, per_group_in, per_group_out = 2, 2, 3
    x = rng.integers(-4, 5, (groups * per_group_in, size)).astype(np.float32)
    w = rng.integers(-4, 5, (groups * per_group_in, per_group_out, kernel_size)).astype(np.float32)
    options = {
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "dilation": dilation,
        "groups": groups,
    }
    layer = equinox.nn.ConvTranspose1d(
        groups * per_group_in,
        groups * per_group_out,
        kernel_size,
        use_bias=False,
        key=jax.random.key(0),
        **options,
    )
    blocks = np.flip(w, 2).reshape(groups, per_group_in, per_group_out, kernel_size)
    carried = blocks.swapaxes(1, 2).reshape(-1, per_group_in, kernel_size)
    layer = equinox.tree_at(lambda tree: tree.weight, layer, jnp.asarray(carried))
    got = tconv.conv_transpose(x, w, **options)
    np.testing.assert_array_equal(got, np.asarray(layer(jnp.asarray(x))))


@given(SIZES, st.booleans(), st.data())
def test_onnx_same_puts_the_odd_element_where_its_name_says(sizes, lower, data):
    onnx = pytest.importorskip("onnx", reason="this row speaks of it")
    onnxruntime = pytest.importorskip("onnxruntime", reason="it computes what ONNX says")
    helper = onnx.helper
    size, kernel_size, _, dilation = sizes
    # onnxruntime refuses the negative total padding of a stride above the kernel's extent.
    stride = data.draw(st.integers(1, dilation * (kernel_size - 1) + 1))
    x, w = problem(size, kernel_size)
    node = helper.make_node(
        "ConvTranspose",
        ["x", "w"],
        ["y"],
        auto_pad="SAME_LOWER" if lower else "SAME_UPPER",
        strides=[stride],
        dilations=[dilation],
    )
    graph = helper.make_graph(
        [node],
        "same",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(w, "w")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    ).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"x": x})
    padding = "same_lower" if lower else "same"
    got = tconv.conv_transpose(x, w, stride=stride, padding=padding, dilation=dilation)
    np.testing.assert_array_equal(got, expected)


def test_keras_and_mlx_kernels_need_only_their_axes_named():
    rng = np.random.default_rng(2)
    x = rng.integers(-4, 5, (2, 4, 5, 3)).astype(np.float32)
    w = rng.integers(-4, 5, (3, 2, 3, 3)).astype(np.float32)
    expected = tconv.conv_transpose(x.transpose(0, 3, 1, 2), w, stride=2).transpose(0, 2, 3, 1)
    for order, axes in (("HWOI", (2, 3, 1, 0)), ("OHWI", (1, 2, 3, 0))):
        numbers = ("NHWC", order, "NHWC")
        got = tconv.conv_transpose(x, w.transpose(axes), stride=2, dimension_numbers=numbers)
        np.testing.assert_array_equal(got, expected)
