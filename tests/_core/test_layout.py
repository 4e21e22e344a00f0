"""The way from the caller's order of axes to (batch, channels, *spatial), and back."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from jax import lax

from tconv._core.layout import layout_of

SIZES = {"N": 2, "C": 3, "I": 5, "O": 7, "H": 11, "W": 13}


def array(names: str) -> np.ndarray:
    """An array whose axes have sizes of their own, and every element a value of its own."""
    shape = [SIZES[name] for name in names]
    return np.arange(np.prod(shape)).reshape(shape)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("transposed", [True, False])
def test_every_order_of_the_axes(batched, transposed):
    """Each way there is a transposition by letters, and each way back undoes it."""
    channels = "NC" if batched else "C"
    for order in permutations(channels + "HW"):
        for kernel in ("OIHW", "HWIO", "WIHO"):
            spatial = kernel.replace("O", "").replace("I", "")
            names = "".join(order)
            layout = layout_of((names, kernel, names), 2, transposed=transposed, batched=batched)
            x, w = array(names), array(kernel)
            plain = np.einsum(f"{names}->{channels}{spatial}", x)
            plain = plain if batched else plain[None]
            lead = "IO" if transposed else "OI"
            plain_w = np.einsum(f"{kernel}->{lead}{spatial}", w)
            for there, back in (
                (layout.from_input, layout.to_input),
                (layout.from_output, layout.to_output),
            ):
                np.testing.assert_array_equal(there(x), plain)
                np.testing.assert_array_equal(back(there(x)), x)
            np.testing.assert_array_equal(layout.from_kernel(w), plain_w)
            np.testing.assert_array_equal(layout.to_kernel(plain_w), w)
            assert layout.input_shape(x.shape) == plain.shape
            assert layout.kernel_shape(w.shape) == plain_w.shape
            assert layout.output_shape(plain.shape) == x.shape


def test_input_and_output_may_differ():
    layout = layout_of(("NHWC", "HWIO", "CNHW"), 2, transposed=True, batched=True)
    x, y = array("NHWC"), array("CNHW")
    np.testing.assert_array_equal(layout.from_input(x), x.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(layout.from_output(y), y.transpose(1, 0, 2, 3))


def test_pytorchs_order_touches_no_array():
    x, w = array("NCHW"), array("IOHW")
    layout = layout_of(None, 2, transposed=True, batched=True)
    assert layout.from_input(x) is layout.to_output(x) is x
    assert layout.from_kernel(w) is w
    assert not layout.channels_last


@pytest.mark.parametrize("names", [("NHWC", "HWIO", "NHWC"), ("CWHN", "WOIH", "HNCW")])
def test_the_object_of_lax_is_what_its_strings_are(names):
    x, w = array(names[0]), array(names[1])
    numbers = lax.conv_dimension_numbers(x.shape, w.shape, names)
    given = {"transposed": False, "batched": True}
    assert layout_of(numbers, 2, **given) == layout_of(names, 2, **given)


@pytest.mark.parametrize(
    ("numbers", "batched", "expected"),
    [
        (("NHWC", "HWIO", "NHWC"), True, True),
        (("HWC", "HWOI", "HWC"), False, True),
        (("NHWC", "HWIO", "NHWC"), False, True),
        (("NWHC", "HWIO", "NHWC"), True, True),
        (("NCHW", "OIHW", "NCHW"), True, False),
        (("NHWC", "HWIO", "NCHW"), True, False),
        (("NCHW", "HWIO", "NHWC"), True, False),
        (("HWCN", "HWIO", "HWCN"), True, False),
    ],
)
def test_what_counts_as_channels_last(numbers, batched, expected):
    assert layout_of(numbers, 2, transposed=True, batched=batched).channels_last is expected
