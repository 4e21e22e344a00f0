"""The largest singular value, exact where Fourier modes are the singular vectors.

A convolution of stride 1 that is circular on every axis and keeps the size multiplies each Fourier
mode by a matrix (out_channels, in_channels): the sum over the taps of ``w[:, :, t] *
exp(-2*pi*1j * f*t*dilation / size)``.  Its singular values are those of all these matrices.
Source: Sedghi, Gupta and Long, "The Singular Values of Convolutional Layers" (2019).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from tconv._core import dtypes
from tconv._core.arguments import Shape, fail, integer
from tconv.operators.iteration import largest_singular_value

# Elements of the matrices of Fourier modes that are held at a time.
MOST = 1 << 20


def norm(operator: Any, tolerance: float, max_iterations: int, seed: int) -> Any:
    """That of a ``Conv`` or ``ConvTranspose``: a float of a NumPy weight, else a JAX scalar."""
    if not 0 < tolerance < 1:
        remedy = "Give a relative error such as 1e-3."
        fail("tolerance", None, "must be above 0 and below 1", tolerance, remedy)
    if integer("max_iterations", max_iterations) < 1:
        fail("max_iterations", None, "must be at least 1", max_iterations, "Allow one or more.")
    w = _of_floats(operator.w)
    if 0 in operator.shape:
        value = w.__array_namespace__().zeros((), w.real.dtype)
    elif is_circulant(operator):
        value = circulant_norm(w, operator.input_size, operator.dilation, operator.groups)
    else:
        operator = operator.of_weight(w)
        value = largest_singular_value(operator, tolerance, max_iterations, seed)
    return float(value) if isinstance(w, np.ndarray) else value


def is_circulant(operator: Any) -> bool:
    """Whether every Fourier mode goes to a multiple of itself, in each pair of channels."""
    modes = operator.padding_mode
    circular = set(modes if isinstance(modes, tuple) else (modes,)) == {"circular"}
    same_size = bool(operator.output_size == operator.input_size)
    return circular and same_size and set(operator.stride) == {1}


def _of_floats(w: Any) -> Any:
    """The weight in a dtype that linear algebra knows."""
    if w.dtype.kind in "iu":
        return w.astype(w.__array_namespace__().result_type(float))
    return w.astype(dtypes.accumulator(w.dtype))


def circulant_norm(w: Any, size: Shape, dilation: Shape, groups: int) -> Any:
    """The exact value of a circular convolution of stride 1 that keeps the size."""
    library = w.__array_namespace__()
    complex_dtype = np.result_type(w.dtype, np.complex64)
    waves = [
        _waves(n, d, k).astype(complex_dtype)
        for n, d, k in zip(size, dilation, w.shape[2:], strict=True)
    ]
    if w.dtype.kind != "c":  # the mode of -f has the conjugate matrix
        waves[0] = waves[0][: size[0] // 2 + 1]
    matrices = w.astype(complex_dtype).reshape(groups, -1, *w.shape[1:], 1)
    largest = [_largest(library, block) for block in _blocks(library, matrices, waves)]
    return library.sqrt(library.max(library.stack(largest)))


def _waves(size: int, dilation: int, kernel_size: int) -> Any:
    """(frequencies, taps); whole turns are left out, so that no angle is large."""
    turns = np.arange(size)[:, None] * (np.arange(kernel_size) * dilation % size) % size
    return np.exp(-2j * np.pi * turns / size)


def _blocks(library: Any, matrices: Any, waves: Sequence[Any]) -> Iterator[Any]:
    """From (groups, first, second, *kernel_size, 1) to (groups, first, second, frequencies)."""
    if not waves:
        yield matrices
        return
    along, *rest = waves
    each = prod(matrices.shape[:3]) * matrices.shape[-1] * prod(len(wave) for wave in rest)
    step = max(1, MOST // max(each, 1))
    for start in range(0, len(along), step):
        part = library.tensordot(matrices, along[start : start + step], axes=((3,), (1,)))
        yield from _blocks(library, part.reshape(*part.shape[:-2], -1), rest)


def _largest(library: Any, block: Any) -> Any:
    """The largest squared singular value of a block of matrices."""
    matrices = library.moveaxis(block, 3, 1)
    adjoints = library.conj(matrices.swapaxes(-1, -2))
    first, second = matrices.shape[-2:]
    squares = matrices @ adjoints if first <= second else adjoints @ matrices
    if squares.shape[-1] == 1:
        return library.max(library.real(squares))
    return library.max(library.linalg.eigvalsh(squares))
