"""Implementations that are right but where a condition holds: a size, a corner, a tile's rest."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd
from typing import Any

from tconv.convolution import conv_transpose
from tconv.testing.mutants.mutant import Array, Function, Mutant, extents, mutant, pairs_of
from tconv.testing.problems.problem import Geometry

Call = Callable[[Array, Array, dict[str, Any]], Any]


def doubled(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """Every element is twice what it should be."""
    return conv_transpose(2 * x, w, None if b is None else 2 * b, **kw)


def wrong_where(
    name: str, condition: Call, mistake: str, source: str = "", wrong: Function = doubled
) -> Mutant:
    """The mutant that computes as ``wrong`` does where the condition of (x, w, keywords) holds."""

    def fn(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
        result: Array = (wrong if condition(x, w, kw) else conv_transpose)(x, w, b, **kw)
        return result

    fn.__name__, fn.__doc__ = name, mistake
    return mutant(fn, source)


def on_an_axis(condition: Callable[[Geometry], bool]) -> Call:
    """Whether the condition holds for an axis of a call."""

    def holds(x: Array, w: Array, kw: dict[str, Any]) -> bool:
        axes = zip(
            x.shape[2:], w.shape[2:], kw["stride"], pairs_of(kw["padding"]),
            kw["output_padding"], kw["dilation"], strict=True,
        )  # fmt: skip
        return any(condition(Geometry(*axis)) for axis in axes)

    return holds


def corner(name: str, condition: Callable[[Geometry], bool]) -> Mutant:
    """The mutant that is wrong where an axis has the corner of this name."""
    return wrong_where(f"wrong at {name}", on_an_axis(condition), f"Wrong where there is {name}.")


def above(name: str, bound: int, size: Call, source: str = "") -> Mutant:
    """The mutant that is wrong where a size is above a bound, as past a first tile."""
    return wrong_where(
        f"wrong above {name} {bound}",
        lambda x, w, kw: size(x, w, kw) > bound,
        f"Wrong where the {name} is above {bound}.",
        source,
    )


def rest_of_16_left_out(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """Past a first tile of 16 outputs, a rest that fills no tile is left out."""
    y = conv_transpose(x, w, b, **kw)
    rest = y.shape[-1] % 16
    if y.shape[-1] > 16 and rest:
        y[..., -rest:] = 0
    return y


def first_row_of_each_tile_wrong(x: Array, w: Array, b: Array | None = None, **kw: Any) -> Array:
    """The first row of every tile of 8 but the first lacks what the tile before it adds."""
    y = conv_transpose(x, w, b, **kw)
    y[:, :, 8::8] *= 0.5
    return y


def rest_of_4_output_channels_left_out(
    x: Array, w: Array, b: Array | None = None, **kw: Any
) -> Array:
    """Past a first vector of 4 output channels, a rest that fills none is left out."""
    y = conv_transpose(x, w, b, **kw)
    if y.shape[1] > 4 and y.shape[1] % 4:
        y[:, y.shape[1] - y.shape[1] % 4 :] = 0
    return y


def _extent(axis: Geometry) -> int:
    return axis.dilation * (axis.kernel_size - 1) + 1


def _padding(x: Array, w: Array, kw: dict[str, Any]) -> int:
    return max(map(max, pairs_of(kw["padding"])))


SIZES = (
    corner("output padding of the stride or more", lambda a: a.output_padding >= a.stride),
    corner("a stride above the kernel", lambda a: a.stride > _extent(a)),
    corner("padding deeper than the kernel", lambda a: max(a.padding) >= _extent(a)),
    corner("an input of size 1", lambda a: a.input_size == 1),
    corner("a kernel of size 1", lambda a: a.kernel_size == 1),
    corner("a common factor of stride and dilation", lambda a: gcd(a.stride, a.dilation) > 1),
    corner("negative padding", lambda a: min(a.padding) < 0),
    above("batch", 3, lambda x, w, kw: x.shape[0]),
    above("groups", 3, lambda x, w, kw: kw["groups"]),
    above("in_channels of a group", 4, lambda x, w, kw: w.shape[0] // kw["groups"]),
    above("out_channels of a group", 4, lambda x, w, kw: w.shape[1]),
    above("in_channels", 12, lambda x, w, kw: x.shape[1]),
    above("in_channels", 128, lambda x, w, kw: x.shape[1]),
    above("kernel_size", 8, lambda x, w, kw: max(w.shape[2:])),
    above("kernel_size", 64, lambda x, w, kw: max(w.shape[2:])),
    above("stride", 8, lambda x, w, kw: max(kw["stride"])),
    above("stride", 64, lambda x, w, kw: max(kw["stride"])),
    above("dilation", 6, lambda x, w, kw: max(kw["dilation"])),
    above("dilation", 64, lambda x, w, kw: max(kw["dilation"])),
    *(above("input_size", n, lambda x, w, kw: max(x.shape[2:])) for n in (10, 16, 64)),
    above(
        "input_size", 128, lambda x, w, kw: max(x.shape[2:]), "ARM-software/ComputeLibrary#749"
    ),
    above("padding", 32, _padding),
    above(
        "kernel_size and stride", 8,
        lambda x, w, kw: max(map(min, zip(w.shape[2:], kw["stride"], strict=True))),
    ),
    above(
        "input_size and out_channels of a group", 16,
        lambda x, w, kw: min(max(x.shape[2:]), w.shape[1]),
    ),
    above(
        "kernel's extent", 40, lambda x, w, kw: max(extents(w, kw["dilation"])),
    ),
    mutant(rest_of_16_left_out),
    mutant(first_row_of_each_tile_wrong),
    mutant(rest_of_4_output_channels_left_out),
)  # fmt: skip
