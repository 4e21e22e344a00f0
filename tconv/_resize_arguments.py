"""The arguments of ``interpolate``, checked and brought to one entry a spatial axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, inf
from numbers import Real
from typing import Any

from tconv._arguments import Shape, fail, is_known, per_axis
from tconv._dtypes import kind
from tconv._typing import Ints

Scales = float | Sequence[float]
_AXES = {"nearest": (1, 2, 3), "linear": (1,), "bilinear": (2,), "trilinear": (3,), "bicubic": (2,)}


def check_mode(mode: str, ndim: int, align_corners: bool, antialias: bool) -> None:
    """Refuse a mode that does not fit the array or the options."""
    if mode not in _AXES:
        accepted = ", ".join(repr(name) for name in _AXES)
        fail("mode", None, f"must be one of {accepted}", repr(mode), "Choose one of these.")
    if ndim - 2 not in _AXES[mode]:
        fitting = [name for name, axes in _AXES.items() if ndim - 2 in axes]
        fail(
            "mode",
            None,
            f"{mode!r} resizes (batch, channels, *spatial) with "
            f"{' or '.join(map(str, _AXES[mode]))} spatial axes",
            f"x of {ndim} axes",
            f"For this x choose one of {fitting}." if fitting else "Reshape x.",
        )
    if align_corners and mode == "nearest":
        fail(
            "align_corners",
            None,
            "'nearest' has no corners to align",
            align_corners,
            "Leave it out, or choose a linear or cubic mode.",
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        fail(
            "antialias",
            None,
            "is for 'bilinear' and 'bicubic' alone",
            f"antialias={antialias}, mode={mode!r}",
            "Leave it out, or choose one of these modes.",
        )


def check_dtype(mode: str, dtype: Any) -> None:
    """Refuse a dtype that PyTorch does not interpolate in this mode."""
    fixed_point = mode in ("bilinear", "bicubic") and dtype.name == "uint8"
    if mode != "nearest" and kind(dtype) != "f" and not fixed_point:
        raise TypeError(
            f"x: {mode!r} interpolates floats, and 'bilinear' and 'bicubic' uint8; got {dtype}. "
            f"Convert it with astype."
        )


def targets(
    spatial: Shape, size: Ints | None, scale_factor: Scales | None
) -> tuple[Shape, tuple[float | None, ...]]:
    """The output sizes, and the scales where these were given."""
    if (size is None) == (scale_factor is None):
        fail(
            "size",
            None,
            "exactly one of size and scale_factor must be given",
            f"size={size}, scale_factor={scale_factor}",
            "Give the size wanted or the factor, not both.",
        )
    for axis, n in enumerate(spatial):
        if not is_known(n):
            fail(
                "x",
                axis,
                "an axis that is resized must have a known size",
                f"size {n}",
                "Leave only the batch and the channels symbolic.",
            )
    scales: tuple[float | None, ...] = (None,) * len(spatial)
    if scale_factor is None:
        sizes = per_axis("size", size, len(spatial))
    else:
        factors = _factors(scale_factor, len(spatial))
        sizes = tuple(floor(n * factor) for n, factor in zip(spatial, factors, strict=True))
        scales = factors
    for axis, wanted in enumerate(sizes):
        if wanted < 1:
            fail(
                "size" if scale_factor is None else "scale_factor",
                axis,
                "the output size must be at least 1",
                f"{wanted} from input size {spatial[axis]}",
                "Choose a larger one.",
            )
    return sizes, scales


def _factors(scale_factor: Any, axes: int) -> tuple[float, ...]:
    several = isinstance(scale_factor, tuple | list)
    entries = tuple(scale_factor) if several else (scale_factor,) * axes
    if len(entries) != axes:
        fail(
            "scale_factor",
            None,
            f"must be one number, or one for each of the {axes} spatial axes",
            f"{len(entries)} values {entries!r}",
            f"Give a number or a tuple of {axes}.",
        )
    for axis, entry in enumerate(entries):
        if isinstance(entry, bool) or not isinstance(entry, Real):
            raise TypeError(
                f"scale_factor: must be made of Python numbers; got {entry!r} of type "
                f"{type(entry).__name__}. Convert it with float(); under jax.jit it must be static."
            )
        if not (0 < float(entry) < inf):
            fail(
                "scale_factor", axis, "must be above 0 and finite", entry, "Give the ratio wanted."
            )
    return tuple(float(entry) for entry in entries)
