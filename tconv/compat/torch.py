"""PyTorch's parameters and layers taken to tconv and back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from tconv import layers
from tconv._core.arguments import fail, padding_pairs
from tconv._core.typing import AnyArray
from tconv.compat.crops import cropped, padded
from tconv.compat.own_layers import (
    Forward,
    Layer,
    Transposed,
    check_layer,
    parameters,
    parameters_as_torch,
)

if TYPE_CHECKING:
    import torch

Path = str | os.PathLike[str]
Parameters = dict[str, AnyArray]
_REMEDY = "Pad or crop with torch.nn.functional.pad beside a layer of padding=0."
_NAMES = tuple(f"{kind}{axes}d" for kind in ("ConvTranspose", "Conv") for axes in (1, 2, 3))


def from_state_dict(state: Mapping[str, Any], *, prefix: str = "") -> Parameters:
    """The entries of a PyTorch state dict as NumPy arrays, copied.

    Args:
        state: ``module.state_dict()``, or part of it.
        prefix: of the names to take, such as ``"decoder.up1."``, which is left off.  The
            parameters of a layer are ``"weight"`` and ``"bias"`` after it.

    Returns: NumPy arrays of the tensors' shapes and dtypes by name.

    Raises: ValueError where no name has the prefix; TypeError for bfloat16 where no package
        has brought it to NumPy.

    Source: ``torch.nn.Module.state_dict``; tconv's layers have its names and shapes.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.ConvTranspose2d(8, 4, 3))
    >>> params = from_state_dict(model.state_dict(), prefix="1.")
    >>> {name: array.shape for name, array in params.items()}
    {'weight': (8, 4, 3, 3), 'bias': (4,)}
    """
    names = _named("state", state, prefix)
    return {name.removeprefix(prefix): _to_numpy(name, state[name]) for name in names}


def to_state_dict(params: Mapping[str, Any], *, prefix: str = "") -> dict[str, torch.Tensor]:
    """Parameters as the entries of a PyTorch state dict, copied.

    Args:
        params: NumPy or JAX arrays by name.
        prefix: put before each name.

    Returns: tensors on the CPU, for ``module.load_state_dict``.

    Raises: TypeError for what PyTorch has no dtype for.

    Source: ``torch.nn.Module.load_state_dict``.

    >>> import numpy as np
    >>> to_state_dict({"bias": np.zeros(2)}, prefix="up.")
    {'up.bias': tensor([0., 0.], dtype=torch.float64)}
    """
    return {f"{prefix}{name}": _to_tensor(array) for name, array in params.items()}


def load_safetensors(path: Path, *, prefix: str = "") -> Parameters:
    """``from_state_dict`` of a safetensors file; PyTorch is not needed.

    Args:
        path: of the file.
        prefix: of the names to take, which is left off; others are not read.

    Returns: NumPy arrays by name.

    Raises: ValueError where no name has the prefix; ImportError without ``safetensors``.

    Source: the format and the package ``safetensors``.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    >>> save_safetensors(path, {"bias": np.ones(2), "weight": np.ones((1, 2, 3))}, prefix="up.")
    >>> {name: array.shape for name, array in load_safetensors(path, prefix="up.").items()}
    {'bias': (2,), 'weight': (1, 2, 3)}
    """
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        names = _named("path", file.keys(), prefix)
        for name in names:
            if file.get_slice(name).get_dtype() == "BF16":
                _bfloat16(name)
        return {name.removeprefix(prefix): file.get_tensor(name) for name in names}


def save_safetensors(path: Path, params: Mapping[str, Any], *, prefix: str = "") -> None:
    """Parameters as a safetensors file that PyTorch's users can load.

    Args:
        path: of the file.
        params: NumPy or JAX arrays by name.
        prefix: put before each name.

    Returns: nothing.

    Raises: ImportError without ``safetensors``.

    Source: the format and the package ``safetensors``.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
    ...     save_safetensors(file.name, {"bias": np.ones(2)}, prefix="up.")
    ...     load_safetensors(file.name)
    {'up.bias': array([1., 1.])}
    """
    from safetensors.numpy import save_file

    arrays = {name: np.ascontiguousarray(array) for name, array in params.items()}
    save_file({f"{prefix}{name}": array for name, array in arrays.items()}, path)


def from_module(module: torch.nn.Module) -> tuple[Layer, Parameters]:
    """The layer of tconv that a PyTorch layer is, and its parameters.

    Args:
        module: ``torch.nn.ConvTranspose1d/2d/3d`` or ``Conv1d/2d/3d``, weight-normalised and
            otherwise parametrised ones included.

    Returns: ``(layer, params)`` with ``layer.apply(params, x)`` equal to ``module(x)``; the
        parameters are copies.

    Raises: TypeError for another module.

    Source: ``torch.nn.ConvTranspose2d``, ``torch.nn.Conv2d``.

    >>> import torch
    >>> layer, params = from_module(torch.nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1))
    >>> layer
    ConvTranspose2d(8, 4, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
    """
    import torch

    kinds = {name: getattr(torch.nn, name) for name in _NAMES}
    name = next((name for name, kind in kinds.items() if isinstance(module, kind)), None)
    if name is None:
        raise TypeError(
            f"module: must be one of {', '.join(f'torch.nn.{name}' for name in _NAMES)}; got "
            f"{type(module).__module__}.{type(module).__qualname__}. Convert its layers one by "
            f"one, from module.named_modules()."
        )
    kind = getattr(layers, name)
    options = {key.name: getattr(module, key.name) for key in fields(kind) if not key.kw_only}
    layer = kind(**options | {"bias": module.bias is not None})
    given = {"weight": module.weight, "bias": module.bias}
    return layer, {key: _to_numpy(key, it) for key, it in given.items() if it is not None}


def to_module(layer: Layer, params: Mapping[str, Any]) -> torch.nn.Module:
    """The PyTorch layer that a layer of tconv is, with these parameters.

    Args:
        layer: ``ConvTranspose1d/2d/3d`` or ``Conv1d/2d/3d`` of tconv.
        params: its parameters, NumPy or JAX arrays; they are copied.

    Returns: the layer of ``torch.nn`` with the same name, on the CPU, in the parameters' dtype.

    Raises: ValueError for a padding, or a mode of it, that PyTorch's layer does not have, or
        parameters that are not the layer's; TypeError for what is no layer of tconv.

    Source: ``torch.nn.ConvTranspose2d``, ``torch.nn.Conv2d``.

    >>> import numpy as np
    >>> layer = layers.ConvTranspose2d(8, 4, 4, stride=2, padding=1)
    >>> to_module(layer, layer.init(np.random.default_rng(0)))
    ConvTranspose2d(8, 4, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
    """
    import torch

    check_layer(layer)
    weight, bias = parameters_as_torch(layer, params)
    options = {key.name: getattr(layer, key.name) for key in fields(layer) if not key.kw_only}
    if isinstance(layer, Transposed):
        options |= _transposed_padding(layer)
    else:
        options |= _forward_padding(layer)
    kind = getattr(torch.nn, type(layer).__name__)
    module: torch.nn.Module = kind(**options, dtype=_to_tensor(weight).dtype)
    given = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    module.load_state_dict(to_state_dict(given))
    return module


def _transposed_padding(layer: Transposed) -> dict[str, Any]:
    """One int an axis, and what the high side crops less than the low one as output padding."""
    if layer.padding_mode != "zeros":
        rule, got = "PyTorch's transposed layers fold nothing back", _mode_of(layer)
        fail("layer", None, rule, got, "Take torch.autograd of the Conv layer with this mode.")
    every = parameters(layer)
    if isinstance(layer.padding, str):
        pairs = tuple(one.same(layer.padding == "same_lower").padding for one in every)
    else:
        pairs = padding_pairs(layer.padding, layer.axes)
    pairs = cropped(padded(every, pairs))
    for one, (lo, hi) in zip(every, pairs, strict=True):
        if lo < 0 or not 0 <= lo - hi < one.output_padding_limit:
            rule = "PyTorch crops p >= 0 at the start and p - output_padding at the end"
            fail("layer", one.name, rule, f"padding={layer.padding!r}", _REMEDY)
    return {
        "padding": tuple(lo for lo, _ in pairs),
        "output_padding": tuple(lo - hi for lo, hi in pairs),
    }


def _forward_padding(layer: Forward) -> dict[str, Any]:
    """One int an axis, or the strings that PyTorch has."""
    if not isinstance(layer.padding_mode, str):
        rule = "PyTorch has one padding_mode for all axes"
        fail("layer", None, rule, _mode_of(layer), _REMEDY)
    given: Any = layer.padding
    every = parameters(layer)
    if given == "same_lower" and all(one.extent % 2 for one in every):
        given = "same"  # nothing odd to put at either side
    if given == "valid" or (given == "same" and all(one.stride == 1 for one in every)):
        return {"padding": given}
    if isinstance(given, str):
        rule = "PyTorch has 'same' with stride 1 alone, and the odd one at the end"
        fail("layer", None, rule, f"padding={given!r}, stride={layer.stride}", _REMEDY)
    pairs = padding_pairs(given, layer.axes)
    for axis, (lo, hi) in enumerate(pairs):
        if lo < 0 or lo != hi:
            rule = "PyTorch pads both sides by the same p >= 0"
            fail("layer", axis, rule, f"padding={given!r}", _REMEDY)
    return {"padding": tuple(lo for lo, _ in pairs)}


def _mode_of(layer: Layer) -> str:
    return f"padding_mode={layer.padding_mode!r}"


def _named(argument: str, names: Iterable[str], prefix: str) -> list[str]:
    """The names with this prefix."""
    found = [name for name in names if name.startswith(prefix)]
    if not found:
        rule = f"must hold names that begin with prefix={prefix!r}"
        first = ", ".join(map(repr, list(names)[:8])) or "no name"
        fail(argument, None, rule, first, "Take the prefix from the names, its dot included.")
    return found


def _to_numpy(name: str, tensor: Any) -> AnyArray:
    """A copy of a tensor, wherever it lies."""
    import torch

    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype != torch.bfloat16:
        return np.array(tensor.numpy())
    return np.array(tensor.view(torch.int16).numpy()).view(_bfloat16(name))


def _to_tensor(array: Any) -> torch.Tensor:
    """A copy of an array."""
    import torch

    array = np.array(array)
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def _bfloat16(name: str) -> np.dtype[Any]:
    """NumPy's bfloat16, which another package brings to it."""
    try:
        return np.dtype("bfloat16")
    except TypeError:
        raise TypeError(
            f"{name}: NumPy has a bfloat16 only once ml_dtypes is imported; got a bfloat16 "
            f"tensor. Import jax or ml_dtypes, or convert the tensor with tensor.float()."
        ) from None
