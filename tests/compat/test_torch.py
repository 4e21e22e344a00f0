"""PyTorch's parameters and layers taken to tconv and back."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest

import tconv
from tconv.compat.torch import (
    from_module,
    from_state_dict,
    load_safetensors,
    save_safetensors,
    to_module,
    to_state_dict,
)
from tconv.testing.measures import tolerance

torch = pytest.importorskip("torch", reason="it is what is converted")
nn = torch.nn


def model() -> Any:
    torch.manual_seed(0)
    up = nn.Sequential(nn.ConvTranspose2d(4, 6, 4, 2, 1), nn.BatchNorm2d(6))
    return nn.ModuleDict({"up": up, "out": nn.Conv2d(6, 3, 3, bias=False)})


def check_same(layer: Any, params: dict[str, Any], x: np.ndarray, want: np.ndarray) -> None:
    """Both within the bound of a sum of products, which is relative to that of absolute ones."""
    terms = params["weight"].size // layer.out_channels + 1
    sizes = layer.apply({name: np.abs(array) for name, array in params.items()}, np.abs(x))
    error = np.abs(layer.apply(params, x) - want)
    assert (error <= 2 * tolerance(x.dtype, terms) * sizes).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int64", "bool"])
def test_tensors_come_and_go_unchanged(dtype):
    tensor = torch.arange(-3, 3).reshape(2, 3).to(getattr(torch, dtype))
    params = from_state_dict({"a.b": tensor, "c": tensor}, prefix="a.")
    assert params["b"].dtype == np.dtype(dtype)
    np.testing.assert_array_equal(params["b"].astype(float), tensor.double().numpy())
    (back,) = to_state_dict(params, prefix="a.").items()
    assert back[0] == "a.b"
    assert back[1].dtype == tensor.dtype
    assert torch.equal(back[1], tensor)


def test_a_prefix_picks_a_layer_whose_parameters_tconv_takes():
    both = model()
    params = from_state_dict(both.state_dict(), prefix="up.0.")
    layer = tconv.ConvTranspose2d(4, 6, 4, 2, 1)
    x = np.ones((1, 4, 3, 3), np.float32)
    want = both["up"][0](torch.from_numpy(x)).detach().numpy()
    check_same(layer, params, x, want)
    whole = from_state_dict(both.state_dict())
    assert set(whole) == set(both.state_dict())
    assert whole["up.1.num_batches_tracked"].shape == ()


def test_what_is_taken_is_a_copy():
    weight = torch.ones(3)
    params = from_state_dict({"w": weight})
    weight += 1
    assert params["w"].tolist() == [1, 1, 1]
    back = to_state_dict(params)
    params["w"] += 1
    assert back["w"].tolist() == [1, 1, 1]


def test_transposed_memory_and_jax_arrays():
    weight = torch.arange(6.0).reshape(2, 3).T
    assert from_state_dict({"w": weight})["w"].tolist() == weight.tolist()
    back = to_state_dict({"w": jax.device_put(np.arange(6.0).reshape(2, 3).T)})
    assert back["w"].tolist() == weight.tolist()


def test_a_prefix_that_no_name_has():
    with pytest.raises(ValueError, match=r"^state: .* prefix='down'; got 'up.0.weight', 'up.0.bi"):
        from_state_dict(model().state_dict(), prefix="down")


def test_safetensors_files_both_ways(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="the format is its own")
    path = tmp_path / "model.safetensors"
    state = model().state_dict() | {"up.0.scale": torch.ones(2, dtype=torch.bfloat16)}
    safetensors.save_file(state, path)
    params = load_safetensors(path, prefix="up.0.")
    assert {name: str(array.dtype) for name, array in params.items()} == {
        "weight": "float32",
        "bias": "float32",
        "scale": "bfloat16",
    }
    np.testing.assert_array_equal(params["weight"], state["up.0.weight"].numpy())
    save_safetensors(path, {"w": params["weight"].T, "s": params["scale"]}, prefix="x.")
    back = safetensors.load_file(path)
    assert torch.equal(back["x.w"], torch.from_numpy(params["weight"]).permute(3, 2, 1, 0))
    assert torch.equal(back["x.s"], state["up.0.scale"])
    with pytest.raises(ValueError, match=r"^path: must hold names that begin with prefix='y'"):
        load_safetensors(path, prefix="y")


def test_bfloat16_where_numpy_has_none(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="the format is its own")
    path = tmp_path / "model.safetensors"
    safetensors.save_file({"w": torch.ones(2, dtype=torch.bfloat16)}, path)
    code = (
        "from tconv.compat.torch import load_safetensors\n"
        f"try: load_safetensors({str(path)!r})\n"
        "except TypeError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("w: NumPy has a bfloat16 only once ml_dtypes is imported")


MODULES = [
    lambda: nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2, True, 2),
    lambda: nn.ConvTranspose2d(4, 6, (3, 4), (1, 2), (0, 1), bias=False),
    lambda: nn.ConvTranspose3d(2, 3, 2, 2, output_padding=(0, 1, 0)),
    lambda: nn.Conv1d(4, 6, 3, 2, 1, 2, 2),
    lambda: nn.Conv2d(4, 6, (4, 3), padding="same", dilation=(1, 2)),
    lambda: nn.Conv3d(2, 3, 2, padding="valid", bias=False),
    lambda: nn.utils.parametrizations.weight_norm(nn.ConvTranspose1d(4, 6, 4, 2, 1)),
]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("make", MODULES)
def test_a_module_and_its_layer_compute_the_same(make):
    torch.manual_seed(0)
    module = make().double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randint(-4, 5, parameter.shape))
    layer, params = from_module(module)
    x = np.random.default_rng(0).integers(-4, 5, (2, layer.in_channels, *[6] * layer.axes))
    x = x.astype(np.float64)
    want = module(torch.from_numpy(x)).detach().numpy()
    check_same(layer, params, x, want)
    back = to_module(layer, params)
    assert repr(back) == repr(module) or hasattr(module, "parametrizations")
    np.testing.assert_array_equal(back(torch.from_numpy(x)).detach().numpy(), want)


LAYERS = [
    tconv.ConvTranspose2d(4, 6, 4, stride=2, padding="same"),
    tconv.ConvTranspose2d(4, 6, 3, stride=4, padding="same_lower"),
    tconv.ConvTranspose2d(4, 6, 3, stride=2, padding=((1, 0), (0, 0)), output_padding=(0, 1)),
    tconv.ConvTranspose2d(4, 6, 3, stride=1, padding="same", bias=False),
    tconv.Conv2d(4, 6, 3, padding="same_lower"),
    tconv.Conv2d(4, 6, 3, stride=2, padding="valid"),
]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_paddings_that_pytorch_says_otherwise(layer):
    rng = np.random.default_rng(0)
    shapes = {"weight": layer.weight_shape} | ({"bias": (6,)} if layer.bias else {})
    params = {name: rng.integers(-4, 5, one).astype(np.float32) for name, one in shapes.items()}
    x = rng.integers(-4, 5, (2, 4, 5, 5)).astype(np.float32)
    module = to_module(layer, jax.device_put(params))
    got = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_array_equal(got, layer.apply(params, x), strict=True)


NONE = [
    (tconv.ConvTranspose1d(2, 2, 3, stride=2, padding="same"), 0, "PyTorch crops p >= 0 at the"),
    (tconv.ConvTranspose2d(2, 2, 3, padding=((1, 1), (0, 1))), 1, "PyTorch crops p >= 0 at the"),
    (tconv.ConvTranspose1d(2, 2, 3, padding=((-1, -1),)), 0, "PyTorch crops p >= 0 at the start"),
    (tconv.Conv2d(2, 2, 3, padding=((1, 1), (0, 1))), 1, "PyTorch pads both sides by the same"),
    (tconv.Conv1d(2, 2, 3, stride=2, padding="same"), None, "PyTorch has 'same' with stride 1"),
    (tconv.Conv1d(2, 2, 4, padding="same_lower"), None, "PyTorch has 'same' with stride 1"),
    (
        tconv.Conv2d(2, 2, 3, padding=1, padding_mode=("circular", "zeros")),
        None,
        "PyTorch has one padding_mode for all axes; got padding_mode=.'circular', 'zeros'.",
    ),
]


@pytest.mark.parametrize(("layer", "axis", "text"), NONE, ids=lambda one: str(one)[:40])
def test_paddings_that_pytorch_s_layers_do_not_have(layer, axis, text):
    params = layer.init(np.random.default_rng(0))
    where = "layer" if axis is None else f"layer, spatial axis {axis}"
    with pytest.raises(ValueError, match=rf"^{where}: {text}.* torch.nn.functional.pad"):
        to_module(layer, params)


@pytest.mark.parametrize("padding", [0, 1, (2, 1), "same"])
@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate"])
def test_a_layer_that_reads_beyond_the_border(mode, padding):
    module = nn.Conv2d(4, 6, 3, padding=padding, groups=2, dtype=torch.float64, padding_mode=mode)
    layer, params = from_module(module)
    assert repr(layer) == repr(module)
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 6))
    wanted = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(layer.apply(params, x), wanted, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(to_module(layer, params)(torch.from_numpy(x)).detach(), wanted)


def test_pytorch_has_no_transposed_layer_that_folds_back():
    layer = tconv.ConvTranspose1d(1, 1, 3, padding=1, padding_mode="circular")
    text = r"^layer: PyTorch's transposed layers .*; got padding_mode='circular'. Take torch.autogr"
    with pytest.raises(ValueError, match=text):
        to_module(layer, layer.init(np.random.default_rng(0)))


def test_what_is_no_layer():
    with pytest.raises(TypeError, match=r"^module: must be one of .*; got .*BatchNorm2d\. Convert"):
        from_module(nn.BatchNorm2d(3))
    with pytest.raises(TypeError, match=r"^layer: must be a ConvTranspose or Conv layer of tconv"):
        to_module(nn.Conv1d(2, 2, 3), {})


@pytest.mark.parametrize("dtype", [np.float64, ml_dtypes.bfloat16])
def test_a_module_has_its_parameters_dtype(dtype):
    layer = tconv.ConvTranspose1d(2, 3, 3)
    params = {"weight": np.ones((2, 3, 3), dtype), "bias": np.ones(3, dtype)}
    module = to_module(layer, params)
    assert str(module.weight.dtype) == f"torch.{np.dtype(dtype)}"
    _, back = from_module(module)
    assert {name: array.dtype for name, array in back.items()} == dict.fromkeys(params, dtype)


def test_a_layer_in_another_order_is_written_in_pytorchs():
    layer = tconv.ConvTranspose2d(2, 3, 4, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    rng = np.random.default_rng(0)
    shapes = {"weight": layer.weight_shape, "bias": (3,)}
    params = {n: rng.integers(-4, 5, shape).astype("f4") for n, shape in shapes.items()}
    x = rng.integers(-4, 5, (1, 5, 4, 2)).astype("f4")
    want = layer.apply(params, x).transpose(0, 3, 1, 2)
    got = to_module(layer, params)(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
    np.testing.assert_array_equal(got.detach().numpy(), want)
