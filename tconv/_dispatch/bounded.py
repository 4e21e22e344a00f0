"""The maps of a plan with a boundary: those of the image between zeros, and a part for each slab
beside it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, product
from typing import Any, Protocol

from tconv._core.boundary import Boundary, Part, Run
from tconv._core.plan import Plan
from tconv._core.typing import DTypeLike
from tconv._dispatch.backend import Backend

ALL = (slice(None),)  # of an axis of channels


class Maps(Protocol):
    """The maps of a plan, as a backend has them."""

    def conv_transpose(
        self,
        plan: Plan,
        x: Any,
        w: Any,
        b: Any,
        *,
        method: str,
        precision: Any,
        preferred: DTypeLike,
    ) -> Any: ...

    def conv(
        self, plan: Plan, y: Any, w: Any, b: Any, *, precision: Any, preferred: DTypeLike
    ) -> Any: ...

    def weight_cotangent(self, plan: Plan, x: Any, y: Any, *, precision: Any) -> Any: ...

    def cotangents(self, plan: Plan, x: Any, w: Any, y: Any, *, precision: Any) -> Any: ...


class Bounded:
    """The maps of a plan whose y is extended by a boundary: sums over y itself and the parts of
    the boundary, rounded once.  A small y is extended as a whole."""

    def __init__(self, backend: Backend[Any], boundary: Boundary) -> None:
        self._backend = backend
        self._whole = boundary.whole()
        self._parts = boundary.parts(backend.LARGEST_SLAB) if self._whole is None else ()

    def conv(
        self, plan: Plan, y: Any, w: Any, b: Any, *, precision: Any, preferred: DTypeLike
    ) -> Any:
        """x from y and w, y extended."""
        backend = self._backend
        named = {"precision": precision, "preferred": preferred}
        if self._whole is not None:
            return backend.conv(self._whole.plan, _extended(self._whole, y), w, b, **named)
        named["wide"] = True
        total = backend.conv(plan, y, w, b, **named)
        for part in self._parts:
            slab = _extended(part, y)
            values = backend.conv(part.plan, slab, w[ALL * 2 + part.taps], None, **named)
            total = backend.added(total, (part.samples, *ALL, *part.inputs), values)
        return _rounded(total, backend.result_dtype(y, w, preferred=preferred))

    def conv_transpose(
        self,
        plan: Plan,
        x: Any,
        w: Any,
        b: Any,
        *,
        method: str,
        precision: Any,
        preferred: DTypeLike,
    ) -> Any:
        """y from x and w: what is scattered beyond the border is added to where it is read from."""
        backend = self._backend
        named = {"method": method, "precision": precision, "preferred": preferred, "wide": True}
        dtype = backend.result_dtype(x, w, preferred=preferred)
        if self._whole is not None:
            slab = backend.conv_transpose(self._whole.plan, x, w, None, **named)
            pieces = list(_folded(self._whole, slab))
            first = next(n for n, (_, part) in enumerate(pieces) if part.shape == plan.y_shape)
            total = backend.biased(pieces.pop(first)[1], b, dtype)
            for index, values in pieces:
                total = backend.added(total, index, values)
            return _rounded(total, dtype)
        total = backend.conv_transpose(plan, x, w, b, **named)
        for part in self._parts:
            window = x[(part.samples, *ALL, *part.inputs)]
            slab = backend.conv_transpose(part.plan, window, w[ALL * 2 + part.taps], None, **named)
            for index, values in _folded(part, slab):
                total = backend.added(total, index, values)
        return _rounded(total, dtype)

    def weight_cotangent(self, plan: Plan, x: Any, y: Any, *, precision: Any) -> Any:
        """w from x and y, y extended."""
        backend = self._backend
        if self._whole is not None:
            wide = _extended(self._whole, y)
            return backend.weight_cotangent(self._whole.plan, x, wide, precision=precision)
        named = {"precision": precision, "wide": True}
        total = backend.weight_cotangent(plan, x, y, **named)
        for part in self._parts:
            window = x[(part.samples, *ALL, *part.inputs)]
            values = backend.weight_cotangent(part.plan, window, _extended(part, y), **named)
            total = backend.added(total, ALL * 2 + part.taps, values)
        return _rounded(total, backend.result_dtype(x, y, preferred=None))

    def cotangents(self, plan: Plan, x: Any, w: Any, y: Any, *, precision: Any) -> Any:
        """``conv`` of y and w, and ``weight_cotangent`` of x and y."""
        if self._whole is not None:
            wide = _extended(self._whole, y)
            return self._backend.cotangents(self._whole.plan, x, w, wide, precision=precision)
        dx = self.conv(plan, y, w, None, precision=precision, preferred=None)
        return dx, self.weight_cotangent(plan, x, y, precision=precision)


def _rounded(total: Any, dtype: Any) -> Any:
    return total if total.dtype == dtype else total.astype(dtype)


def _extended(part: Part, y: Any) -> Any:
    """The slab, read from y axis by axis."""
    slab, space = y[part.samples], y.__array_namespace__()
    for axis, runs in enumerate(part.runs, 2):
        pieces = [_read(slab, axis, run) for run in runs]
        slab = pieces[0] if len(pieces) == 1 else space.concat(pieces, axis=axis)
    return slab


def _read(array: Any, axis: int, run: Run) -> Any:
    """What a run reads along an axis."""
    space = array.__array_namespace__()
    read = array[ALL * axis + (run.read,)]
    if run.step == 0:
        return space.broadcast_to(read, (*read.shape[:axis], run.length, *read.shape[axis + 1 :]))
    return read if run.step > 0 else space.flip(read, axis=axis)


def _folded(part: Part, slab: Any) -> Iterator[tuple[tuple[slice, ...], Any]]:
    """The transpose of ``_extended``: where in y each piece of the slab is added, and the piece."""
    placed = []
    for runs in part.runs:
        stops = accumulate(run.length for run in runs)
        placed.append(
            [(slice(stop - run.length, stop), run) for run, stop in zip(runs, stops, strict=True)]
        )
    for chosen in product(*placed):
        values = slab[(*ALL, *ALL, *(place for place, _ in chosen))]
        for axis, (_, run) in enumerate(chosen, 2):
            values = _added_back(values, axis, run)
        yield (part.samples, *ALL, *(run.read for _, run in chosen)), values


def _added_back(values: Any, axis: int, run: Run) -> Any:
    """The transpose of ``_read``."""
    space = values.__array_namespace__()
    if run.step == 0:
        return space.sum(values, axis=axis, keepdims=True, dtype=values.dtype)
    return values if run.step > 0 else space.flip(values, axis=axis)
