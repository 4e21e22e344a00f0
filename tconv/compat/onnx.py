"""ONNX ``ConvTranspose`` on JAX and NumPy arrays, and tconv's layers written as ONNX models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tconv._core.arguments import fail, padding_pairs
from tconv._core.boundary import check_zeros
from tconv._core.typing import AnyArray, Array
from tconv.compat.call import Call, Names, operands
from tconv.compat.conventions import CONVENTIONS
from tconv.compat.crops import cropped, onnx_crops, padded
from tconv.compat.own_layers import (
    Forward,
    Layer,
    Transposed,
    check_layer,
    parameters,
    parameters_as_torch,
)

if TYPE_CHECKING:
    from onnx import ModelProto

_NAMES = Names("X", "W", "strides", "dilations", b="B", groups="group")
_OPSET = 22
_FLOATS = {"float16", "bfloat16", "float32", "float64"}
_AUTO_PAD = {"valid": "VALID", "same": "SAME_UPPER", "same_lower": "SAME_LOWER"}


def conv_transpose(
    X: Array | AnyArray,  # noqa: N803 (ONNX's names)
    W: Array | AnyArray,  # noqa: N803
    B: Array | AnyArray | None = None,  # noqa: N803
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """The ONNX operator ``ConvTranspose``, version 22, with any number of spatial axes.

    Args:
        X: (batch, in_channels, *spatial).
        W: (in_channels, out_channels/group, *kernel).
        B: (out_channels,).
        auto_pad: ``"NOTSET"``; ``"VALID"``, the same without pads; or ``"SAME_UPPER"`` or
            ``"SAME_LOWER"``, an ``output_shape`` of input * stride.
        dilations: one int of at least 1 for each spatial axis.
        group: divides both channel counts.
        kernel_shape: the kernel sizes of W, for who wants to have them checked.
        output_padding: one int an axis, 0 <= output_padding < max(stride, dilation).
        output_shape: the spatial size wanted, one int an axis; pads are ignored then.  With
            T = (input - 1)*stride + dilation*(kernel - 1) + 1 + output_padding - output_shape,
            T // 2 is cropped at the start for ``"SAME_UPPER"`` and T - T // 2 otherwise, the
            rest at the end; a negative T extends the end.
        pads: what is cropped: all starts, then all ends, each at least 0.
        strides: one int of at least 1 for each spatial axis.

    Returns: (batch, out_channels, *spatial).  Where a stride exceeds the kernel, SAME has the
        size that the operator documents; ONNX Runtime 1.32 gives a smaller one.

    Raises: ValueError or TypeError for arguments that do not fit, in these names.

    Source: the ONNX operator ``ConvTranspose``, version 22.

    >>> import numpy as np
    >>> X, W = np.array([[[1.0, 10.0]]]), np.array([[[1.0, 2.0, 3.0]]])
    >>> conv_transpose(X, W, strides=[2], output_shape=[4])
    array([[[ 2., 13., 20., 30.]]])
    >>> conv_transpose(X, W, strides=[2], output_shape=[4], auto_pad="SAME_UPPER")
    array([[[ 1.,  2., 13., 20.]]])
    """
    x, w, b = operands(_NAMES, X, W, B)
    spatial = "abcdefgh"[: w.ndim - 2]
    specs = (f"NC{spatial}", f"IO{spatial}", f"NC{spatial}")
    call = Call(_NAMES, CONVENTIONS["onnx"], specs, x, w, b, groups=group)

    def ints(argument: str, value: Sequence[int] | None, default: int, least: int) -> Any:
        given = (default,) * call.axes if value is None else value
        return call.ints(argument, given, least, alone=False)

    if kernel_shape is not None and ints("kernel_shape", kernel_shape, 1, 1) != w.shape[2:]:
        rule, got = "must be that of W", f"{tuple(kernel_shape)} for W of shape {w.shape}"
        fail("kernel_shape", None, rule, got, "Leave it out.")
    every = call.parameters(
        ints("strides", strides, 1, 1),
        ints("dilations", dilations, 1, 1),
        ints("output_padding", output_padding, 0, 0),
    )
    call.check_output_padding(every)
    wanted = None if output_shape is None else ints("output_shape", output_shape, 1, 1)
    pairs = onnx_crops(every, auto_pad, pads, wanted, call.input_size)
    result: Array = call.value(padded(every, pairs), argument="pads")
    return result


def to_onnx(layer: Layer, params: Mapping[str, Any]) -> ModelProto:
    """A layer of tconv as an ONNX model with the input x and the output y.

    Args:
        layer: ``ConvTranspose1d/2d/3d`` or ``Conv1d/2d/3d`` of tconv.
        params: its parameters, ``{"weight": ..., "bias": ...}``, NumPy or JAX arrays of one
            float dtype.

    Returns: an ``onnx.ModelProto`` of operator set 22 for any batch and any spatial size: one
        node, ``ConvTranspose`` or ``Conv``, and beside it a ``Pad`` for what a padding with
        negative sides extends or crops beyond what the node can.

    Raises: ValueError for parameters that are not the layer's, or a padding_mode other than zeros;
        TypeError for a layer that is not tconv's, or a dtype that is no float; ImportError without
        the package ``onnx``.

    Source: the ONNX operators ``ConvTranspose``, ``Conv`` and ``Pad``.

    >>> import numpy as np
    >>> from tconv import ConvTranspose2d
    >>> layer = ConvTranspose2d(3, 2, 4, stride=2, padding=1)
    >>> model = to_onnx(layer, layer.init(np.random.default_rng(0)))
    >>> [node.op_type for node in model.graph.node]
    ['ConvTranspose']
    """
    check_layer(layer)
    check_zeros(
        layer.padding_mode,
        "ONNX's operators pad with them alone",
        "Write the layer without padding, and an ONNX Pad node before it.",
    )
    arrays = {
        name: np.asarray(array)
        for name, array in zip(("weight", "bias"), parameters_as_torch(layer, params), strict=True)
        if array is not None
    }
    dtypes = {array.dtype.name for array in arrays.values()}
    if len(dtypes) > 1 or not dtypes <= _FLOATS:
        raise TypeError(
            f"params: must be of one dtype, float16, bfloat16, float32 or float64; got "
            f"{', '.join(sorted(dtypes))}. Convert them with astype."
        )
    graph = _Graph(arrays, layer.axes)
    if isinstance(layer, Transposed):
        _write_transposed(graph, layer)
    else:
        _write_forward(graph, layer)
    return graph.model(layer.in_channels, layer.out_channels)


class _Graph:
    """The nodes and arrays of a model while it is written, from x to y."""

    def __init__(self, arrays: dict[str, AnyArray], axes: int) -> None:
        self.arrays, self.axes, self.dtype = arrays, axes, arrays["weight"].dtype
        self.nodes: list[Any] = []
        self.last = "x"

    def add(self, operator: str, *operands: str, **attributes: Any) -> None:
        """A node of the last result and these arrays."""
        from onnx import helper

        inputs, result = [self.last, *operands], operator.lower()
        self.nodes.append(helper.make_node(operator, inputs, [result], **attributes))
        self.last = result

    def pad(self, starts: Sequence[int], ends: Sequence[int]) -> None:
        """Zeros at the two sides of the spatial axes; negative numbers crop."""
        self.arrays["pads"] = np.array([0, 0, *starts, 0, 0, *ends], np.int64)
        self.add("Pad", "pads")

    def add_bias(self) -> None:
        """The bias, after all else."""
        self.arrays["bias"] = self.arrays["bias"].reshape(-1, *(1,) * self.axes)
        self.add("Add", "bias")

    def model(self, in_channels: int, out_channels: int) -> ModelProto:
        """The model, checked by the package that defines the format."""
        from onnx import checker, helper
        from onnx.numpy_helper import from_array

        self.nodes[-1].output[0] = "y"
        element = helper.np_dtype_to_tensor_dtype(self.dtype)
        ends = [
            helper.make_tensor_value_info(
                name, element, ["batch", channels, *(f"{name}{i}" for i in range(self.axes))]
            )
            for name, channels in (("x", in_channels), ("y", out_channels))
        ]
        held = [from_array(array, name) for name, array in self.arrays.items()]
        graph = helper.make_graph(self.nodes, "tconv", ends[:1], ends[1:], held)
        imports = [helper.make_opsetid("", _OPSET)]
        version = helper.find_min_ir_version_for(imports)
        model = helper.make_model(graph, opset_imports=imports, ir_version=version)
        checker.check_model(model, full_check=True)
        return model


def _write_transposed(graph: _Graph, layer: Transposed) -> None:
    """ConvTranspose crops by its pads and extends the end by less than a stride."""
    every = parameters(layer)
    if isinstance(layer.padding, str):
        pairs = tuple(one.same(layer.padding == "same_lower").padding for one in every)
    else:
        pairs = padding_pairs(layer.padding, layer.axes)
    pairs = cropped(padded(every, pairs))
    starts, ends = ([max(-pair[side], 0) for pair in pairs] for side in (0, 1))
    within = not any(starts) and all(end < one.stride for end, one in zip(ends, every, strict=True))
    bias = ["bias"] * (layer.bias and within)
    graph.add(
        "ConvTranspose",
        "weight",
        *bias,
        **_shared(layer),
        pads=[max(pair[side], 0) for side in (0, 1) for pair in pairs],
        output_padding=ends if within else [0] * layer.axes,
    )
    if not within:
        graph.pad(starts, ends)
        if layer.bias:
            graph.add_bias()


def _write_forward(graph: _Graph, layer: Forward) -> None:
    """Conv pads by its pads, or by the input's size where auto_pad asks for it."""
    if isinstance(layer.padding, str):
        padding: dict[str, Any] = {"auto_pad": _AUTO_PAD[layer.padding]}
    else:
        pairs = padding_pairs(layer.padding, layer.axes)
        padding = {"pads": [max(pair[side], 0) for side in (0, 1) for pair in pairs]}
        starts, ends = ([min(pair[side], 0) for pair in pairs] for side in (0, 1))
        if any(starts) or any(ends):
            graph.pad(starts, ends)
    graph.add(
        "Conv",
        "weight",
        *["bias"] * layer.bias,
        **_shared(layer),
        **padding,
    )


def _shared(layer: Layer) -> dict[str, Any]:
    """What both operators take."""
    every = parameters(layer)
    return {
        "kernel_shape": [one.kernel_size for one in every],
        "strides": [one.stride for one in every],
        "dilations": [one.dilation for one in every],
        "group": layer.groups,
    }
