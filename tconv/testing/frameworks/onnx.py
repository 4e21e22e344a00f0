"""The ONNX operator ``ConvTranspose``, by ONNX Runtime and by the reference of the package onnx.

A model of one node is made for each call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from tconv.testing.frameworks.framework import Array, Framework, Pairs, copied, pairs
from tconv.testing.problems.supports import Supports

Runner = Callable[[Any, dict[str, Array]], Array]
CPU = "CPUExecutionProvider"
_OPSET = 22
_SUPPORTS = Supports("batched, padding>=0")


def framework(name: str) -> Framework:
    """``onnxruntime`` on the CPU, or ``onnx.reference``."""
    return runtime(CPU) if name == "onnxruntime" else _made(("onnx",), _by_the_reference)


def runtime(provider: str) -> Framework:
    """``onnxruntime`` with this execution provider.

    Raises: ValueError where the installed runtime does not have it.
    """
    offered = import_module("onnxruntime").get_available_providers()
    if provider not in offered:
        raise ValueError(f"--provider: must be one of {', '.join(offered)}; got {provider!r}.")
    return _made(("onnxruntime", "onnx"), partial(by_the_runtime, provider))


def _made(packages: tuple[str, ...], run: Runner) -> Framework:
    return Framework(
        packages=packages,
        conv_transpose=partial(_numbers, run),
        supports=_SUPPORTS,
        same=partial(_same, run),
    )


def _numbers(
    run: Runner,
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: int,
) -> Array:
    sides = pairs(padding)
    attributes = {
        "pads": [lo for lo, _ in sides] + [hi for _, hi in sides],
        "strides": stride,
        "dilations": dilation,
        "output_padding": output_padding,
        "group": groups,
    }
    return node_result(run, attributes, x, w, b)


def _same(
    run: Runner,
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: int,
) -> Array:
    attributes = {
        "auto_pad": "SAME_UPPER",
        "strides": stride,
        "dilations": dilation,
        "group": groups,
    }
    return node_result(run, attributes, x, w, b)


def node_result(
    run: Runner,
    attributes: Mapping[str, Any],
    x: Array,
    w: Array,
    b: Array | None,
    opset: int = _OPSET,
) -> Array:
    """What a ConvTranspose node of these attributes gives; w and b are constants of the model."""
    onnx = import_module("onnx")
    helper = onnx.helper
    held = {"w": w} | ({} if b is None else {"b": b})
    node = helper.make_node("ConvTranspose", ["x", *held], ["y"], **attributes)
    element = helper.np_dtype_to_tensor_dtype(x.dtype)
    graph = helper.make_graph(
        [node],
        "node",
        [helper.make_tensor_value_info("x", element, x.shape)],
        [helper.make_tensor_value_info("y", element, None)],
        [onnx.numpy_helper.from_array(copied(array), name) for name, array in held.items()],
    )
    imports = [helper.make_opsetid("", opset)]
    version = helper.find_min_ir_version_for(imports)
    model = helper.make_model(graph, opset_imports=imports, ir_version=version)
    return run(model, {"x": np.array(x, order="C")})


def node_crops(
    attributes: Mapping[str, Any], input_size: Sequence[int], kernel_size: Sequence[int]
) -> Pairs:
    """What a node crops from the two sides of the full scatter, by the operator's documentation.

    Pads are all starts, then all ends.  An output shape, which SAME_UPPER and SAME_LOWER set to
    input*stride, leaves a total that is halved, the odd one at the start unless SAME_UPPER; what
    is missing is added at the end.
    """
    axes = len(kernel_size)
    strides = attributes.get("strides", [1] * axes)
    mode, wanted = attributes.get("auto_pad", "NOTSET"), attributes.get("output_shape")
    if wanted is None and mode.startswith("SAME"):
        wanted = [n * s for n, s in zip(input_size, strides, strict=True)]
    if wanted is None:
        pads = attributes.get("pads", [0] * 2 * axes) if mode == "NOTSET" else [0] * 2 * axes
        return list(zip(pads[:axes], pads[axes:], strict=True))
    crops = []
    for n, k, s, d, op, size in zip(
        input_size,
        kernel_size,
        strides,
        attributes.get("dilations", [1] * axes),
        attributes.get("output_padding", [0] * axes),
        wanted,
        strict=True,
    ):
        total = (n - 1) * s + d * (k - 1) + 1 + op - size
        lo = (max(total, 0) + (mode != "SAME_UPPER")) // 2
        crops.append((lo, total - lo))
    return crops


def by_the_runtime(provider: str, model: Any, inputs: dict[str, Array]) -> Array:
    """The first result of a model."""
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised too
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[provider])
    found: Array = session.run(None, inputs)[0]
    return found


def _by_the_reference(model: Any, inputs: dict[str, Array]) -> Array:
    reference = import_module("onnx.reference")
    found: Array = reference.ReferenceEvaluator(model).run(None, inputs)[0]
    return found
