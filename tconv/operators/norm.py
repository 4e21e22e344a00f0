"""The largest singular value: exact where Fourier modes are the singular vectors, otherwise by
power iteration.

A convolution of stride 1 that is circular on every axis and keeps the size multiplies each Fourier
mode by a matrix (out_channels, in_channels): the sum over the taps of ``w[:, :, t] *
exp(-2*pi*1j * f*t*dilation / size)``.  Its singular values are those of all these matrices.
Source: Sedghi, Gupta and Long, "The Singular Values of Convolutional Layers" (2019).

Power iteration multiplies a unit vector v by the normal operator G until ``|G v - s*s * v| <=
2 * tolerance * s*s`` with ``s = |A v|``.  G has then an eigenvalue within that distance of ``s*s``
(Parlett, "The Symmetric Eigenvalue Problem" (1998), theorem 4.5.1), so A a singular value within
``tolerance * s`` of s.  It is the largest one unless the start, which is random, has almost no
share in what belongs to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from math import prod
from typing import Any

import numpy as np

from tconv._core import dtypes
from tconv._core.arguments import Shape, fail, integer

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
    if is_circulant(operator):
        value = circulant_norm(w, operator.input_size, operator.dilation, operator.groups)
    else:
        value = power_norm(operator.of_weight(w), tolerance, max_iterations, seed)
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


def power_norm(operator: Any, tolerance: float, max_iterations: int, seed: int) -> Any:
    """The value by power iteration; its derivative is that of ``|A v|`` with v held fixed."""
    start, fixed, loop, on_jax = _normal, operator, _loop, None
    if not isinstance(operator.w, np.ndarray):
        on_jax = import_module("tconv.operators.on_jax")
        start, fixed, loop = on_jax.normal, on_jax.held_fixed(operator), on_jax.while_loop

    def advance(state: Any) -> Any:
        _, back, _, _, count = state
        return _measured(fixed, _unit(back), count + 1)

    def goes_on(state: Any) -> Any:
        _, _, square, residual, count = state
        return (residual > 2 * tolerance * square) & (count < max_iterations)

    first = _measured(fixed, _unit(start(seed, operator.dims, operator.dtype)), 1)
    v, _, square, residual, _ = loop(goes_on, advance, first)
    value, short = _length(operator.image_of(v)), residual > 2 * tolerance * square
    if on_jax:
        return on_jax.unless(short, value)
    if short:
        fail(
            "tolerance",
            None,
            f"a relative error of {tolerance} must be reached in max_iterations={max_iterations}",
            f"{value:.6g} with an error of up to {residual / (2 * square):.2g}",
            "Allow more iterations, or a larger error.",
        )
    return value


def _measured(operator: Any, v: Any, count: Any) -> tuple[Any, Any, Any, Any, Any]:
    """A unit vector v, G v, ``s*s``, ``|G v - s*s * v|``, and how many there have been."""
    image = operator.image_of(v)
    back = operator.H.image_of(image)
    square = _length(image) ** 2
    return v, back, square, _length(back - square.astype(v.dtype) * v), count


def _unit(x: Any) -> Any:
    return x / _length(x).astype(x.dtype)


def _length(x: Any) -> Any:
    return x.__array_namespace__().linalg.norm(x.reshape(-1))


def _normal(seed: int, shape: Shape, dtype: Any) -> Any:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape)
    if dtype.kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def _loop(goes_on: Callable[[Any], Any], advance: Callable[[Any], Any], state: Any) -> Any:
    while goes_on(state):
        state = advance(state)
    return state
