"""The nodes of a model one by one: what is read of each, and how it is tried."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from tconv.testing import Problem, reference
from tconv.testing.checks import Summary
from tconv.testing.commands import model
from tconv.testing.commands.model import Node
from tconv.testing.failure.report import CheckFailure
from tconv.testing.problems.problem import fill

onnx = pytest.importorskip("onnx", reason="models of ONNX")
pytest.importorskip("onnxruntime", reason="it runs them")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
RNG = np.random.default_rng(0)
W = RNG.integers(-3, 4, (4, 3, 2, 3)).astype("f4")
B = RNG.integers(-3, 4, 6).astype("f4")
ATTRIBUTES = {
    "strides": [2, 3], "pads": [1, 0, 0, 2], "output_padding": [1, 2], "dilations": [2, 1],
    "group": 2,
}  # fmt: skip


def computing(change=lambda y: y):
    """In place of the runtime: the definition, with a change."""

    def result(run, attributes, x, w, b, opset):
        node = made(w=w, b=b, has_bias=b is not None, x_shape=x.shape, dtype=x.dtype.name)
        y = reference.conv_transpose(x, w, b, **node.problem.keywords)
        return change(y.astype(x.dtype))

    return result


def made(**changes):
    about = {
        "name": "up", "attributes": ATTRIBUTES, "opset": 17, "x_shape": (2, 4, 3, 4),
        "w_shape": W.shape, "w": W, "b": B, "has_bias": True, "dtype": "float32",
    }  # fmt: skip
    return Node(**{**about, **changes})


def test_a_node_as_a_problem():
    node = made()
    assert node.problem == Problem(
        (3, 4), (2, 3), (2, 3), ((1, 0), (0, 2)), (1, 2), (2, 1), groups=2, in_channels=4,
        out_channels=6, batch=2, bias=True,
    )  # fmt: skip
    assert (node.how, made(w=None).how) == ("own w", "random w")
    plain = made(attributes={}, has_bias=False, b=None, dtype="float64", x_shape=(1, 4, 5, 6))
    assert plain.problem == Problem(
        (5, 6), (2, 3), in_channels=4, out_channels=3, batch=1, dtype="float64"
    )


def tried(monkeypatch, node, change=lambda y: y, seed=5):
    operands = []

    def result(run, attributes, x, w, b, opset):
        operands.append((run, attributes, x, w, b, opset))
        return computing(change)(run, attributes, x, w, b, opset)

    monkeypatch.setattr(model, "node_result", result)
    return model._check(node, "the runtime", seed, None), operands


def test_what_holds_of_a_node(monkeypatch):
    monkeypatch.setattr(model.time, "monotonic", iter([3.0, 3.25]).__next__)
    summary, ((run, attributes, x, w, b, opset),) = tried(monkeypatch, made())
    held = Counter(dict.fromkeys(("call", "shape", "dtype", "values"), 1))
    assert summary == Summary(problems=1, properties=held, seconds=0.25)
    assert (run, attributes, opset) == ("the runtime", ATTRIBUTES, 17)
    np.testing.assert_array_equal(x, fill(np.random.default_rng(5), (2, 4, 3, 4), "float32", 0))
    assert w is W
    assert b is B


def test_operands_that_a_model_computes_are_drawn_in_turn(monkeypatch):
    _, ((_, _, x, w, b, _),) = tried(monkeypatch, made(w=None, b=None))
    rng = np.random.default_rng(5)
    for mine, shape in ((x, (2, 4, 3, 4)), (w, W.shape), (b, (6,))):
        np.testing.assert_array_equal(mine, fill(rng, shape, "float32", 0))
    _, ((*_, b, _),) = tried(monkeypatch, made(b=None, has_bias=False))
    assert b is None


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        (lambda y: y[:, :, 1:], "shape", "y has shape (2, 6, 6, 12), expected (2, 6, 7, 12)"),
        (lambda y: y.astype("f8"), "dtype", "y is float64, expected float32"),
        (
            lambda y: y + (np.arange(12) == 3).astype("f4"),
            "values",
            "84 of 1008 elements of y are outside the error bound",
        ),
        (lambda y: 1 // 0, "call", "raised ZeroDivisionError: "),
    ],
)
def test_what_is_told_of_a_node(monkeypatch, change, kind, text):
    with pytest.raises(CheckFailure) as caught:
        tried(monkeypatch, made(), change)
    report = str(caught.value)
    assert f"node up is not a correct transposed convolution: {kind}" in report
    assert text in report
    written = ", ".join(f"{name}={value}" for name, value in ATTRIBUTES.items())
    assert f"It is the node up with {written} and its own weight" in report
    assert "seed 5" in report


def test_a_node_without_attributes_and_without_a_weight_of_its_own(monkeypatch):
    monkeypatch.setattr(model, "node_result", lambda *operands: np.zeros(1))
    with pytest.raises(CheckFailure, match=r"the node up with no attributes and a random weight"):
        model._check(made(attributes={}, w=None), None, 0, None)


def saved(path, nodes, arrays, shape):
    x = helper.make_tensor_value_info("x", FLOAT, shape)
    y = helper.make_tensor_value_info("y", FLOAT, None)
    held = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "model", [x], [y], held)
    imports = [helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 16)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), str(path))
    return str(path)


def node(inputs, output, **attributes):
    return helper.make_node("ConvTranspose", inputs, [output], **attributes)


def test_the_nodes_of_a_model_with_the_shapes_that_follow_from_its_inputs(tmp_path):
    """The first node's result has 2*16 + 1 rows, and 5 + 3 - 1 columns."""
    arrays = {"w": W.transpose(0, 1, 3, 2).copy(), "v": W[:3], "b": B[:3]}
    nodes = [
        node(["x", "w"], "h", name="first", strides=[2, 1], dilations=[1, 2]),
        node(["h", "v", "b"], "y", auto_pad="SAME_UPPER"),
    ]
    path = saved(tmp_path / "m.onnx", nodes, arrays, ["batch", 4, "height", 5])
    first, second = model._nodes(model._read(path))
    assert (first.name, first.x_shape, first.w_shape) == ("first", (2, 4, 16, 5), (4, 3, 3, 2))
    assert (first.opset, first.b, first.has_bias) == (16, None, False)
    assert first.attributes == {"strides": [2, 1], "dilations": [1, 2]}
    assert (second.name, second.x_shape, second.w_shape) == ("y", (2, 3, 33, 7), (3, 3, 2, 3))
    assert second.attributes == {"auto_pad": "SAME_UPPER"}
    np.testing.assert_array_equal(second.w, W[:3])
    np.testing.assert_array_equal(second.b, B[:3])
    assert second.has_bias
    assert second.dtype == "float32"


def test_sizes_that_a_model_gives_are_kept(tmp_path):
    path = saved(tmp_path / "m.onnx", [node(["x", "w"], "y")], {"w": W}, [1, 4, 1, 9])
    (one,) = model._nodes(model._read(path))
    assert one.x_shape == (1, 4, 1, 9)


def test_a_weight_whose_shape_is_not_known_is_refused(tmp_path):
    reshaped = helper.make_node("Reshape", ["w", "s"], ["t"])
    shape = helper.make_node("Cast", ["p"], ["s"], to=onnx.TensorProto.INT64)
    arrays = {"w": W, "p": np.array(W.shape, "f4")}
    path = saved(
        tmp_path / "m.onnx", [shape, reshaped, node(["x", "t"], "y", name="up")], arrays,
        [1, 4, 3, 3],
    )  # fmt: skip
    with pytest.raises(
        ValueError, match=r"node up: the shape of its weight 't' cannot be inferred"
    ):
        list(model._nodes(model._read(path)))


def test_a_computed_weight_has_the_dtype_that_is_inferred(tmp_path):
    cast = helper.make_node("Cast", ["w"], ["t"], to=onnx.TensorProto.DOUBLE)
    path = saved(tmp_path / "m.onnx", [cast, node(["x", "t"], "y")], {"w": W}, [1, 4, 3, 3])
    (one,) = model._nodes(model._read(path))
    assert (one.dtype, one.w, one.how) == ("float64", None, "random w")
    assert one.w_shape == W.shape


def test_the_target_of_a_model(tmp_path):
    path = saved(tmp_path / "m.onnx", [node(["x", "w"], "y")], {"w": W}, [1, 4, 3, 3])
    options = SimpleNamespace(target=path, provider="CPUExecutionProvider", seed=0)
    target = model.model_target(options)
    (check,) = target.checks
    assert (check.check, check.method, check.dtype) == ("y", "own w", "float32")
    assert check.run(print).problems == 1
    assert (target.name, target.ndim, target.profile) == (path, (), "")
    assert "onnxruntime" in target.packages
    assert target.note == ("Free sizes of the model's inputs are bound to 16, a free batch to 2.")
