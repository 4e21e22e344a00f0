"""The convolution and the transposed convolution as operators, each the other's transpose."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from tconv._core import dtypes
from tconv._core.arguments import Pairs, Shape, padding_pairs, per_axis
from tconv._core.axis import Axis
from tconv._core.boundary import boundary_of
from tconv._core.plan import conv_call, conv_transpose_call
from tconv._core.typing import ForwardPadding, Ints, Padding, PaddingModes
from tconv.columns import conv_matrix
from tconv.convolution import conv, conv_transpose
from tconv.operators import adapters
from tconv.operators.norm import is_circulant
from tconv.operators.registration import pytree
from tconv.operators.weighted import Weighted
from tconv.sizes import conv_output_size, output_padding_for


@pytree
@dataclass(frozen=True, eq=False, repr=False)
class Conv(Weighted):
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
        transpose: ConvTranspose = self._with_kind(ConvTranspose, **sizes, output_padding=back)
        return transpose

    def _computed(self, x: Any) -> Any:
        return conv(x, self.w, **self._parameters)

    def gram_in_one_pass(self) -> Conv | None:
        """``A.H @ A`` as the circular convolution with the autocorrelation of the kernel.

        In float32 on one core it was 1.2 to 16 times as fast as both, from 2 to 32 filters of 3 to
        7 taps an axis; with XLA, whose rate falls with the kernel's size, from 10 times as fast to
        5 times as slow, so JAX weights have none.  Half kinds would round the autocorrelation.
        """
        w, taps = self.w, self.w.shape[2:]
        wide = prod(2 * size - 1 for size in taps)
        cheaper = w.shape[1] * self.groups * wide < 2 * w.shape[0] * prod(taps)
        exact = isinstance(w, np.ndarray) and dtypes.accumulator(w.dtype) == w.dtype
        if not (cheaper and exact and is_circulant(self)):
            return None
        # r[j, i, u] is the sum over o and t of conj(w[o, j, t]) * w[o, i, t + u].
        each = w.shape[0] // self.groups
        grouped = w.conj().reshape(self.groups, each, *w.shape[1:]).swapaxes(1, 2)
        kernel = grouped.reshape(self.groups * w.shape[1], each, *taps)
        ends = [size - 1 for size in taps]
        correlated = conv(w.swapaxes(0, 1), kernel, padding=ends, groups=self.groups)
        padding = [d * end for d, end in zip(self._settings["dilation"], ends, strict=True)]
        return replace(self, w=correlated.swapaxes(0, 1), padding=padding)

    def to_sparse(self) -> Any:
        """The matrix as a ``scipy.sparse.csr_array``; needs SciPy."""
        one = conv_matrix(self.on_numpy().w, self.input_size, sparse=True, **self._parameters)
        return adapters.repeated(one, prod(self._settings["batch"]))


@pytree
@dataclass(frozen=True, eq=False, repr=False)
class ConvTranspose(Weighted):
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
        shape = (1, w.shape[0] if w.ndim else 0, *input_size)
        ends = per_axis("output_padding", self.output_padding, len(input_size))
        known: dict[str, Any] = {**self._numbers, "output_padding": ends}
        wanted = self.output_size
        # ``replace`` gives both, and both may stay where they agree
        plan = conv_transpose_call(
            shape, w.shape, output_size=None if any(ends) else wanted, **known
        ).plan
        if wanted not in (None, plan.output_size):
            plan = conv_transpose_call(shape, w.shape, output_size=wanted, **known).plan
        boundary_of(plan, self.padding_mode)
        pairs, rests = [], []
        for (lo, hi), axis in zip(_pairs(self.padding, plan.axes), plan.axes, strict=True):
            # Strides within the output padding, which PyTorch allows below the dilation, count as
            # less padding: a convolution takes the rest of a stride alone back to this input.
            whole, rest = divmod(hi - axis.hi, axis.stride)
            pairs.append((lo, hi - whole * axis.stride))
            rests.append(rest)
        size = plan.output_size
        self._store(padding=tuple(pairs), output_padding=tuple(rests), output_size=size)

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
        transpose: Conv = self._with_kind(Conv, input_size=self.output_size)
        return transpose

    def _computed(self, x: Any) -> Any:
        return conv_transpose(x, self.w, output_padding=self.output_padding, **self._parameters)

    def to_sparse(self) -> Any:
        """The matrix as a ``scipy.sparse.csr_array``; needs SciPy."""
        return self.T.to_sparse().T.tocsr()


def _pairs(padding: Any, axes: tuple[Axis, ...]) -> Pairs:
    """The caller's padding; of a string that of the axes that it led to."""
    if isinstance(padding, str):
        return tuple((axis.lo, axis.hi) for axis in axes)
    return padding_pairs(padding, len(axes))
