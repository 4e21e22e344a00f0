"""MLX's transposed convolutions by their own signatures, against MLX on the CPU."""

from __future__ import annotations

import re
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tconv.compat.mlx as ours

mx = pytest.importorskip("mlx.core", reason="the framework itself is the oracle")
OPTIONS = ("stride", "padding", "dilation", "output_padding")


@st.composite
def problems(draw: st.DrawFn) -> tuple[Any, Any, dict[str, Any], int]:
    axes = draw(st.sampled_from((1, 1, 2, 3)))
    groups = draw(st.sampled_from((1, 2, 3))) if axes < 3 else 1  # MLX has none in three

    def each(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(least, most)) for _ in range(axes))

    size, kernel = each(1, 4), each(1, 3)
    dilation = each(1, 2)
    # beyond dilation*(kernel - 1) MLX itself gives fewer positions than it documents
    padding = tuple(
        draw(st.integers(-1, d * (k - 1))) for k, d in zip(kernel, dilation, strict=True)
    )
    options = {"stride": each(1, 3), "padding": padding, "dilation": dilation}
    options["output_padding"] = each(0, 3)
    if draw(st.booleans()):
        options = {name: entries[0] for name, entries in options.items()}
        options["padding"] = min(padding)
    rng = np.random.default_rng(sum(size) + 7 * sum(kernel))
    x = rng.integers(-4, 5, (2, *size, 2 * groups)).astype(np.float32)
    w = rng.integers(-4, 5, (3 * groups, *kernel, 2)).astype(np.float32)
    return x, w, options, groups


def theirs(x: Any, w: Any, options: dict[str, Any], groups: int) -> np.ndarray:
    plain = {  # conv_transpose1d takes ints alone
        name: entries[0] if w.ndim == 3 and isinstance(entries, tuple) else entries
        for name, entries in options.items()
    }
    function = getattr(mx, f"conv_transpose{w.ndim - 2}d")
    return np.array(function(mx.array(x), mx.array(w), **plain, groups=groups))


def smallest(x: Any, w: Any, options: dict[str, Any], names: tuple[str, ...] = OPTIONS) -> int:
    """The smallest output size of an axis."""
    none = dict.fromkeys(OPTIONS, 0) | {name: options[name] for name in names}
    every = [np.broadcast_to(none[name], w.ndim - 2) for name in OPTIONS]
    sizes = zip(x.shape[1:-1], w.shape[1:-1], *every, strict=True)
    return min((n - 1) * s - 2 * p + d * (k - 1) + 1 + o for n, k, s, p, d, o in sizes)


@given(problems())
def test_values_are_mlx_s(problem):
    x, w, options, groups = problem
    function = getattr(ours, f"conv_transpose{w.ndim - 2}d")
    if smallest(x, w, options) < 1:
        with pytest.raises(ValueError, match=r"^padding, spatial axis \d: of \(input - 1\)"):
            function(x, w, **options, groups=groups)
        return
    got = function(x, w, **options, groups=groups)
    if smallest(x, w, options, OPTIONS[:3]) >= 1:  # MLX wants some without the output padding
        np.testing.assert_array_equal(got, theirs(x, w, options, groups), strict=True)


def test_a_padding_beyond_the_kernel_is_pytorch_s_where_mlx_gives_fewer_positions():
    """The case that the docstring gives."""
    x, w = np.arange(1.0, 5.0).reshape(1, 4, 1), np.ones((1, 1, 1))
    got = ours.conv_transpose1d(x, w, 2, 1)
    np.testing.assert_array_equal(got[0, :, 0], [0, 2, 0, 3, 0])
    assert theirs(x, w, {"stride": 2, "padding": 1}, 1).shape == (1, 3, 1)


def test_jax_arrays_give_jax_arrays():
    x, w = np.ones((1, 5, 4), np.float32), np.ones((6, 3, 2), np.float32)
    got = ours.conv_transpose1d(jax.device_put(x), w, 2, 1, 1, 1, 2)
    assert isinstance(got, jax.Array)
    options = dict(zip(OPTIONS, (2, 1, 1, 1), strict=True))
    np.testing.assert_array_equal(np.asarray(got), theirs(x, w, options, 2), strict=True)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_arguments_come_in_mlx_s_order(axes):
    """Its signature is in the first line of its documentation."""
    name = f"conv_transpose{axes}d"
    signature = getattr(mx, name).__doc__.partition("->")[0]
    words = re.findall(r"(\w+): [^,()]*?(?:tuple\[[\w, ]+\])? = ", signature)
    assert words == ["stride", "padding", "dilation", "output_padding", "groups", "stream"]
    code = getattr(ours, name).__code__
    assert list(code.co_varnames[2 : code.co_argcount]) == words[:-1]


X, W = np.ones((2, 5, 6, 4), np.float32), np.ones((6, 3, 2, 4), np.float32)
REFUSALS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"input": [1]}, TypeError, "input: must be a numpy.ndarray or a jax.Array; got .*list"),
    ({"weight": W[0]}, ValueError, "weight: must have 4 axes, 2 of them spatial; got shape"),
    ({"weight": W[..., :3]}, ValueError, "weight: its axis 3 must have the 4 channels of input;"),
    ({"groups": 2}, ValueError, "weight: its axis 3 must have the 2 channels of input of each"),
    ({"groups": 3}, ValueError, "groups: must divide the input channels; got 4 channels"),
    ({"stride": (2, 2, 2)}, ValueError, "stride: must be an int or one int for each of the 2"),
    ({"dilation": 0}, ValueError, "dilation, spatial axis 0: must be at least 1; got 0"),
    ({"padding": ((1, 1), (1, 1))}, TypeError, "padding: must be an int"),
    ({"output_padding": -1}, ValueError, "output_padding, spatial axis 0: must be at least 0"),
]


@pytest.mark.parametrize(("change", "error", "text"), REFUSALS, ids=lambda one: str(one)[:30])
def test_errors_speak_of_mlx_s_arguments(change, error, text):
    call = {"input": X, "weight": W} | change
    with pytest.raises(error, match=f"^{text}"):
        ours.conv_transpose2d(call.pop("input"), call.pop("weight"), **call)
