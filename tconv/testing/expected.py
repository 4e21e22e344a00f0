"""What a correct implementation returns for a problem, and how far from it rounding may lead."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.testing import reference
from tconv.testing.measures import error_bound
from tconv.testing.problems.problem import Problem, dtype_named

Array = NDArray[Any]


@dataclass(frozen=True)
class Expected:
    """One result: its exact value, each element's sum of absolute products, the longest sum."""

    value: Array
    scale: Array
    length: int
    dtype: str

    def allowed(self, atol: float | None, rtol: float | None, factor: float = 1.0) -> Array:
        """How far each element may be off: the derived bound, or atol + rtol * scale if given.

        ``factor`` counts how many results of at most this scale are added up.
        """
        if atol is not None or rtol is not None:
            return np.asarray(factor * ((atol or 0.0) + (rtol or 0.0) * self.scale))
        size = np.abs(self.value) if factor == 1 else self.scale
        return factor * error_bound(self.dtype, self.length, self.scale, size)

    def wrong(self, got: Array, atol: float | None, rtol: float | None) -> Array:
        """Where ``got`` is further off than allowed; integers must be equal."""
        if self.value.dtype == object:
            return np.asarray(got != wrapped(self.value, self.dtype))
        difference = np.abs(widened(got) - self.value)
        return np.asarray(~(difference <= self.allowed(atol, rtol)))


def expected_result(problem: Problem, x: Any, w: Any, b: Any) -> Expected:
    """The result of the convolution or transposed convolution that the problem is."""
    function = reference.conv_transpose if problem.transposed else reference.conv
    with np.errstate(all="ignore"):
        value = function(x, w, b, **problem.keywords)
        scale = function(*_absolute(x, w, b), **problem.keywords)
    return Expected(value, _floats(scale), problem.accumulation_length, problem.dtype)


def expected_cotangents(
    problem: Problem, x: Any, w: Any, b: Any, dy: Any
) -> dict[str, Expected | None]:
    """dx, dw and db for a cotangent dy of the result; db is None without a bias."""
    lengths = cotangent_lengths(problem)
    values = _cotangents(problem, x, w, b, dy)
    scales = _cotangents(problem, *_absolute(x, w, b), *_absolute(dy))
    return {
        name: None
        if values[name] is None
        else Expected(values[name], _floats(scales[name]), lengths[name], problem.dtype)
        for name in values
    }


def cotangent_lengths(problem: Problem) -> dict[str, int]:
    """The largest number of terms in one element of dx, dw and db."""
    batch = problem.batch or 1
    scattered = problem.input_size if problem.transposed else problem.output_size
    return {
        "dx": problem.out_channels // problem.groups * prod(problem.kernel_size),
        "dw": batch * prod(scattered),
        "db": batch * prod(problem.output_size),
    }


def _cotangents(problem: Problem, x: Any, w: Any, b: Any, dy: Any) -> dict[str, Any]:
    keywords = problem.partner_keywords
    if problem.transposed:
        # With output_padding >= stride a convolution of dy has more positions than x has.
        inside = tuple(slice(size) for size in problem.input_size)
        dx = reference.conv(dy, w, **keywords)[(..., *inside)]
        dw = reference.weight_gradient(x, dy, problem.kernel_size, **keywords)
    else:
        dx = reference.conv_transpose(dy, w, **keywords)
        dw = reference.weight_gradient(dy, x, problem.kernel_size, **keywords)
    db = None if b is None else reference.bias_gradient(dy[None] if problem.batch is None else dy)
    return {"dx": dx, "dw": dw, "db": db}


def wrapped(exact: Array, dtype: str) -> Array:
    """Exact integers reduced modulo 2**bits to a dtype, as overflow does.

    >>> wrapped(np.array([127, 128, 256], object), "int8")
    array([ 127, -128,    0], dtype=int8)
    """
    kind = dtype_named(dtype)
    mask = (1 << 8 * kind.itemsize) - 1
    unsigned = np.array([int(value) & mask for value in exact.ravel()], f"u{kind.itemsize}")
    return unsigned.view(kind).reshape(exact.shape)


def widened(values: Array) -> Any:
    """The values in float64, complex128, or as Python ints."""
    if values.dtype.kind in "iuO":
        return values.astype(object)
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def _absolute(*operands: Any) -> list[Any]:
    """Absolute values, without wrapping the most negative integer."""
    return [None if a is None else np.abs(widened(np.asarray(a))) for a in operands]


def _floats(scale: Array) -> Array:
    return scale.astype(np.float64)
