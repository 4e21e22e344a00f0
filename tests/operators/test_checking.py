"""``check`` passes what is right, in every dtype, and catches what is wrong."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tconv.operators import Conv, ConvTranspose
from tests.operators.problems import KINDS, bounded_problems, operator_of

DTYPES = ("float32", "float64", "float16", "bfloat16", "complex64", "int8", "int64")


@pytest.mark.parametrize("kind", KINDS)
def test_right_ones_pass(kind):
    @given(bounded_problems(kind, dtypes=DTYPES), st.integers(0, 9))
    def check(drawn, seed):
        problem, modes = drawn
        operator = operator_of(problem, modes, problem.arrays()[1])
        operator.check(seed=seed)
        operator.gram.check(seed=seed)

    check()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "complex64", "int32"])
def test_right_ones_pass_on_jax(dtype):
    w = jnp.asarray(np.arange(18).reshape(2, 1, 3, 3)).astype(dtype)
    operator = Conv(w, (5, 6), stride=2, padding=1, padding_mode="circular")
    operator.check()
    operator.T.check()


class Shifted(ConvTranspose):
    """The transpose, off by a position."""

    def image_of(self, x):
        return np.roll(super().image_of(x), 1, -1)


class WithShiftedTranspose(Conv):
    @property
    def T(self):  # noqa: N802
        return Shifted.made(self.w, super().T.settings)


class Unconjugated(Conv):
    """The adjoint taken for the transpose."""

    @property
    def H(self):  # noqa: N802
        return self.T


class SlightlyOff(Conv):
    @property
    def T(self):  # noqa: N802
        return super().T.of_weight(self.w * self.w.dtype.type(1 + 1e-4))


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_a_shift_is_caught(dtype):
    operator = WithShiftedTranspose(np.arange(9).reshape(1, 1, 3, 3).astype(dtype), (5, 6))
    with pytest.raises(AssertionError) as caught:
        operator.check(seed=3)
    text = str(caught.value)
    assert text.startswith("the transpose of WithShiftedTranspose(w=")
    assert "with seed 3: not adjoint:" in text
    assert "rounding explains at most" in text


def test_a_missing_conjugate_is_caught():
    w = np.arange(9).reshape(1, 1, 3, 3) * (1 + 2j)
    with pytest.raises(AssertionError, match=r"the adjoint of Unconjugated\(.* is not its adjoint"):
        Unconjugated(w, (5, 6)).check()
    Unconjugated(w.real, (5, 6)).check()


def test_an_error_of_a_few_roundings_more_is_caught():
    w = np.random.default_rng(0).standard_normal((2, 2, 3)).astype("float32")
    with pytest.raises(AssertionError, match="the transpose of SlightlyOff"):
        SlightlyOff(w, 64).check()
