"""Tiles: every partition equals the whole, exactly in integers; halos and context as they occur."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tconv
from tconv import tiles
from tconv.testing import Problem
from tconv.testing.strategies import conv_problems, conv_transpose_problems
from tests.support.computing import cheap
from tests.support.definition import plan_of, related

EXACT = {"dtypes": ("int32", "int64"), "batch": (1, 2, None)}
MAPS = {"conv_transpose": tconv.conv_transpose, "conv": tconv.conv}
VJPS = {"conv_transpose": tconv.conv_transpose_vjp, "conv": tconv.conv_vjp}


def cuts(size):
    """Chunk sizes of an axis: one int, or any list of ints that adds up."""
    marks = st.sets(st.integers(1, size - 1)) if size > 1 else st.just(set())
    listed = marks.map(lambda inner: tuple(np.diff([0, *sorted(inner), size]).tolist()))
    return st.integers(1, size + 1) | listed


@st.composite
def cut_problems(draw, kind):
    """A problem, its tiles, and how they were asked for."""
    problem = draw(
        (conv_transpose_problems if kind == "conv_transpose" else conv_problems)(**EXACT)
    )
    side = draw(st.sampled_from(("output_chunks", "input_chunks")))
    sizes = problem.output_size if side == "output_chunks" else problem.input_size
    chunks = {side: tuple(draw(cuts(size)) for size in sizes)}
    sizing = {name: value for name, value in problem.keywords.items() if name != "groups"}
    tiled = {"conv_transpose": tiles.conv_transpose_tiles, "conv": tiles.conv_tiles}[kind]
    found = list(tiled(problem.input_size, problem.kernel_size, **sizing, **chunks))
    return problem, found


def tile_keywords(problem, tile):
    """The parameters of a tile's call."""
    kept = {name: problem.keywords[name] for name in ("stride", "dilation", "groups")}
    return {**kept, "padding": tile.padding}


@pytest.mark.parametrize("kind", MAPS)
def test_every_partition_equals_the_whole(kind):
    @cheap
    @given(cut_problems(kind))
    def check(drawn):
        problem, found = drawn
        x, w, b = problem.arrays()
        whole = MAPS[kind](x, w, b, **problem.keywords)
        seen = np.zeros(problem.output_size, int)
        for tile in found:
            part = MAPS[kind](x[..., *tile.input], w, b, **tile_keywords(problem, tile))
            np.testing.assert_array_equal(part, whole[..., *tile.output], strict=True)
            seen[tile.output] += 1
        assert (seen == 1).all()

    check()


@pytest.mark.parametrize("kind", MAPS)
def test_the_gradients_of_tiles_add_up(kind):
    @given(cut_problems(kind))
    def check(drawn):
        problem, found = drawn
        x, w, b = problem.arrays()
        dy = problem.cotangent()
        wanted = VJPS[kind](x, w, b, **problem.keywords)[1](dy)
        sums = [None if each is None else np.zeros_like(each) for each in wanted]
        for tile in found:
            place = (..., *tile.input)
            _, pullback = VJPS[kind](x[place], w, b, **tile_keywords(problem, tile))
            dx, dw, db = pullback(dy[..., *tile.output])
            sums[0][place] += dx
            sums[1] += dw
            if db is not None:
                sums[2] += db
        for got, expected in zip(sums, wanted, strict=True):
            np.testing.assert_array_equal(got, expected)

    check()


@given(conv_transpose_problems(**EXACT), st.integers(1, 4))
def test_tiles_of_the_input_gradient_are_those_of_the_convolution(problem, length):
    x, w, _ = problem.arrays()
    dy = problem.cotangent()
    dx, _, _ = tconv.conv_transpose_vjp(x, w, **problem.keywords)[1](dy)
    padding = tuple(
        (axis.padding[0], axis.padding[1] - axis.output_padding) for axis in problem.axes
    )
    for tile in tiles.conv_tiles(
        problem.output_size,
        problem.kernel_size,
        stride=problem.stride,
        padding=padding,
        dilation=problem.dilation,
        output_chunks=length,
    ):
        part = tconv.conv(dy[..., *tile.input], w, **tile_keywords(problem, tile))
        np.testing.assert_array_equal(part, dx[..., *tile.output])


@given(conv_transpose_problems(ndim=1, bias=False), st.integers(0, 5), st.integers(1, 5))
def test_ranges_are_those_of_the_relation(problem, start, length):
    """On an input so long that its ends take no part."""
    (axis,) = problem.axes
    wide = Problem((60,), *[(getattr(axis, name),) for name in ("kernel_size", "stride")],
                                 (axis.padding,), (0,), (axis.dilation,))  # fmt: skip
    pairs = {(i, o) for i, _, o in related(plan_of(wide).axes[0])}
    numbers = {"stride": axis.stride, "padding": (axis.padding,), "dilation": axis.dilation}
    middle = 30 * axis.stride - axis.padding[0] + start
    reached = {i for i, o in pairs if middle <= o < middle + length}
    ((first, stop),) = tiles.input_range_of((middle, middle + length), axis.kernel_size, **numbers)
    assert reached <= set(range(first, stop))
    if axis.dilation == 1:  # a dilated kernel has holes within its reach
        assert len(reached) == max(0, stop - first)
    ((low, high),) = tiles.output_range_of((30, 30 + length), axis.kernel_size, **numbers)
    reached = {o for i, o in pairs if 30 <= i < 30 + length}
    assert (min(reached), max(reached) + 1) == (low, high)


@pytest.mark.parametrize("kind", MAPS)
def test_halos_are_the_most_that_tiles_read(kind):
    halo_of = tiles.conv_transpose_halo if kind == "conv_transpose" else tiles.conv_halo
    tiled = tiles.conv_transpose_tiles if kind == "conv_transpose" else tiles.conv_tiles
    for kernel, stride, dilation, lo in product((1, 2, 3, 4, 5), (1, 2, 3), (1, 2, 3), (0, 1)):
        numbers = {"stride": stride, "dilation": dilation}
        most = [0, 0]
        size = 40
        for edge in range(15, 15 + 2 * stride):  # two edges, so far from the ends as to see all
            chunks = ((edge, 10, size - edge - 10),)
            tile = list(tiled(size, kernel, padding=((lo, 0),), input_chunks=chunks, **numbers))[1]
            most[0] = max(most[0], edge - tile.input[0].start)
            most[1] = max(most[1], tile.input[0].stop - (edge + 10))
        assert halo_of(kernel, **numbers) == (tuple(most),), (kernel, numbers)


STACKS = {
    "up": [tconv.Conv1d(1, 1, 7, padding=3), tconv.ConvTranspose1d(1, 1, 8, stride=4, padding=2)],
    "up twice": [tconv.ConvTranspose1d(1, 1, 4, stride=2, padding="same"),
                 tconv.Conv1d(1, 1, 3, padding="same", dilation=2),
                 tconv.ConvTranspose1d(1, 1, 3, stride=3)],
    "down and up": [tconv.Conv1d(1, 1, 4, stride=2, padding=1),
                    tconv.Conv1d(1, 1, 3, padding="same_lower"),
                    tconv.ConvTranspose1d(1, 1, 4, stride=2, padding=1)],
    "down": [tconv.Conv1d(1, 1, 5, stride=3, padding="same"),
             tconv.Conv1d(1, 1, 3, stride=2, padding="valid")],
    "one more at the high side": [tconv.ConvTranspose1d(1, 1, 3, stride=2, padding="same"),
                                  tconv.Conv1d(1, 1, 5, stride=2, padding="same")],
    "one more at the low side": [tconv.ConvTranspose1d(1, 1, 3, stride=2, padding="same_lower"),
                                 tconv.Conv1d(1, 1, 2, stride=2, padding="same_lower")],
    "none or two more": [tconv.ConvTranspose1d(1, 1, 2, stride=2, padding="same_lower"),
                         tconv.Conv1d(1, 1, 4, stride=2, padding="same_lower")],
    "none": [tconv.ConvTranspose1d(1, 1, 3, stride=2, padding="same"),
             tconv.Conv1d(1, 1, 5, stride=2, padding="valid")],
    "one more at the high side of the second": [
        tconv.ConvTranspose1d(1, 1, 2, stride=2, padding="same"),
        tconv.Conv1d(1, 1, 5, stride=2, padding="same")],
}  # fmt: skip


def influence(stack, size):
    """Whether each input (row) takes part in each output (column)."""
    rows = np.eye(size)[:, None]
    for layer in stack:
        rows = layer.apply({"weight": np.ones(layer.weight_shape)}, rows)
        rows = np.minimum(rows, 1)
    return rows[:, 0] > 0


@pytest.mark.parametrize("name", STACKS)
def test_context_and_receptive_field_of_a_stack(name):
    """Against which inputs really take part in which outputs."""
    stack = [type(layer)(1, 1, layer.kernel_size, layer.stride, layer.padding, bias=False,
                         dilation=layer.dilation) for layer in STACKS[name]]  # fmt: skip
    size = 72
    joined = influence(stack, size)
    middle = joined[:, joined.shape[1] // 4 : -joined.shape[1] // 4]
    spans = [np.flatnonzero(column) for column in middle.T if column.any()]
    assert tiles.receptive_field(stack) == (max(span[-1] - span[0] + 1 for span in spans),)
    ((before, behind),) = tiles.context(stack)
    most = [0, 0]
    for start in range(24, 30):
        edges = [0, start, start + 18, size]
        for layer in stack:
            tiled = tiles.conv_tiles if "Conv1d" in repr(layer) else tiles.conv_transpose_tiles
            numbers = {name: getattr(layer, name) for name in ("stride", "padding", "dilation")}
            parts = list(tiled(edges[-1], layer.kernel_size, **numbers,
                               input_chunks=(tuple(np.diff(edges).tolist()),)))  # fmt: skip
            edges = [0, *(part.output[0].stop for part in parts)]
        needed = np.flatnonzero(joined[:, edges[1] : edges[2]].any(axis=1))
        most[0] = max(most[0], start - needed[0])
        most[1] = max(most[1], needed[-1] + 1 - (start + 18))
    assert (before, behind) == tuple(most)


def test_context_of_one_layer_is_its_halo():
    layer = tconv.ConvTranspose2d(1, 1, (4, 5), stride=(2, 3), dilation=(1, 2))
    halo = tiles.conv_transpose_halo((4, 5), stride=(2, 3), dilation=(1, 2))
    assert tiles.context([layer]) == halo
    assert tiles.context([tconv.Conv2d(1, 1, (4, 5), stride=3)]) == tiles.conv_halo(
        (4, 5), stride=3
    )


def test_chunks_of_the_input_become_chunks_of_strides():
    """Where the padding is that of sizes that double, and so on, wherever the edges lie."""
    for kernel, stride in ((4, 2), (3, 2), (8, 4), (2, 2), (2, 3), (5, 1)):
        found = tiles.conv_transpose_tiles(
            12, kernel, stride=stride, padding="same", input_chunks=((5, 1, 6),)
        )
        assert [tile.output[0].stop for tile in found] == [5 * stride, 6 * stride, 12 * stride]
        down = tiles.conv_tiles(
            12 * stride, kernel, stride=stride, padding="same",
            input_chunks=((5 * stride, stride, 6 * stride),),
        )  # fmt: skip
        assert [tile.output[0].stop for tile in down] == [5, 6, 12]


def test_tiles_run_over_the_last_axis_fastest():
    found = list(tiles.conv_transpose_tiles((4, 4), 2, stride=2, output_chunks=(4, (5, 3))))
    starts = [tuple(part.start for part in tile.output) for tile in found]
    assert starts == [(0, 0), (0, 5), (4, 0), (4, 5)]


@pytest.mark.parametrize(
    ("chunks", "text"),
    [
        ({}, r"exactly one of them says .* Give one of the two\."),
        ({"output_chunks": 2, "input_chunks": 2}, r"exactly one of them says"),
        ({"output_chunks": 0}, r"output_chunks, spatial axis 0: must be at least 1; got 0\."),
        ({"output_chunks": ((4, 4),)}, r"output_chunks, spatial axis 0: chunks must be at least 1 "
                                       r"each and 9 together; got \(4, 4\)\. Give sizes that"),
        ({"input_chunks": ((4, 0),)}, r"input_chunks, spatial axis 0: chunks must be at least 1"),
        ({"input_chunks": (4, 4)}, r"input_chunks: must be an int, or one entry for each of the 1"),
    ],
)  # fmt: skip
def test_chunks_that_are_not_the_axis_are_refused(chunks, text):
    with pytest.raises(ValueError, match=text):
        tiles.conv_transpose_tiles(4, 3, stride=2, **chunks)


def test_other_mistakes_are_named():
    with pytest.raises(ValueError, match=r"output size, spatial axis 0"):
        tiles.conv_transpose_tiles(1, 1, padding=1, output_chunks=1)
    with pytest.raises(
        ValueError, match=r"output_range: must be \(start, stop\), or one such pair"
    ):
        tiles.input_range_of((1, 2, 3), 3)
    with pytest.raises(TypeError, match=r"input_range: must be an int; got 1\.5"):
        tiles.output_range_of((0, 1.5), 3)
    with pytest.raises(ValueError, match=r"kernel_size, spatial axis 0: the kernel size must be"):
        tiles.conv_halo(0)
    with pytest.raises(ValueError, match=r"layers: must be at least one, all of one number of"):
        tiles.context([])
    with pytest.raises(ValueError, match=r"got \[1, 2\] axes"):
        tiles.receptive_field([tconv.Conv1d(1, 1, 3), tconv.Conv2d(1, 1, 3)])
    with pytest.raises(
        TypeError, match=r"layers: must hold layers of tconv; got 'relu' at place 0"
    ):
        tiles.context(["relu"])
