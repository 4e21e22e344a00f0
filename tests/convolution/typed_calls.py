"""What a type checker must infer and refuse where NumPy is all there is.

mypy reads this file along with the package (pyproject.toml), and again where JAX is not installed;
nothing runs it.  A call that must be refused carries an ignore, which is an error where it is idle.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import tconv


def numpy_in_numpy_out(x: NDArray[np.float32], w: NDArray[np.float32]) -> None:
    """Every function of NumPy arrays."""
    assert_type(tconv.conv_transpose(x, w, stride=2, padding=((1, 0),)), NDArray[Any])
    assert_type(tconv.conv_transpose(x, w, stride=np.array([2, 3])), NDArray[Any])
    assert_type(tconv.conv_transpose(x, w, method="col2im", padding="same_lower"), NDArray[Any])
    assert_type(tconv.conv(x, w, None, padding="same"), NDArray[Any])
    assert_type(tconv.conv_transpose1d(x, w, None, 2, 1, 0, 1, 1), NDArray[Any])
    assert_type(tconv.conv1d(x, w), NDArray[Any])
    y, pullback = tconv.conv_transpose_vjp(x, w)
    assert_type(y, NDArray[Any])
    dx, dw, db = pullback(y)
    assert_type(dx, NDArray[Any])
    assert_type(dw, NDArray[Any])
    assert_type(db, NDArray[Any] | None)
    assert_type(tconv.im2col(x, 3), NDArray[Any])
    assert_type(tconv.col2im(x, (5,), 3), NDArray[Any])
    assert_type(tconv.fractional_stride(x, 2), NDArray[Any])
    assert_type(tconv.interpolate(x, size=2, mode="bicubic"), NDArray[Any])
    assert_type(tconv.resize_conv(x, w, scale_factor=2), NDArray[Any])
    assert_type(tconv.pixel_shuffle(x, 2), NDArray[Any])
    assert_type(tconv.subpixel_conv(x, w, stride=2, kernel_size=4), NDArray[Any])


def layers(x: NDArray[np.float32]) -> None:
    """A layer is of its own class, its result an array like its input."""
    layer = tconv.ConvTranspose2d(2, 3, kernel_size=4, stride=2, padding="same")
    assert_type(layer, tconv.ConvTranspose2d)
    assert_type(layer.apply(layer.init(np.random.default_rng()), x), NDArray[Any])


def sizes() -> None:
    """Tuples of ints."""
    assert_type(tconv.conv_output_size(5, 3), tuple[int, ...])
    assert_type(tconv.conv_transpose_output_size((5, 5), 3), tuple[int, ...])
    assert_type(tconv.output_padding_for(5, 3, 3), tuple[int, ...])


def refused(x: NDArray[np.float32], w: NDArray[np.float32]) -> None:
    """What is no array, and words that no argument knows."""
    tconv.conv_transpose([[1.0]], w)  # type: ignore[arg-type]
    tconv.conv_transpose(x, 1.0)  # type: ignore[arg-type]
    tconv.conv([[1.0]], w)  # type: ignore[arg-type]
    tconv.conv_transpose_vjp(x, w)[1]([[1.0]])  # type: ignore[arg-type]
    tconv.im2col([[1.0]], 3)  # type: ignore[arg-type]
    tconv.interpolate([[1.0]], size=2)  # type: ignore[arg-type]
    tconv.conv_transpose(x, w, method="fast")  # type: ignore[arg-type]
    tconv.conv_transpose(x, w, padding="valid")  # type: ignore[arg-type]
    tconv.conv(x, w, padding="full")  # type: ignore[arg-type]
    tconv.interpolate(x, size=2, mode="cubic")  # type: ignore[arg-type]
    tconv.ConvTranspose1d(2, 3, 4, padding="valid")  # type: ignore[arg-type]
    tconv.conv_transpose(x, w, stride=2.0)  # type: ignore[arg-type]
    tconv.conv_transpose(x, w, 2, 1)  # type: ignore[arg-type, call-arg]
