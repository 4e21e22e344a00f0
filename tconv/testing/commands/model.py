"""Every ConvTranspose node of an ONNX model, run alone and compared with the reference.

A node keeps its attributes, its weight and bias, and the shape that the model's own shapes give
its input; the input's values are random.  Where a size of the model's inputs is free it is bound
to ``FREE``, and a batch to ``BATCH``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.testing.checks import Summary
from tconv.testing.commands.rows import Check, Target
from tconv.testing.expected import expected_result
from tconv.testing.failure.report import CheckFailure
from tconv.testing.frameworks import load
from tconv.testing.frameworks.onnx import by_the_runtime, node_crops, node_result, runtime
from tconv.testing.problems.problem import Problem, fill
from tconv.testing.trial import Finding, Subject

Array = NDArray[Any]
BATCH, FREE = 2, 16


def model_target(options: Any) -> Target:
    """The checks of the model that the command line names.

    Raises: ValueError for a file that is no model, or one without such a node; ImportError where
        onnx or onnxruntime is missing.
    """
    if not Path(options.target).is_file():
        raise ValueError(f"{options.target}: there is no such file.")
    load("onnxruntime")  # which says what is missing
    framework = runtime(options.provider)
    run = partial(by_the_runtime, options.provider)
    model = _read(options.target)
    nodes = list(_nodes(model))
    if not nodes:
        raise ValueError(f"{options.target}: has no ConvTranspose node.")
    checks = [
        Check(node.name, node.how, node.dtype, partial(_check, node, run, options.seed))
        for node in nodes
    ]
    note = f"Free sizes of the model's inputs are bound to {FREE}, a free batch to {BATCH}."
    return Target(options.target, framework.packages, checks, note=note, ndim=())


@dataclass(frozen=True)
class Node:
    """One node: its attributes, operands (None for a weight or bias that the model computes), and
    the shapes of x and w."""

    name: str
    attributes: dict[str, Any]
    opset: int
    x_shape: tuple[int, ...]
    w_shape: tuple[int, ...]
    w: Array | None
    b: Array | None
    has_bias: bool
    dtype: str

    @property
    def how(self) -> str:
        """Whose weight is tried."""
        return "random w" if self.w is None else "own w"

    @property
    def problem(self) -> Problem:
        """The node's geometry as a problem of the kit."""
        sizes, kernel = self.x_shape[2:], self.w_shape[2:]
        ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
        groups = self.attributes.get("group", 1)
        return Problem(
            sizes,
            kernel,
            stride=tuple(self.attributes.get("strides", ones)),
            padding=node_crops(self.attributes, sizes, kernel),
            output_padding=tuple(self.attributes.get("output_padding", zeros)),
            dilation=tuple(self.attributes.get("dilations", ones)),
            groups=groups,
            in_channels=self.x_shape[1],
            out_channels=self.w_shape[1] * groups,
            batch=self.x_shape[0],
            bias=self.has_bias,
            dtype=self.dtype,
        )


def _read(path: str) -> Any:
    """The model, its functions written out, its free sizes bound and all shapes inferred."""
    onnx = import_module("onnx")
    try:
        model = onnx.load(path)
        model = import_module("onnx.inliner").inline_local_functions(model)
        del model.graph.value_info[:]
        held = {array.name for array in model.graph.initializer}
        for entry in model.graph.input:
            if entry.name not in held:
                _bind(entry)
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # of protobuf, or of one of the checkers of the format
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ValueError(f"{path}: is not an ONNX model that can be read ({reason}).") from None


def _bind(entry: Any) -> None:
    for axis, size in enumerate(entry.type.tensor_type.shape.dim):
        if size.dim_value < 1:
            size.dim_value = FREE if axis else BATCH


def _nodes(model: Any) -> Iterator[Node]:
    """The nodes of the graph and of the graphs in it."""
    opset = next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    yield from _nodes_of(model.graph, opset, {}, {})


def _nodes_of(
    graph: Any, opset: int, shapes: dict[str, Any], arrays: dict[str, Array]
) -> Iterator[Node]:
    onnx = import_module("onnx")
    arrays = arrays | {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    shapes = shapes | {
        entry.name: entry.type.tensor_type
        for entry in (*graph.input, *graph.value_info, *graph.output)
    }
    for node in graph.node:
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        if node.op_type == "Constant" and "value" in attributes:
            arrays[node.output[0]] = onnx.numpy_helper.to_array(attributes["value"])
        for value in attributes.values():
            if isinstance(value, onnx.GraphProto):
                yield from _nodes_of(value, opset, shapes, arrays)
        if node.op_type == "ConvTranspose":
            yield _node(node, attributes, opset, shapes, arrays)


def _node(
    node: Any,
    attributes: dict[str, Any],
    opset: int,
    shapes: dict[str, Any],
    arrays: dict[str, Array],
) -> Node:
    x, w, *b = node.input
    name = node.name or node.output[0]
    held = arrays.get(w)
    w_shape = _sizes(shapes.get(w)) if held is None else held.shape
    if not w_shape or not all(w_shape):
        raise ValueError(f"node {name}: the shape of its weight {w!r} cannot be inferred.")
    channels = w_shape[0]
    given = _sizes(shapes.get(x)) or (0,) * len(w_shape)
    bound = (BATCH, channels, *[FREE] * (len(w_shape) - 2))
    x_shape = tuple(size or other for size, other in zip(given, bound, strict=True))
    return Node(
        name,
        {k: v.decode() if isinstance(v, bytes) else v for k, v in attributes.items()},
        opset,
        x_shape,
        tuple(w_shape),
        held,
        arrays.get(b[0]) if b and b[0] else None,
        bool(b and b[0]),
        _dtype(shapes.get(w)) if held is None else held.dtype.name,
    )


def _sizes(kind: Any) -> tuple[int, ...]:
    """The sizes of a tensor, 0 for one that is not known; () where nothing is."""
    return () if kind is None else tuple(size.dim_value for size in kind.shape.dim)


def _dtype(kind: Any) -> str:
    helper = import_module("onnx").helper
    name: str = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type)).name
    return name


def _check(node: Node, run: Any, seed: int, progress: Any) -> Summary:
    """Run the node once and compare."""
    start, problem = time.monotonic(), node.problem
    rng = np.random.default_rng(seed)
    x = fill(rng, node.x_shape, node.dtype, 0)
    w = fill(rng, node.w_shape, node.dtype, 0) if node.w is None else node.w
    b = node.b
    if b is None and node.has_bias:
        b = fill(rng, (problem.out_channels,), node.dtype, 0)

    def of_the_model(x: Array, w: Array, b: Array | None = None, **keywords: Any) -> Array:
        return node_result(run, node.attributes, x, w, b, node.opset)

    of_the_model.__qualname__ = f"node {node.name}"
    subject = Subject(of_the_model)
    finding = _finding(problem, of_the_model, x, w, b)
    if finding is not None:
        written = ", ".join(f"{k}={v}" for k, v in node.attributes.items())
        weight = "its own weight" if node.w is not None else "a random weight"
        about = f"It is the node {node.name} with {written or 'no attributes'} and {weight}"
        raise CheckFailure(subject, finding, about, f"seed {seed}")
    held = Counter(("call", "shape", "dtype", "values"))
    return Summary(problems=1, properties=held, seconds=time.monotonic() - start)


def _finding(
    problem: Problem, function: Any, x: Array, w: Array, b: Array | None
) -> Finding | None:
    try:
        got = function(x, w, b)
    except Exception as error:  # of the runtime
        return Finding(problem, "call", f"raised {type(error).__name__}: {error}")
    if got.shape != problem.output_shape:
        text = f"y has shape {got.shape}, expected {problem.output_shape}"
        return Finding(problem, "shape", text)
    if got.dtype.name != problem.dtype:
        text = f"y is {got.dtype.name}, expected {problem.dtype}"
        return Finding(problem, "dtype", text)
    expected = expected_result(problem, x, w, b)
    wrong = expected.wrong(got, None, None)
    if not wrong.any():
        return None
    return Finding(
        problem, "values",
        f"{int(wrong.sum())} of {wrong.size} elements of y are outside the error bound",
        got=got, expected=expected.value, wrong=wrong, allowed=expected.allowed(None, None),
    )  # fmt: skip
