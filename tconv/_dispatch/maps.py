"""From a call to the backend that computes it, with a plan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from tconv._core.arguments import Shape, check_precision, method_name
from tconv._core.boundary import boundary_of
from tconv._core.plan import Call, conv_call, conv_transpose_call
from tconv._core.typing import DTypeLike
from tconv._dispatch.backend import Backend, received
from tconv._dispatch.bounded import Bounded, Maps


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
        padding_mode: Any,
        **parameters: Any,
    ) -> None:
        check_precision(precision)
        self._method, self._precision, self._preferred = method_name(method), precision, preferred
        self._backend, x, w, b = received(x=x, w=w, b=b)
        self._operands = x, w, b
        self.call = self._planned(x.shape, w.shape, None if b is None else b.shape, **parameters)
        self._boundary = boundary_of(self.call.plan, padding_mode, self.call.layout.letters)
        self._x, self._w = self.call.layout.from_input(x), self.call.layout.from_kernel(w)

    def value(self) -> Any:
        """The result of the map."""
        return self.call.layout.to_output(self._compute(self._maps(self._backend)))

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
        dx, dw = self._cotangents(self._maps(backend), dy)
        db = None if b is None else backend.cast_cotangent(backend.bias_cotangent(dy), b)
        return (
            backend.cast_cotangent(layout.to_input(dx), x),
            backend.cast_cotangent(layout.to_kernel(dw), w),
            db,
        )

    def _maps(self, backend: Backend[Any]) -> Maps:
        return backend if self._boundary is None else Bounded(backend, self._boundary)

    @property
    @abstractmethod
    def _result_shape(self) -> Shape:
        """(batch, channels, *spatial) of the result."""

    @abstractmethod
    def _planned(self, x: Shape, w: Shape, b: Shape | None, **parameters: Any) -> Call: ...

    @abstractmethod
    def _compute(self, maps: Maps) -> Any: ...

    @abstractmethod
    def _cotangents(self, maps: Maps, dy: Any) -> tuple[Any, Any]: ...


class TransposedMap(Map):
    @property
    def _result_shape(self) -> Shape:
        return self.call.plan.y_shape

    def _planned(self, x: Shape, w: Shape, b: Shape | None, **parameters: Any) -> Call:
        return conv_transpose_call(x, w, b, **parameters)

    def _compute(self, maps: Maps) -> Any:
        return maps.conv_transpose(
            self.call.plan,
            self._x,
            self._w,
            self._operands[2],
            method=self._method,
            precision=self._precision,
            preferred=self._preferred,
        )

    def _cotangents(self, maps: Maps, dy: Any) -> tuple[Any, Any]:
        dx, dw = maps.cotangents(self.call.plan, self._x, self._w, dy, precision=self._precision)
        return dx, dw


class ForwardMap(Map):
    """Its input is y of the plan, its result x."""

    @property
    def _result_shape(self) -> Shape:
        return self.call.plan.x_shape

    def _planned(self, x: Shape, w: Shape, b: Shape | None, **parameters: Any) -> Call:
        return conv_call(x, w, b, **parameters)

    def _compute(self, maps: Maps) -> Any:
        return maps.conv(
            self.call.plan,
            self._x,
            self._w,
            self._operands[2],
            precision=self._precision,
            preferred=self._preferred,
        )

    def _cotangents(self, maps: Maps, dy: Any) -> tuple[Any, Any]:
        plan, precision = self.call.plan, self._precision
        dx = maps.conv_transpose(
            plan, dy, self._w, None, method="auto", precision=precision, preferred=None
        )
        return dx, maps.weight_cotangent(plan, dy, self._x, precision=precision)
