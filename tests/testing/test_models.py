"""``python -m tconv check model.onnx``: every ConvTranspose node of a model, and the operator."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from tconv.__main__ import main
from tconv.testing.commands.model import BATCH, FREE, _node
from tconv.testing.frameworks.onnx import node_crops

onnx = pytest.importorskip("onnx", reason="models of ONNX")
pytest.importorskip("onnxruntime", reason="it runs them")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT


def written(path, nodes, arrays, **options):
    """A model with the input x, two free sizes and a free batch, and the output y."""
    x = helper.make_tensor_value_info("x", FLOAT, ["batch", 4, "height", "width"])
    y = helper.make_tensor_value_info("y", FLOAT, None)
    held = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "model", [x], [y], held)
    imports = [helper.make_opsetid("", 17), *options.pop("imports", [])]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8, **options)
    onnx.save(model, str(path))
    return str(path)


def node(inputs, output, **attributes):
    return helper.make_node("ConvTranspose", inputs, [output], **attributes)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    shapes = {"w": (4, 6, 4, 4), "b": (6,), "v": (6, 1, 2, 2)}
    return {name: rng.normal(size=shape).astype("f4") for name, shape in shapes.items()}


def test_every_node_with_its_own_attributes_shape_and_weight(tmp_path, arrays, capsys):
    path = written(
        tmp_path / "model.onnx",
        [
            node(["x", "w", "b"], "h", name="first", strides=[2, 2], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["h"], ["r"]),
            node(["r", "v"], "y", group=2, strides=[2, 2], auto_pad="SAME_UPPER"),
        ],
        arrays,
    )
    file = tmp_path / "certificate.json"
    assert main(["check", path, "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "first                 own w     float32" in printed
    assert "bound to 16, a free batch to 2" in printed
    content = json.loads(file.read_text())
    assert content["passed"]
    assert content["pairs"] is None
    assert [row["check"] for row in content["rows"]] == ["first", "y"]


def test_a_node_that_the_runtime_gives_another_size(tmp_path, arrays, capsys):
    """SAME where the stride exceeds the kernel: input*stride by the operator's documentation."""
    same = node(["x", "v"], "y", strides=[3, 3], auto_pad="SAME_UPPER")
    arrays["v"] = arrays["v"][:4]
    assert main(["check", written(tmp_path / "same.onnx", [same], arrays)]) == 1
    printed = capsys.readouterr().out
    assert "node y is not a correct transposed convolution: shape" in printed
    assert "y has shape (2, 1, 47, 47), expected (2, 1, 48, 48)" in printed
    assert "with strides=[3, 3], auto_pad=SAME_UPPER" in printed.replace(
        "auto_pad=SAME_UPPER, strides=[3, 3]", "strides=[3, 3], auto_pad=SAME_UPPER"
    )


def test_wrong_values_are_told(tmp_path, arrays, capsys, monkeypatch):
    from tconv.testing.commands import model

    right = model.by_the_runtime
    monkeypatch.setattr(model, "by_the_runtime", lambda *operands: right(*operands) + 1)
    path = written(tmp_path / "m.onnx", [node(["x", "w", "b"], "y")], arrays)
    assert main(["check", path]) == 1
    assert "elements of y are outside the error bound" in capsys.readouterr().out


def test_a_weight_that_the_model_computes_is_random(tmp_path, arrays, capsys):
    turned = helper.make_node("Transpose", ["v"], ["t"], perm=[0, 1, 3, 2])
    constant = helper.make_node(
        "Constant", [], ["c"], value=onnx.numpy_helper.from_array(arrays["w"])
    )
    nodes = [constant, node(["x", "c", "b"], "h"), turned, node(["h", "t"], "y")]
    assert main(["check", written(tmp_path / "m.onnx", nodes, arrays)]) == 0
    printed = capsys.readouterr().out
    assert "h                     own w" in printed
    assert "y                     random w" in printed


def test_the_bias_is_the_model_s_own_or_random_where_the_model_computes_it(
    tmp_path, arrays, monkeypatch
):
    from tconv.testing.commands import model

    right, tried = model.by_the_runtime, []

    def noted(provider, one, inputs):
        tried.append([onnx.numpy_helper.to_array(each) for each in one.graph.initializer][1:])
        return right(provider, one, inputs)

    monkeypatch.setattr(model, "by_the_runtime", noted)
    nodes = [
        node(["x", "w", "b"], "own"),
        helper.make_node("Neg", ["b"], ["c"]),
        node(["x", "w", "c"], "computed"),
        node(["x", "w"], "none"),
        helper.make_node("Sum", ["own", "computed", "none"], ["y"]),
    ]
    assert main(["check", written(tmp_path / "m.onnx", nodes, arrays)]) == 0
    (own,), (computed,), none = tried
    np.testing.assert_array_equal(own, arrays["b"])
    assert (computed.shape, computed.dtype) == ((6,), np.float32)
    assert (abs(computed) != abs(arrays["b"])).all()
    assert none == []


def test_nodes_in_branches_are_found(tmp_path, arrays, capsys):
    then = helper.make_graph(
        [node(["x", "w"], "inner")], "then", [],
        [helper.make_tensor_value_info("inner", FLOAT, None)],
    )  # fmt: skip
    otherwise = helper.make_graph(
        [node(["x", "w"], "outer", dilations=[2, 1])], "otherwise", [],
        [helper.make_tensor_value_info("outer", FLOAT, None)],
    )  # fmt: skip
    choice = helper.make_node("If", ["on"], ["y"], then_branch=then, else_branch=otherwise)
    path = written(tmp_path / "m.onnx", [choice], arrays | {"on": np.array(True)})
    assert main(["check", path]) == 0
    printed = capsys.readouterr().out
    assert "inner " in printed
    assert "outer " in printed


def test_files_that_are_no_such_model(tmp_path, arrays, capsys):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x08\x07garbage")
    assert main(["check", str(broken)]) == 2
    assert "broken.onnx: is not an ONNX model that can be read (" in capsys.readouterr().err
    relu = written(tmp_path / "relu.onnx", [helper.make_node("Relu", ["x"], ["y"])], {})
    assert main(["check", relu]) == 2
    assert "relu.onnx: has no ConvTranspose node" in capsys.readouterr().err
    path = written(tmp_path / "m.onnx", [node(["x", "w"], "y")], arrays)
    assert main(["check", path, "--provider", "AbacusExecutionProvider"]) == 2
    assert "--provider: must be one of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (None, (BATCH, 4, FREE, FREE)),
        ((0, 0, 7, 0), (BATCH, 4, 7, FREE)),
        ((3, 4, 0, 9), (3, 4, FREE, 9)),
    ],
)
def test_sizes_that_a_model_leaves_open_are_chosen(shape, expected):
    known = {} if shape is None else {"x": helper.make_tensor_type_proto(FLOAT, shape).tensor_type}
    one = SimpleNamespace(input=["x", "w"], output=["y"], name="")
    found = _node(one, {}, 13, known, {"w": np.ones((4, 2, 3, 3))})
    assert found.name == "y"
    assert found.x_shape == expected


def test_the_operator_as_a_whole(capsys):
    narrow = ["--supports", "output_padding<stride,batch>=1"]
    assert main(["check", "--ops", "--ndim", "1", "--profile", "table", *narrow]) == 0
    assert "certifies onnxruntime" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("attributes", "crops"),
    [
        ({}, [(0, 0), (0, 0)]),
        ({"pads": [1, 2, 3, 4]}, [(1, 3), (2, 4)]),
        ({"auto_pad": "VALID", "strides": [2, 2]}, [(0, 0), (0, 0)]),
        ({"auto_pad": "SAME_UPPER"}, [(1, 1), (1, 2)]),
        ({"auto_pad": "SAME_UPPER", "strides": [2, 1]}, [(0, 1), (1, 2)]),
        ({"auto_pad": "SAME_LOWER", "strides": [2, 1]}, [(1, 0), (2, 1)]),
        ({"auto_pad": "SAME_UPPER", "strides": [5, 4]}, [(0, -2), (0, 0)]),
        ({"auto_pad": "SAME_LOWER", "strides": [6, 5]}, [(0, -3), (0, -1)]),
        ({"output_shape": [4, 5]}, [(2, 1), (2, 1)]),
        ({"output_shape": [4, 5], "dilations": [2, 2]}, [(3, 2), (3, 3)]),
    ],
)
def test_crops_by_the_operator_s_documentation(attributes, crops):
    assert [tuple(pair) for pair in node_crops(attributes, (5, 5), (3, 4))] == crops
