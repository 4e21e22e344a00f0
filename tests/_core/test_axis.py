"""One axis against the relation and the size formulas of the reference, on every small axis."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from tconv._core.axis import Axis, AxisParameters
from tconv.testing import reference
from tests.support.definition import related

AXES = [
    Axis(*numbers)
    for numbers in product((1, 2, 4), (1, 4, 7), (1, 2, 4), (1, 2, 3), (1, 2, 4), range(-4, 6, 3))
]
PARAMETERS = [
    AxisParameters(0, *numbers)
    for numbers in product((1, 2, 4), (1, 2, 3), (1, 2, 4), [(0, 0), (1, 1), (-2, 1), (2, 0)])
]


def test_the_high_side_gives_the_output_size() -> None:
    for axis in AXES:
        assert reference.conv_transpose_size(
            [axis.input_size], [axis.kernel_size], axis.stride, [(axis.lo, axis.hi)], 0,
            axis.dilation,
        ) == (axis.output_size,)  # fmt: skip


def test_the_reach_of_a_tap() -> None:
    for axis in AXES:
        for tap in range(axis.kernel_size):
            start, stop, first = axis.reach(tap)
            reached = [(i, tap, first + (i - start) * axis.stride) for i in range(start, stop)]
            assert reached == sorted(one for one in related(axis) if one[1] == tap), axis


def test_taps_and_inputs_exchanged() -> None:
    for axis in AXES:
        assert {(t, i, o) for i, t, o in related(axis)} == related(axis.exchanged()), axis


def test_the_inputs_of_a_run_of_outputs() -> None:
    for axis in AXES:
        for start, stop in ((0, axis.output_size), (1, 2), (2, 5)):
            first, past = axis.inputs_of(start, stop)
            lands = {i: i * axis.stride - axis.lo for i in (first - 1, first, past - 1, past)}
            last_tap = axis.dilation * (axis.kernel_size - 1)
            assert lands[first - 1] + last_tap < start <= lands[first] + last_tap, axis
            assert lands[past - 1] < stop <= lands[past], axis


def test_a_cut_keeps_what_reaches_its_outputs() -> None:
    for axis in AXES:
        for start, stop in product(range(axis.output_size), range(1, axis.output_size + 1)):
            if start < stop:
                inputs, piece = axis.cut(start, stop)
                assert (piece.input_size, piece.output_size) == (
                    inputs.stop - inputs.start,
                    stop - start,
                )
                found = {(i + inputs.start, t, o + start) for i, t, o in related(piece)}
                assert found == {one for one in related(axis) if start <= one[2] < stop}, axis


def test_sizes_are_those_of_the_reference() -> None:
    for one, size in product(PARAMETERS, range(4, 9)):
        shared = (one.stride, [one.padding])
        transposed = reference.conv_transpose_size(
            [size], [one.kernel_size], *shared, one.output_padding, one.dilation
        )
        assert transposed == (one.transposed_size(size),)
        forward = reference.conv_size([size], [one.kernel_size], *shared, one.dilation)
        assert forward == (one.forward_size(size),)


def test_the_axis_of_a_convolution_is_that_of_its_adjoint() -> None:
    for one, size in product(PARAMETERS, range(14, 17)):
        axis = one.forward_axis(size)
        assert (axis.input_size, axis.output_size) == (one.forward_size(size), size)
        left = one.solved(axis.input_size, size)  # what no window reaches is output padding
        assert left.transposed_axis(axis.input_size) == axis


@pytest.mark.parametrize("lower", [False, True])
def test_same_sizes(lower: bool) -> None:
    """Of a transposed convolution input * stride, of a convolution ceil(input / stride)."""
    for one, size in product(PARAMETERS, range(1, 9)):
        transposed, forward = one.same(lower), one.forward_same(size, lower)
        assert transposed.transposed_size(size) == size * one.stride
        assert forward.forward_size(size) == -(-size // one.stride)
        lo, hi = forward.padding
        assert 0 <= (lo - hi if lower else hi - lo) <= 1


def test_output_padding_is_solved_where_there_is_one() -> None:
    for one, size in product(PARAMETERS, (3, 5)):
        smallest = one.transposed_size(size)
        limit = max(one.stride, one.dilation)
        assert one.output_padding_limit == limit
        for wanted in range(smallest - 1, smallest + limit + 1):
            if smallest <= wanted < smallest + limit:
                found = one.solved(size, wanted)
                assert found.output_padding == wanted - smallest
                found.check_output_padding()
            else:
                with pytest.raises(ValueError, match=r"^output_size, spatial axis 0: "):
                    one.solved(size, wanted)


def test_tiles_of_outputs_and_of_inputs() -> None:
    """Each is the whole's relation between its inputs and its outputs, at least one of both."""
    for axis in AXES:
        whole = related(axis)
        for tile, mine, place in (
            (axis.tile, "output_size", 2),
            (axis.tile_inputs, "input_size", 0),
        ):
            size = getattr(axis, mine)
            for start, stop in ((0, size), (0, 1), (size - 1, size), (size // 2, size // 2 + 1)):
                other, piece = tile(start, stop)
                assert other.start < other.stop
                shift = {place: start, 2 - place: other.start}
                moved = {(i + shift[0], t, o + shift[2]) for i, t, o in related(piece)}
                assert moved == {one for one in whole if start <= one[place] < stop}, axis


def test_edges_of_inputs_and_outputs() -> None:
    """Edges are a stride apart; one of inputs is the first whose outputs lie there or behind."""
    for axis in AXES:
        edges = [axis.output_edge(edge) for edge in range(-3, 4)]
        assert {later - edge for edge, later in pairwise(edges)} == {axis.stride}
        for edge in range(-5, 9):
            found = axis.input_edge(edge)
            assert axis.output_edge(found) >= edge > axis.output_edge(found - 1)
