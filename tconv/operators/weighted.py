"""What both convolutions are as operators: a weight, and settings that are hashable."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields
from functools import cached_property
from math import prod
from typing import Any, ClassVar, Self

import numpy as np

from tconv._core import dtypes
from tconv._core.arguments import Shape, entries_of, fail, group_count, integer, nonempty, positive
from tconv._core.boundary import padding_modes
from tconv._core.typing import ForwardPadding, Ints, PaddingModes
from tconv._dispatch import received
from tconv.operators import norm
from tconv.operators.gram import Gram
from tconv.operators.operator import Operator
from tconv.operators.registration import register


class Weighted(Operator):
    """What both directions share; the frozen dataclasses below add the fields.

    Parameters are stored in one form, so that equal operators compare equal.
    """

    child: ClassVar[str] = "w"
    w: Any
    input_size: Ints
    batch: Ints
    stride: Ints
    padding: ForwardPadding
    dilation: Ints
    groups: int
    padding_mode: PaddingModes

    def __post_init__(self) -> None:
        """Bring every parameter into its form, with a copy of a NumPy weight."""
        register()
        _, w = received(w=self.w)
        axes = max(w.ndim - 2, 1)
        input_size = nonempty("input_size", self.input_size, axes)
        modes = padding_modes(self.padding_mode, axes) or ("zeros",)
        self._store(
            w=_read_only(np.array(w)) if isinstance(w, np.ndarray) else w,
            batch=_batch(self.batch),
            input_size=input_size,
            stride=positive("stride", self.stride, axes),
            dilation=positive("dilation", self.dilation, axes),
            groups=group_count(self.groups),
            padding_mode=modes[0] if len(set(modes)) == 1 else modes,
        )
        self._settle(input_size)

    @abstractmethod
    def _settle(self, input_size: Shape) -> None:
        """Check how the parameters fit together; every padding becomes a (lo, hi) pair."""

    def _store(self, **values: Any) -> None:
        self.__dict__.update(values)

    @classmethod
    def made(cls, w: Any, settings: tuple[Any, ...]) -> Self:
        """The operator of settings that have been checked; w may be what JAX puts in its place."""
        operator = object.__new__(cls)
        operator._store(w=w, **dict(zip(_names(cls), settings, strict=True)))
        return operator

    @cached_property
    def settings(self) -> tuple[Any, ...]:
        """The values of every field but the weight."""
        return tuple(self._settings.values())

    @cached_property
    def _settings(self) -> dict[str, Any]:
        """Those by name, once the operator is made."""
        return {name: getattr(self, name) for name in _names(type(self))}

    def _with_kind(self, kind: type[Weighted], **changed: Any) -> Any:
        """An operator of another kind that has the fields of this one, but for the changed."""
        known = self._settings | changed
        return kind.made(self.w, tuple(known[name] for name in _names(kind)))

    @property
    def _parameters(self) -> dict[str, Any]:
        """The arguments that both functions take."""
        return self._numbers | {"padding_mode": self.padding_mode}

    @property
    def _numbers(self) -> dict[str, Any]:
        return self._sizes | {"groups": self.groups}

    @property
    def _sizes(self) -> dict[str, Any]:
        """Those that sizes depend on."""
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the weight."""
        dtype: np.dtype[Any] = self.w.dtype
        return dtype

    @property
    def H(self) -> Any:  # noqa: N802
        """The adjoint: the transpose, of the conjugate where the weight is complex."""
        transpose: Any = self.T
        if dtypes.kind(self.dtype) != "c":
            return transpose
        return transpose.of_weight(_read_only(self.w.conj()))

    @cached_property
    def gram(self) -> Gram:
        """The normal operator, ``A.H @ A``.

        On NumPy one convolution with the kernel's autocorrelation, where stride is 1, every axis is
        circular, the size is kept and that takes fewer products; otherwise one after the other.
        """
        return Gram(self)

    def norm(self, *, tolerance: float = 1e-3, max_iterations: int = 1000, seed: int = 0) -> Any:
        """The largest singular value, the Lipschitz constant of the map.

        Exact where stride is 1, every axis is circular and the size is kept: the largest over the
        frequencies of the kernel's Fourier transform.  Otherwise by power iteration, sped up.

        Args:
            tolerance: relative error at which the iteration ends; it comes from below.
            max_iterations: how many it may take.
            seed: of the random start.

        Returns: a float; of a JAX weight a scalar that is differentiable in the weight, NaN where
            the iterations did not suffice.

        Raises: ValueError for a NumPy weight where they did not suffice.

        Source: see ``tconv.operators.norm`` and ``tconv.operators.iteration``.

        >>> import numpy as np, tconv
        >>> w = np.array([[[1.0, -2.0, 1.0]]])
        >>> tconv.operators.Conv(w, 8, padding=1, padding_mode="circular").norm()
        4.0
        """
        return norm.norm(self, tolerance, max_iterations, seed)

    def check(self, *, seed: int = 0) -> None:
        """Raise AssertionError unless transpose and adjoint are what they are called.

        ``<A x, y>`` and ``<x, A.T y>`` of random x and y may differ by what rounding explains,
        in integers not at all; the test is ``tconv.testing.assert_adjoint``.
        """
        from tconv.operators.checking import check_adjoint

        check_adjoint(self, seed)

    def of_weight(self, w: Any) -> Self:
        """The operator with another weight of the same shape."""
        return self.made(w, self.settings)

    def on_numpy(self) -> Self:
        """The operator with a NumPy weight.

        Raises: TypeError for a weight that is being traced.
        """
        if isinstance(self.w, np.ndarray):
            return self
        try:
            w = np.array(self.w)
        except TypeError:  # what JAX raises for a tracer
            raise TypeError(
                f"w: must hold values for a library that computes outside of JAX; got "
                f"{type(self.w).__name__}, an array that is being traced. Convert the operator "
                f"outside of jit, grad and vmap."
            ) from None
        return self.of_weight(_read_only(w))

    def image_of(self, x: Any) -> Any:
        """From (*lead, *dims) to (*lead, *dimsd)."""
        single = self.w.ndim - 1
        lead, rest = x.shape[:-single], x.shape[-single:]
        if len(lead) > 1:
            x = x.reshape(prod(lead), *rest)
        y = self._computed(x)
        return y.reshape(*lead, *y.shape[-single:])

    @abstractmethod
    def _computed(self, x: Any) -> Any:
        """The map of (batch, channels, *spatial), the batch being optional."""

    def __eq__(self, other: object) -> bool:
        """The same map by the same numbers; JAX weights must be one array, unread."""
        if type(self) is not type(other) or not isinstance(other, Weighted):
            return NotImplemented
        return self.settings == other.settings and _same(self.w, other.w)

    def __hash__(self) -> int:
        """By value, of a NumPy weight."""
        return hash((type(self), self.settings, self._weight_hash))

    @cached_property
    def _weight_hash(self) -> int:
        if not isinstance(self.w, np.ndarray):
            raise TypeError(
                f"{type(self).__name__}: is hashable where its weight is a numpy.ndarray; got a "
                f"{type(self.w).__module__}.{type(self.w).__qualname__}. Give it to the function "
                f"as an argument, as it is a pytree, or make it of numpy.asarray(w)."
            )
        return hash(_bits(self.w))

    def __repr__(self) -> str:
        """The weight's dtype and shape, and every setting that is not the default."""
        w = f"w={getattr(self.w, 'dtype', '')}{list(getattr(self.w, 'shape', ()))}"
        parts = [w, f"input_size={self.input_size}"]
        for field in fields(self)[2:]:  # type: ignore[arg-type]
            value = self._settings[field.name]
            if isinstance(value, tuple) and len(set(value)) == 1:
                value = value[0]
            if field.name == "padding" and isinstance(value[0], int) and value[0] == value[1] >= 0:
                value = value[0]
            if value != field.default and field.name != "output_size":
                parts.append(f"{field.name}={value}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _names(kind: Any) -> list[str]:
    """The fields of an operator behind the weight."""
    return [field.name for field in fields(kind)[1:]]


def _batch(value: Any) -> Shape:
    entries = entries_of(value)
    given = (value,) if entries is None else entries
    sizes = tuple([integer("batch", size, "an int or a tuple of ints") for size in given])
    if any(size < 0 for size in sizes):
        fail("batch", None, "must hold sizes of at least 0", sizes, "Leave it out for none.")
    return sizes


def _read_only(w: Any) -> Any:
    if isinstance(w, np.ndarray):
        w.flags.writeable = False
    return w


def _bits(w: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    return w.dtype.name, w.shape, w.tobytes()


def _same(w: Any, other: Any) -> bool:
    """One weight, or NumPy weights of the same bits."""
    if w is other or not (isinstance(w, np.ndarray) and isinstance(other, np.ndarray)):
        return w is other
    return _bits(w) == _bits(other)
