"""The layers that are timed, each a transposed convolution of a published network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Layer:
    """One transposed convolution; the ints ``kernel`` to ``dilation`` hold for every axis."""

    name: str
    source: str
    batch: int
    in_channels: int
    out_channels: int
    spatial: tuple[int, ...]
    kernel: int
    stride: int = 1
    padding: int = 0
    output_padding: int = 0
    dilation: int = 1
    groups: int = 1

    @property
    def x_shape(self) -> tuple[int, ...]:
        """(batch, in_channels, *spatial)."""
        return (self.batch, self.in_channels, *self.spatial)

    @property
    def w_shape(self) -> tuple[int, ...]:
        """(in_channels, out_channels // groups, *kernel)."""
        kernel = (self.kernel,) * len(self.spatial)
        return (self.in_channels, self.out_channels // self.groups, *kernel)

    @property
    def y_shape(self) -> tuple[int, ...]:
        """(batch, out_channels, *spatial) of the result."""
        crop = self.dilation * (self.kernel - 1) + 1 - 2 * self.padding + self.output_padding
        return (
            self.batch,
            self.out_channels,
            *((size - 1) * self.stride + crop for size in self.spatial),
        )

    @property
    def multiply_adds(self) -> int:
        """Products of one forward pass, those that land in the cropped border included."""
        return self.batch * prod(self.spatial) * prod(self.w_shape)

    @property
    def parameters(self) -> dict[str, Any]:
        """The keyword arguments of ``tconv.conv_transpose`` and of PyTorch's."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }


def load(names: str | None = None) -> list[Layer]:
    """All layers, or those whose name contains one of the comma-separated parts."""
    records = json.loads(Path(__file__).with_name("layers.json").read_text())
    layers = [Layer(**(record | {"spatial": tuple(record["spatial"])})) for record in records]
    if names is None:
        return layers
    parts = names.split(",")
    found = [layer for layer in layers if any(part in layer.name for part in parts)]
    if not found:
        known = ", ".join(layer.name for layer in layers)
        raise SystemExit(f"--layers: no layer has {names!r} in its name; there are {known}")
    return found
