"""Phases, cells, reductions, correlations and rectangles against the relation that they rest on.

``related(axis)`` enumerates ``i*stride + t*dilation - lo == o``; whatever the lattice derives must
give the same (i, t, o), no more and no fewer, on every small axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from tconv._core.axis import Axis
from tconv._core.lattice import (
    Cells,
    Correlation,
    all_phases,
    lands,
    phase_by_phase,
    phases,
    rectangle,
    reduction,
    shifts_of,
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
    return small_axes(stride, (1,) if stride > 1 else (1, 2, 3))


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
def test_a_reduced_axis_is_the_given_one(stride: int) -> None:
    for axis in small_axes(stride):
        found = reduction(axis)
        reduced = found.axis
        assert 1 in (reduced.stride, reduced.dilation), axis
        triples = [
            (i, t // found.tap_gap, found.offset + found.gap * o)
            for i, t, o in (related(reduced) if reduced.output_size > 0 else ())
            if t % found.tap_gap == 0
        ]
        assert_related(axis, triples)


@STRIDES
def test_the_cells_of_the_output(stride: int) -> None:
    for axis in axes_in_cells(stride):
        cells = Cells(axis)
        covered = {(o + axis.lo) // stride for o in range(axis.output_size)}
        assert covered == set(range(cells.first, cells.first + cells.count)), axis
        positions = range(cells.first * stride, (cells.first + cells.count) * stride)
        assert [p - axis.lo for p in positions[cells.inside]] == list(range(axis.output_size))


@STRIDES
def test_the_taps_of_the_phases(stride: int) -> None:
    for axis in axes_in_cells(stride):
        cells = Cells(axis)
        counts = [len(range(phase, axis.kernel_size, stride)) for phase in range(stride)]
        assert cells.shifts == max(counts), axis
        assert cells.ragged == counts.count(cells.shifts), axis
        for j in range(cells.shifts):
            assert cells.phases(j) == sum(count > j for count in counts), axis
        assert [n for start, stop, n in cells.runs for _ in range(start, stop)] == counts, axis


@STRIDES
def test_the_cells_that_the_inputs_reach(stride: int) -> None:
    for axis in axes_in_cells(stride):
        cells = Cells(axis)
        last = axis.input_size - 1 + (cells.shifts - 1) * axis.dilation
        assert cells.reached == last + 1, axis
        before, behind = cells.margins
        assert before == axis.lo
        assert before + axis.output_size + behind == cells.reached * stride, axis
        for tap in range(axis.kernel_size):
            window, phase = cells.read(tap)
            read = [cell * stride + phase for cell in range(cells.reached)[window]]
            assert read == [i * stride + tap * axis.dilation for i in range(axis.input_size)], axis


@STRIDES
def test_a_correlation_of_stride_1_over_the_surrounded_input_gives_the_cells(stride: int) -> None:
    for axis in axes_in_cells(stride):
        cells = Cells(axis)
        before, behind = cells.surround
        size = before + axis.input_size + behind
        assert size - (cells.shifts - 1) * axis.dilation == cells.count, axis
        triples = []
        for cell, window in product(range(cells.count), range(cells.shifts)):
            i = cell + window * axis.dilation - before
            j = cells.shifts - 1 - window
            for phase in range(cells.phases(j)):
                o = (cells.first + cell) * stride + phase - axis.lo
                if 0 <= i < axis.input_size and 0 <= o < axis.output_size:
                    triples.append((i, j * stride + phase, o))
        assert_related(axis, triples)


@STRIDES
def test_where_a_tap_of_a_phase_puts_the_inputs(stride: int) -> None:
    for axis in axes_in_cells(stride):
        cells = Cells(axis)
        for j in range(cells.shifts):
            before, behind = cells.spread(j)
            assert before + axis.input_size + behind == cells.count, axis
            assert before == j * axis.dilation - cells.first, axis


def outputs_of(axis: Axis, correlation: Correlation) -> Triples:
    """What a correlation reads, as (i, t, o)."""
    triples = []
    for part in correlation.members:
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


def test_every_combination_of_shifts() -> None:
    cells = [Cells(Axis(2, 3, 5, 2, 1, 0)), Cells(Axis(2, 3, 2, 1, 3, 0))]
    assert list(shifts_of(cells)) == list(product(range(3), range(2)))
