"""One spatial axis: its geometry, its size formulas, and the rules its parameters must keep.

Everything rests on one relation between an input position ``i``, a kernel tap ``t`` and an
output position ``o`` of the *transposed* convolution:

    i * stride + t * dilation - lo == o

The transposed convolution scatters ``x[i] * w[t]`` to ``y[o]``; the convolution gathers
``y[o] * w[t]`` back to ``x[i]``.  Source: Dumoulin and Visin, "A guide to convolution
arithmetic for deep learning" (2016), chapter 4, and the PyTorch documentation of
``ConvTranspose1d``.

Sizes may be Python ints or any value with integer arithmetic (a symbolic dimension).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tconv._core.arguments import Pairs, Shape, fail, is_known

# Sizes that an error lists; of more it says the first and the last.
MOST_LISTED = 16


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a transposed convolution: ``i * stride + t * dilation - lo == o``.

    ``input_size`` and ``output_size`` are those of the transposed convolution, whichever
    direction is being computed.
    """

    input_size: int
    output_size: int
    kernel_size: int
    stride: int
    dilation: int
    lo: int

    @property
    def extent(self) -> int:
        """Positions that the dilated kernel spans."""
        return _extent(self.kernel_size, self.dilation)

    @property
    def hi(self) -> int:
        """What the high side crops from the full scatter; negative where it extends it."""
        return (self.input_size - 1) * self.stride + self.extent - self.lo - self.output_size

    def reach(self, tap: int) -> tuple[int, int, int]:
        """Inputs ``start <= i < stop`` that this tap carries inside the output, and the
        output position of the first of them."""
        offset = tap * self.dilation - self.lo
        start = max(0, -(offset // self.stride))
        stop = min(self.input_size, (self.output_size - 1 - offset) // self.stride + 1)
        stop = max(start, stop)
        return start, stop, start * self.stride + offset

    def landing(self, tap: int) -> tuple[slice, slice]:
        """The inputs that this tap carries inside the output, and the outputs it lands on."""
        start, stop, first = self.reach(tap)
        return slice(start, stop), slice(first, first + (stop - start) * self.stride, self.stride)

    def exchanged(self) -> Axis:
        """The axis whose inputs are the taps of this one, and whose taps are its inputs."""
        return Axis(
            self.kernel_size,
            self.output_size,
            self.input_size,
            self.dilation,
            self.stride,
            self.lo,
        )

    def flipped(self) -> Axis:
        """The axis of stride 1 from y to x that reads the kernel from its end: the convolution
        of an axis of stride 1 as a transposed one."""
        lo = self.extent - 1 - self.lo
        return Axis(self.output_size, self.input_size, self.kernel_size, 1, self.dilation, lo)

    def inputs_of(self, start: int, stop: int) -> tuple[int, int]:
        """First and past the last of the inputs, inside x or not, that reach the outputs
        ``start <= o < stop``: ``ceil((start + lo - d*(k - 1)) / s)`` to
        ``floor((stop - 1 + lo) / s) + 1``."""
        first = -((self.extent - 1 - start - self.lo) // self.stride)
        return first, (stop - 1 + self.lo) // self.stride + 1

    def outputs_of(self, start: int, stop: int) -> tuple[int, int]:
        """First and past the last of the outputs, inside y or not, that the inputs
        ``start <= i < stop`` reach."""
        return start * self.stride - self.lo, (stop - 1) * self.stride + self.extent - self.lo

    @property
    def lead(self) -> int:
        """Outputs by which an edge between two inputs lies behind the place where the later one's
        first tap lands: half of what neighbouring kernels share."""
        return max(self.extent - self.stride, 0) // 2

    def output_edge(self, edge: int) -> int:
        """The edge between two outputs that lies at an edge between two inputs: ``edge * stride``
        where x and y are padded alike."""
        return edge * self.stride - self.lo + self.lead

    def input_edge(self, edge: int) -> int:
        """The first edge between two inputs that lies at an edge between two outputs or behind."""
        return -((self.lead - self.lo - edge) // self.stride)

    def inside(self) -> slice:
        """The inputs that every tap carries inside the output."""
        start = min(max(0, -(-self.lo // self.stride)), self.input_size)
        stop = (self.output_size - self.extent + self.lo) // self.stride + 1
        return slice(start, min(max(start, stop), self.input_size))

    def cut(self, start: int, stop: int) -> tuple[slice, Axis]:
        """The inputs of x that reach the outputs ``start <= o < stop``, and the axis between
        the two."""
        first, last = self.inputs_of(start, stop)
        first = max(0, first)
        last = max(first, min(self.input_size, last))
        lo = self.lo + start - first * self.stride
        piece = replace(self, input_size=last - first, output_size=stop - start, lo=lo)
        return slice(first, last), piece

    def cut_inputs(self, start: int, stop: int) -> tuple[slice, Axis]:
        """The outputs of y that the inputs ``start <= i < stop`` reach, and the axis between the
        two."""
        low = max(0, start * self.stride - self.lo)
        high = min(self.output_size, (stop - 1) * self.stride + self.extent - self.lo)
        high = max(low, high)
        lo = self.lo + low - start * self.stride
        piece = replace(self, input_size=stop - start, output_size=high - low, lo=lo)
        return slice(low, high), piece

    def tile(self, start: int, stop: int) -> tuple[slice, Axis]:
        """``cut`` with at least one input: where none reaches these outputs, one that lands
        outside of them."""
        inputs, piece = self.cut(start, stop)
        if inputs.start < inputs.stop:
            return inputs, piece
        first = min(inputs.start, self.input_size - 1)
        lo = piece.lo + (inputs.start - first) * self.stride
        return slice(first, first + 1), replace(piece, input_size=1, lo=lo)

    def tile_inputs(self, start: int, stop: int) -> tuple[slice, Axis]:
        """``cut_inputs`` with at least one output, which the inputs may not reach."""
        outputs, piece = self.cut_inputs(start, stop)
        if outputs.start < outputs.stop:
            return outputs, piece
        first = min(outputs.start, self.output_size - 1)
        lo = piece.lo + first - outputs.start
        return slice(first, first + 1), replace(piece, output_size=1, lo=lo)

    def reaching_taps(self) -> slice:
        """From the first to past the last of the taps that carry some input inside the output, were
        the kernel as long as it takes; none in between need do so."""
        first = max(0, -(((self.input_size - 1) * self.stride - self.lo) // self.dilation))
        stop = (self.output_size - 1 + self.lo) // self.dilation + 1
        return slice(first, max(first, min(self.kernel_size, stop)))

    def cut_taps(self, start: int, stop: int) -> Axis:
        """The axis with the taps ``start <= t < stop`` alone."""
        return replace(self, kernel_size=stop - start, lo=self.lo - start * self.dilation)


@dataclass(frozen=True)
class AxisParameters:
    """What a caller says of one spatial axis beside the size of its input; errors call it
    ``name``, its number or the caller's letter."""

    name: int | str
    kernel_size: int
    stride: int
    dilation: int
    padding: tuple[int, int] = (0, 0)
    output_padding: int = 0

    @property
    def extent(self) -> int:
        """Positions that the dilated kernel spans."""
        return _extent(self.kernel_size, self.dilation)

    @property
    def output_padding_limit(self) -> int:
        """PyTorch's rule: 0 <= output_padding < max(stride, dilation)."""
        return max(self.stride, self.dilation)

    def transposed_size(self, input_size: int) -> int:
        """Output size of a transposed convolution."""
        lo, hi = self.padding
        return (input_size - 1) * self.stride + self.extent - lo - hi + self.output_padding

    def forward_size(self, input_size: int) -> int:
        """Output size of a convolution."""
        lo, hi = self.padding
        return (input_size + lo + hi - self.extent) // self.stride + 1

    def same(self, lower: bool) -> AxisParameters:
        """With the padding for which a transposed convolution gives ``input * stride`` outputs.

        Source: the "SAME" padding of TensorFlow, Keras and ``jax.lax.conv_transpose``;
        ``lower`` is ONNX's SAME_LOWER, which puts the odd element at the low side.
        """
        lo = _share(max(self.extent - self.stride, 0), lower)
        return replace(self, padding=(lo, self.extent - self.stride - lo))

    def forward_same(self, input_size: int, lower: bool) -> AxisParameters:
        """With the padding for which a convolution gives ``ceil(input / stride)`` outputs."""
        out = -(-input_size // self.stride)
        total = max((out - 1) * self.stride + self.extent - input_size, 0)
        lo = _share(total, lower)
        return replace(self, padding=(lo, total - lo))

    def check_output_padding(self) -> None:
        """Refuse an output padding outside of PyTorch's rule."""
        limit = self.output_padding_limit
        if not 0 <= self.output_padding < limit:
            fail(
                "output_padding",
                self.name,
                f"must satisfy 0 <= output_padding < max(stride, dilation) = {limit}",
                f"output_padding={self.output_padding}, stride={self.stride}, "
                f"dilation={self.dilation}",
                "To extend the output further, give padding as a pair with a smaller high side.",
            )

    def solved(self, input_size: int, output_size: int) -> AxisParameters:
        """With the output padding for which the output has this size."""
        if self.output_padding:
            fail(
                "output_padding",
                self.name,
                "follows from output_size and cannot be given beside it",
                f"output_padding={self.output_padding}, output_size={output_size}",
                "Leave one of the two out.",
            )
        smallest, limit = self.transposed_size(input_size), self.output_padding_limit
        missing = output_size - smallest
        if is_known(missing) and not 0 <= missing < limit:
            possible = range(max(1, smallest), smallest + limit)
            listed = f"one of {list(possible[:MOST_LISTED])}"
            if not possible:
                listed = "nothing, as every size is below 1"
            elif possible[-1] - possible[0] >= MOST_LISTED:
                listed = f"anything from {possible[0]} to {possible[-1]}"
            fail(
                "output_size",
                self.name,
                f"with input size {input_size}, kernel_size {self.kernel_size}, stride "
                f"{self.stride}, padding {self.padding} and dilation {self.dilation} it can be "
                f"{listed}",
                output_size,
                "Choose one of these, or change the padding.",
            )
        return replace(self, output_padding=missing)

    def transposed_axis(self, input_size: int) -> Axis:
        """The axis of a transposed convolution of this input."""
        output_size = self.transposed_size(input_size)
        if is_known(output_size) and output_size < 1:
            lo, hi = self.padding
            fail(
                "output size",
                self.name,
                "(input - 1)*stride + dilation*(kernel_size - 1) + 1 - lo - hi + output_padding "
                "must be at least 1",
                f"({input_size} - 1)*{self.stride} + {self.dilation}*({self.kernel_size} - 1) + 1 "
                f"- {lo} - {hi} + {self.output_padding} = {output_size}",
                "Use less padding or a larger input.",
            )
        return self._axis(input_size, output_size)

    def forward_axis(self, input_size: int) -> Axis:
        """The axis of a convolution of this input, seen from the transposed one that is its
        adjoint."""
        output_size = self.forward_size(input_size)
        if is_known(output_size) and output_size < 1:
            lo, hi = self.padding
            fail(
                "output size",
                self.name,
                "floor((input + lo + hi - dilation*(kernel_size - 1) - 1) / stride) + 1 must be "
                "at least 1",
                f"floor(({input_size} + {lo} + {hi} - {self.dilation}*({self.kernel_size} - 1) - "
                f"1) / {self.stride}) + 1 = {output_size}",
                "Use more padding, a larger input or a smaller kernel.",
            )
        return self._axis(output_size, input_size)

    def _axis(self, input_size: int, output_size: int) -> Axis:
        return Axis(
            input_size, output_size, self.kernel_size, self.stride, self.dilation, self.padding[0]
        )


def _extent(kernel_size: int, dilation: int) -> int:
    return dilation * (kernel_size - 1) + 1


def _share(total: int, lower: bool) -> int:
    """The low side's part of a padding, the larger one where ``lower``."""
    return total - total // 2 if lower else total // 2


def parameters_of(
    kernel_size: Sequence[int],
    stride: Shape,
    dilation: Shape,
    padding: Pairs | None = None,
    output_padding: Shape | None = None,
    letters: str = "",
) -> tuple[AxisParameters, ...]:
    """The parameters of every axis; no padding where it is left out."""
    axes = len(kernel_size)
    pairs = ((0, 0),) * axes if padding is None else padding
    ends = (0,) * axes if output_padding is None else output_padding
    every = zip(letters or range(axes), kernel_size, stride, dilation, pairs, ends, strict=True)
    return tuple(AxisParameters(*numbers) for numbers in every)


def transposed_axes(
    input_size: Sequence[int],
    kernel_size: Sequence[int],
    stride: Shape,
    padding: Pairs | str,
    output_padding: Shape,
    dilation: Shape,
    output_size: Shape | None,
    letters: str = "",
) -> tuple[Axis, ...]:
    """The checked axes of a transposed convolution."""
    if isinstance(padding, str):
        check_same(padding, output_padding, output_size)
        plain = parameters_of(kernel_size, stride, dilation, letters=letters)
        every = tuple(one.same(padding == "same_lower") for one in plain)
    else:
        every = parameters_of(kernel_size, stride, dilation, padding, output_padding, letters)
    for one in every:
        one.check_output_padding()
    if output_size is not None:
        every = tuple(
            one.solved(size, wanted)
            for one, size, wanted in zip(every, input_size, output_size, strict=True)
        )
    return tuple(one.transposed_axis(size) for one, size in zip(every, input_size, strict=True))


def forward_axes(
    input_size: Sequence[int],
    kernel_size: Sequence[int],
    stride: Shape,
    padding: Pairs | str,
    dilation: Shape,
    letters: str = "",
) -> tuple[Axis, ...]:
    """The checked axes of a convolution, seen from the transposed one that is its adjoint."""
    if isinstance(padding, str):
        every = parameters_of(kernel_size, stride, dilation, letters=letters)
        if padding != "valid":
            lower = padding == "same_lower"
            every = tuple(
                one.forward_same(size, lower) for one, size in zip(every, input_size, strict=True)
            )
    else:
        every = parameters_of(kernel_size, stride, dilation, padding, letters=letters)
    return tuple(one.forward_axis(size) for one, size in zip(every, input_size, strict=True))


def check_same(padding: str, output_padding: Shape, output_size: Shape | None) -> None:
    """Refuse what ``"same"`` and ``"same_lower"`` of a transposed convolution leave no room for."""
    if any(output_padding) or output_size is not None:
        name, value = (
            ("output_size", output_size)
            if output_size is not None
            else ("output_padding", output_padding)
        )
        fail(
            name,
            None,
            f"padding={padding!r} fixes the output size at input * stride and takes no {name}",
            value,
            "Leave it out, or give the padding as numbers.",
        )
