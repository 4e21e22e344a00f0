"""From a call to the backend that computes it: by the types of the arrays, with a plan."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, Protocol, TypeVar

import numpy as np

from tconv._core.arguments import Shape, check_precision, method_name
from tconv._core.dtypes import check_supported
from tconv._core.plan import Call, Plan, conv_call, conv_transpose_call
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


class Map(ABC):
    """One direction with its operands, checked and in the order that backends compute in."""

    call: Call

    def __init__(
        self,
        x: Any,
        w: Any,
        b: Any,
        method: str,
        precision: Any,
        preferred: DTypeLike,
        **parameters: Any,
    ) -> None:
        check_precision(precision)
        self._method, self._precision, self._preferred = method_name(method), precision, preferred
        self._backend, x, w, b = received(x=x, w=w, b=b)
        self._operands = x, w, b
        self.call = self._planned(x.shape, w.shape, None if b is None else b.shape, **parameters)
        self._x, self._w = self.call.layout.from_input(x), self.call.layout.from_kernel(w)

    def value(self) -> Any:
        """The result of the map."""
        return self.call.layout.to_output(self._compute(self._backend))

    def pullback(self, cotangent: Any) -> tuple[Any, Any, Any]:
        """(dx, dw, db) of the map, each in the shape and dtype of its operand.

        A JAX cotangent takes the whole pullback to JAX, as a JAX operand does a call.
        """
        (x, w, b), layout = self._operands, self.call.layout
        backend, *_, cotangent = received(x=x, w=w, b=b, cotangent=cotangent)
        expected = layout.output_shape(self._result_shape)
        if cotangent.shape != expected:
            raise ValueError(
                f"cotangent: must have the shape of the output, {expected}; got shape "
                f"{cotangent.shape}. Reshape it."
            )
        dy = layout.from_output(cotangent)
        dx, dw = self._cotangents(backend, dy)
        db = None if b is None else backend.cast_cotangent(backend.bias_cotangent(dy), b)
        return (
            backend.cast_cotangent(layout.to_input(dx), x),
            backend.cast_cotangent(layout.to_kernel(dw), w),
            db,
        )

    @property
    @abstractmethod
    def _result_shape(self) -> Shape:
        """(batch, channels, *spatial) of the result."""

    @abstractmethod
    def _planned(self, x: Shape, w: Shape, b: Shape | None, **parameters: Any) -> Call: ...

    @abstractmethod
    def _compute(self, backend: Backend[Any]) -> Any: ...

    @abstractmethod
    def _cotangents(self, backend: Backend[Any], dy: Any) -> tuple[Any, Any]: ...


class TransposedMap(Map):
    @property
    def _result_shape(self) -> Shape:
        return self.call.plan.y_shape

    def _planned(self, x: Shape, w: Shape, b: Shape | None, **parameters: Any) -> Call:
        return conv_transpose_call(x, w, b, **parameters)

    def _compute(self, backend: Backend[Any]) -> Any:
        return backend.conv_transpose(
            self.call.plan,
            self._x,
            self._w,
            self._operands[2],
            method=self._method,
            precision=self._precision,
            preferred=self._preferred,
        )

    def _cotangents(self, backend: Backend[Any], dy: Any) -> tuple[Any, Any]:
        return backend.cotangents(self.call.plan, self._x, self._w, dy, precision=self._precision)


class ForwardMap(Map):
    """Its input is y of the plan, its result x."""

    @property
    def _result_shape(self) -> Shape:
        return self.call.plan.x_shape

    def _planned(self, x: Shape, w: Shape, b: Shape | None, **parameters: Any) -> Call:
        return conv_call(x, w, b, **parameters)

    def _compute(self, backend: Backend[Any]) -> Any:
        return backend.conv(
            self.call.plan,
            self._x,
            self._w,
            self._operands[2],
            precision=self._precision,
            preferred=self._preferred,
        )

    def _cotangents(self, backend: Backend[Any], dy: Any) -> tuple[Any, Any]:
        plan, precision = self.call.plan, self._precision
        dx = backend.conv_transpose(
            plan, dy, self._w, None, method="auto", precision=precision, preferred=None
        )
        return dx, backend.weight_cotangent(plan, dy, self._x, precision=precision)
