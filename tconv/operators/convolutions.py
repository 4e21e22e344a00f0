"""The convolution and the transposed convolution as operators, each the other's transpose."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import KW_ONLY, dataclass, fields
from functools import cached_property
from math import prod
from typing import Any, ClassVar, Self

import numpy as np

from tconv._core import dtypes
from tconv._core.arguments import (
    Shape,
    entries_of,
    fail,
    group_count,
    integer,
    nonempty,
    padding_pairs,
    positive,
)
from tconv._core.axis import Axis
from tconv._core.boundary import boundary_of, padding_modes
from tconv._core.plan import conv_call, conv_transpose_call
from tconv._core.typing import ForwardPadding, Ints, Padding, PaddingModes
from tconv._dispatch import received
from tconv.columns import conv_matrix
from tconv.convolution import conv, conv_transpose
from tconv.operators import adapters, norm
from tconv.operators.gram import Gram
from tconv.operators.operator import Operator
from tconv.operators.registration import pytree, register
from tconv.sizes import conv_output_size, output_padding_for


class _Convolution(Operator):
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

    def _with(self, kind: type[_Convolution], **changed: Any) -> Any:
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

    @property
    def gram(self) -> Gram:
        """The normal operator, ``A.H @ A``."""
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
        if type(self) is not type(other) or not isinstance(other, _Convolution):
            return NotImplemented
        return self.settings == other.settings and _same(self.w, other.w)

    def __hash__(self) -> int:
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
            default = field.default
            plain = value
            if isinstance(value, tuple) and len(set(value)) == 1:
                plain = value[0]
            if field.name == "padding" and isinstance(plain, tuple) and plain[0] == plain[1] >= 0:
                plain = plain[0]
            if plain != default and field.name != "output_size":
                parts.append(f"{field.name}={plain}")
        return f"{type(self).__name__}({', '.join(parts)})"


@pytree
@dataclass(frozen=True, eq=False, repr=False)
class Conv(_Convolution):
    """The convolution as a linear operator: ``A @ x`` is ``tconv.conv(x, w, ...)``.

    Frozen.  A NumPy weight is copied and read-only; with one the operator is hashable and equal by
    value, so it is a static argument under ``jax.jit``.  With a JAX weight, or traced, it is a
    pytree whose leaf is the weight: an argument that ``grad`` differentiates in.

    Args:
        w: weight, (out_channels, in_channels/groups, *kernel_size), NumPy or JAX.
        input_size: spatial size of what it is applied to, an int or one int an axis.
        batch: leading axes of what it is applied to, an int or a tuple; none by default.
        stride, padding, dilation, groups, padding_mode: those of ``conv``.

    Raises: what ``conv`` raises of such arrays; ValueError for a negative batch.

    Source: the interface of ``scipy.sparse.linalg.LinearOperator`` and of PyLops, whose names it
    has.

    >>> import numpy as np, tconv
    >>> A = tconv.operators.Conv(np.array([[[1.0, 2.0, -1.0]]]), 6, stride=2)
    >>> A.shape, A.dims, A.dimsd
    ((2, 6), (1, 6), (1, 2))
    >>> A @ np.arange(6.0), A.rmatvec(np.array([1.0, 10.0]))
    (array([0., 4.]), array([  1.,   2.,   9.,  20., -10.,   0.]))
    """

    w: Any
    input_size: Ints
    _: KW_ONLY
    batch: Ints = ()
    stride: Ints = 1
    padding: ForwardPadding = 0
    dilation: Ints = 1
    groups: int = 1
    padding_mode: PaddingModes = "zeros"

    def _settle(self, input_size: Shape) -> None:
        w = self.w
        channels = w.shape[1] * self.groups if w.ndim > 1 else 0
        plan = conv_call((1, channels, *input_size), w.shape, **self._numbers).plan
        boundary_of(plan, self.padding_mode)
        pairs = _pairs(self.padding, plan.axes)
        if isinstance(self.padding, str):  # strides may leave a rest that no window reads
            pairs = tuple((lo, max(hi, 0)) for lo, hi in pairs)
        self._store(padding=pairs)

    @cached_property
    def output_size(self) -> Shape:
        """Spatial size of an array of the range."""
        return conv_output_size(self.input_size, self.w.shape[2:], **self._sizes)

    @cached_property
    def dims(self) -> Shape:
        """(*batch, in_channels, *input_size)."""
        known = self._settings
        return (*known["batch"], self.w.shape[1] * self.groups, *known["input_size"])

    @cached_property
    def dimsd(self) -> Shape:
        """(*batch, out_channels, *output_size)."""
        return (*self._settings["batch"], self.w.shape[0], *self.output_size)

    @cached_property
    def T(self) -> ConvTranspose:  # noqa: N802
        """The transposed convolution of the same weight, back to exactly ``dims``."""
        back = output_padding_for(
            self.input_size, self.output_size, self.w.shape[2:], **self._sizes
        )
        sizes = {"input_size": self.output_size, "output_size": self.input_size}
        transpose: ConvTranspose = self._with(ConvTranspose, **sizes, output_padding=back)
        return transpose

    def _computed(self, x: Any) -> Any:
        return conv(x, self.w, **self._parameters)

    def to_sparse(self) -> Any:
        """The matrix as a ``scipy.sparse.csr_array``; needs SciPy."""
        one = conv_matrix(self.on_numpy().w, self.input_size, sparse=True, **self._parameters)
        return adapters.repeated(one, prod(self._settings["batch"]))


@pytree
@dataclass(frozen=True, eq=False, repr=False)
class ConvTranspose(_Convolution):
    """The transposed convolution as a linear operator: ``A @ x`` is ``conv_transpose(x, w, ...)``.

    Frozen, hashable and a pytree as ``Conv`` is.

    Args:
        w: weight, (in_channels, out_channels/groups, *kernel_size), NumPy or JAX.
        input_size: spatial size of what it is applied to, an int or one int an axis.
        batch: leading axes of what it is applied to, an int or a tuple; none by default.
        stride, padding, output_padding, dilation, groups, padding_mode: those of
            ``conv_transpose``.
        output_size: the spatial size wanted, solved to an output padding.

    Raises: what ``conv_transpose`` raises of such arrays; ValueError for a negative batch.

    Source: as of ``Conv``.

    >>> import numpy as np, tconv
    >>> A = tconv.operators.ConvTranspose(np.array([[[1.0, 2.0, -1.0]]]), 2, stride=2)
    >>> A @ np.array([1.0, 10.0])
    array([  1.,   2.,   9.,  20., -10.])
    >>> A.T.T == A
    True
    """

    w: Any
    input_size: Ints
    _: KW_ONLY
    batch: Ints = ()
    stride: Ints = 1
    padding: Padding = 0
    output_padding: Ints = 0
    output_size: Ints | None = None
    dilation: Ints = 1
    groups: int = 1
    padding_mode: PaddingModes = "zeros"

    def _settle(self, input_size: Shape) -> None:
        w = self.w
        plan = conv_transpose_call(
            (1, w.shape[0] if w.ndim else 0, *input_size),
            w.shape,
            output_padding=self.output_padding,
            output_size=self.output_size,
            **self._numbers,
        ).plan
        boundary_of(plan, self.padding_mode)
        pairs, ends = [], []
        for (lo, hi), axis in zip(_pairs(self.padding, plan.axes), plan.axes, strict=True):
            # Strides within the output padding, which PyTorch allows below the dilation, count as
            # less padding: a convolution takes the rest of a stride alone back to this input.
            whole, rest = divmod(hi - axis.hi, axis.stride)
            pairs.append((lo, hi - whole * axis.stride))
            ends.append(rest)
        size = plan.output_size
        self._store(padding=tuple(pairs), output_padding=tuple(ends), output_size=size)

    @cached_property
    def dims(self) -> Shape:
        """(*batch, in_channels, *input_size)."""
        known = self._settings
        return (*known["batch"], self.w.shape[0], *known["input_size"])

    @cached_property
    def dimsd(self) -> Shape:
        """(*batch, out_channels, *output_size)."""
        known = self._settings
        return (*known["batch"], self.w.shape[1] * self.groups, *known["output_size"])

    @cached_property
    def T(self) -> Conv:  # noqa: N802
        """The convolution of the same weight, back to exactly ``dims``."""
        transpose: Conv = self._with(Conv, input_size=self.output_size)
        return transpose

    def _computed(self, x: Any) -> Any:
        return conv_transpose(x, self.w, output_padding=self.output_padding, **self._parameters)

    def to_sparse(self) -> Any:
        """The matrix as a ``scipy.sparse.csr_array``; needs SciPy."""
        return self.T.to_sparse().T.tocsr()


def _names(kind: Any) -> list[str]:
    """The fields of an operator behind the weight."""
    return [field.name for field in fields(kind)[1:]]


def _batch(value: Any) -> Shape:
    entries = entries_of(value)
    form = "an int or a tuple of ints"
    sizes = tuple(
        [integer("batch", size, form) for size in ((value,) if entries is None else entries)]
    )
    if any(size < 0 for size in sizes):
        fail("batch", None, "must hold sizes of at least 0", sizes, "Leave it out for none.")
    return sizes


def _pairs(padding: Any, axes: tuple[Axis, ...]) -> tuple[tuple[int, int], ...]:
    """The caller's padding; of a string that of the axes that it led to."""
    if isinstance(padding, str):
        return tuple((axis.lo, axis.hi) for axis in axes)
    return padding_pairs(padding, len(axes))


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
