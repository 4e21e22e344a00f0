"""Arrays in chunks, larger than any memory: ``conv_transpose`` and ``conv`` of Dask arrays.

Each chunk of the result is one task, a tile (``tconv.tiles``): it joins the chunk of x below it
with the halo, what its neighbours' chunks have of the input that it needs, and is the same map of
that with a padding of its own.  So nothing is computed twice, and a task holds a chunk, its halo
and its result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from math import isnan
from typing import Any

import numpy as np

from tconv import convolution
from tconv._core.arguments import fail
from tconv._core.boundary import check_zeros
from tconv._core.plan import Call, conv_call, conv_transpose_call
from tconv._core.typing import AnyArray
from tconv.tiles.cutting import Chunks, cuts_of

try:
    import dask.array as da
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph
except ImportError as error:
    raise ImportError(
        "tconv.dask needs Dask. Install it with: pip install 'dask[array]'"
    ) from error

__all__ = ["conv", "conv_transpose"]


def conv_transpose(
    x: Any, w: Any, b: Any = None, *, output_chunks: Chunks | None = None, **parameters: Any
) -> Any:
    """``tconv.conv_transpose`` of a Dask array, lazily, a task for each chunk of the result.

    Args:
        x: Dask array, (batch, in_channels, *spatial) or (in_channels, *spatial), in any chunks
            along batch and space and in one along the channels.
        w: weight, (in_channels, out_channels/groups, *kernel_size), an array of NumPy or Dask.
        b: bias, (out_channels,), or None.
        output_chunks: the spatial chunks of the result: a size, or one entry an axis, which is a
            size or the sizes of all chunks.  Unless given each lies over one of x: where x and y
            are padded alike it has ``chunk * stride`` positions.
        **parameters: those of ``tconv.conv_transpose``.

    Returns: a Dask array of exactly these chunks, in the promoted dtype of x and w.

    Raises: ValueError for what ``tconv.conv_transpose`` refuses, and for chunks of unknown size
        or several along the channels; TypeError for an x that is no Dask array.

    Source: the relation at the head of ``tconv.tiles``.

    >>> import dask.array as da, numpy as np
    >>> x, w = da.ones((1, 1, 10), chunks=(1, 1, 4)), np.ones((1, 1, 4))
    >>> y = conv_transpose(x, w, stride=2, padding=1)
    >>> y.chunks[2], y.compute()[0, 0, :4]
    ((8, 8, 4), array([1., 2., 2., 2.]))
    """
    return _lazy("conv_transpose", x, w, b, output_chunks, parameters)


def conv(
    x: Any, w: Any, b: Any = None, *, output_chunks: Chunks | None = None, **parameters: Any
) -> Any:
    """``tconv.conv`` of a Dask array, lazily, a task for each chunk of the result.

    Args:
        x, b, output_chunks: as of ``conv_transpose``; over a chunk of x lie ``chunk / stride``
            positions.
        w: weight, (out_channels, in_channels/groups, *kernel_size), an array of NumPy or Dask.
        **parameters: those of ``tconv.conv``.

    Returns: a Dask array of exactly these chunks, in the promoted dtype of x and w.

    Raises: ValueError for what ``tconv.conv`` refuses, and for chunks of unknown size or several
        along the channels; TypeError for an x that is no Dask array.

    Source: the relation at the head of ``tconv.tiles``.

    >>> import dask.array as da, numpy as np
    >>> x, w = da.ones((1, 1, 10), chunks=(1, 1, 4)), np.ones((1, 1, 3))
    >>> conv(x, w, padding=1).chunks[2]
    (4, 4, 2)
    """
    return _lazy("conv", x, w, b, output_chunks, parameters)


# How a map is planned, and computed; and the parameters that take no part in the plan.
_MAPS: dict[str, tuple[Callable[..., Call], Callable[..., Any]]] = {
    "conv_transpose": (conv_transpose_call, convolution.conv_transpose),
    "conv": (conv_call, convolution.conv),
}
_COMPUTING = ("padding_mode", "method", "precision", "preferred_element_type")
_SIZING = ("padding", "output_padding", "output_size")  # those that a tile has of its own


def _lazy(
    kind: str, x: Any, w: Any, b: Any, output_chunks: Chunks | None, parameters: dict[str, Any]
) -> Any:
    _check_chunks(x)
    check_zeros(
        parameters.get("padding_mode", "zeros"),
        "a chunk reads its neighbours, and none lies beyond the border",
        "Extend x with dask.array.pad of mode 'wrap', 'reflect' or 'edge', and take padding=0.",
    )
    planned, function = _MAPS[kind]
    geometry = {name: value for name, value in parameters.items() if name not in _COMPUTING}
    call = planned(x.shape, w.shape, None if b is None else b.shape, **geometry)
    places = _places(call, x.ndim)
    axes = len(call.plan.axes)
    *leading, channels = places[:-axes]
    if len(x.chunks[channels]) != 1:
        fail(
            "x",
            None,
            "its channels must be one chunk",
            f"{x.chunks[channels]}",
            f"Rechunk it with x.rechunk({{{channels}: -1}}).",
        )
    spatial = [x.chunks[place] for place in places[-axes:]]
    given = [tuple(size for size in chunks if size) for chunks in spatial]
    transposed = kind == "conv_transpose"
    input_chunks = given if output_chunks is None else None
    cuts = cuts_of(call.plan.axes, transposed, output_chunks, input_chunks)

    name = f"{kind}-{tokenize(x, w, b, output_chunks, parameters)}"
    operands = [None if each is None else da.asanyarray(each).rechunk(-1) for each in (w, b)]
    keys = [None if each is None else (each.name, *[0] * each.ndim) for each in operands]
    kept = {name: value for name, value in parameters.items() if name not in _SIZING}
    graph: dict[Any, Any] = {}
    halos: dict[Any, list[Part]] = {}  # what is taken of a chunk, by the key of its task
    tiles = product(*(enumerate(along) for along in cuts))
    samples = [range(len(x.chunks[place])) for place in leading]
    for tile, sample in product(tiles, product(*samples)):
        reads = [
            _overlapping(chunks, cut[0]) for chunks, (_, cut) in zip(spatial, tile, strict=True)
        ]
        given, taken = [], []
        for sources in product(*reads):
            numbers = [number for number, _ in sources]
            places_of = dict(zip(places, (*sample, 0, *numbers), strict=True))
            index = tuple(places_of[axis] for axis in range(x.ndim))
            part = tuple(ends for _, ends in sources)
            whole = all(ends is None for ends in part)
            given.append((x.name if whole else f"halo-{name}", *index))
            taken.append(None if whole else part)
            if not whole:
                halos.setdefault(given[-1], []).append(part)
        compute = partial(
            _tile,
            partial(function, padding=[cut[2] for _, cut in tile], **kept),
            places[-axes:],
            [len(sources) for sources in reads],
            taken,
        )
        target = (name, *_ordered(call, *sample, 0, *(number for number, _ in tile)))
        graph[target] = (compute, given, *keys)
    for key, parts in halos.items():
        graph[key] = (partial(_parts, places[-axes:], parts), (x.name, *key[1:]))

    out_channels = call.plan.out_channels if transposed else call.plan.in_channels
    sizes = [tuple(cut[1].stop - cut[1].start for cut in along) for along in cuts]
    preferred = parameters.get("preferred_element_type")
    dtype = np.result_type(x.dtype, w.dtype) if preferred is None else np.dtype(preferred)
    dependencies = [each for each in (x, *operands) if each is not None]
    return da.Array(
        HighLevelGraph.from_collections(name, graph, dependencies),
        name,
        _ordered(call, *(x.chunks[place] for place in leading), (out_channels,), *sizes),
        meta=np.empty((0,) * x.ndim, dtype),
    )


def _check_chunks(x: Any) -> None:
    if not isinstance(x, da.Array):
        raise TypeError(
            f"x: must be a dask.array.Array; got {type(x).__module__}.{type(x).__qualname__}. "
            f"Make one with dask.array.from_array, or call the function of tconv itself."
        )
    if any(isnan(size) for along in x.chunks for size in along):
        fail(
            "x",
            None,
            "the sizes of its chunks must be known",
            f"chunks {x.chunks}",
            "Compute them with x.compute_chunk_sizes().",
        )


def _places(call: Call, ndim: int) -> tuple[int, ...]:
    """The axes of x that are batch (if any), channels, and spatial."""
    permutations = call.layout.permutations
    return tuple(range(ndim)) if permutations is None else permutations.input


def _ordered(call: Call, *entries: Any) -> tuple[Any, ...]:
    """What is of each axis of the result, batch, channels, spatial, in the caller's order."""
    permutations = call.layout.permutations
    return entries if permutations is None else tuple(entries[n] for n in permutations.output)


# What is read of a chunk along an axis, first and past the last; None for all.  A part has one of
# these for each spatial axis.
Ends = tuple[int, int] | None
Part = tuple[Ends, ...]


def _overlapping(chunks: Sequence[int], wanted: slice) -> list[tuple[int, Ends]]:
    """The numbers of the chunks that hold what is wanted, and what is read of each."""
    found: list[tuple[int, Ends]] = []
    start = 0
    for number, size in enumerate(chunks):
        first, stop = max(wanted.start - start, 0), min(wanted.stop - start, size)
        if first < stop:
            found.append((number, None if (first, stop) == (0, size) else (first, stop)))
        start += size
    return found


def _parts(spatial: Sequence[int], parts: Sequence[Part], block: AnyArray) -> dict[Part, AnyArray]:
    """What other tiles read of a chunk, copied, so that none of them keeps, awaits or moves it."""
    found = {}
    for part in parts:
        index = [slice(None)] * block.ndim
        for axis, ends in zip(spatial, part, strict=True):
            index[axis] = slice(*ends) if ends else slice(None)
        found[part] = block[tuple(index)].copy()
    return found


def _tile(
    function: Callable[..., Any],
    spatial: Sequence[int],
    counts: Sequence[int],
    taken: Sequence[Part | None],
    given: Sequence[Any],
    w: AnyArray,
    b: AnyArray | None,
) -> Any:
    """The function of what lies in so many chunks along each spatial axis, given in the order of
    the last axis first, whole or as the parts of a chunk."""
    blocks = [one if part is None else one[part] for one, part in zip(given, taken, strict=True)]
    for axis, count in reversed([*zip(spatial, counts, strict=True)]):
        rows = [blocks[n : n + count] for n in range(0, len(blocks), count)]
        blocks = [row[0] if count == 1 else np.concatenate(row, axis=axis) for row in rows]
    return function(*blocks, w, b)
