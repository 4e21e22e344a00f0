"""Pictures that the examples save: grids of images, and curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image


def tile(images: Any, columns: int, gap: int = 1) -> Any:
    """Images (batch, 1, height, width) side by side, ``columns`` to a row, as one array."""
    images = np.asarray(images)[:, 0]
    rows = -(-len(images) // columns)
    height, width = images.shape[1:]
    sheet = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap), images.dtype)
    for index, image in enumerate(images):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def save_grid(path: Path, images: Any, columns: int, magnify: int = 6) -> None:
    """Write images with values in [0, 1] as a grid in a PNG, each pixel ``magnify`` wide."""
    levels = np.rint(255 * np.clip(tile(images, columns), 0, 1)).astype(np.uint8)
    magnified = levels.repeat(magnify, axis=0).repeat(magnify, axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(magnified).save(path, optimize=True)


def show_grid(axes: Any, images: Any, columns: int, title: str) -> None:
    """Draw a grid of images in [0, 1] into the axes of a figure."""
    axes.imshow(tile(images, columns), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(title)
    axes.axis("off")


def show_curves(axes: Any, curves: dict[str, Any], x: str, y: str) -> None:
    """Draw named series over their index, counted from 1."""
    for name, values in curves.items():
        axes.plot(np.arange(1, len(values) + 1), values, label=name, linewidth=1.2)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    axes.legend()


def save(figure: Figure, path: Path, dpi: int = 80) -> None:
    """Write a figure, and the folder it belongs in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi)
