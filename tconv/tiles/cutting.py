"""The tiles of a problem, from the chunks that its input or its output is cut into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, product
from typing import Any

from tconv._core.arguments import (
    Pairs,
    axis_count,
    entries_of,
    fail,
    integer,
    nonempty,
    padding_argument,
    per_axis,
    positive,
)
from tconv._core.axis import Axis, forward_axes, transposed_axes
from tconv._core.typing import ForwardPadding, Ints, Padding

# An int, or for each axis an int or the sizes of its chunks.
Chunks = int | Sequence[int | Sequence[int]]
Range = tuple[int, int]


@dataclass(frozen=True)
class Tile:
    """A part of the output, the part of the input that it needs, and the padding between them.

    ``y[..., *output]`` equals the same map of ``x[..., *input]`` with ``padding`` in place of the
    whole's, and no output padding.  ``input`` and ``output`` hold one slice a spatial axis,
    ``padding`` one (lo, hi) pair, which may be negative.

    Source: the relation at the head of ``tconv.tiles``.

    >>> import numpy as np, tconv
    >>> x, w = np.arange(6.0).reshape(1, 1, 6), np.ones((1, 1, 4))
    >>> y = tconv.conv_transpose(x, w, stride=2, padding=1)
    >>> tile = list(conv_transpose_tiles(6, 4, stride=2, padding=1, output_chunks=4))[1]
    >>> tile.input, tile.output, tile.padding
    ((slice(1, 5, None),), (slice(4, 8, None),), ((3, 3),))
    >>> part = tconv.conv_transpose(x[..., *tile.input], w, stride=2, padding=tile.padding)
    >>> (part == y[..., *tile.output]).all().item()
    True
    """

    input: tuple[slice, ...]
    output: tuple[slice, ...]
    padding: Pairs


def conv_transpose_tiles(
    input_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
    output_chunks: Chunks | None = None,
    input_chunks: Chunks | None = None,
) -> Iterator[Tile]:
    """The tiles that a transposed convolution is cut into, the last axis running fastest.

    Args:
        input_size: spatial size of x, an int or one int an axis.
        kernel_size, stride, padding, output_padding, dilation: as of ``conv_transpose``.
        output_chunks: how y is cut: a size of chunks, the last of an axis being what is left,
            or one entry an axis, which is a size or the sizes of all its chunks.
        input_chunks: how x is cut, in the same form: each tile is what lies over a chunk of x,
            ``chunk * stride`` outputs away from the ends.  A chunk at an end that the padding
            crops wholly has no tile.

    Yields: ``Tile``, whose outputs are a partition of y.

    Raises: ValueError for what ``conv_transpose`` refuses, for both kinds of chunks or none, and
        for chunks that are not the axis; TypeError for what is no int.

    Source: the relation at the head of ``tconv.tiles``.

    >>> [tile.output for tile in conv_transpose_tiles(4, 3, stride=2, input_chunks=2)]
    [(slice(0, 4, None),), (slice(4, 9, None),)]
    """
    axes = axis_count(input_size, kernel_size, stride, padding, output_padding, dilation)
    every = transposed_axes(
        nonempty("input_size", input_size, axes),
        nonempty("kernel_size", kernel_size, axes),
        positive("stride", stride, axes),
        padding_argument(padding, axes, ("same", "same_lower")),
        per_axis("output_padding", output_padding, axes),
        positive("dilation", dilation, axes),
        None,
    )
    cuts = cuts_of(every, True, output_chunks, input_chunks)
    return (Tile(*zip(*parts, strict=True)) for parts in product(*cuts))


def conv_tiles(
    input_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: ForwardPadding = 0,
    dilation: Ints = 1,
    output_chunks: Chunks | None = None,
    input_chunks: Chunks | None = None,
) -> Iterator[Tile]:
    """The tiles that a convolution is cut into, the last axis running fastest.

    Args:
        input_size: spatial size of x, an int or one int an axis.
        kernel_size, stride, padding, dilation: as of ``conv``.
        output_chunks, input_chunks: as of ``conv_transpose_tiles``; over a chunk of x lie
            ``chunk / stride`` outputs, and none over some that are smaller than the stride.

    Yields: ``Tile``, whose outputs are a partition of y.

    Raises: ValueError for what ``conv`` refuses, for both kinds of chunks or none, and for
        chunks that are not the axis; TypeError for what is no int.

    Source: the relation at the head of ``tconv.tiles``.

    >>> for tile in conv_tiles(8, 3, padding=1, output_chunks=4):
    ...     print(tile.input, tile.padding)
    (slice(0, 5, None),) ((1, 0),)
    (slice(3, 8, None),) ((0, 1),)
    """
    axes = axis_count(input_size, kernel_size, stride, padding, dilation)
    every = forward_axes(
        nonempty("input_size", input_size, axes),
        nonempty("kernel_size", kernel_size, axes),
        positive("stride", stride, axes),
        padding_argument(padding, axes, ("valid", "same", "same_lower")),
        positive("dilation", dilation, axes),
    )
    cuts = cuts_of(every, False, output_chunks, input_chunks)
    return (Tile(*zip(*parts, strict=True)) for parts in product(*cuts))


# One axis of a tile: its input, its output, its padding.
Cut = tuple[slice, slice, tuple[int, int]]


def cuts_of(
    axes: Sequence[Axis],
    transposed: bool,
    output_chunks: Chunks | None,
    input_chunks: Chunks | None,
) -> list[list[Cut]]:
    """How each axis of a transposed convolution, or of the convolution that is its adjoint, is
    cut."""
    if (output_chunks is None) == (input_chunks is None):
        fail(
            "output_chunks, input_chunks",
            None,
            "exactly one of them says how the problem is cut",
            f"output_chunks={output_chunks!r}, input_chunks={input_chunks!r}",
            "Give one of the two.",
        )
    sizes = [(axis.input_size, axis.output_size)[:: 1 if transposed else -1] for axis in axes]
    if output_chunks is not None:
        edges = _marks("output_chunks", output_chunks, [size for _, size in sizes])
    else:
        marks = _marks("input_chunks", input_chunks, [size for size, _ in sizes])
        edges = []
        for axis, (_, size), inner in zip(axes, sizes, marks, strict=True):
            edge_at = axis.output_edge if transposed else axis.input_edge
            within = (min(max(0, edge_at(edge)), size) for edge in inner[1:-1])
            edges.append(sorted({0, size, *within}))
    cuts = []
    for axis, found in zip(axes, edges, strict=True):
        tile = axis.tile if transposed else axis.tile_inputs
        parts = [(*tile(start, stop), slice(start, stop)) for start, stop in pairwise(found)]
        cuts.append([(given, to, (piece.lo, piece.hi)) for given, piece, to in parts])
    return cuts


def _marks(argument: str, chunks: Any, sizes: Sequence[int]) -> list[list[int]]:
    """The edges of these chunks of axes of these sizes."""
    entries = entries_of(chunks)
    entries = (chunks,) * len(sizes) if entries is None else entries
    if len(entries) != len(sizes):
        fail(
            argument,
            None,
            f"must be an int, or one entry for each of the {len(sizes)} spatial axes",
            repr(chunks),
            "An entry is a size, or a tuple with the sizes of all chunks of its axis.",
        )
    found = []
    for axis, (entry, size) in enumerate(zip(entries, sizes, strict=True)):
        listed = entries_of(entry)
        if listed is None:
            (length,) = positive(argument, entry, 1)
            found.append([*range(0, size, length), size])
            continue
        marks = [0, *accumulate(integer(argument, length) for length in listed)]
        if marks[-1] != size or any(stop <= start for start, stop in pairwise(marks)):
            fail(
                argument,
                axis,
                f"chunks must be at least 1 each and {size} together",
                repr(entry),
                "Give sizes that add up, or one size for all chunks.",
            )
        found.append(marks)
    return found
