"""From the types of the arrays to the backend that computes on them."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import numpy as np

from tconv import _numpy
from tconv._core.arguments import Shape
from tconv._core.dtypes import check_supported
from tconv._core.plan import Plan
from tconv._core.sampling import Taps
from tconv._core.typing import DTypeLike

# A dtype's name, which decides, takes NumPy a microsecond or two to spell out.
_check_once = lru_cache(maxsize=256)(check_supported)


Operand = TypeVar("Operand")


class Backend(Protocol[Operand]):
    """What a backend offers.  Arrays arrive checked and in PyTorch's layout, with a batch.

    x, y and w have the shapes of the plan; a bias has one value an output channel of the
    map at hand.  The result dtype is the promotion of the operands, or
    ``preferred_element_type``.
    """

    def conv_transpose(
        self,
        plan: Plan,
        x: Operand,
        w: Operand,
        b: Operand | None,
        *,
        method: str,
        precision: Any,
        preferred: DTypeLike,
    ) -> Operand: ...

    def conv(
        self,
        plan: Plan,
        y: Operand,
        w: Operand,
        b: Operand | None,
        *,
        precision: Any,
        preferred: DTypeLike,
    ) -> Operand: ...

    def weight_cotangent(
        self, plan: Plan, x: Operand, y: Operand, *, precision: Any
    ) -> Operand: ...

    def cotangents(
        self, plan: Plan, x: Operand, w: Operand, y: Operand, *, precision: Any
    ) -> tuple[Operand, Operand]:
        """``conv`` of y and w, and ``weight_cotangent`` of x and y, sharing what they can."""
        ...

    def bias_cotangent(self, cotangent: Operand) -> Operand: ...

    def cast_cotangent(self, cotangent: Operand, operand: Operand) -> Operand: ...

    def im2col(self, plan: Plan, y: Operand) -> Operand: ...

    def col2im(self, plan: Plan, cols: Operand) -> Operand: ...

    def conv_matrix(self, plan: Plan, w: Operand) -> Operand: ...

    def fractional_stride(self, x: Operand, stride: Shape) -> Operand: ...

    def resample(self, x: Operand, taps: Taps, axis: int) -> Operand: ...


def backend_for(**operands: Any) -> Backend[Any]:
    """The NumPy backend, or the JAX one as soon as any operand is a JAX array or tracer.

    JAX is found through ``sys.modules``: without it loaded no JAX array can arrive.
    """
    jax = sys.modules.get("jax")
    traced = False
    for name, operand in operands.items():
        if operand is None and name == "b":
            continue
        if type(operand) is np.ndarray or _is_plain_ndarray(operand):
            pass
        elif jax is not None and isinstance(operand, jax.Array):
            traced = True
        else:
            raise TypeError(
                f"{name}: must be a numpy.ndarray or a jax.Array; got "
                f"{type(operand).__module__}.{type(operand).__qualname__}. {_remedy(operand)}"
            )
        _check_once(name, operand.dtype)
    if traced:
        from tconv import _jax

        return _jax
    return _numpy


def _is_plain_ndarray(operand: Any) -> bool:
    return isinstance(operand, np.ndarray) and not isinstance(
        operand, np.ma.MaskedArray | np.matrix
    )


def _remedy(operand: Any) -> str:
    if type(operand).__module__.partition(".")[0] == "torch":
        return "Convert it with tensor.detach().cpu().numpy()."
    if isinstance(operand, np.ma.MaskedArray):
        return "Fill it first, for example with operand.filled(0)."
    return "Convert it with numpy.asarray or jax.numpy.asarray."
