"""Every framework's padding as tconv's pairs, tried in the framework or in its own call."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tconv
import tconv.compat.keras
import tconv.compat.lax
import tconv.compat.mlx
import tconv.compat.onnx
from tconv.compat import convert, padding
from tests.support.computing import cheap, compiled

Parameters = dict[str, tuple[int, ...]]


@st.composite
def parameters(draw: st.DrawFn, axes: int = 1) -> Parameters:
    bounds = {"kernel_size": 4, "stride": 4, "dilation": 2}
    return {
        name: tuple(draw(st.integers(1, most)) for _ in range(axes))
        for name, most in bounds.items()
    }


def arrays(size: int, kernel_size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """x and weight in PyTorch's layout, of integers whose sums float32 holds exactly."""
    rng = np.random.default_rng(size)
    shapes = ((2, 3, *[size] * len(kernel_size)), (3, 2, *kernel_size))
    x, weight = [rng.integers(-4, 5, shape).astype(np.float32) for shape in shapes]
    return x, weight


def with_pairs(x: Any, weight: Any, one: Parameters, pairs: Any) -> Any:
    """tconv's result, or None where nothing is left."""
    options = {"stride": one["stride"], "dilation": one["dilation"]}
    sizes = zip(x.shape[2:], weight.shape[2:], *options.values(), pairs, strict=True)
    if any((n - 1) * s + d * (k - 1) + 1 - lo - hi < 1 for n, k, s, d, (lo, hi) in sizes):
        return None
    return tconv.conv_transpose(x, weight, padding=pairs, **options)


PAIRS = st.tuples(st.integers(0, 2), st.integers(0, 2))
STRINGS = ("SAME", "VALID")
MEMBERS = {
    "lax": st.one_of(st.sampled_from(STRINGS), st.tuples(PAIRS)),
    "keras": st.sampled_from(("same", "valid")),
    "mlx": st.integers(-1, 2),
    "onnx": st.one_of(st.sampled_from(("SAME_UPPER", "SAME_LOWER", "VALID")), PAIRS),
}


def own_call(source: str, x: Any, weight: Any, one: Parameters, value: Any, more: Any) -> Any:
    """The framework's call, in PyTorch's layout."""
    kernel, _ = convert(weight, source="torch", target=source)
    stride, dilation = one["stride"], one["dilation"]
    rows = x.transpose(0, 2, 1)
    if source == "lax":
        call = tconv.compat.lax.conv_transpose
        y = call(rows, kernel, stride, value, dilation, output_padding=more or 0)
    elif source == "keras":
        y = tconv.compat.keras.conv_transpose(rows, kernel, stride, value, more, None, dilation)
    elif source == "mlx":
        call = tconv.compat.mlx.conv_transpose1d
        y = call(rows, kernel, stride, value, dilation, more or 0)
    else:
        options = {"auto_pad": value} if isinstance(value, str) else {"pads": value}
        options |= {"output_padding": [more or 0], "strides": stride, "dilations": dilation}
        return tconv.compat.onnx.conv_transpose(x, weight, **options)
    return y.transpose(0, 2, 1)


@pytest.mark.parametrize("source", MEMBERS)
@cheap
@given(st.data())
def test_pairs_are_what_the_framework_s_call_crops(source, data):
    """And the calls are tried against the frameworks, in the tests of their modules."""
    one, value = data.draw(parameters()), data.draw(MEMBERS[source])
    limit = max(one["stride"][0], one["dilation"][0])
    more = data.draw(st.one_of(st.none(), st.integers(0, limit - 1)))
    x, weight = arrays(data.draw(st.integers(1, 4)), one["kernel_size"])
    got = with_pairs(x, weight, one, padding(value, source=source, **one, output_padding=more))
    assume(got is not None)
    want = own_call(source, x, weight, one, value, more)
    np.testing.assert_array_equal(got, want, strict=True)


@given(parameters(axes=2), st.tuples(PAIRS, PAIRS))
def test_torch_s_are_its_own(one, more):
    """Of no pairs, only a number for both sides and one more at the end."""
    numbers = tuple(lo for lo, _ in more)
    limits = [max(s, d) - 1 for s, d in zip(one["stride"], one["dilation"], strict=True)]
    ends = tuple(min(hi, most) for (_, hi), most in zip(more, limits, strict=True))
    pairs = padding(numbers, source="torch", **one, output_padding=ends)
    assert pairs == tuple((p, p - end) for p, end in zip(numbers, ends, strict=True))


NUMBERS = st.one_of(st.integers(0, 2), st.tuples(st.one_of(PAIRS, st.integers(0, 2))))
NAMED = {"equinox": ("SAME", "same", "SAME_LOWER", "VALID"), "flax": STRINGS}


def equinox_layer(one: Parameters, value: Any, more: int) -> Any:
    """The layer as a function of x in PyTorch's layout and of its own kernel."""
    equinox = pytest.importorskip("equinox", reason="the framework itself is the oracle")
    options = {"padding": value, "output_padding": more, "use_bias": False}
    layer = equinox.nn.ConvTranspose1d(3, 2, **one, **options, key=jax.random.key(0))

    def apply(x: Any, kernel: Any) -> Any:
        return jax.vmap(equinox.tree_at(lambda one: one.weight, layer, kernel))(x)

    return apply


def flax_layer(one: Parameters, value: Any, more: int) -> Any:
    """The same; flax has no output padding."""
    linen = pytest.importorskip("flax.linen", reason="the framework itself is the oracle")
    layer = linen.ConvTranspose(
        2,
        one["kernel_size"],
        strides=one["stride"],
        kernel_dilation=one["dilation"],
        padding=value,
        use_bias=False,
    )

    def apply(x: Any, kernel: Any) -> Any:
        return layer.apply({"params": {"kernel": kernel}}, x.swapaxes(1, 2)).swapaxes(1, 2)

    return apply


LAYERS = {"equinox": equinox_layer, "flax": flax_layer}


@pytest.mark.parametrize("source", LAYERS)
@compiled
@given(st.data())
def test_pairs_are_what_the_framework_s_layer_crops(source, data):
    """A bundle compiles in one, for a fraction of what its problems cost alone."""
    layers, operands, ours = [], [], []
    for one in data.draw(st.lists(parameters(), min_size=1, max_size=5)):
        value = data.draw(st.one_of(NUMBERS, st.sampled_from(NAMED[source])))
        more = data.draw(st.integers(0, one["stride"][0] - 1)) if source == "equinox" else 0
        x, weight = arrays(data.draw(st.integers(1, 4)), one["kernel_size"])
        pairs = padding(value, source=source, **one, output_padding=more)
        got = with_pairs(x, weight, one, pairs)
        if got is not None:
            layers.append(LAYERS[source](one, value, more))
            operands.append((x, convert(weight, source="torch", target=source)[0]))
            ours.append(got)
    every = jax.jit(lambda pairs: [f(*pair) for f, pair in zip(layers, pairs, strict=True)])
    for got, want in zip(ours, every(operands), strict=True):
        np.testing.assert_array_equal(got, np.asarray(want), strict=True)


@pytest.mark.parametrize("value", ["SAME", "VALID", ((1, 2), (0, 1))], ids=str)
@pytest.mark.parametrize("stride", [1, 2, 4])
def test_haiku_s_layers(value, stride):
    haiku = pytest.importorskip("haiku", reason="the framework itself is the oracle")
    x, weight = arrays(3, (3, 2))
    kernel, _ = convert(weight, source="torch", target="haiku")
    layer = haiku.transform(
        lambda x: haiku.Conv2DTranspose(2, (3, 2), stride, padding=value, with_bias=False)(x)
    )
    params = {"conv2_d_transpose": {"w": np.ascontiguousarray(kernel)}}
    want = np.asarray(layer.apply(params, None, x.transpose(0, 2, 3, 1))).transpose(0, 3, 1, 2)
    pairs = padding(value, source="haiku", kernel_size=(3, 2), stride=stride)
    got = tconv.conv_transpose(x, weight, stride=stride, padding=pairs)
    np.testing.assert_array_equal(got, want, strict=True)


REFUSALS: list[tuple[Any, dict[str, Any], str]] = [
    ("SAME", {"source": "tf"}, "source: must be one of 'torch', .*; got 'tf'"),
    ("full", {"source": "flax"}, "padding: must be 'SAME', 'VALID' or pairs; got 'full'"),
    ("full", {"source": "equinox"}, "padding: must be 'SAME', 'SAME_LOWER' or 'VALID'; got"),
    ("full", {"source": "keras"}, "padding: must be 'valid' or 'same'; got 'full'"),
    ("full", {"source": "onnx"}, "auto_pad: must be 'NOTSET', 'SAME_UPPER'"),
    ((1, 2, 3), {"source": "onnx"}, "pads: must be the 1 starts, then the 1 ends"),
    (-1, {"source": "torch"}, "padding, spatial axis 0: must be at least 0; got -1"),
    (0, {"source": "torch", "stride": 0}, "stride, spatial axis 0: must be at least 1; got 0"),
    (0, {"source": "mlx", "output_padding": -1}, "output_padding: must be at least 0; got -1"),
    ((1, 2), {"source": "lax"}, r"padding: must be one \(lo, hi\) pair for each of the 1"),
]


@pytest.mark.parametrize(("value", "change", "text"), REFUSALS, ids=lambda one: str(one)[:30])
def test_refusals(value, change, text):
    with pytest.raises(ValueError, match=f"^{text}"):
        padding(value, **{"kernel_size": 3, "stride": 2} | change)
