"""Phases, cells, reductions, correlations and rectangles against the relation that they rest on.

``related(axis)`` enumerates ``i*stride + t*dilation - lo == o``; whatever the lattice derives must
give the same (i, t, o), no more and no fewer, on every small axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import gcd

import pytest

from tconv._core.axis import Axis
from tconv._core.lattice import (
    Cells,
    Correlation,
    all_phases,
    inputs_read,
    lands,
    phase_by_phase,
    phases,
    rectangle,
    residues,
    written_out,
)
from tests.support.definition import related

STRIDES = pytest.mark.parametrize("stride", [1, 2, 3, 4])
Triples = list[tuple[int, int, int]]


def small_axes(stride: int, dilations: tuple[int, ...] = (1, 2, 3, 4)) -> Iterator[Axis]:
    """Cropped, extended and dilated, with inputs and outputs fewer and more than a stride."""
    sizes = product((1, 2, 4), (1, 3, 4, 7), range(1, 6), dilations, range(-4, 6))
    for input_size, output_size, kernel_size, dilation, lo in sizes:
        yield Axis(input_size, output_size, kernel_size, stride, dilation, lo)


def axes_in_cells(stride: int) -> Iterator[Axis]:
    """Those whose stride and dilation have no common factor."""
    return small_axes(stride, tuple(d for d in (1, 2, 3, 4) if gcd(d, stride) == 1))


def assert_related(axis: Axis, triples: Triples) -> None:
    assert len(set(triples)) == len(triples), axis
    assert set(triples) == related(axis), axis


@STRIDES
def test_phases_split_the_output_and_read_what_reaches_it(stride: int) -> None:
    for axis in small_axes(stride):
        outputs, triples = [], []
        for phase in phases(axis):
            for q in range(phase.count):
                outputs.append(phase.first + stride * q)
                for j in range(phase.taps):
                    i, t = phase.start + q - j * phase.step, phase.tap + j * phase.tap_step
                    if 0 <= i < axis.input_size:
                        triples.append((i, t, outputs[-1]))
        assert sorted(outputs) == list(range(axis.output_size)), axis
        assert_related(axis, triples)


@STRIDES
def test_a_phase_without_taps_is_one_that_no_input_reaches(stride: int) -> None:
    for axis in small_axes(stride):
        for phase in phases(axis):
            residues = {t * axis.dilation % stride for t in range(axis.kernel_size)}
            assert (phase.taps > 0) == ((phase.first + axis.lo) % stride in residues), axis


@STRIDES
def test_a_tap_lands_in_a_phase_of_a_cell(stride: int) -> None:
    for tap, dilation in product(range(6), range(1, 7)):
        shift, phase = lands(tap, stride, dilation)
        assert shift * stride + phase == tap * dilation
        assert 0 <= phase < stride


@STRIDES
def test_a_kernel_written_out_has_the_given_taps_among_zeros(stride: int) -> None:
    for axis in small_axes(stride):
        dense = written_out(axis)
        assert 1 in (dense.stride, dense.dilation), axis
        gap = axis.dilation // dense.dilation
        assert_related(axis, [(i, t // gap, o) for i, t, o in related(dense) if t % gap == 0])


@STRIDES
def test_the_cells_of_the_output(stride: int) -> None:
    for axis in axes_in_cells(stride):
        cells = Cells(axis)
        covered = {(o + axis.lo) // stride for o in range(axis.output_size)}
        assert covered == set(range(cells.first, cells.first + cells.count)), axis
        positions = range(cells.first * stride, (cells.first + cells.count) * stride)
        assert [p - axis.lo for p in positions[cells.inside]] == list(range(axis.output_size))


@STRIDES
def test_the_runs_of_phases_hold_every_tap_where_it_lands(stride: int) -> None:
    for axis in axes_in_cells(stride):
        cells, found = Cells(axis), []
        assert [phase for run in cells.runs for phase in range(run.start, run.stop)] == list(
            range(stride)
        )
        for run in cells.runs:
            for number, (tap, shift) in product(range(run.stop - run.start), run.taps):
                found.append((tap + number, (shift, run.start + number)))
        taps = {tap: lands(tap, stride, axis.dilation) for tap in range(axis.kernel_size)}
        assert len(found) == axis.kernel_size, axis
        assert dict(found) == taps, axis
        assert cells.even == (len({len(run.taps) for run in cells.runs}) == len(cells.runs) == 1)


@pytest.mark.parametrize(
    ("stride", "dilation"), [(10**6, 10**6 - 1), (2**62, 5), (2**70, 2**71 + 1)]
)
def test_runs_and_pieces_are_as_many_as_the_taps(stride: int, dilation: int) -> None:
    """Phases without taps, between those with one, are one run."""
    cells = Cells(Axis(3, 5, 4, stride, dilation, 1))
    assert len(cells.pieces) == 4
    assert len(cells.runs) <= 8
    assert [r.start for r in cells.runs] == [0, *(r.stop for r in cells.runs[:-1])]
    assert cells.runs[-1].stop == stride
    landed = {tap: (shift, run.start) for run in cells.runs for tap, shift in run.taps}
    assert landed == {tap: lands(tap, stride, dilation) for tap in range(4)}
    assert all(run.stop == run.start + 1 for run in cells.runs if run.taps)


@STRIDES
def test_the_pieces_hold_every_tap_in_order(stride: int) -> None:
    for axis in axes_in_cells(stride):
        found = [
            (each.tap + n, (each.shift, each.phase + n))
            for each in Cells(axis).pieces
            for n in range(each.count)
        ]
        taps = [(tap, lands(tap, stride, axis.dilation)) for tap in range(axis.kernel_size)]
        assert found == taps, axis


@STRIDES
def test_the_cells_that_the_inputs_reach(stride: int) -> None:
    for axis in axes_in_cells(stride):
        cells = Cells(axis)
        last = max((i * stride + t * axis.dilation) // stride for i, t in product(
            range(axis.input_size), range(axis.kernel_size)))  # fmt: skip
        assert cells.reached == last + 1, axis
        before, behind = cells.y_padding
        assert before == axis.lo
        assert before + axis.output_size + behind == cells.reached * stride, axis
        for tap in range(axis.kernel_size):
            window, phase = cells.read(tap)
            read = [cell * stride + phase for cell in range(cells.reached)[window]]
            assert read == [i * stride + tap * axis.dilation for i in range(axis.input_size)], axis


@STRIDES
def test_a_correlation_of_stride_1_over_the_padded_input_gives_the_cells(stride: int) -> None:
    for given in axes_in_cells(stride):
        axis = written_out(given)
        cells = Cells(axis)
        before, behind = cells.x_padding
        size = before + axis.input_size + behind
        assert size - cells.shifts[-1] == cells.count, axis
        triples = []
        for cell, shift in product(range(cells.count), cells.shifts):
            i = cell + cells.shifts[-1] - shift - before
            for phase in range(stride):
                tap, beyond = divmod(shift * stride + phase, axis.dilation)
                o = (cells.first + cell) * stride + phase - axis.lo
                inside = 0 <= i < axis.input_size and 0 <= o < axis.output_size
                if inside and tap < axis.kernel_size and not beyond:
                    triples.append((i, tap, o))
        assert_related(axis, triples)


@STRIDES
def test_where_a_shift_puts_the_inputs(stride: int) -> None:
    for axis in axes_in_cells(stride):
        cells = Cells(axis)
        for shift in cells.shifts:
            before, behind = cells.shift_padding(shift)
            assert before + axis.input_size + behind == cells.count, axis
            assert before == shift - cells.first, axis


def outputs_of(axis: Axis, correlation: Correlation) -> Triples:
    """What a correlation reads, as (i, t, o)."""
    triples = []
    for part in correlation.phases:
        outputs = range(axis.output_size)[part.target]
        assert len(outputs) == part.count, axis
        assert part.skip >= 0, axis
        assert part.skip + part.count <= correlation.count, axis
        for q, o in enumerate(outputs, part.skip):
            for shift, tap in zip(correlation.shifts, part.taps, strict=True):
                if 0 <= q + shift < axis.input_size:
                    triples.append((q + shift, tap, o))
    return triples


@STRIDES
def test_correlations_phase_by_phase(stride: int) -> None:
    for axis in small_axes(stride):
        found = phase_by_phase(axis)
        assert_related(axis, [triple for one in found for triple in outputs_of(axis, one)])
        for one in found:
            assert one.products == len(one.shifts) * one.count


@STRIDES
def test_one_correlation_of_all_phases(stride: int) -> None:
    """Only where all phases have as many taps: a missing one would be a zero times an input."""
    for axis in small_axes(stride):
        found = all_phases(axis)
        assert (found is not None) == (axis.dilation == 1 and axis.kernel_size % stride == 0), axis
        if found is not None:
            assert_related(axis, outputs_of(axis, found))


@STRIDES
def test_a_rectangle_is_found_where_there_is_one(stride: int) -> None:
    for kernel_size, dilation in product(range(1, 9), range(1, 9)):
        taps = [divmod(tap * dilation, stride) for tap in range(kernel_size)]
        grids = [
            (kernel_size // count, count, step)
            for count, step in product(range(1, min(kernel_size, stride) + 1), range(9))
            if kernel_size % count == 0
            if taps == [(b * step, r) for b in range(kernel_size // count) for r in range(count)]
        ]
        found = rectangle(Axis(3, 9, kernel_size, stride, dilation, 0))
        assert found in grids if grids else found is None, (kernel_size, dilation)


def test_the_inputs_that_correlations_read() -> None:
    """All that lie between the first and the last, and of no correlation none."""
    for axis in small_axes(2):
        first, past = inputs_read(phase_by_phase(axis))
        read = {
            correlation.shifts[shift] + q
            for correlation in phase_by_phase(axis)
            for shift in range(len(correlation.shifts))
            for q in range(correlation.count)
        }
        assert (first, past) == ((min(read), max(read) + 1) if read else (0, 0)), axis
    assert inputs_read([]) == (0, 0)


@STRIDES
def test_the_outputs_that_every_shift_brings_an_input_to(stride: int) -> None:
    for axis in axes_in_cells(stride):
        cells = Cells(axis)
        shared = [
            output
            for output in range(axis.output_size)
            if all(
                0 <= (output + axis.lo) // stride - shift < axis.input_size
                for shift in cells.shifts
            )
        ]
        assert list(range(axis.output_size))[cells.shared()] == shared, axis


@STRIDES
def test_taps_that_land_side_by_side_are_one_piece(stride: int) -> None:
    """Without dilation those of one stride; with it each is alone."""
    for axis in axes_in_cells(stride):
        width = stride if axis.dilation == 1 else 1
        assert len(Cells(axis).pieces) == -(-axis.kernel_size // width), axis


@STRIDES
def test_residues_are_axes_without_dilation(stride: int) -> None:
    """Together they relate what the axis relates, each through all of its taps."""
    for axis in axes_in_cells(stride):
        triples = []
        for residue in residues(axis):
            assert residue.axis.dilation == 1
            assert residue.axis.kernel_size == axis.kernel_size
            inputs = range(axis.input_size)[residue.inputs]
            outputs = range(axis.output_size)[residue.outputs]
            assert (len(inputs), len(outputs)) == (
                residue.axis.input_size,
                residue.axis.output_size,
            )
            triples += [(inputs[i], t, outputs[o]) for i, t, o in related(residue.axis)]
        assert_related(axis, triples)
