"""``keras.ops.conv_transpose`` by its own signature, against Keras on JAX."""

from __future__ import annotations

import inspect
import os
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tconv.compat.keras import conv_transpose
from tests.support.computing import compiled

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="the framework itself is the oracle")


class Problem(NamedTuple):
    """One call on small integers, whose sums float32 holds exactly."""

    size: tuple[int, ...]
    kernel_size: tuple[int, ...]
    options: dict[str, Any]

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(sum(self.size) + 7 * sum(self.kernel_size))
        shape = (2, *self.size, 3)
        if self.options["data_format"].lower() == "channels_first":
            shape = (2, 3, *self.size)
        x, w = rng.integers(-4, 5, shape), rng.integers(-4, 5, (*self.kernel_size, 2, 3))
        return x.astype(np.float32), w.astype(np.float32)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    axes = draw(st.sampled_from((1, 1, 2)))

    def ints(least: int, most: int) -> Any:
        """One for all axes, or one for each."""
        number = st.integers(least, most)
        return draw(st.one_of(number, st.tuples(*[number] * axes)))

    options = {
        "strides": ints(1, 4),
        "padding": draw(st.sampled_from(("valid", "same", "SAME", "Valid"))),
        "output_padding": draw(st.sampled_from((None, True))) and ints(0, 3),
        "data_format": draw(st.sampled_from(("channels_last", "CHANNELS_FIRST"))),
        "dilation_rate": ints(1, 2),
    }
    sizes = [tuple(draw(st.integers(low, 4)) for _ in range(axes)) for low in (0, 1)]
    return Problem(*sizes, options)


@compiled
@given(st.lists(problems(), min_size=1, max_size=6))
def test_values_are_keras_s_on_both_kinds_of_array(several):
    operands = [problem.arrays() for problem in several]

    def every(pairs: Any) -> Any:
        both = list(zip(several, pairs, strict=True))
        functions = (keras.ops.conv_transpose, conv_transpose)
        return [[one(*pair, **problem.options) for problem, pair in both] for one in functions]

    expected, traced = jax.jit(every)(jax.device_put(operands))
    for problem, pair, want, got in zip(several, operands, expected, traced, strict=True):
        plain = conv_transpose(*pair, **problem.options)
        assert type(plain) is np.ndarray
        np.testing.assert_array_equal(plain, np.asarray(want), strict=True)
        np.testing.assert_array_equal(np.asarray(got), np.asarray(want), strict=True)


def test_the_signature_is_keras_s():
    theirs, ours = map(inspect.signature, (keras.ops.conv_transpose, conv_transpose))
    assert [(one.name, one.kind, one.default) for one in ours.parameters.values()] == [
        (one.name, one.kind, one.default) for one in theirs.parameters.values()
    ]


def test_the_layout_left_out_is_keras_s_setting():
    x, w = np.ones((1, 3, 5, 4), np.float32), np.ones((2, 2, 6, 4), np.float32)
    assert conv_transpose(x, w).shape == (1, 4, 6, 6)
    keras.config.set_image_data_format("channels_first")
    try:
        assert conv_transpose(x.transpose(0, 3, 1, 2), w).shape == (1, 6, 4, 6)
    finally:
        keras.config.set_image_data_format("channels_last")


X, W = np.ones((2, 5, 6, 4), np.float32), np.ones((3, 2, 7, 4), np.float32)
REFUSALS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"inputs": [1]}, TypeError, "inputs: must be a numpy.ndarray or a jax.Array; got .*list"),
    ({"inputs": X[0]}, ValueError, "inputs: must have 4 axes, 2 of them spatial; got shape"),
    ({"kernel": W[0, 0]}, ValueError, "kernel: must have two channel axes and at least 1 spatial"),
    ({"kernel": W[..., :3]}, ValueError, "kernel: its axis 3 must have the 4 channels of inputs"),
    ({"strides": (2, 2, 2)}, ValueError, "strides: must be an int or one int for each of the 2"),
    ({"strides": 0}, ValueError, "strides, spatial axis 0: must be at least 1; got 0"),
    ({"dilation_rate": (1, 0)}, ValueError, "dilation_rate, spatial axis 1: must be at least 1"),
    ({"padding": "full"}, ValueError, "padding: must be 'valid' or 'same'; got 'full'"),
    ({"padding": 1}, ValueError, "padding: must be 'valid' or 'same'; got 1"),
    ({"output_padding": -1}, ValueError, "output_padding, spatial axis 0: must be at least 0"),
    ({"data_format": "NHWC"}, ValueError, "data_format: must be 'channels_last' or"),
]


@pytest.mark.parametrize(("change", "error", "text"), REFUSALS, ids=lambda one: str(one)[:30])
def test_errors_speak_of_keras_s_arguments(change, error, text):
    with pytest.raises(error, match=f"^{text}"):
        conv_transpose(**{"inputs": X, "kernel": W} | change)
