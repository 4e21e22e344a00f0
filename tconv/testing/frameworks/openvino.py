"""OpenVINO's ``ConvolutionBackpropData`` and ``GroupConvolutionBackpropData`` on the CPU.

A model of one layer is compiled for each call, with the inference precision that its operands
have.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from tconv.testing.frameworks.framework import Array, Framework, pairs
from tconv.testing.problems.supports import Supports


def framework(name: str) -> Framework:
    """``openvino``."""
    return Framework(
        packages=("openvino",),
        conv_transpose=conv_transpose,
        supports=Supports("batched, padding>=0"),
        same=partial(conv_transpose, name="same_upper"),
    )


def conv_transpose(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: int,
    name: str = "explicit",
) -> Array:
    """With the padding's numbers, or with its ``name``."""
    openvino, ops = import_module("openvino"), import_module("openvino.opset13")
    kind = _type(x)
    parameter = ops.parameter(list(x.shape), kind)
    sides = [(0, 0)] * len(stride) if name != "explicit" else pairs(padding)
    attributes: dict[str, Any] = {
        "strides": list(stride),
        "pads_begin": [lo for lo, _ in sides],
        "pads_end": [hi for _, hi in sides],
        "dilations": list(dilation),
        "auto_pad": name,
        "output_padding": list(output_padding),
    }
    if name != "explicit":  # which crops to the size that is asked for
        wanted = [n * s for n, s in zip(x.shape[2:], stride, strict=True)]
        attributes["output_shape"] = ops.constant(np.array(wanted, np.int64))
    if groups == 1:
        y = ops.convolution_backprop_data(parameter, _constant(w), **attributes)
    else:
        grouped = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
        y = ops.group_convolution_backprop_data(parameter, _constant(grouped), **attributes)
    if b is not None:
        y = ops.add(y, _constant(b.reshape(1, -1, *[1] * len(stride))))
    model = openvino.Model([ops.result(y)], [parameter], "layer")
    hint = {"INFERENCE_PRECISION_HINT": kind.get_type_name()}
    request = openvino.Core().compile_model(model, "CPU", hint).create_infer_request()
    request.set_input_tensor(_tensor(x))
    request.infer()
    found = request.get_output_tensor()
    return np.array(found.data).view(x.dtype).reshape(tuple(found.shape))


def _type(array: Array) -> Any:
    openvino = import_module("openvino")
    return openvino.Type.bf16 if array.dtype.name == "bfloat16" else openvino.Type(array.dtype)


def _tensor(array: Array) -> Any:
    openvino, copy = import_module("openvino"), np.array(array, order="C")
    if array.dtype.name == "bfloat16":
        return openvino.Tensor(copy.view(np.uint16), openvino.Shape(copy.shape), _type(array))
    return openvino.Tensor(copy)


def _constant(array: Array) -> Any:
    return import_module("openvino.opset13").constant(_tensor(array))
