"""The colours of every view: x blue, w orange, y green, products violet; paler where at rest."""

from __future__ import annotations

from collections.abc import Sequence
from colorsys import hls_to_rgb

X, X_FOCUS = "#dce9f6", "#8fbce6"
W, W_FOCUS = "#fbe5cd", "#f5b26b"
Y, Y_FOCUS = "#ddefd9", "#8fcb86"
PRODUCT, PRODUCT_FOCUS = "#e9e3f4", "#bba8e0"
BLANK, ZERO, OUTSIDE = "#ffffff", "#efefef", "#e3e3e3"  # nothing yet; inserted; cropped
EDGE, INK, FAINT = "#9a9a9a", "#1f1f1f", "#8a8a8a"
CROP, KERNEL, FOCUS = "#b3261e", "#c8690a", "#1f1f1f"  # frames

_HUES = (0.58, 0.09, 0.34, 0.76, 0.50, 0.93, 0.15)


def phase_colour(phase: Sequence[int], strides: Sequence[int]) -> str:
    """A colour for a phase, one number an axis: the last axis sets how deep it is, the others
    its hue; on one axis the phase sets the hue."""
    *leading, last = phase if len(phase) > 1 else (*phase, 0)
    number = 0
    for one, stride in zip(leading, strides, strict=False):
        number = number * stride + one
    lightness = 0.89 - 0.19 * (last / max(strides[-1] - 1, 1))
    red, green, blue = hls_to_rgb(_HUES[number % len(_HUES)], lightness, 0.72)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"
