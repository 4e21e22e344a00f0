"""The largest singular value: exact where Fourier modes are the singular vectors, otherwise by
power iteration.

A convolution of stride 1 that is circular on every axis and keeps the size multiplies each Fourier
mode by a matrix (out_channels, in_channels): the sum over the taps of ``w[:, :, t] *
exp(-2*pi*1j * f*t*dilation / size)``.  Its singular values are those of all these matrices.
Source: Sedghi, Gupta and Long, "The Singular Values of Convolutional Layers" (2019).

Power iteration would multiply a vector by the normal operator G again and again; this one goes at
each step to the best vector in the span of v, G v and the step before, with which the error falls
with the square of the number of steps.  Source: Knyazev, "Toward the Optimal Preconditioned
Eigensolver" (2001), section 4, without a preconditioner.  It ends when ``|G v - s*s * v| <=
2 * tolerance * s*s`` with ``s = |A v|``: G has then an eigenvalue within that distance of ``s*s``
(Parlett, "The Symmetric Eigenvalue Problem" (1998), theorem 4.5.1), so A a singular value within
``tolerance * s`` of s.  It is the largest one unless the start, which is random, has almost no
share in what belongs to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from math import prod, sqrt
from typing import Any, NamedTuple

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
    """The value by iteration; its derivative is that of ``|A v|`` with v held fixed."""
    start, fixed, loop, on_jax = _normal, operator, _loop, None
    if not isinstance(operator.w, np.ndarray):
        on_jax = import_module("tconv.operators.on_jax")
        start, fixed, loop = on_jax.normal, on_jax.held_fixed(operator), on_jax.while_loop

    def gram(v: Any) -> Any:
        return fixed.H.image_of(fixed.image_of(v))

    def advance(state: _State) -> _State:
        return _advanced(gram, state)

    def goes_on(state: _State) -> Any:
        return (state.residual > 2 * tolerance * state.square) & (state.count < max_iterations)

    v = _unit(start(seed, operator.dims, operator.dtype))
    still = v.__array_namespace__().zeros_like(v)
    last = loop(goes_on, advance, _measured(v, gram(v), still, still, 1))
    value, short = _length(operator.image_of(last.v)), goes_on(last._replace(count=0))
    if on_jax:
        return on_jax.unless(short, value)
    if short:
        fail(
            "tolerance",
            None,
            f"a relative error of {tolerance} must be reached in max_iterations={max_iterations}",
            f"{value:.6g} with an error of up to {last.residual / (2 * last.square):.2g}",
            "Allow more iterations, or a larger error.",
        )
    return value


class _State(NamedTuple):
    """A unit vector, the step that led to it, G of both, ``s*s`` and ``|G v - s*s * v|``."""

    v: Any
    gram_v: Any
    step: Any
    gram_step: Any
    square: Any
    residual: Any
    count: Any


def _measured(v: Any, gram_v: Any, step: Any, gram_step: Any, count: Any) -> _State:
    square = _product(v, gram_v)
    residual = _length(gram_v - square * v)
    return _State(v, gram_v, step, gram_step, square.real, residual, count)


def _advanced(gram: Callable[[Any], Any], state: _State) -> _State:
    """The vector of the largest ``s*s`` in the span of v, of its residual and of the last step."""
    v, gram_v, step, gram_step, *_, count = state
    library = v.__array_namespace__()
    residual = _unit(gram_v - _product(v, gram_v) * v)
    gram_residual = gram(residual)
    before = _length(step)
    for other, image in ((v, gram_v), (residual, gram_residual)):
        share = _product(other, step)
        step, gram_step = step - share * other, gram_step - share * image
    left = _length(step)
    # Of a step along the other two rounding errors are left, which are no direction.
    inverse = library.where(left > before * _lost(v.dtype), 1 / library.where(left > 0, left, 1), 0)
    step, gram_step = step * inverse.astype(v.dtype), gram_step * inverse.astype(v.dtype)
    images = (gram_v, gram_residual, gram_step)
    products = [_product(a, b) for a in (v, residual, step) for b in images]
    shares = library.linalg.eigh(library.stack(products).reshape(3, 3))[1][:, -1]
    step = shares[1] * residual + shares[2] * step
    gram_step = shares[1] * gram_residual + shares[2] * gram_step
    v, gram_v = shares[0] * v + step, shares[0] * gram_v + gram_step
    size = _length(v).astype(v.dtype)
    return _measured(v / size, gram_v / size, step, gram_step, count + 1)


def _lost(dtype: Any) -> float:
    return sqrt(np.finfo(dtype).eps)


def _product(x: Any, y: Any) -> Any:
    return x.__array_namespace__().vdot(x, y)


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
