"""``torch.nn.functional.conv_transpose1d``, ``2d`` and ``3d``: the same padding at both sides."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tconv.testing.frameworks.arrays.torch import on_numpy, vjp
from tconv.testing.frameworks.framework import Framework
from tconv.testing.problems.supports import Supports


def framework(name: str) -> Framework:
    """``torch``."""
    return Framework(
        packages=("torch",),
        conv_transpose=on_numpy(conv_transpose),
        supports=Supports("symmetric"),
        vjp=vjp(conv_transpose),
    )


def conv_transpose(
    x: Any,
    w: Any,
    b: Any,
    *,
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    """The function of so many axes."""
    functional = import_module("torch.nn.functional")
    function = getattr(functional, f"conv_transpose{len(stride)}d")
    return function(x, w, b, stride, padding, output_padding, groups, dilation)
