"""However the operands lie in memory: the same values, and nothing written to them."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

import tconv
from tests.support.computing import METHODS

RNG = np.random.default_rng(0)
X, W, B = (
    RNG.integers(-9, 10, shape).astype(np.float32) for shape in ((2, 4, 5, 6), (4, 2, 3, 2), 4)
)
NAMED = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}


def in_a_larger_one(array: np.ndarray) -> np.ndarray:
    larger = np.full([2 * n + 1 for n in array.shape], np.nan, array.dtype)
    inner = larger[tuple(slice(1, None, 2) for _ in array.shape)]
    inner[...] = array
    return inner


def unaligned(array: np.ndarray) -> np.ndarray:
    shifted = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    shifted[...] = array
    return shifted


def read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def reversed_in_memory(array: np.ndarray) -> np.ndarray:
    back = (slice(None, None, -1),) * array.ndim
    return array[back].copy()[back]


def channels_last_in_memory(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1) if array.ndim > 1 else array


ORDERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "fortran": np.asfortranarray,
    "reversed": reversed_in_memory,
    "strided": in_a_larger_one,
    "channels last": channels_last_in_memory,
    "read-only": read_only,
    "unaligned": unaligned,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
}


def everything(x, w, b, method="auto"):
    """Each public function of arrays, and each pullback, on these operands."""
    y, pullback = tconv.conv_transpose_vjp(x, w, b, method=method, **NAMED)
    v, back = tconv.conv_vjp(x, w[:, :2], b, **NAMED)
    columns = tconv.im2col(x, (3, 2), stride=2, padding=1)
    return {
        "conv_transpose": tconv.conv_transpose(x, w, b, method=method, **NAMED),
        "conv_transpose_vjp": y,
        **dict(zip(("dx", "dw", "db"), pullback(y), strict=True)),
        "conv": v,
        **dict(zip(("conv dx", "conv dw", "conv db"), back(v), strict=True)),
        "im2col": columns,
        "im2col of one tap": tconv.im2col(x, 1),
        "col2im": tconv.col2im(columns, (5, 6), (3, 2), stride=2, padding=1),
        "col2im of one tap": tconv.col2im(x.reshape(2, 4, 30), (5, 6), 1),
        "fractional_stride": tconv.fractional_stride(x, 2),
        "fractional_stride of 1": tconv.fractional_stride(x, 1),
        "conv_matrix": tconv.conv_matrix(w, (5, 6), groups=2),
    }


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("order", ORDERS)
def test_same_values_in_any_memory_order(order, method):
    operands = [ORDERS[order](array) for array in (X, W, B)]
    for moved, array in zip(operands, (X, W, B), strict=True):
        np.testing.assert_array_equal(moved, array)
    wanted = everything(X, W, B, method)
    for name, result in everything(*operands, method).items():
        native = result.astype(result.dtype.newbyteorder("="))
        np.testing.assert_array_equal(native, wanted[name], f"{name} of {order}", strict=True)


@pytest.mark.parametrize("method", METHODS)
def test_inputs_stay_as_they_are(method):
    operands = X.copy(), W.copy(), B.copy()
    everything(*operands, method)
    for operand, array in zip(operands, (X, W, B), strict=True):
        np.testing.assert_array_equal(operand, array)


POINTWISE = [
    {"stride": 1},
    {"stride": 2},
    {"stride": 1, "padding": 1},
    {"stride": 1, "groups": 4},
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("named", POINTWISE)
def test_results_are_the_callers_own(named, method):
    """No result shares memory with an operand, even where it equals one; all can be written."""
    x = np.ones((1, 4, 4, 4), np.float32)
    w = np.ones((4, 4 // named.get("groups", 1), 1, 1), np.float32)
    y, pullback = tconv.conv_transpose_vjp(x, w, method=method, **named)
    v, back = tconv.conv_vjp(x, w, **named)
    dy, dv = y.copy(), v.copy()
    results = [y, v, *pullback(dy)[:2], *back(dv)[:2], *everything(X, W, B, method).values()]
    for result in results:
        assert result.flags.writeable
        assert not any(np.shares_memory(result, a) for a in (x, w, dy, dv, X, W, B))


@pytest.mark.parametrize("method", METHODS)
def test_broadcast_views_and_overlapping_windows(method):
    x = np.broadcast_to(np.float32(2), (2, 3, 4))
    w = np.lib.stride_tricks.sliding_window_view(np.arange(16, dtype=np.float32), (6,))[:9].reshape(
        3, 3, 6
    )
    y = tconv.conv_transpose(x, w, stride=2, method=method)
    wanted = tconv.conv_transpose(x.copy(), w.copy(), stride=2)
    np.testing.assert_array_equal(y, wanted, strict=True)


def test_a_memory_map_is_an_array(tmp_path):
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=X.shape)
    mapped[...] = X
    y = tconv.conv_transpose(mapped, W, **NAMED)
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, tconv.conv_transpose(X, W, **NAMED), strict=True)


@pytest.mark.parametrize("numpy_operand", ["x", "w", "b"])
def test_numpy_operands_beside_jax_ones_are_constants(numpy_operand):
    operands = {"x": X, "w": W, "b": B}
    mixed = {
        name: array if name == numpy_operand else jnp.asarray(array)
        for name, array in operands.items()
    }
    y = tconv.conv_transpose(**mixed, **NAMED)
    assert isinstance(y, jnp.ndarray)
    np.testing.assert_array_equal(y, tconv.conv_transpose(**operands, **NAMED))


@pytest.mark.parametrize(
    "order", [name for name in ORDERS if name != "big-endian"]
)  # which JAX refuses
def test_numpy_operands_of_any_order_beside_jax_ones(order):
    y = tconv.conv_transpose(jnp.asarray(X), ORDERS[order](W), ORDERS[order](B), **NAMED)
    np.testing.assert_array_equal(y, tconv.conv_transpose(X, W, B, **NAMED))
