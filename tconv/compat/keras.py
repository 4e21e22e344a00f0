"""``keras.ops.conv_transpose`` on JAX and NumPy arrays, whatever backend Keras runs on."""

from __future__ import annotations

import sys
from typing import Any

from tconv._core.arguments import fail
from tconv._core.typing import AnyArray, Array, Ints
from tconv.compat.call import Call, Names, operands
from tconv.compat.conventions import CONVENTIONS
from tconv.compat.crops import keras_crops, padded

_NAMES = Names("inputs", "kernel", "strides", "dilation_rate")


def conv_transpose(
    inputs: Array | AnyArray,
    kernel: Array | AnyArray,
    strides: Ints = 1,
    padding: str = "valid",
    output_padding: Ints | None = None,
    data_format: str | None = None,
    dilation_rate: Ints = 1,
) -> Array:
    """``keras.ops.conv_transpose``, as its JAX and TensorFlow backends compute it.

    Args:
        inputs: (batch, *spatial, in_channels), or (batch, in_channels, *spatial) for
            ``"channels_first"``.
        kernel: (*kernel_size, out_channels, in_channels).
        strides: at least 1; int or one int an axis.
        padding: ``"valid"`` or ``"same"``, in any case.
        output_padding: at least 0; int or one int an axis.  None makes the output
            (input - 1)*stride + max(K, stride) for ``"valid"`` and input * stride for
            ``"same"``, with K = dilation_rate*(kernel_size - 1) + 1; a number makes it
            (input - 1)*stride + K + output_padding and
            (input - 1)*stride + K % 2 + output_padding.
        data_format: ``"channels_last"`` or ``"channels_first"``, in any case; None for Keras'
            own setting, which is channels last where Keras is not imported.
        dilation_rate: at least 1; int or one int an axis.

    Returns: the transposed convolution, in the layout of ``inputs``.

    Raises: ValueError or TypeError for arguments that do not fit, in these names.

    Source: ``keras.ops.conv_transpose``; Keras' PyTorch backend crops "same" elsewhere.

    >>> import numpy as np
    >>> inputs, kernel = np.array([[[1.0], [10.0]]]), np.array([[[1.0]], [[2.0]], [[3.0]]])
    >>> conv_transpose(inputs, kernel, 2, "same")[0, :, 0]
    array([ 1.,  2., 13., 20.])
    """
    x, w, _ = operands(_NAMES, inputs, kernel)
    spatial = "abcdefgh"[: w.ndim - 2]
    order = f"N{spatial}C" if _channels_last(data_format) else f"NC{spatial}"
    call = Call(_NAMES, CONVENTIONS["keras"], (order, f"{spatial}OI", order), x, w)
    none = (0,) * call.axes
    ends = None if output_padding is None else call.ints("output_padding", output_padding, 0)
    every = call.parameters(
        call.ints("strides", strides), call.ints("dilation_rate", dilation_rate), none
    )
    result: Array = call.value(padded(every, keras_crops(every, padding, ends)), empty=True)
    return result


def _channels_last(data_format: Any) -> bool:
    """Whether channels come last, by the argument or by Keras' setting."""
    if data_format is None:
        keras = sys.modules.get("keras")
        data_format = "channels_last" if keras is None else keras.config.image_data_format()
    name = str(data_format).lower()
    if name not in ("channels_last", "channels_first"):
        rule = "must be 'channels_last' or 'channels_first'"
        fail("data_format", None, rule, repr(data_format), "Leave it out for Keras' setting.")
    return name == "channels_last"
