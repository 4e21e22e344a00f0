"""Convolutions of signals without an end: fed in chunks, each output computed once.

A stream keeps the last inputs that later outputs still need, and gives for each chunk as many
outputs as it has inputs times the stride (or over it), so shapes are static and a step compiles
once for each size of chunks.  What has been given until then lags behind by the ``delay`` of the
stream, a number of outputs that its geometry fixes: joined, the outputs of all steps and of the
flush are ``delay`` outputs to be dropped and then those of the whole call.

Without a crop at the low side, and with ``hi = dilation*(kernel_size - 1) + 1 - stride`` at the
high one, a transposed convolution is causal: its delay is 0 and nothing is left for the flush.

A stream behind another takes that one's delay as its ``input_delay``.  The stream runs along the
first spatial axis; others are whole in every chunk.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tconv._core.arguments import fail, group_count, integer, padding_pairs, positive
from tconv._core.axis import AxisParameters, parameters_of
from tconv._core.typing import DTypeLike, Ints, PaddingNumbers
from tconv._dispatch import received
from tconv.convolution import conv, conv_transpose
from tconv.sizes import conv_output_size, conv_transpose_output_size

__all__ = ["ConvStream", "ConvTransposeStream", "State"]


class State(NamedTuple):
    """What a stream keeps between two chunks: arrays alone, so a JAX pytree.

    ``inputs`` are the last of the stream, (batch, in_channels, held, *spatial); ``ahead`` says how
    many more come before the signal begins, int32.
    """

    inputs: Any
    ahead: Any


class _Schedule(NamedTuple):
    """Inputs that are held, outputs of lag, outputs of the flush, and the (lo, hi) paddings of a
    step, whose inputs follow those that are held, and of the flush, which has the held alone."""

    held: int
    delay: int
    tail: int
    step: tuple[int, int]
    flush: tuple[int, int]


@dataclass(frozen=True, eq=False)
class _Stream(ABC):
    w: Any
    b: Any = None
    _: KW_ONLY
    stride: Ints = 1
    dilation: Ints = 1
    groups: int = 1
    padding: PaddingNumbers = 0
    input_delay: int = 0

    _map: ClassVar[Any]
    _output_size: ClassVar[Any]

    def __post_init__(self) -> None:
        received(w=self.w, b=self.b)
        if self.w.ndim < 3:
            fail(
                "w",
                None,
                "must have two channel axes and at least one spatial axis",
                f"shape {self.w.shape}",
                "Add the missing axes with reshape.",
            )
        group_count(self.groups)
        if integer("input_delay", self.input_delay) < 0:
            fail(
                "input_delay",
                None,
                "must be at least 0",
                self.input_delay,
                "Give the delay of the stream before, or nothing.",
            )
        _ = self._schedule

    @property
    def held(self) -> int:
        """Inputs that the state keeps."""
        return self._schedule.held

    @property
    def delay(self) -> int:
        """Outputs that are given before the first one of the whole call."""
        return self._schedule.delay

    @property
    def tail(self) -> int:
        """Outputs that the flush gives."""
        return self._schedule.tail

    def init(self, batch: int, *, size: tuple[int, ...] = (), dtype: DTypeLike = None) -> State:
        """The state before the first chunk.

        Args:
            batch: number of signals.
            size: of the spatial axes behind the first.
            dtype: of the chunks; that of w unless given.

        Returns: a ``State`` of arrays of w's library.

        Raises: ValueError for a size that does not fit w.
        """
        if len(size) != self.w.ndim - 3:
            fail(
                "size",
                None,
                f"must hold one int for each of the {self.w.ndim - 3} axes behind the streamed",
                repr(size),
                "The chunks' own shape from their fourth axis on.",
            )
        shape = (batch, self._in_channels, self.held, *size)
        dtype = self.w.dtype if dtype is None else dtype
        ahead = np.asarray(self.input_delay, np.int32)
        return State(_library(self.w).zeros(shape, dtype), ahead)

    def step(self, state: State, x: Any) -> tuple[State, Any]:
        """The next outputs.

        Args:
            state: what ``init`` or the step before gave.
            x: (batch, in_channels, length, *spatial), of the state's dtype.

        Returns: the next state and y, of as many outputs as inputs, times the stride in a
            transposed convolution and divided by it in a convolution.

        Raises: ValueError for a state that is not of this stream or does not fit x, and for a
            length that is not whole strides of a convolution.
        """
        _, x = received(x=x)
        self._check_state(state)
        inputs, ahead = state
        length = x.shape[2] if x.ndim == inputs.ndim else None
        if length is None or x.shape != (*inputs.shape[:2], length, *inputs.shape[3:]):
            fail(
                "x",
                None,
                f"must have the shape of the state's inputs {inputs.shape} but for its length",
                f"shape {x.shape}",
                "Make the state with init(batch, size=...) for such chunks.",
            )
        if x.dtype != inputs.dtype:
            fail(
                "x",
                None,
                f"must have the state's dtype, {inputs.dtype}",
                x.dtype,
                "Make the state with init(batch, dtype=x.dtype).",
            )
        library = _library(x, inputs)
        if self.input_delay:
            x, ahead = _silenced(library, x, ahead)
        joined = library.concatenate((inputs, x), axis=2)
        y = self._outputs(joined, self._schedule.step, self._count(length))
        return State(joined[:, :, length:], ahead), y

    def flush(self, state: State) -> Any:
        """The outputs that are left when the last chunk has been stepped.

        Args:
            state: what the last step gave.

        Returns: y, of ``tail`` outputs.

        Raises: ValueError for a state that is not of this stream.
        """
        self._check_state(state)
        return self._outputs(state.inputs, self._schedule.flush, self.tail)

    @cached_property
    def _schedule(self) -> _Schedule:
        return self._scheduled(self._axes[0])

    @cached_property
    def _axes(self) -> tuple[AxisParameters, ...]:
        axes = self.w.ndim - 2
        return parameters_of(
            self.w.shape[2:],
            positive("stride", self.stride, axes),
            positive("dilation", self.dilation, axes),
            padding_pairs(self.padding, axes),
        )

    @property
    @abstractmethod
    def _in_channels(self) -> int: ...

    @property
    @abstractmethod
    def _out_channels(self) -> int: ...

    @abstractmethod
    def _scheduled(self, axis: AxisParameters) -> _Schedule: ...

    @abstractmethod
    def _count(self, length: int) -> int:
        """Outputs of a step of so many inputs."""

    def _outputs(self, inputs: Any, padding: tuple[int, int], count: int) -> Any:
        """``count`` outputs; a call of its own would refuse to give none."""
        rest = self._axes[1:]
        numbers: dict[str, list[Any]] = {
            "stride": [axis.stride for axis in self._axes],
            "padding": [padding, *(axis.padding for axis in rest)],
            "dilation": [axis.dilation for axis in self._axes],
        }
        if count:
            return type(self)._map(inputs, self.w, self.b, groups=self.groups, **numbers)
        size: tuple[int, ...] = ()
        if rest:
            behind = {name: entries[1:] for name, entries in numbers.items()}
            size = type(self)._output_size(inputs.shape[3:], self.w.shape[3:], **behind)
        library = _library(inputs, self.w)
        shape = (inputs.shape[0], self._out_channels, 0, *size)
        return library.zeros(shape, library.result_type(inputs, self.w))

    def _check_state(self, state: State) -> None:
        inputs = getattr(state, "inputs", None)
        shape = getattr(inputs, "shape", ())
        if len(shape) != self.w.ndim or shape[1:3] != (self._in_channels, self.held):
            fail(
                "state",
                None,
                f"must be of this stream, with inputs of {self.w.ndim} axes, {self._in_channels} "
                f"channels and {self.held} positions",
                f"inputs of shape {shape}" if shape else repr(state),
                "Take the one that init or the last step of this stream gave.",
            )


class ConvTransposeStream(_Stream):
    """A transposed convolution of a signal that arrives in chunks.

    Args:
        w: weight, (in_channels, out_channels/groups, *kernel_size), NumPy or JAX.
        b: bias, (out_channels,), or None.
        stride, dilation, groups: as of ``conv_transpose``.
        padding: as of ``conv_transpose``, in numbers.  Each output cropped at the low side is one
            of delay; so is each one cropped at the high side beyond those that still wait for
            inputs, ``dilation*(kernel_size - 1) + 1 - stride``.
        input_delay: inputs at the head of the stream that are no part of the signal, such as the
            delay of the stream before; whatever they hold, they count as zeros.

    Raises: what ``conv_transpose`` does of w and the parameters.

    Source: the relation at the head of ``tconv.tiles``: a step is the tile of its outputs.

    >>> import numpy as np, tconv
    >>> x, w = np.arange(1.0, 7).reshape(1, 1, 6), np.ones((1, 1, 4))
    >>> stream = ConvTransposeStream(w, stride=2, padding=1)
    >>> state, pieces = stream.init(batch=1), []
    >>> for chunk in (x[..., :4], x[..., 4:]):
    ...     state, y = stream.step(state, chunk)
    ...     pieces.append(y)
    >>> joined = np.concatenate([*pieces, stream.flush(state)], axis=2)
    >>> [y.shape[2] for y in pieces], stream.delay, stream.tail
    ([8, 4], 1, 1)
    >>> whole = tconv.conv_transpose(x, w, stride=2, padding=1)
    >>> (joined[..., stream.delay :] == whole).all().item()
    True
    """

    _map = staticmethod(conv_transpose)
    _output_size = staticmethod(conv_transpose_output_size)

    @property
    def _in_channels(self) -> int:
        return int(self.w.shape[0])

    @property
    def _out_channels(self) -> int:
        return int(self.w.shape[1]) * self.groups

    def _scheduled(self, axis: AxisParameters) -> _Schedule:
        """In outputs before any crop, which input i first reaches at ``i*stride``: when p inputs
        are there, those before ``p*stride`` are final, and those before ``p*stride - lag`` are
        given, so that none is given that the whole call crops at its end or before its start."""
        stride, waiting = axis.stride, axis.extent - axis.stride
        lo, hi = axis.padding[0] + self.input_delay * stride, axis.padding[1]
        lag = max(0, hi - waiting, -lo)
        tail = waiting - hi + lag
        held = max((lag + axis.extent - 1) // stride, min(tail, 1))
        low = held * stride - lag
        return _Schedule(held, lo + lag, tail, (low, waiting + lag), (low, hi))

    def _count(self, length: int) -> int:
        return length * self._axes[0].stride


class ConvStream(_Stream):
    """A convolution of a signal that arrives in chunks.

    Args:
        w: weight, (out_channels, in_channels/groups, *kernel_size), NumPy or JAX.
        b: bias, (out_channels,), or None.
        stride, dilation, groups: as of ``conv``; chunks are whole strides.
        padding: as of ``conv``, in numbers.  With ``dilation*(kernel_size - 1) + 1 - stride``
            zeros or more at the low side it is causal, with a delay of 0.
        input_delay: as of ``ConvTransposeStream``.

    Raises: what ``conv`` does of w and the parameters.

    Source: the relation at the head of ``tconv.tiles``: a step is the tile of its outputs.

    >>> import numpy as np, tconv
    >>> stream = ConvStream(np.ones((1, 1, 3)), padding=1)
    >>> state, y = stream.step(stream.init(batch=1), np.arange(4.0).reshape(1, 1, 4))
    >>> y, stream.flush(state), stream.delay
    (array([[[0., 1., 3., 6.]]]), array([[[5.]]]), 1)
    """

    _map = staticmethod(conv)
    _output_size = staticmethod(conv_output_size)

    @property
    def _in_channels(self) -> int:
        return int(self.w.shape[1]) * self.groups

    @property
    def _out_channels(self) -> int:
        return int(self.w.shape[0])

    def _scheduled(self, axis: AxisParameters) -> _Schedule:
        """Output i reads up to the input ``i*stride + extent - 1 - lo``: when p strides of inputs
        are there, the outputs before ``p - delay`` are given, and never one that the whole call
        has not."""
        stride, extent = axis.stride, axis.extent
        lo, hi = axis.padding[0] - self.input_delay, axis.padding[1]
        more = (lo + hi - extent) // stride + 1  # outputs beyond one for each stride of inputs
        delay = max(0, -((lo - extent + stride) // stride), -more)
        tail = more + delay
        behind = delay * stride + lo  # where the next output reads first, before the next input
        held = max(behind, min(tail, 1))
        low = behind - held
        return _Schedule(
            held,
            delay,
            tail,
            (low, extent - stride - behind),
            (low, (tail - 1) * stride + extent - behind),
        )

    def _count(self, length: int) -> int:
        stride = self._axes[0].stride
        if length % stride:
            fail(
                "x",
                None,
                f"a chunk must be whole strides of {stride}, so that the outputs of a step have "
                f"one shape",
                f"length {length}",
                "Keep the rest for the next chunk, or append zeros to the last.",
            )
        return length // stride


def _library(*arrays: Any) -> Any:
    """The array library of these: NumPy, or JAX where any is its own."""
    foreign = (array for array in arrays if not isinstance(array, np.ndarray | np.generic))
    return next(foreign, arrays[0]).__array_namespace__()


def _silenced(library: Any, x: Any, ahead: Any) -> tuple[Any, Any]:
    """x with zeros for what comes before the signal, and how much more of that is ahead."""
    length = x.shape[2]
    before = library.arange(length, dtype="int32") < ahead
    before = before.reshape(1, 1, length, *[1] * (x.ndim - 3))
    return library.where(before, library.zeros_like(x), x), library.maximum(ahead - length, 0)
