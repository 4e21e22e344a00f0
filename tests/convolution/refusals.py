"""Bad arguments of ``conv_transpose`` and ``conv``, and the parts of the error each leads to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from flax import nnx

X_SHAPE, W_SHAPE = (2, 4, 5, 6), (4, 4, 3, 2)  # fit both directions: 4 channels in and out
BOTH = ("conv_transpose", "conv")
TRANSPOSED, FORWARD = BOTH[:1], BOTH[1:]


class Refusal(NamedTuple):
    """A changed argument, and the parts of the error in the order in which it must hold them."""

    change: dict[str, Any]
    start: str
    rule: str
    received: str
    remedy: str
    error: type[Exception] = ValueError
    functions: tuple[str, ...] = BOTH


def zeros(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.zeros(shape, dtype)


# Channels last, with the weight (height, width, in_channels, out_channels).
LAST = {
    "x": zeros(2, 5, 6, 4),
    "w": zeros(3, 2, 4, 4),
    "dimension_numbers": ("NHWC", "HWIO", "NHWC"),
}

# fmt: off
REFUSALS = [
    # axes and channels
    Refusal({"w": zeros(4, 4)}, "w: ", "at least one spatial axis", "shape (4, 4)", "reshape"),
    Refusal({"w": zeros()}, "w: ", "at least one spatial axis", "()", "reshape"),
    Refusal({"x": zeros(4, 5)}, "x: ", "must have 4 axes", "shape (4, 5)", "Reshape x"),
    Refusal({"x": zeros(1, 2, 4, 5, 6)}, "x: ", "or 3 without a batch", "(1, 2, 4, 5, 6)", "w"),
    Refusal({"w": zeros(5, 4, 3, 2)}, "w: ", "first axis must equal the 4 channels of x",
            "w of shape (5, 4, 3, 2), x of shape (2, 4, 5, 6)", "dimension_numbers",
            functions=TRANSPOSED),
    Refusal({"w": zeros(4, 5, 3, 2)}, "w: ", "second axis must equal the 4 channels of x",
            "w of shape (4, 5, 3, 2), x of shape (2, 4, 5, 6), groups=1", "dimension_numbers",
            functions=FORWARD),
    Refusal({"groups": 3}, "groups: ", "must divide in_channels", "in_channels=4, groups=3",
            "divisor", functions=TRANSPOSED),
    Refusal({"groups": 2, "w": zeros(3, 2, 3, 2)}, "groups: ", "must divide out_channels",
            "out_channels=3, groups=2", "divisor", functions=FORWARD),
    Refusal({"groups": 0}, "groups: ", "at least 1", "0", "groups=1"),
    Refusal({"groups": 1.0}, "groups: ", "int", "1.0 of type float", "static", TypeError),
    Refusal({"b": zeros(3)}, "b: ", "shape (4,)", "shape (3,)", "Reshape"),
    Refusal({"b": zeros(1, 4)}, "b: ", "each output channel", "shape (1, 4)", "b.reshape(-1)"),
    Refusal({"b": zeros(4, 1, 1)}, "b: ", "shape (4,)", "shape (4, 1, 1)", "b.reshape(-1)"),
    # sizes of zero
    Refusal({"x": zeros(2, 4, 5, 0)}, "x, spatial axis 1: ", "at least 1", "0 in shape", "batch"),
    Refusal({"w": zeros(4, 4, 0, 2)}, "w, spatial axis 0: ", "kernel size", "0 in shape", "empty"),
    # stride and dilation
    Refusal({"stride": 0}, "stride, spatial axis 0: ", "at least 1", "0", "stride=1"),
    Refusal({"stride": (2, -1)}, "stride, spatial axis 1: ", "at least 1", "-1", "stride=1"),
    Refusal({"stride": (1, 2, 3)}, "stride: ", "2 spatial axes", "3 values (1, 2, 3)", "tuple"),
    Refusal({"stride": ()}, "stride: ", "2 spatial axes", "0 values ()", "tuple of 2"),
    Refusal({"stride": 2.0}, "stride: ", "int", "2.0 of type float", "static", TypeError),
    Refusal({"stride": (1, True)}, "stride: ", "int", "True of type bool", "ints", TypeError),
    Refusal({"stride": "2"}, "stride: ", "int", "'2' of type str", "ints", TypeError),
    Refusal({"stride": None}, "stride: ", "int", "None of type NoneType", "ints", TypeError),
    Refusal({"dilation": 0}, "dilation, spatial axis 0: ", "at least 1", "0", "dilation=1"),
    Refusal({"dilation": [1, 0]}, "dilation, spatial axis 1: ", "at least 1", "0", "dilation=1"),
    Refusal({"stride": np.array([2.0, 3.0])}, "stride: ", "int", "2.0 of type float", "ints",
            TypeError),
    Refusal({"stride": np.array([2, 0])}, "stride, spatial axis 1: ", "at least 1", "0", "none"),
    Refusal({"dilation": 1.5}, "dilation: ", "int", "1.5 of type float", "ints", TypeError),
    # padding
    Refusal({"padding": -1}, "padding, spatial axis 0: ", "at least 0", "-1", "(-1, -1)"),
    Refusal({"padding": (0, -2)}, "padding, spatial axis 1: ", "at least 0", "-2", "(-2, -2)"),
    Refusal({"padding": (1, 1, 1)}, "padding: ", "2 spatial axes", "3 values", "tuple of 2"),
    Refusal({"padding": ((1, 1, 1), 0)}, "padding, spatial axis 0: ", "(lo, hi)", "(1, 1, 1)",
            "int"),
    Refusal({"padding": ((0, 0.5), 0)}, "padding", "int", "0.5 of type float", "ints", TypeError),
    Refusal({"padding": 1.0}, "padding: ", "int", "1.0 of type float", "ints", TypeError),
    Refusal({"padding": "full"}, "padding: ", "'same', 'same_lower'", "'full'", "(lo, hi)"),
    Refusal({"padding": "SAME"}, "padding: ", "'same', 'same_lower'", "'SAME'", "Write 'same'."),
    Refusal({"padding": "SAME_UPPER"}, "padding: ", "'same'", "'SAME_UPPER'", "Write 'same'."),
    Refusal({"padding": "Same_Lower"}, "padding: ", "'same'", "'Same_Lower'",
            "Write 'same_lower'."),
    Refusal({"padding": "VALID"}, "padding: ", "'valid'", "'VALID'", "Write 'valid'.",
            functions=FORWARD),
    Refusal({"padding": "Valid"}, "padding: ", "'same'", "'Valid'", "Write padding=0",
            functions=TRANSPOSED),
    Refusal({"padding_mode": "wrap"}, "padding_mode: ", "'circular', 'reflect', 'replicate'",
            "'wrap'", "Write 'circular'."),
    Refusal({"padding_mode": "Edge"}, "padding_mode: ", "must be one of 'zeros'", "'Edge'",
            "Write 'replicate'."),
    Refusal({"padding_mode": None}, "padding_mode: ", "must be one of", "None", "Leave it out"),
    Refusal({"padding_mode": ("zeros", 1)}, "padding_mode, spatial axis 1: ", "must be one of", "1",
            "Leave it out"),
    Refusal({"padding_mode": ("zeros",) * 3}, "padding_mode: ", "2 spatial axes", "3 values",
            "one mode, or a tuple of 2"),
    Refusal({"padding_mode": "reflect", "padding": (0, 1), "x": zeros(2, 4, 5, 1)},
            "padding_mode, spatial axis 1: ", "needs at least 2",
            "1 position, with 1 before it and 1 behind", "'replicate'", functions=FORWARD),
    Refusal({"padding_mode": "reflect", "padding": ((3, 3), 0)}, "padding_mode, spatial axis 0: ",
            "needs at least 2", "1 position, with 3 before it and 3 behind", "'replicate'",
            functions=TRANSPOSED),
    Refusal({**LAST, "padding_mode": ("zeros", "mirror")}, "padding_mode, axis W: ",
            "must be one of", "'mirror'", "Leave it out"),
    # output padding and output size
    Refusal({"output_padding": 2, "stride": 2}, "output_padding, spatial axis 0: ",
            "0 <= output_padding < max(stride, dilation) = 2",
            "output_padding=2, stride=2, dilation=1", "padding as a pair", functions=TRANSPOSED),
    Refusal({"output_padding": (0, 3), "dilation": (1, 3)}, "output_padding, spatial axis 1: ",
            "max(stride, dilation) = 3", "output_padding=3, stride=1, dilation=3",
            "padding as a pair", functions=TRANSPOSED),
    Refusal({"output_padding": -1, "stride": 2}, "output_padding, spatial axis 0: ",
            "0 <= output_padding", "output_padding=-1", "smaller high side", functions=TRANSPOSED),
    Refusal({"output_size": (11, 14), "stride": 2}, "output_size, spatial axis 1: ",
            "input size 6, kernel_size 2, stride 2, padding (0, 0) and dilation 1 it can be one of "
            "[12, 13]", "14", "Choose one of these", functions=TRANSPOSED),
    Refusal({"output_size": 10, "stride": 2}, "output_size, spatial axis 0: ", "one of [11, 12]",
            "10", "padding", functions=TRANSPOSED),
    Refusal({"output_size": 1, "padding": 9}, "output_size, spatial axis 0: ",
            "nothing, as every size is below 1", "1", "change the padding", functions=TRANSPOSED),
    Refusal({"output_size": (11, 12), "stride": 2, "output_padding": (0, 1)},
            "output_padding, spatial axis 1: ", "follows from output_size",
            "output_padding=1, output_size=12", "Leave one", functions=TRANSPOSED),
    Refusal({"output_size": (11, 12, 13)}, "output_size: ", "2 spatial axes",
            "3 values (11, 12, 13)", "tuple of 2", functions=TRANSPOSED),
    Refusal({"output_size": (2, 3, 11, 12), "stride": 2}, "output_size: ",
            "batch of 2 and 4 channels", "batch 2 and 3 channels", "spatial size alone",
            functions=TRANSPOSED),
    Refusal({"padding": "same", "stride": 2, "output_padding": 1}, "output_padding: ",
            "padding='same' fixes the output size at input * stride", "1", "as numbers",
            functions=TRANSPOSED),
    Refusal({"padding": "same_lower", "output_size": 5}, "output_size: ",
            "padding='same_lower' fixes the output size", "(5, 5)", "Leave it out",
            functions=TRANSPOSED),
    # an output below 1
    Refusal({"padding": (0, 4), "stride": 1}, "output size, spatial axis 1: ",
            "(input - 1)*stride + dilation*(kernel_size - 1) + 1 - lo - hi + output_padding must "
            "be at least 1",
            "(6 - 1)*1 + 1*(2 - 1) + 1 - 4 - 4 + 0 = -1", "less padding", functions=TRANSPOSED),
    Refusal({"dilation": (3, 1), "padding": ((0, 1), 0)}, "output size, spatial axis 0: ",
            "floor((input + lo + hi - dilation*(kernel_size - 1) - 1) / stride) + 1 must be at "
            "least 1",
            "floor((5 + 0 + 1 - 3*(3 - 1) - 1) / 1) + 1 = 0", "more padding", functions=FORWARD),
    # layouts
    Refusal({"dimension_numbers": "NCHW"}, "dimension_numbers: ", "three strings", "'NCHW'",
            "'NHWC', 'HWIO', 'NHWC'", TypeError),
    Refusal({"dimension_numbers": ("NCHW", "OIHW")}, "dimension_numbers: ", "three strings",
            "('NCHW', 'OIHW')", "'NHWC', 'HWIO', 'NHWC'", TypeError),
    Refusal({"dimension_numbers": ("NCHH", "OIHW", "NCHW")}, "dimension_numbers: ", "input string",
            "'NCHH'", "'NHWC', 'HWIO', 'NHWC'"),
    Refusal({"dimension_numbers": ("NCHW", "OIHH", "NCHW")}, "dimension_numbers: ", "string", "'",
            "'NHWC', 'HWIO', 'NHWC'"),
    Refusal({"dimension_numbers": ("NCHW", "OIHW", "NCHD")}, "dimension_numbers: ", "output string",
            "'NCHD'", "'NHWC', 'HWIO', 'NHWC'"),
    Refusal({"dimension_numbers": ("NCHWD", "OIHW", "NCHW")}, "dimension_numbers: ", "input string",
            "'NCHWD'", "'NHWC', 'HWIO', 'NHWC'"),
    Refusal({"dimension_numbers": ("NCHW", "IHW", "NCHW")}, "dimension_numbers: ", "kernel string",
            "'IHW'", "'NHWC', 'HWIO', 'NHWC'"),
    # shapes and axes are the caller's
    Refusal({**LAST, "x": zeros(2, 5, 0, 4)}, "x, axis W: ", "at least 1",
            "0 in shape (2, 5, 0, 4)", "batch"),
    Refusal({**LAST, "x": zeros(2, 5, 6, 3)}, "w: ", "axis I must equal the 3 channels of x",
            "w of shape (3, 2, 4, 4), x of shape (2, 5, 6, 3)", "Transpose w"),
    Refusal({**LAST, "stride": (1, 0)}, "stride, axis W: ", "at least 1", "0", "none"),
    Refusal({**LAST, "padding": (-1, 0)}, "padding, axis H: ", "at least 0", "-1", "(-1, -1)"),
    Refusal({**LAST, "padding": (0, 4)}, "output size, axis W: ", "must be at least 1", "= -1",
            "padding", functions=TRANSPOSED),
    Refusal({**LAST, "dilation": (1, 9)}, "output size, axis W: ", "must be at least 1", "= -3",
            "padding", functions=FORWARD),
    Refusal({**LAST, "output_padding": (0, 1)}, "output_padding, axis W: ", "max(stride, dilation)",
            "output_padding=1", "padding as a pair", functions=TRANSPOSED),
    Refusal({**LAST, "output_size": (9, 7)}, "output_size, axis H: ", "one of [7]", "9",
            "Choose", functions=TRANSPOSED),
    # methods and dtypes
    Refusal({"precision": "banana"}, "precision: ", "'highest'", "'banana'", "Leave it out"),
    Refusal({"precision": 3}, "precision: ", "None", "3", "Leave it out"),
    Refusal({"precision": ("high",)}, "precision: ", "a pair", "('high',)", "Leave it out"),
    Refusal({"precision": ("high", "banana")}, "precision: ", "a pair", "('high', 'banana')",
            "Leave it out"),
    Refusal({"method": "winograd"}, "method: ", "'auto', 'col2im', 'dilated', 'subpixel', 'matrix'",
            "'winograd'", "'auto'", functions=TRANSPOSED),
    Refusal({"method": None}, "method: ", "'auto'", "None", "'auto'", functions=TRANSPOSED),
    Refusal({"preferred_element_type": np.float16}, "preferred_element_type: ",
            "floating point type at least as wide", "float16", "astype", TypeError),
    Refusal({"preferred_element_type": np.int32}, "preferred_element_type: ", "floating point type",
            "int32", "astype", TypeError),
    Refusal({"preferred_element_type": np.complex64}, "preferred_element_type: ",
            "floating point type", "complex64", "astype", TypeError),
    Refusal({"preferred_element_type": "double trouble"}, "preferred_element_type: ", "dtype",
            "'double trouble'", "'float32'", TypeError),
    Refusal({"preferred_element_type": bool}, "preferred_element_type: ", "float", "bool", "astype",
            TypeError),
    Refusal({"b": zeros(4, dtype=np.complex64)}, "b: ", "complex bias cannot", "complex64",
            "astype", TypeError),
    Refusal({"x": zeros(*X_SHAPE, dtype=bool)}, "x: ", "dtype must be a float", "bool", "astype",
            TypeError),
]

class Holder:
    """What holds an array, as the parameters of flax and wrappers of Equinox do."""

    def __init__(self, value: Any) -> None:
        self.value = value


# What only a NumPy array can hold, and what is no array at all.
FOREIGN = [
    Refusal({"w": nnx.Param(zeros(*W_SHAPE))}, "w: ", "numpy.ndarray or a jax.Array",
            "nnx.variablelib.Param", "operand[...]", TypeError),
    Refusal({"w": Holder(zeros(*W_SHAPE))}, "w: ", "numpy.ndarray or a jax.Array", "Holder",
            "operand.value", TypeError),
    Refusal({"x": zeros(*X_SHAPE).tolist()}, "x: ", "numpy.ndarray or a jax.Array", "builtins.list",
            "numpy.asarray", TypeError),
    Refusal({"w": 3.0}, "w: ", "numpy.ndarray or a jax.Array", "builtins.float", "asarray",
            TypeError),
    Refusal({"x": None}, "x: ", "numpy.ndarray", "builtins.NoneType", "asarray", TypeError),
    Refusal({"b": [0.0] * 4}, "b: ", "numpy.ndarray", "builtins.list", "asarray", TypeError),
    Refusal({"w": np.float32(1)}, "w: ", "numpy.ndarray", "numpy.float32", "asarray", TypeError),
    Refusal({"x": torch.zeros(X_SHAPE)}, "x: ", "numpy.ndarray", "torch.Tensor",
            "tensor.detach().cpu().numpy()", TypeError),
    Refusal({"w": torch.zeros(W_SHAPE)}, "w: ", "numpy.ndarray", "torch.Tensor",
            "tensor.detach().cpu().numpy()", TypeError),
    Refusal({"x": np.ma.masked_array(zeros(*X_SHAPE))}, "x: ", "numpy.ndarray", "MaskedArray",
            "filled(0)", TypeError),
    Refusal({"x": zeros(*X_SHAPE, dtype=object)}, "x: ", "dtype must be", "object", "astype",
            TypeError),
    Refusal({"w": np.full(W_SHAPE, "1")}, "w: ", "dtype must be", "<U1", "astype", TypeError),
    Refusal({"b": zeros(4, dtype="datetime64[s]")}, "b: ", "dtype must be", "datetime64", "astype",
            TypeError),
]
