"""Layers beside ``torch.nn``: values, parameter names and shapes, text, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tconv

EPS = np.finfo(np.float64).eps
NAMES = [f"{kind}{axes}d" for kind in ("ConvTranspose", "Conv") for axes in (1, 2, 3)]


@st.composite
def pairs_of_layers(draw):
    """A layer, the PyTorch layer that it copies, and an input size that suits both."""
    name = draw(st.sampled_from(NAMES))
    axes = int(name[-2])

    def entries(low, high):
        sizes = st.integers(low, high)
        return draw(st.one_of(sizes, st.tuples(*[sizes] * axes)))

    groups = draw(st.integers(1, 2))
    options = {
        "kernel_size": entries(1, 3),
        "stride": entries(1, 3),
        "padding": entries(0, 1),
        "dilation": entries(1, 2),
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    if name.startswith("ConvTranspose"):
        options["output_padding"] = draw(st.integers(0, 1))
        if options["output_padding"]:
            options["stride"] = 2
    channels = [groups * draw(st.integers(1, 2)) for _ in range(2)]
    ours = getattr(tconv, name)(*channels, **options)
    theirs = getattr(torch.nn, name)(*channels, **options, dtype=torch.float64)
    spatial = draw(st.tuples(*[st.integers(5, 6)] * axes))
    return ours, theirs, spatial


def bound_on_error(layer, x):
    """Twice gamma_n |x| |w| for sums of n products, with |w| <= 1 and |b| <= 1."""
    taps = int(np.prod(layer.kernel_size)) * layer.in_channels
    return 2 * (taps + 1) * EPS * (taps * np.abs(x).max() + 1)


@given(pairs_of_layers(), st.integers(0, 2**32 - 1))
def test_parameters_from_torch_give_its_values(pair, seed):
    ours, theirs, spatial = pair
    x = np.random.default_rng(seed).standard_normal((2, ours.in_channels, *spatial))
    params = {name: value.numpy() for name, value in theirs.state_dict().items()}
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(
        ours.apply(params, x), expected, rtol=0, atol=bound_on_error(ours, x)
    )


@given(pairs_of_layers(), st.integers(0, 2**32 - 1))
def test_text_and_parameter_shapes_are_those_of_torch(pair, seed):
    ours, theirs, _ = pair
    assert repr(ours) == repr(theirs)
    params = ours.init(np.random.default_rng(seed))
    shapes = {name: tuple(value.shape) for name, value in theirs.state_dict().items()}
    assert {name: value.shape for name, value in params.items()} == shapes
    assert list(params) == list(shapes)


@pytest.mark.parametrize("name", NAMES)
def test_torch_text_with_string_padding(name):
    assert "padding=same" in repr(getattr(tconv, name)(1, 1, 3, padding="same"))


@pytest.mark.parametrize("full", [False, True])
def test_output_size_at_call_time_is_that_of_torch(full):
    theirs = torch.nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1, dtype=torch.float64)
    ours = tconv.ConvTranspose2d(3, 2, 3, stride=2, padding=1)
    params = {name: value.numpy() for name, value in theirs.state_dict().items()}
    x = np.random.default_rng(0).standard_normal((1, 3, 4, 5))
    wanted = (1, 2, 8, 9) if full else (8, 9)
    expected = theirs(torch.from_numpy(x), output_size=wanted).detach().numpy()
    assert expected.shape == (1, 2, 8, 9)
    np.testing.assert_allclose(
        ours.apply(params, x, output_size=wanted), expected, rtol=0, atol=bound_on_error(ours, x)
    )
    padded = tconv.ConvTranspose2d(3, 2, 3, stride=2, padding=1, output_padding=1)
    np.testing.assert_array_equal(
        padded.apply(params, x, output_size=wanted), ours.apply(params, x, output_size=wanted)
    )


def test_a_layer_is_a_static_value_under_jit():
    first = tconv.ConvTranspose2d(3, 2, 4, 2, 1)
    second = tconv.ConvTranspose2d(3, 2, (4, 4), stride=[2, 2], padding=((1, 1), (1, 1)))
    assert first == second
    assert hash(first) == hash(second)
    assert first != tconv.Conv2d(3, 2, 4, 2, 1)
    traces = []

    def forward(layer, params, x):
        traces.append(layer)
        return layer.apply(params, x)

    jitted = jax.jit(forward, static_argnums=0)
    params = first.init(jax.random.key(0))
    x = jnp.ones((1, 3, 4, 4))
    y = jitted(first, params, x.astype(jnp.float32))
    assert isinstance(jitted(second, params, x.astype(jnp.float32)), jax.Array)
    assert len(traces) == 1
    numpy_params = {name: np.asarray(value) for name, value in params.items()}
    expected = first.apply(numpy_params, np.ones((1, 3, 4, 4), np.float32))
    atol = bound_on_error(first, x) * 2**29  # float32 has 29 bits less
    np.testing.assert_allclose(y, expected, rtol=0, atol=atol)
    with pytest.raises(AttributeError):
        first.stride = (1, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"in_channels": 0}, ValueError, "in_channels: must be at least 1"),
        ({"out_channels": 2.0}, TypeError, r"out_channels: must be an int; got 2\.0"),
        ({"groups": 2}, ValueError, "groups: must divide in_channels"),
        ({"groups": 0}, ValueError, "groups: must be at least 1"),
        ({"kernel_size": 0}, ValueError, "kernel_size, spatial axis 0: must be at least 1"),
        ({"kernel_size": (3,) * 4}, ValueError, "kernel_size: must be one value"),
        ({"stride": 0}, ValueError, "stride, spatial axis 0: must be at least 1"),
        ({"dilation": -1}, ValueError, "dilation, spatial axis 0: must be at least 1"),
        ({"padding": -1}, ValueError, "padding, spatial axis 0: a plain int must be at least 0"),
        ({"padding": "full"}, ValueError, "padding: a string must be one of"),
    ],
)
def test_bad_configurations_are_refused_when_made(name, options, error, text):
    valid = {"in_channels": 3, "out_channels": 4, "kernel_size": 3}
    with pytest.raises(error, match=text):
        getattr(tconv, name)(**{**valid, **options})


def test_bad_output_padding_is_refused_when_made():
    with pytest.raises(ValueError, match="output_padding, spatial axis 1: must satisfy"):
        tconv.ConvTranspose2d(1, 1, 3, stride=(2, 1), output_padding=1)
    with pytest.raises(ValueError, match="takes no output_padding"):
        tconv.ConvTranspose2d(1, 1, 3, stride=2, padding="same", output_padding=1)


def test_foreign_parameters_are_refused():
    layer = tconv.ConvTranspose1d(3, 2, 4)
    params = layer.init(np.random.default_rng(0))
    x = np.ones((1, 3, 5), np.float32)
    with pytest.raises(ValueError, match=r"params: must hold weight and bias and nothing else"):
        layer.apply({"weight": params["weight"]}, x)
    bare = tconv.ConvTranspose1d(3, 2, 4, bias=False)
    with pytest.raises(ValueError, match="Make the layer with bias=True, or fix the names"):
        bare.apply(params, x)
    other = tconv.Conv1d(3, 2, 4).init(np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"params\['weight'\]: must have shape \(3, 2, 4\)"):
        layer.apply(other, x)
