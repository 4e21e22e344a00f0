"""The backend that computes: what it offers, and which it is by the types of the arrays."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, Protocol, TypeVar

import numpy as np

from tconv._core.arguments import Shape
from tconv._core.boundary import Modes
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
    ``preferred_element_type``; ``wide`` leaves it in the dtype of its sums, which is wider for
    half kinds.
    """

    # The most elements of a slab beside an image, or of what it reaches; None for any number.
    LARGEST_SLAB: int | None

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
        wide: bool = False,
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
        wide: bool = False,
    ) -> Operand: ...

    def weight_cotangent(
        self, plan: Plan, x: Operand, y: Operand, *, precision: Any, wide: bool = False
    ) -> Operand: ...

    def cotangents(
        self, plan: Plan, x: Operand, w: Operand, y: Operand, *, precision: Any
    ) -> tuple[Operand, Operand]:
        """``conv`` of y and w, and ``weight_cotangent`` of x and y, sharing what they can."""
        ...

    def result_dtype(self, first: Operand, second: Operand, *, preferred: DTypeLike) -> Any:
        """The dtype of a result of these two."""
        ...

    def added(self, total: Operand, index: Any, values: Operand) -> Operand:
        """The total with the values added to its elements at the index; it may be the same array,
        written to."""
        ...

    def biased(self, values: Operand, b: Operand | None, dtype: Any) -> Operand:
        """A copy of the values of a result of this dtype, which may be wide, with the bias."""
        ...

    def bias_cotangent(self, cotangent: Operand) -> Operand: ...

    def cast_cotangent(self, cotangent: Operand, operand: Operand) -> Operand: ...

    def im2col(self, plan: Plan, y: Operand) -> Operand: ...

    def col2im(self, plan: Plan, cols: Operand) -> Operand: ...

    def conv_matrix(self, plan: Plan, w: Operand, modes: Modes | None = None) -> Operand: ...

    def fractional_stride(self, x: Operand, stride: Shape) -> Operand: ...

    def resample(self, x: Operand, along: Sequence[Taps | None], sums: Any) -> Operand:
        """x interpolated along its spatial axes, the last first, in a dtype ``sums`` between
        them, and then in its own; None leaves an axis as it is."""
        ...

    def conv_of_resampled(
        self,
        plan: Plan,
        x: Operand,
        along: Sequence[Taps | None],
        sums: Any,
        w: Operand,
        b: Operand | None,
    ) -> Operand:
        """``conv`` of ``resample``."""
        ...


def received(**operands: Any) -> tuple[Any, ...]:
    """The backend for these operands, and they themselves, of native byte order.

    It is the JAX one as soon as any operand is a JAX array or tracer.  JAX is found through
    ``sys.modules``: without it loaded no JAX array can arrive.
    """
    jax = sys.modules.get("jax")
    traced = False
    for name, operand in operands.items():
        if operand is None and name == "b":
            continue
        if type(operand) is np.ndarray or _is_plain_ndarray(operand):
            if not operand.dtype.isnative:
                operands[name] = operand.astype(operand.dtype.newbyteorder("="))
        elif jax is not None and isinstance(operand, jax.Array):
            traced = True
        else:
            raise TypeError(
                f"{name}: must be a numpy.ndarray or a jax.Array; got "
                f"{type(operand).__module__}.{type(operand).__qualname__}. {_remedy(operand)}"
            )
        _check_once(name, operand.dtype)
    return _backend(traced), *operands.values()


@cache
def _backend(traced: bool) -> Backend[Any]:
    """Loaded with the first call; later ones find it even where nothing can be imported any more,
    as in a late ``__del__``."""
    if traced:
        from tconv import _jax

        return _jax
    from tconv import _numpy

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
    if type(operand).__module__.startswith("flax."):
        return "Take the array that it holds with operand[...]."
    if hasattr(type(operand), "__jax_array__") or hasattr(operand, "value"):
        return "Take the array that it holds, such as operand.value or operand[...]."
    return "Convert it with numpy.asarray or jax.numpy.asarray."
