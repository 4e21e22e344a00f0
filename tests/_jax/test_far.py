"""Parameters far beyond what XLA holds, where the result is small."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tconv
from tconv._core.plan import conv_transpose_call
from tests.support.definition import maps

FAR = [2**31 + 7, 2**32, 2**62, 2**70]
CASES: list[Any] = [
    *({"padding": ((-far, far),)} for far in FAR),  # zeros alone
    *({"padding": ((far, -far),), "stride": 2} for far in FAR),
    *({"padding": ((1, 2 * far - 2),), "stride": far} for far in FAR),  # one input of three
    *({"padding": ((far - 2, far - 2),), "stride": far} for far in FAR),
    *({"padding": ((far - 1, 3),), "stride": 2, "dilation": far} for far in FAR),  # one tap
    *(
        {"padding": ((far - 1, 2 * far - 1),), "stride": far, "dilation": far - 1}  # side by side
        for far in FAR
    ),
]


WIDE: list[Any] = [
    {"stride": 10**6, "dilation": 10**6 - 1},
    {"stride": 10**6, "dilation": 3, "padding": ((-3, 10**6),)},
]


@pytest.mark.parametrize("method", ["auto", "col2im", "subpixel"])
@pytest.mark.parametrize("options", WIDE, ids=str)
def test_strides_of_a_million(options: Any, method: str) -> None:
    """The program has as many parts as there are taps, not phases."""
    x, w = np.arange(1.0, 7).reshape(1, 2, 3), np.arange(1.0, 13).reshape(2, 3, 2)

    def apply(x: Any, w: Any) -> Any:
        return tconv.conv_transpose(x, w, method=method, **options)

    lowered = jax.jit(apply).lower(jax.device_put(x), w)
    assert lowered.as_text().count("\n") < 100
    np.testing.assert_array_equal(lowered.compile()(x, w), apply(x, w))


@pytest.mark.parametrize("method", ["auto", "col2im", "dilated", "matrix", "subpixel"])
@pytest.mark.parametrize("options", CASES, ids=str)
def test_values_and_gradients(options: Any, method: str) -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-4, 5, shape).astype(float) for shape in ((1, 2, 3), (2, 3, 2)))
    plan = conv_transpose_call(x.shape, w.shape, **options).plan
    assert max(plan.y_shape) < 10
    y = rng.integers(-4, 5, plan.y_shape).astype(float)
    want = maps(plan, x, w, y)

    def apply(x: Any, w: Any) -> Any:
        return tconv.conv_transpose(x, w, method=method, **options)

    got, pullback = jax.vjp(apply, jnp.asarray(x), w)
    for mine, theirs in zip((got, *pullback(jnp.asarray(y))), want, strict=True):
        np.testing.assert_array_equal(mine, theirs)
