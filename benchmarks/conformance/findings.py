"""What the board finds wrong, each by the framework's own call and checked by running it."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """Code that raises as long as the framework has the error."""

    columns: tuple[str, ...]
    feature: str
    title: str
    code: str
    raises: str = "AssertionError"


FINDINGS: tuple[Finding, ...] = (
    Finding(
        ("mlx",),
        "padding beyond the kernel",
        "MLX returns fewer positions than its formula, (3 - 1)*2 + 1 - 2*1 = 3",
        """\
import mlx.core as mx

y = mx.conv_transpose1d(mx.ones((1, 3, 1)), mx.ones((1, 1, 1)), stride=2, padding=1)
assert y.shape == (1, 3, 1), y.shape""",
    ),
    Finding(
        ("mlx",),
        "gradients",
        "MLX's gradient of x does not have the shape of x",
        """\
import mlx.core as mx

up = lambda x: mx.conv_transpose1d(x, mx.ones((1, 1, 1)), stride=2, output_padding=1).sum()
assert mx.grad(up)(mx.ones((1, 1, 1))).shape == (1, 1, 1), mx.grad(up)(mx.ones((1, 1, 1))).shape""",
    ),
    Finding(
        ("onnxruntime",),
        "SAME, stride above the kernel",
        "ONNX Runtime's SAME_UPPER is documented to give input*stride positions, 6",
        '''\
import numpy as np, onnx.parser, onnxruntime

model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    g (float[1,1,2] x, float[1,1,1] w) => (float[1,1,n] y)
    {y = ConvTranspose <auto_pad = "SAME_UPPER", strides = [3]> (x, w)}""")
(y,) = onnxruntime.InferenceSession(model.SerializeToString()).run(
    None, {"x": np.ones((1, 1, 2), "f"), "w": np.ones((1, 1, 1), "f")}
)
assert y.shape == (1, 1, 6), y.shape''',
    ),
    Finding(
        ("onnx.reference",),
        "SAME, stride above the kernel",
        "ONNX's reference begins SAME_UPPER before the first tap: the adjoint of its Conv does not",
        '''\
import numpy as np, onnx.parser, onnx.reference

model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    g (float[1,1,2] x, float[1,1,1] w) => (float[1,1,n] y)
    {y = ConvTranspose <auto_pad = "SAME_UPPER", strides = [3]> (x, w)}""")
(y,) = onnx.reference.ReferenceEvaluator(model).run(
    None, {"x": np.ones((1, 1, 2), "f"), "w": np.ones((1, 1, 1), "f")}
)
assert y.ravel().tolist() == [1, 0, 0, 1, 0, 0], y''',
    ),
    Finding(
        ("onnx.reference",),
        "groups",
        "ONNX's reference raises for groups of more than one output channel",
        """\
import numpy as np
from onnx.reference.ops.op_conv_transpose import ConvTranspose

ConvTranspose.eval(np.ones((1, 2, 3), "f"), np.ones((2, 2, 1), "f"), group=2)""",
        "ValueError",
    ),
    Finding(
        ("flax.linen",),
        "CIRCULAR",
        "linen's CIRCULAR with transpose_kernel=True is the transpose of Conv, rolled by one",
        """\
import jax, jax.numpy as jnp
from flax import linen

k = {"params": {"kernel": jnp.array([[[1.0]], [[2.0]]])}}
y = jnp.array([[[1.0], [0.0], [0.0]]])
make = lambda layer, **more: layer(1, (2,), padding="CIRCULAR", use_bias=False, **more)
(want,) = jax.linear_transpose(lambda x: make(linen.Conv).apply(k, x), y)(y)
got = make(linen.ConvTranspose, transpose_kernel=True).apply(k, y)
assert jnp.allclose(got, want), (got.ravel(), want.ravel())""",
    ),
    Finding(
        ("flax.nnx",),
        "CIRCULAR",
        "nnx's CIRCULAR with transpose_kernel=True is the transpose of Conv, rolled by one",
        """\
import jax, jax.numpy as jnp
from flax import nnx

y, k = jnp.array([[[1.0], [0.0], [0.0]]]), lambda *_: jnp.array([[[1.0]], [[2.0]]])
same = {"padding": "CIRCULAR", "use_bias": False, "kernel_init": k, "rngs": nnx.Rngs(0)}
(want,) = jax.linear_transpose(nnx.Conv(1, 1, (2,), **same), y)(y)
got = nnx.ConvTranspose(1, 1, (2,), transpose_kernel=True, **same)(y)
assert jnp.allclose(got, want), (got.ravel(), want.ravel())""",
    ),
    Finding(
        ("openvino",),
        "output_padding of stride and above",
        "OpenVINO shows x where padding has cropped it and output padding adds a zero",
        """\
import numpy as np, openvino as ov, openvino.opset13 as ops

x, w = ops.parameter([1, 1, 1], ov.Type.f32), np.ones((1, 1, 1), "f")
y = ops.convolution_backprop_data(x, w, [1], None, [1], [1], [3], "explicit", [2])
got = ov.Core().compile_model(ov.Model([y], [x]), "CPU")(np.ones((1, 1, 1), "f"))[0]
assert got.ravel().tolist() == [0], got""",
    ),
    Finding(
        ("openvino",),
        "SAME",
        "OpenVINO's same_upper crops an odd position at the start, and is documented to at the end",
        """\
import numpy as np, openvino as ov, openvino.opset13 as ops

x, w = ops.parameter([1, 1, 2], ov.Type.f32), np.array([[[1, 2]]], "f")
y = ops.convolution_backprop_data(x, w, [1], ops.constant(np.array([2])), auto_pad="same_upper")
got = ov.Core().compile_model(ov.Model([y], [x]), "CPU")(np.array([[[1, 0]]], "f"))[0]
assert got.ravel().tolist() == [1, 2], got""",
    ),
)
