"""Layers beside ``torch.nn``: values, parameter names and shapes, text, errors."""

import inspect

import jax
import jax.numpy as jnp
import ml_dtypes
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


LAST = {
    "ConvTranspose1d": ("NWC", "WIO", "NWC"),
    "ConvTranspose2d": ("NHWC", "HWOI", "NHWC"),
    "ConvTranspose3d": ("NDHWC", "OIDHW", "NCDHW"),
    "Conv1d": ("NWC", "WIO", "NWC"),
    "Conv2d": ("NHWC", "HWIO", "NHWC"),
    "Conv3d": ("NCDHW", "IDHWO", "NDHWC"),
}
BACKENDS = {"numpy": np.asarray, "jax": jax.device_put}


def orders(name):
    """Axes of PyTorch's x, weight and y as the layer in ``LAST`` has them."""
    spatial = "DHW"[-int(name[-2]) :]
    lead = "IO" if "Transpose" in name else "OI"
    roles = (f"NC{spatial}", f"{lead}{spatial}", f"NC{spatial}")
    return [
        [role.index(letter) for letter in own] for role, own in zip(roles, LAST[name], strict=True)
    ]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_axes_in_another_order_give_the_values_of_pytorchs_order(name, backend):
    given = BACKENDS[backend]
    options = {"stride": 2, "padding": 1, "groups": 2}
    plain = getattr(tconv, name)(4, 6, 3, **options)
    layer = getattr(tconv, name)(4, 6, 3, **options, dimension_numbers=LAST[name])
    of_x, of_w, of_y = orders(name)
    params = plain.init(np.random.default_rng(0), dtype="float64")
    own = layer.init(np.random.default_rng(0), dtype="float64")
    assert own["weight"].shape == layer.weight_shape
    assert own["weight"].flags.c_contiguous
    np.testing.assert_array_equal(own["weight"], params["weight"].transpose(of_w))
    np.testing.assert_array_equal(own["bias"], params["bias"])
    x = np.random.default_rng(1).standard_normal((2, 4, *[5] * plain.axes))
    expected = plain.apply(params, x).transpose(of_y)
    ours = {name: given(value) for name, value in own.items()}
    y = layer.apply(ours, given(x.transpose(of_x)))
    assert isinstance(y, jax.Array) == (backend == "jax")
    np.testing.assert_allclose(y, expected, rtol=0, atol=bound_on_error(plain, x))
    alone = [axis - 1 for axis in of_x if axis]
    y = layer.apply(ours, given(x[0].transpose(alone)))
    axis = LAST[name][2].index("N")
    np.testing.assert_allclose(y, expected.take(0, axis), rtol=0, atol=bound_on_error(plain, x))


def test_a_state_dict_and_channels_last_images():
    """The weight keeps PyTorch's order where the kernel string is PyTorch's."""
    theirs = torch.nn.ConvTranspose2d(3, 2, 4, 2, 1, dtype=torch.float64)
    ours = tconv.ConvTranspose2d(3, 2, 4, 2, 1, dimension_numbers=("NHWC", "IOHW", "NHWC"))
    params = {name: value.numpy() for name, value in theirs.state_dict().items()}
    x = np.random.default_rng(0).standard_normal((2, 5, 4, 3))
    expected = theirs(torch.from_numpy(x.transpose(0, 3, 1, 2))).detach().numpy()
    y = ours.apply(params, x)
    atol = bound_on_error(ours, x)
    np.testing.assert_allclose(y, expected.transpose(0, 2, 3, 1), rtol=0, atol=atol)
    assert ours.apply(params, x, output_size=(2, 11, 8, 2)).shape == (2, 11, 8, 2)


@pytest.mark.parametrize("name", NAMES)
def test_layers_that_say_the_same_are_equal(name):
    make, axes = getattr(tconv, name), int(name[-2])
    spatial, lead = "DHW"[-axes:], "IO" if "Transpose" in name else "OI"
    torchs = (f"NC{spatial}", f"{lead}{spatial}", f"NC{spatial}")
    last = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
    numbers = jax.lax.conv_dimension_numbers((1,) * (axes + 2), (1,) * (axes + 2), last)
    for one, other in (
        ({"dimension_numbers": torchs}, {}),
        ({"dimension_numbers": list(last)}, {"dimension_numbers": last}),
        ({"dimension_numbers": numbers}, {"dimension_numbers": last}),
        ({"dtype": "float16"}, {"dtype": np.float16}),
        ({"dtype": ">f4"}, {"dtype": jnp.float32}),
        ({"preferred_element_type": float}, {"preferred_element_type": "float64"}),
        ({"precision": jax.lax.Precision.HIGHEST}, {"precision": "highest"}),
        ({"precision": ["high", jax.lax.Precision.DEFAULT]}, {"precision": ("high", "default")}),
    ):
        first, second = make(2, 3, 4, **one), make(2, 3, 4, **other)
        assert first == second
        assert hash(first) == hash(second)
        assert repr(first) == repr(second)
    pair = ("high", "default")
    assert make(2, 3, 4, precision=list(pair)).precision == pair
    different = [{}, {"dimension_numbers": last}, {"dtype": "float16"}, {"precision": "highest"},
                 {"preferred_element_type": "float32"}]  # fmt: skip
    assert len({make(2, 3, 4, **options) for options in different}) == len(different)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_layer_holds_are_pythons_own_numbers(name):
    """So it pickles, prints and compares alike wherever its numbers came from."""
    numbers = {"in_channels": 4, "out_channels": 2, "kernel_size": 3, "stride": 2, "padding": 1,
               "dilation": 2, "groups": 2}  # fmt: skip
    layer = getattr(tconv, name)(**{key: np.int64(n) for key, n in numbers.items()}, bias=1)
    each = {key: (n,) * layer.axes for key, n in numbers.items()}
    wanted = {**each, "in_channels": 4, "out_channels": 2, "groups": 2, "bias": True}
    held = {key: getattr(layer, key) for key in wanted}
    assert repr(held) == repr(wanted)
    assert repr(layer) == repr(getattr(tconv, name)(**numbers))


def test_text_of_a_layer_with_all_options():
    layer = tconv.ConvTranspose1d(
        8, 4, 3, dimension_numbers=("NWC", "WIO", "NWC"), dtype=jnp.bfloat16,
        precision="highest", preferred_element_type=np.float32,
    )  # fmt: skip
    assert repr(layer) == (
        "ConvTranspose1d(8, 4, kernel_size=(3,), stride=(1,), "
        "dimension_numbers=('NWC', 'WIO', 'NWC'), dtype=bfloat16, precision=highest, "
        "preferred_element_type=float32)"
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["ConvTranspose2d", "Conv2d"])
def test_dtype_computes_in_it_and_leaves_the_parameters(name, backend):
    given = BACKENDS[backend]
    layer = getattr(tconv, name)(4, 6, 3, stride=2, dtype="bfloat16")
    params = layer.init(np.random.default_rng(0))
    assert {value.dtype for value in params.values()} == {np.dtype("float32")}
    x = np.random.default_rng(1).standard_normal((2, 4, 5, 5)).astype(ml_dtypes.bfloat16)
    cast = {name: value.astype(ml_dtypes.bfloat16) for name, value in params.items()}
    plain = getattr(tconv, name)(4, 6, 3, stride=2)
    ours = {name: given(value) for name, value in params.items()}
    expected = plain.apply({name: given(value) for name, value in cast.items()}, given(x))
    for operand in (x, x.astype("float32"), x.astype("float64")):
        y = layer.apply(ours, given(operand))
        assert y.dtype == expected.dtype == ml_dtypes.bfloat16
        np.testing.assert_array_equal(np.asarray(y), np.asarray(expected))
    wide = getattr(tconv, name)(
        4, 6, 3, stride=2, dtype="bfloat16", preferred_element_type="float32"
    )
    exact = plain.apply({k: v.astype("float64") for k, v in cast.items()}, x.astype("float64"))
    y = wide.apply(ours, given(x))
    assert y.dtype == np.float32
    atol = bound_on_error(plain, x.astype("float64")) * 2**29
    np.testing.assert_allclose(y, exact, rtol=0, atol=atol)


def test_gradients_come_in_the_dtype_of_the_parameters():
    layer = tconv.ConvTranspose1d(2, 3, 3, stride=2, dtype=jnp.bfloat16)
    params = layer.init(jax.random.key(0))
    x = jnp.ones((1, 2, 4), jnp.bfloat16)
    grads = jax.grad(lambda p: layer.apply(p, x).astype(jnp.float32).sum())(params)
    assert {name: value.dtype for name, value in grads.items()} == {
        name: np.dtype("float32") for name in ("weight", "bias")
    }
    np.testing.assert_array_equal(grads["bias"], [9, 9, 9])
    np.testing.assert_array_equal(grads["weight"], np.full((2, 3, 3), 4))


@pytest.mark.parametrize("name", ["ConvTranspose2d", "Conv2d"])
def test_precision_reaches_the_program(name):
    layer = getattr(tconv, name)(2, 3, 3, precision="highest")
    params = layer.init(jax.random.key(0))
    x = jnp.ones((1, 2, 5, 5), jnp.float32)
    assert "HIGHEST" in jax.jit(layer.apply).lower(params, x).as_text()
    plain = getattr(tconv, name)(2, 3, 3)
    assert "HIGHEST" not in jax.jit(plain.apply).lower(params, x).as_text()
    numpy_params = {name: np.asarray(value) for name, value in params.items()}
    ours = np.ones((1, 2, 5, 5), np.float32)
    np.testing.assert_array_equal(layer.apply(numpy_params, ours), plain.apply(numpy_params, ours))


def test_preferred_element_type_is_that_of_the_result():
    layer = tconv.ConvTranspose1d(1, 1, 2, bias=False, preferred_element_type="int32")
    params = {"weight": np.full((1, 1, 2), 100, np.int8)}
    y = layer.apply(params, np.full((1, 1, 1), 100, np.int8))
    np.testing.assert_array_equal(y, np.full((1, 1, 2), 10_000, np.int32), strict=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"dimension_numbers": "NHWC"}, TypeError, "dimension_numbers: must be three strings"),
        ({"dimension_numbers": ("NC", "OI", "NC")}, ValueError, "dimension_numbers: the input"),
        ({"dtype": "int32"}, TypeError, "dtype: must be a float or complex; got int32"),
        ({"dtype": "float33"}, TypeError, "dtype: must be a dtype or name one; got 'float33'"),
        ({"dtype": bool}, TypeError, "dtype: dtype must be a float"),
        ({"preferred_element_type": "text"}, TypeError, "preferred_element_type: must be a dtype"),
        ({"dtype": "float64", "preferred_element_type": "float32"}, TypeError,
         "preferred_element_type: must be a floating point type at least as wide"),
        ({"precision": "banana"}, ValueError, "precision: must be None"),
    ],
)  # fmt: skip
def test_bad_types_and_orders_are_refused_when_made(name, options, error, text):
    with pytest.raises(error, match=text):
        getattr(tconv, name)(1, 1, 3, **options)


def test_errors_speak_of_the_layers_own_axes():
    last = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}
    with pytest.raises(ValueError, match="stride, axis W: must be at least 1; got 0"):
        tconv.ConvTranspose2d(1, 1, 3, stride=(1, 0), **last)
    with pytest.raises(ValueError, match="padding, axis H: a plain int must be at least 0"):
        tconv.Conv2d(1, 1, 3, padding=(-1, 0), **last)
    layer = tconv.ConvTranspose2d(3, 2, 4, **last)
    params = tconv.ConvTranspose2d(3, 2, 4).init(np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"\['weight'\]: must have shape \(4, 4, 3, 2\)"):
        layer.apply(params, np.ones((1, 5, 5, 3), np.float32))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_real_dtype_takes_no_complex_numbers(backend):
    given = BACKENDS[backend]
    layer = tconv.ConvTranspose1d(1, 1, 2, dtype="float32")
    params = {"weight": given(np.ones((1, 1, 2))), "bias": given(np.ones(1))}
    x = given(np.ones((1, 1, 3), np.complex64))
    with pytest.raises(
        TypeError, match=r"x: must be real to be computed in float32; got complex64"
    ):
        layer.apply(params, x)
    with pytest.raises(TypeError, match="bias: must be real"):
        layer.apply({**params, "bias": given(np.ones(1, np.complex64))}, x.real)
    with pytest.raises(TypeError, match=r"x: must be a numpy\.ndarray or a jax\.Array; got"):
        layer.apply(params, [[[1.0]]])
    own = tconv.ConvTranspose1d(1, 1, 2, dtype="complex64")
    assert own.apply(params, x.real).dtype == np.complex64


@pytest.mark.parametrize("name", ["ConvTranspose1d", "Conv1d"])
def test_a_layer_with_negative_padding_is_called(name):
    """It extends the output of one and crops the input of the other, by one on each side."""
    layer = getattr(tconv, name)(1, 1, 2, padding=((-1, -1),), bias=False)
    assert layer.padding == ((-1, -1),)
    y = layer.apply({"weight": np.array([[[1.0, 10.0]]])}, np.array([[[1.0, 2.0, 3.0, 4.0]]]))
    expected = [0, 1, 12, 23, 34, 40, 0] if "Transpose" in name else [32]
    np.testing.assert_array_equal(y, np.array([[expected]], float), strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_have_torchs_order_and_what_it_lacks_is_by_name(name):
    ours = inspect.signature(getattr(tconv, name)).parameters
    theirs = inspect.signature(getattr(torch.nn, name)).parameters
    shared = list(theirs)[: list(theirs).index("padding_mode") + 1]
    by_name = ["dimension_numbers", "dtype", "precision", "preferred_element_type"]
    assert list(ours) == [*shared, *by_name]
    for argument in shared:
        assert ours[argument].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert ours[argument].default == theirs[argument].default
    for argument in by_name:
        assert ours[argument].kind is inspect.Parameter.KEYWORD_ONLY
        assert ours[argument].default is None


def test_the_mode_of_padding_is_the_functions():
    layer = tconv.Conv2d(2, 3, 3, padding=1, padding_mode=["circular", "reflect"])
    assert layer == tconv.Conv2d(2, 3, 3, padding=1, padding_mode=("circular", "reflect"))
    assert tconv.Conv2d(2, 3, 3, padding_mode=("zeros", "zeros")) == tconv.Conv2d(2, 3, 3)
    assert repr(layer).endswith("padding=(1, 1), padding_mode=('circular', 'reflect'))")
    params, x = layer.init(np.random.default_rng(0)), np.random.rand(1, 2, 4, 5)
    named = {"padding": 1, "padding_mode": ("circular", "reflect")}
    wanted = tconv.conv(x, params["weight"], params["bias"], **named)
    np.testing.assert_array_equal(layer.apply(params, x), wanted)
    back = tconv.ConvTranspose2d(3, 2, 3, bias=False, **named)
    z = back.apply({"weight": params["weight"]}, wanted)
    np.testing.assert_array_equal(z, tconv.conv_transpose(wanted, params["weight"], **named))
    with pytest.raises(ValueError, match=r"^padding_mode: must be .*'wrap'. Write 'circular'"):
        tconv.Conv1d(1, 1, 3, padding_mode="wrap")
