"""The installed library's own functions, on one backend and device, as the checks take them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

import tconv

METHODS = ("auto", "col2im", "dilated", "subpixel", "matrix")
_FORWARD = ("stride", "padding", "dilation", "groups", "precision")
_STATIC = (*_FORWARD, "output_padding", "method")
Function = Callable[..., Any]


@dataclass(frozen=True)
class Functions:
    """What is certified, and where it runs.

    ``confines_nan`` says whether a NaN in x reaches only what its taps lead to, ``compiles``
    whether each shape takes a compilation; ``note`` is shown below the table.
    """

    where: str
    conv_transpose: Callable[[str], Function]
    conv: Function
    vjp: Callable[[str], Function]
    confines_nan: bool
    compiles: bool
    note: str = ""


def functions(backend: str, device: str | None, dtypes: tuple[str, ...]) -> Functions:
    """The functions of a backend; ImportError, RuntimeError or ValueError if it is not there."""
    if backend == "jax":
        return _jax(device, dtypes)
    if device not in (None, "cpu"):
        raise ValueError(f"--device {device}: NumPy computes on the cpu. Add --backend jax.")

    def method(name: Any) -> Function:
        return lambda x, w, b=None, **keywords: tconv.conv_transpose(
            x, w, b, method=name, **keywords
        )

    vjps: dict[str, Function] = {"conv_transpose": tconv.conv_transpose_vjp, "conv": tconv.conv_vjp}
    return Functions("NumPy backend", method, tconv.conv, vjps.__getitem__, True, False)


def _jax(device: str | None, dtypes: tuple[str, ...]) -> Functions:
    try:
        jax = import_module("jax")
    except ImportError:
        raise ImportError("JAX is not installed: pip install 'tconv[jax]'") from None
    if any(name.endswith(("64", "128")) and name != "complex64" for name in dtypes):
        jax.config.update("jax_enable_x64", True)
    kind, _, number = (device or jax.default_backend()).partition(":")
    place = jax.devices(kind)[int(number or 0)]

    def put(values: Any) -> Any:
        return None if values is None else jax.device_put(np.asarray(values), place)

    # On a GPU or TPU float32 products are shortened unless the highest precision is asked for.
    transposed = jax.jit(tconv.conv_transpose, static_argnames=_STATIC)
    forward = jax.jit(tconv.conv, static_argnames=_FORWARD)
    pulled = {
        name: jax.jit(_gradients(function), static_argnames=_STATIC)
        for name, function in (
            ("conv_transpose", tconv.conv_transpose_vjp),
            ("conv", tconv.conv_vjp),
        )
    }

    def method(name: str) -> Function:
        return lambda x, w, b=None, **keywords: transposed(
            put(x), put(w), put(b), method=name, precision="highest", **keywords
        )

    def conv(x: Any, w: Any, b: Any = None, **keywords: Any) -> Any:
        return forward(put(x), put(w), put(b), precision="highest", **keywords)

    def vjp(name: str) -> Function:
        function = {"conv_transpose": method("auto"), "conv": conv}[name]

        def with_pullback(x: Any, w: Any, b: Any = None, **keywords: Any) -> Any:
            def pullback(dy: Any) -> Any:
                operands = put(x), put(w), put(b), put(dy)
                return pulled[name](*operands, precision="highest", **keywords)

            return function(x, w, b, **keywords), pullback

        return with_pullback

    note = "NaN and inf are not checked on JAX, where padded kernels multiply them by zeros."
    where = f"JAX {jax.__version__} backend on {place.platform} ({place.device_kind})"
    return Functions(where, method, conv, vjp, False, True, note)


def _gradients(function: Function) -> Function:
    def gradients(x: Any, w: Any, b: Any, dy: Any, **keywords: Any) -> Any:
        return function(x, w, b, **keywords)[1](dy)

    return gradients
